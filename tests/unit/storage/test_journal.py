"""Journals: what the driver appends is read back, by Spark too; a sequence is written once, whoever races."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from deltalake.exceptions import CommitFailedError
from pyspark.sql import SparkSession

from lakehouse.errors import LeaseTakenError, StorageError
from lakehouse.storage import journal
from lakehouse.storage.lake import Lake
from lakehouse.table import DATE, INSTANT, LONG, LONG_BY_TEXT, LONGS, TEXT, Field, Table

LOG = Table(
    tier="ops",
    name="log",
    grain="an event",
    key=("name",),
    fields=(
        Field("name", TEXT),
        Field("number", LONG),
        Field("on", DATE),
        Field("at", INSTANT),
        Field("many", LONGS),
        Field("by_name", LONG_BY_TEXT),
    ),
    law="none",
)
AT = datetime(2024, 3, 10, 9, 30, 0, 250, tzinfo=UTC)
FULL = ("it's", 1, date(2024, 2, 29), AT, [1, 2], {"a": 1, "b": 2})
EMPTY = (None,) * 6
NONE_IN_IT = ("none", 0, None, None, [], {})


def no_session() -> Any:
    raise AssertionError("a journal must not start Spark")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(no_session, str(tmp_path), run_id="run 1")
    lake.create(LOG)
    return lake


def test_append__is_read_back_without_spark(lake: Lake) -> None:
    lake.append_rows(LOG, [FULL, EMPTY])
    lake.append_rows(LOG, [NONE_IN_IT])
    lake.append_rows(LOG, [])
    found = {row["name"]: tuple(row.values()) for row in lake.journals.rows(LOG)}
    assert found == {"it's": FULL, None: EMPTY, "none": NONE_IN_IT}
    assert [row["number"] for row in lake.journals.rows(LOG, name="it's")] == [1]
    assert lake.journals.rows(LOG, name="it's", number=2) == []


def test_append__is_a_delta_table_for_spark(spark: SparkSession, lake: Lake) -> None:
    lake.append_rows(LOG, [FULL, EMPTY], once=("log", 1))
    by_spark = Lake(spark, lake.root, run_id="run 2")
    rows = {row.name: row for row in by_spark.read(LOG).collect()}
    assert by_spark.read(LOG).schema == LOG.schema
    assert tuple(rows["it's"])[:3] == FULL[:3] and rows["it's"].at.astimezone(UTC) == AT
    assert (rows["it's"].many, rows["it's"].by_name) == (FULL[4], FULL[5])
    assert tuple(rows[None]) == EMPTY
    assert [commit.note for commit in by_spark.commits_after(LOG, 0)] == ["run 1"]
    by_spark.append(LOG, by_spark.read(LOG))
    assert len(lake.journals.rows(LOG)) == 4


def test_append__writes_a_sequence_once(lake: Lake) -> None:
    lake.append_rows(LOG, [FULL], once=("x", 2))
    lake.append_rows(LOG, [FULL], once=("y", 1))
    for taken in (1, 2):
        with pytest.raises(LeaseTakenError, match="another run wrote ops/log meanwhile; run again"):
            lake.append_rows(LOG, [EMPTY], once=("x", taken))
    assert (lake.journals.sequence(LOG, "x"), lake.journals.sequence(LOG, "z")) == (2, 0)
    assert len(lake.journals.rows(LOG)) == 2


def test_append__of_racers_writes_each_sequence_once(lake: Lake) -> None:
    barrier = threading.Barrier(4)

    def won(number: int) -> int:
        racer, wins = Lake(no_session, lake.root, run_id=f"run {number}"), 0
        for sequence in range(1, 6):
            barrier.wait()
            try:
                racer.append_rows(LOG, [(str(number), sequence, None, None, None, None)], once=("x", sequence))
            except LeaseTakenError:
                continue
            wins += 1
        return wins

    with ThreadPoolExecutor(4) as pool:
        wins = list(pool.map(won, range(4)))
    rows = lake.journals.rows(LOG)
    assert sorted(row["number"] for row in rows) == [1, 2, 3, 4, 5]
    assert wins == [sum(row["name"] == str(number) for row in rows) for number in range(4)]


def test_rows__of_a_table_that_is_not_there(tmp_path: Path) -> None:
    lake = Lake(no_session, str(tmp_path), run_id="run 1")
    with pytest.raises(StorageError, match=r"^there is no table .*/ops/log$"):
        lake.journals.rows(LOG)
    with pytest.raises(StorageError, match=r"^there is no table .*/ops/log$"):
        lake.append_rows(LOG, [FULL])


@pytest.mark.parametrize("kind", [OSError, CommitFailedError])
def test_append__to_a_full_disk_says_so(lake: Lake, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise kind("Generic LocalFileSystem error: Unable to copy: No space left on device (os error 28)")

    monkeypatch.setattr(journal, "write_deltalake", full)
    with pytest.raises(StorageError, match=r"^the disk is full: free space and run again "):
        lake.append_rows(LOG, [FULL])
