"""Each rule on the conformed tables and on the three answers passes a good row and is broken by a bad one.

A good row is made of each table's declaration; the bad rows that break a rule follow from its arguments. They are
judged by Great Expectations, as the audit of a release does. Rules that look at one row alone are also
compiled; that the compiled rule means the same is tested with the gate.
"""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    StringType,
    TimestampType,
)

from lakehouse.config import HOME
from lakehouse.gates.audit import audit
from lakehouse.gates.suite import Rule, read_suites
from lakehouse.l2.conformed import CONFORMED
from lakehouse.l2.derivatives import donor_retention, expiry_outlook, regional_demand
from lakehouse.table import Table
from tests.support.rows import frame

ANSWERS = {module.TABLE.name: module.TABLE for module in (expiry_outlook, regional_demand, donor_retention)}
TABLES: dict[str, Table] = {name: made.table for name, made in CONFORMED.items()} | ANSWERS
DAY = date(2024, 2, 29)
SPECIAL: dict[str, dict[str, Any]] = {
    "expiry_outlook": {"on_hand": 1, "no_demand": False, "next_expiry_on": date(2024, 3, 1)},
    "donor_retention": {"is_permanently_deferred": False, "deferred_until": None, "class": "lapsing"},
}
OTHER = {DAY: date(2024, 3, 1), "a" * 64: "b" * 64, "red_cells": "plasma", "O+": "A+"}
# Rows for rules that hold under a condition: these meet the condition and break the rule.
CONDITIONAL: dict[str, dict[str, Any]] = {
    "expiry_outlook.days_of_stock.of_demand": {"no_demand": False, "days_of_stock": None},
    "expiry_outlook.days_of_stock.without_demand": {"no_demand": True, "days_of_stock": 1.0},
    "expiry_outlook.status.without_demand": {"no_demand": True, "status": "green"},
    "donor_retention.lifetime_donations.of_never_donated": {"class": "never_donated", "lifetime_donations": 1},
    "donor_retention.lifetime_donations.of_first_time": {"class": "first_time", "lifetime_donations": 2},
    "donor_retention.class.of_deferred_for_good": {"is_permanently_deferred": True, "class": "regular"},
    **{
        f"donor_retention.{name}.of_deferred_for_good": {"is_permanently_deferred": True, name: DAY}
        for name in donor_retention.ELIGIBLE
    },
}


@pytest.fixture(scope="module")
def suites():
    return read_suites(HOME / "expectations" / "l2", tuple(TABLES))


def plain(kind: DataType, name: str) -> Any:
    """A value of a type that no rule minds."""
    values = {
        StringType: "a" * 64 if name.endswith("_key") else "a",
        BooleanType: False,
        DateType: DAY,
        TimestampType: datetime(2024, 2, 29, 12, tzinfo=UTC),
        DoubleType: 0.0,
        DecimalType: 0,
        ArrayType: [],
    }
    return values.get(type(kind), 0)


def good_row(table: Table, rules: tuple[Rule, ...]) -> dict[str, Any]:
    row = {field.name: plain(field.type, field.name) for field in table.fields}
    for rule in rules:
        if "value_set" in rule.kwargs and "row_condition" not in rule.kwargs:
            row[rule.kwargs["column"]] = rule.kwargs["value_set"][0]
    return row | SPECIAL.get(table.name, {})


def breaking(rule: Rule, good: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows that break `rule`: one, or two where it takes two."""
    column = rule.kwargs.get("column", rule.kwargs.get("column_A"))
    if rule.id in CONDITIONAL:
        return [{**good, **CONDITIONAL[rule.id]}]
    return [good, good] if "unique" in rule.type else [{**good, **broken(rule, good, column)}]


def broken(rule: Rule, good: dict[str, Any], column: str) -> dict[str, Any]:
    """Values that break a rule about one row."""
    kwargs = rule.kwargs
    match rule.type.removeprefix("expect_").removeprefix("column_"):
        case "values_to_not_be_null":
            return {column: None}
        case "values_to_be_in_set" | "values_to_match_regex":
            return {column: "neither"}
        case "value_lengths_to_be_between":
            return {column: "x" * (kwargs["max_value"] + 1)}
        case "values_to_be_between":
            return {column: kwargs["min_value"] - 1}
        case "pair_values_a_to_be_greater_than_b":
            low, high = (date(2024, 2, 1), date(2024, 2, 2)) if isinstance(good[column], date) else (1, 2)
            return {column: low, kwargs["column_B"]: high}
        case other:
            raise AssertionError(f"no way is known to break {other}")


@pytest.mark.parametrize("name", TABLES)
def test_l2_suite__every_rule_tells_good_rows_from_bad_ones(spark, suites, name):
    """A frame of one good row, and of rows that each break one rule: no rule passes all, none refuses all."""
    suite, table = suites[name], TABLES[name]
    twice = good_row(table, suite.rules)
    once = twice | {column: OTHER.get(twice[column], "b") for column in table.key}
    rows = [once, *[row for rule in suite.rules for row in breaking(rule, twice)]]
    judged = audit(frame(spark, table, rows), suite, "row", "table")
    assert [result.rule for result in judged.results if result.success] == []
    assert [result.rule for result in judged.results if not 0 < (result.unexpected_count or 0) < len(rows)] == []


def test_l2_suite__asks_for_a_key_on_every_table(suites):
    """The key of each declaration is required, column by column, and unique."""
    for name, table in TABLES.items():
        ids = {rule.id for rule in suites[name].rules if rule.severity == "critical"}
        unique = f"{name}.{table.key[0] if len(table.key) == 1 else 'key'}.unique"
        assert {unique, *[f"{name}.{column}.required" for column in table.key]} <= ids


def test_l2_suite__lets_no_person_pass_but_as_a_pseudonym(suites):
    """Every key of a person is held to the form of a pseudonym."""
    for name, table in TABLES.items():
        keys = {field.name for field in table.fields} & {"donor_key", "patient_key", "employee_key", "admission_key"}
        judged = {rule.kwargs["column"] for rule in suites[name].rules if rule.id.endswith(".pseudonym")}
        assert judged == keys
