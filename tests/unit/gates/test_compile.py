"""A compiled rule counts what Great Expectations counts, on every type that it knows, and is never NULL."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.errors import SuiteError
from lakehouse.gates.audit import audit
from lakehouse.gates.compile import violated
from lakehouse.gates.judge import judge
from lakehouse.gates.suite import Rule, Suite

VALUES = "expect_column_values_to_"
PAIR = "expect_column_pair_values_a_to_be_greater_than_b"
EQUAL = "expect_column_pair_values_to_be_equal"
# True in rows 0 and 3, false in row 1, NULL in the others.
WHERE_FLAG = {"row_condition": "flag = true OR (flag = false AND id > 7)", "condition_parser": "spark"}
CASES: list[tuple[str, dict[str, Any], set[int]]] = [
    (f"{VALUES}not_be_null", {"column": "text"}, {5}),
    (f"{VALUES}be_null", {"column": "text"}, {0, 1, 2, 3, 4}),
    (f"{VALUES}be_in_set", {"column": "text", "value_set": ["O+", "ab"]}, {2, 3, 4}),
    (f"{VALUES}be_in_set", {"column": "flag", "value_set": [True]}, {1}),
    (f"{VALUES}be_in_set", {"column": "whole", "value_set": [0, 7]}, {1, 3, 4}),
    (f"{VALUES}not_be_in_set", {"column": "text", "value_set": ["O+"]}, {0}),
    (f"{VALUES}be_between", {"column": "whole", "min_value": 0, "max_value": 7}, {1, 4}),
    (f"{VALUES}be_between", {"column": "whole", "min_value": 0, "strict_min": True}, {1, 2}),
    (f"{VALUES}be_between", {"column": "whole", "max_value": 7, "strict_max": True}, {0, 4}),
    (f"{VALUES}be_between", {"column": "number", "min_value": 0.1, "max_value": 3}, {1, 2}),
    (f"{VALUES}be_between", {"column": "doses", "min_value": 0.25, "max_value": 2}, {1, 4}),
    (f"{VALUES}be_between", {"column": "day", "min_value": "2024-02-29"}, {1}),
    (f"{VALUES}be_between", {"column": "day", "max_value": "2024-02-29", "strict_max": True}, {0, 3}),
    (f"{VALUES}be_between", {"column": "at", "min_value": "2024-03-10T07:00:00+00:00"}, {1}),
    (f"{VALUES}be_between", {"column": "at", "max_value": "2024-03-10"}, {0, 1, 3}),
    (f"{VALUES}match_regex", {"column": "text", "regex": "^[A-Za-z]+[+]?$"}, {3, 4}),
    (f"{VALUES}not_match_regex", {"column": "text", "regex": "^$"}, {4}),
    ("expect_column_value_lengths_to_be_between", {"column": "text", "min_value": 1, "max_value": 2}, {3, 4}),
    ("expect_column_value_lengths_to_equal", {"column": "text", "value": 2}, {2, 3, 4}),
    (PAIR, {"column_A": "number", "column_B": "whole"}, {0, 3}),
    (PAIR, {"column_A": "at", "column_B": "other_at", "or_equal": True}, {1}),
    (PAIR, {"column_A": "day", "column_B": "other_day", "ignore_row_if": "either_value_is_missing"}, {0, 1}),
    (EQUAL, {"column_A": "day", "column_B": "other_day", "ignore_row_if": "either_value_is_missing"}, {1}),
    (f"{VALUES}be_between", {"column": "whole", "max_value": 0, **WHERE_FLAG}, {0, 3}),
    (f"{VALUES}not_be_null", {"column": "doses", **WHERE_FLAG}, {3}),
    (PAIR, {"column_A": "number", "column_B": "whole", **WHERE_FLAG}, {0, 3}),
]


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> DataFrame:
    """Row 5 is NULL throughout; rows 2 to 4 have a NULL here and there."""

    def at(hour: int, minute: int = 0) -> datetime:
        return datetime(2024, 3, 10, hour, minute, tzinfo=UTC)

    d1, d2 = date(2024, 2, 29), date(2024, 2, 28)
    listed = [
        (0, "O+", True, 7, 0.1, Decimal("0.25"), d1, d1, at(7), at(7)),
        (1, "ab", False, -1, float("nan"), Decimal("0.24"), d2, d1, at(6, 59), at(7)),
        (2, "A", None, 0, 3.5, Decimal("2.00"), None, d1, None, at(7)),
        (3, "O-\u00e9\u00e9", True, 3, 3.0, None, date(2024, 12, 31), None, at(8), None),
        (4, "", None, 8, None, Decimal("2.01"), None, None, None, None),
        (5, None, None, None, None, None, None, None, None, None),
    ]
    kinds = "doses decimal(8,2), day date, other_day date, at timestamp, other_at timestamp"
    return spark.createDataFrame(listed, f"id int, text string, flag boolean, whole int, number double, {kinds}")


def suite_of(cases: list[tuple[str, dict[str, Any], set[int]]]) -> Suite:
    rules = (Rule(f"case.{n}", kind, kwargs, "critical", "row", "a case") for n, (kind, kwargs, _) in enumerate(cases))
    return Suite("cases", tuple(rules), "")


def test_every_type__marks_the_rows_that_break_it(rows: DataFrame) -> None:
    judged = judge(rows, suite_of(CASES)).select("id", F.col("_violations.rule").alias("rules")).collect()
    found = {n: {row["id"] for row in judged if f"case.{n}" in row["rules"]} for n in range(len(CASES))}
    assert found == {n: wanted for n, (_, _, wanted) in enumerate(CASES)}


def test_every_type__counts_what_great_expectations_counts(rows: DataFrame) -> None:
    theirs = {result.rule: result.unexpected_count for result in audit(rows, suite_of(CASES), "row").results}
    assert theirs == {f"case.{n}": len(wanted) for n, (_, _, wanted) in enumerate(CASES)}


def test_violated__is_never_null(rows: DataFrame) -> None:
    flags = [violated(rule).alias(f"f{n}") for n, rule in enumerate(suite_of(CASES).rules)]
    assert all(flag is not None for row in rows.select(*flags).collect() for flag in row)


def test_a_predicate_that_is_null__counts_as_a_violation(spark: SparkSession) -> None:
    # A set that holds NULL makes membership NULL; the loader refuses one, a rule made in code need not.
    one = spark.createDataFrame([("x",)], "text string")
    holds = F.col("text").isin("y", None)
    assert one.select(F.coalesce(~holds, F.lit(True))).first()[0] is True
    rule = Rule(
        "t.text.known", f"{VALUES}be_in_set", {"column": "text", "value_set": ["y", None]}, "critical", "row", "d"
    )
    with pytest.raises(SuiteError, match="holds null"):
        violated(rule)


def test_judge__names_every_rule_whose_column_is_missing(rows: DataFrame) -> None:
    suite = suite_of(
        [(f"{VALUES}be_null", {"column": "nowhere"}, set()), (PAIR, {"column_A": "at", "column_B": "b"}, set())]
    )
    with pytest.raises(SuiteError, match=r"case\.0 needs nowhere; case\.1 needs b"):
        judge(rows, suite)


def test_judge__names_the_rule_whose_condition_can_not_be_read(rows: DataFrame) -> None:
    broken = {"column": "flag", "row_condition": "nowhere = 1", "condition_parser": "spark"}
    with pytest.raises(SuiteError, match=r"case\.0: row_condition: .*nowhere"):
        judge(rows, suite_of([(f"{VALUES}be_null", broken, set())]))


def test_violated__needs_a_condition_that_spark_reads(rows: DataFrame) -> None:
    pandas = {"column": "flag", "row_condition": "whole == 1", "condition_parser": "pandas"}
    with pytest.raises(SuiteError, match="condition_parser"):
        judge(rows, suite_of([(f"{VALUES}be_null", pandas, set())]))


def test_judge__of_a_suite_without_row_rules_finds_nothing(rows: DataFrame) -> None:
    assert judge(rows, Suite("none", (), "")).where(F.size("_violations") > 0).count() == 0
