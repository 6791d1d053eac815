"""The audit reads Great Expectations' verdict rule by rule, and nothing that it leaves out passes."""

import json
import os
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.errors import SuiteError
from lakehouse.gates import gx
from lakehouse.gates.audit import Audit, audit
from lakehouse.gates.suite import Rule, Scope, Severity, Suite

NAMES = [("Zelda Secret", 1), ("Yara Secret", 1), (None, 3)]


@pytest.fixture(scope="module")
def people(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(NAMES, "name string, number int")


def rule(what: str, kind: str, severity: Severity = "critical", scope: Scope = "table", **kwargs: Any) -> Rule:
    return Rule(f"people.{what}", kind, kwargs, severity, scope, "a reason")


def suite(*rules: Rule) -> Suite:
    return Suite("people", rules, "sha")


UNIQUE = rule("number.unique", "expect_column_values_to_be_unique", column="number")
THERE = rule("name.required", "expect_column_values_to_not_be_null", column="name")
KNOWN = rule("name.known", "expect_column_values_to_be_in_set", "warning", column="name", value_set=["nobody"])
ROWS = rule("rows", "expect_table_row_count_to_be_between", min_value=1)
GONE = rule("gone.required", "expect_column_values_to_not_be_null", column="gone")


def by_rule(found: Audit) -> dict[str, Any]:
    return {result.rule: result for result in found.results}


def test_audit__counts_what_breaks_each_rule(people: DataFrame) -> None:
    found = audit(people, suite(UNIQUE, THERE, KNOWN, ROWS), "table")
    results = by_rule(found)
    assert [result.rule for result in found.results] == [UNIQUE.id, THERE.id, KNOWN.id, ROWS.id]
    assert {name: (result.success, result.unexpected_count) for name, result in results.items()} == {
        UNIQUE.id: (False, 2),
        THERE.id: (False, 1),
        KNOWN.id: (False, 2),
        ROWS.id: (True, None),
    }
    assert results[UNIQUE.id].observed == "2 of 3 rows"
    assert results[UNIQUE.id].message == "people.number.unique: 2 of 3 rows (a reason)"
    assert results[ROWS.id].observed == "3"
    assert found.holds
    assert [result.rule for result in found.broken] == [UNIQUE.id, THERE.id]


def test_audit__of_a_warning_does_not_hold(people: DataFrame) -> None:
    assert not audit(people, suite(KNOWN, ROWS), "table").holds


def test_audit__fails_a_rule_whose_column_is_missing_and_judges_the_others(people: DataFrame) -> None:
    results = by_rule(audit(people, suite(GONE, ROWS), "table"))
    assert not results[GONE.id].success
    assert results[GONE.id].message == "people.gone.required: the frame has no column gone"
    assert results[ROWS.id].success


def test_audit__surfaces_an_exception(people: DataFrame) -> None:
    wrong_type = rule("name.length", "expect_column_values_to_be_between", column="name", min_value=1)
    result = audit(people, suite(wrong_type), "table").results[0]
    assert not result.success
    assert result.message.startswith("people.name.length could not be judged: ")


def test_audit__shows_no_value_of_any_row(people: DataFrame) -> None:
    found = audit(people, suite(UNIQUE, THERE, KNOWN), "table")
    assert "Secret" not in json.dumps(found.validation.to_json_dict(), default=str)
    assert "Secret" not in repr(found.results)


def test_audit__of_a_suite_without_rules_of_the_scope_is_refused(people: DataFrame) -> None:
    with pytest.raises(SuiteError, match="no rule of scope batch"):
        audit(people, suite(ROWS), "batch")


def test_audit__refuses_a_rule_without_a_result(people: DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    real = gx.suite
    monkeypatch.setattr(gx, "suite", lambda name, rules: real(name, rules[:1]))
    with pytest.raises(SuiteError, match=r"1 results for 2 rules; without one: \['people.rows'\]"):
        audit(people, suite(THERE, ROWS), "table")


def test_audit__of_pandas_reads_the_same(people: DataFrame) -> None:
    rules = suite(rule("number.low", "expect_column_values_to_be_between", column="number", max_value=2), ROWS)
    frame = pd.DataFrame(NAMES, columns=["name", "number"])
    theirs, ours = audit(frame, rules, "table"), audit(people, rules, "table")
    assert [(r.success, r.unexpected_count) for r in theirs.results] == [(False, 1), (True, None)]
    assert theirs.results == ours.results


def test_audit__reads_only_the_columns_that_rules_name(people: DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def judged(batch_parameters: dict[str, Any]) -> Any:
        seen.append(batch_parameters["dataframe"].columns)
        raise InterruptedError

    monkeypatch.setattr(gx, "batch_definition", lambda engine: SimpleNamespace(get_batch=judged))
    whole = rule("shape", "expect_table_column_count_to_equal", value=2)
    for rules in (suite(UNIQUE, ROWS), suite(THERE, whole)):
        with pytest.raises(InterruptedError):
            audit(people, rules, "table")
    assert seen == [["number"], ["name", "number"]]


def test_great_expectations__sends_nothing_and_draws_no_bars() -> None:
    variables = gx.context().variables
    bars = variables.progress_bars
    assert (bars.globally, bars.metric_calculations) == (False, False)
    assert variables.analytics_enabled is False
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
