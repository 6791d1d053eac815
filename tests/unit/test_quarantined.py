"""What is in quarantine: a record stands where its last event left it; counts are by rule, places by record."""

import argparse
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.errors import UsageError
from lakehouse.gates.quarantine import QUARANTINE, in_force, standing
from lakehouse.quarantined import _check, counted, listed, quarantine_options

CRITICAL, WARNING = "critical", "warning"
FIRST, SECOND, THIRD = (datetime(2024, 1, day) for day in (1, 2, 3))
NO_KEY, NO_DATE, ODD = ("donors.donor_id.required", CRITICAL), ("donors.on.required", CRITICAL), ("donors.x", WARNING)


def event(
    line: int, at: datetime, *broken: tuple[str, str], kind: str = "refused", batch: int = 1, run: str | None = None
) -> dict[str, Any]:
    violations = [{"rule": rule, "severity": severity} for rule, severity in broken]
    place = {"feed": "donors", "_batch_seq": batch, "_file_id": 7, "_line": line}
    return {**place, "violations": violations, "suite_sha": "s", "event": kind, "happened_at": at} | {
        "run_id": run,
        "release_id": run,
    }


@pytest.fixture(scope="module")
def events(spark: SparkSession) -> DataFrame:
    rows: Sequence[dict[str, Any]] = [
        event(1, FIRST, NO_KEY, ODD),
        event(2, FIRST, NO_KEY, NO_DATE),
        event(2, THIRD, kind="waived", run="r3"),
        event(2, SECOND, NO_DATE, kind="replayed", run="r2"),
        event(3, SECOND, NO_KEY, batch=2),
    ]
    named = [tuple(row.get(name) for name in QUARANTINE.columns) for row in rows]
    return spark.createDataFrame(named, QUARANTINE.schema)


def test_standing__is_that_of_the_last_event(spark: SparkSession, events: DataFrame) -> None:
    found = standing(events).select("_line", "stands", "refused_at", F.size("violations").alias("broken"))
    wanted = [(1, "waits", FIRST, 2), (2, "waived", FIRST, 2), (3, "waits", SECOND, 1)]
    assert_df_equality(found, spark.createDataFrame(wanted, found.schema), ignore_row_order=True, ignore_nullable=True)


def test_counted__by_batch_and_critical_rule(spark: SparkSession, events: DataFrame) -> None:
    found = counted(standing(events))
    wanted = [
        ("donors", 1, "donors.donor_id.required", "waits", 1, FIRST),
        ("donors", 1, "donors.donor_id.required", "waived", 1, FIRST),
        ("donors", 1, "donors.on.required", "waived", 1, FIRST),
        ("donors", 2, "donors.donor_id.required", "waits", 1, SECOND),
    ]
    assert_df_equality(found, spark.createDataFrame(wanted, found.schema), ignore_row_order=True, ignore_nullable=True)


def test_listed__says_where_a_record_is(spark: SparkSession, events: DataFrame) -> None:
    found = listed(standing(events)).drop("since")
    wanted = [
        (7, 1, 1, "donors.donor_id.required", "waits", None),
        (7, 2, 1, "donors.donor_id.required, donors.on.required", "waived", "r3"),
        (7, 3, 2, "donors.donor_id.required", "waits", None),
    ]
    assert_df_equality(found, spark.createDataFrame(wanted, found.schema), ignore_nullable=True)


def test_in_force__leaves_out_what_other_runs_decided(events: DataFrame) -> None:
    stands = {row["_line"]: row["stands"] for row in standing(in_force(events, ["r2"])).collect()}
    assert stands == {1: "waits", 2: "replayed", 3: "waits"}
    assert {row["stands"] for row in standing(in_force(events, [])).collect()} == {"waits"}


def parsed(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    quarantine_options(parser)
    return parser.parse_args(argv)


def test_batch__is_named_either_way(capsys: pytest.CaptureFixture[str]) -> None:
    assert [parsed("show", "--batch", name).batch for name in ("b000017", "17")] == [17, 17]
    with pytest.raises(SystemExit):
        parsed("show", "--batch", "donors")
    assert "found 'donors'; wanted a batch, such as b000017 or 17" in capsys.readouterr().err


def test_day__is_for_those_that_make_a_release() -> None:
    _check(parsed("replay", "--as-of", "2024-03-01"), {})
    with pytest.raises(UsageError, match="found --as-of with list; wanted replay or waive"):
        _check(parsed("list", "--as-of", "2024-03-01"), {})
