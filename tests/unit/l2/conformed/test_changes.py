"""What changed records name: each case is a record of another unit, order or person."""

from datetime import date
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.l1.ingest import batch_id
from lakehouse.l2.conformed import CONFORMED
from lakehouse.l2.conformed.changes import NAMES, TIMES, changed_records, due_records
from tests.support.lives import conformed

Row = dict[str, Any]


def version(batch: int, line: int, **said: Any) -> Row:
    return {"_batch_seq": batch, "_file_id": batch, "_line": line, **said}


def end(disposition_id: str, unit_id: str | None, batch: int, line: int, **said: Any) -> Row:
    return version(batch, line, disposition_id=disposition_id, unit_id=unit_id, **said)


BEFORE = {
    "dispositions": [
        end("same", "u1", 1, 1),
        end("corrected", "u2", 1, 2),
        end("withdrawn", "u3", 1, 3),
        end("withdrawn long ago", "u4", 1, 4, is_void=True),
        end("left out", "u5", 1, 5),
    ],
    "distribution": [version(1, 1, distribution_id="m", bag_id="bag", request_id="r1")],
}
NOW = {
    "dispositions": [
        end("same", "u1", 1, 1),
        end("corrected", "u6", 2, 1),
        end("withdrawn", None, 3, 1, is_void=True),
        end("withdrawn long ago", "u4", 1, 4, is_void=True),
        end("replayed", "u7", 1, 6),
    ],
    "distribution": [version(12, 1, distribution_id="m", bag_id="bag", request_id="r2")],
    "unit_parents": [version(2, 1, unit_id="pool", parent_unit_id="part")],
}


def tables(spark: SparkSession, feeds: dict[str, list[Row]]) -> dict[str, DataFrame]:
    return {feed: conformed(spark, feed, feeds.get(feed, ())) for feed in NAMES}


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> list[tuple[str, ...]]:
    changed = changed_records(tables(spark, NOW), tables(spark, BEFORE))
    return sorted(tuple(row) for row in changed.collect())


def test_changed_records__name_what_they_are_and_were_about(found: list[tuple[str, ...]]) -> None:
    assert found == [
        ("b000001", "unit", "u7"),
        ("b000002", "unit", "part"),
        ("b000002", "unit", "pool"),
        ("b000002", "unit", "u2"),
        ("b000002", "unit", "u6"),
        ("b000003", "unit", "u3"),
        ("b000012", "reference", "bag"),
        ("b000012", "request", "r1"),
        ("b000012", "request", "r2"),
    ]


def test_batches__are_named_as_ingest_names_them(found: list[tuple[str, ...]]) -> None:
    assert {batch for batch, *_ in found} == {batch_id(number) for number in (1, 2, 3, 12)}


def test_same_tables__have_no_changes(spark: SparkSession) -> None:
    now = tables(spark, NOW)
    assert changed_records(now, now).collect() == []


def test_due_records__are_those_that_may_not_have_counted_then(spark: SparkSession) -> None:
    rows = {
        "dispositions": [
            {**end("old", "long ago", 1, 1), "happened_at": "2024-03-07 23:59"},
            {**end("other zone", "by then perhaps", 1, 2), "happened_at": "2024-03-08 00:01"},
            {**end("later", "ahead", 1, 3), "happened_at": "2024-04-01"},
            {**end("undated", "nobody knows", 1, 4)},
        ],
        "donations": [{"donation_key": "tested late", "donated_on": "2024-03-01", "tested_on": "2024-03-12"}],
        "patients": [{"admission_key": "a", "patient_key": "p", "bag_id": "bag", "admitted_on": "2024-03-11"}],
    }
    now = {feed: conformed(spark, feed, rows.get(feed, ())) for feed in TIMES}
    assert {tuple(row) for row in due_records(now, date(2024, 3, 10)).collect()} == {
        ("unit", "by then perhaps"),
        ("unit", "ahead"),
        ("donation", "tested late"),
        ("patient", "p"),
        ("reference", "bag"),
    }


def test_times__are_columns_of_feeds_that_name_something() -> None:
    assert TIMES.keys() <= NAMES.keys()
    for feed, columns in TIMES.items():
        assert set(columns) <= set(CONFORMED[feed].table.columns), feed


def test_names__are_columns_of_their_feeds() -> None:
    for feed, names in NAMES.items():
        assert {column for _, column in names} <= set(CONFORMED[feed].table.columns)
