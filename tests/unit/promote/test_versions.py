"""A feed whose versions are kept: what a promote writes to either table, and that twice is once."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.conformed import CONFORMED
from lakehouse.l2.conformed.donors import TABLE, VERSIONS
from lakehouse.l2.pipeline import L2_TABLES, Wiring
from lakehouse.promote.admit import Admission, Gatekeeper
from lakehouse.storage.lake import Lake
from tests.support.rows import frame

FEED = FEEDS["donors"]
VIOLATIONS = ArrayType(StructType([StructField("rule", StringType()), StructField("severity", StringType())]))
Judged = Callable[..., DataFrame]


@pytest.fixture
def judged(spark: SparkSession) -> Judged:
    """Make accepted rows of one batch: judged(batch, {column: value, …}, …)."""

    def make(batch: int, *rows: Mapping[str, Any]) -> DataFrame:
        placed = {"_batch_seq": batch, "_file_id": batch, "_ingested_at": "2024-03-06 02:00", "donor_id": "d"}
        listed = [{**placed, "_line": line, **row} for line, row in enumerate(rows, 1)]
        return frame(spark, FEED.l1.schema.add("_violations", VIOLATIONS), listed)

    return make


def test_versions__are_all_kept_and_the_newest_is_current(spark: SparkSession, tmp_path: Path, judged: Judged) -> None:
    lake = Lake(spark, str(tmp_path), run_id="r")
    gate = Gatekeeper(
        lake, {}, lambda ids: ids, lambda: datetime(2024, 3, 6, tzinfo=UTC), frozenset(), "r1", frozenset()
    )
    for table in CONFORMED[FEED.name].tables:
        lake.create(table)

    def held(table: Any) -> list[tuple[int, int, bool]]:
        found = lake.read(table).select("_batch_seq", "_line", "is_void").collect()
        return sorted(tuple(row) for row in found)

    moved = judged(1, {"recorded_at": "2024-01-01", "state": "NY"}, {"recorded_at": "2024-02-01", "state": "NJ"})
    gate.merge(FEED, moved)
    assert (held(TABLE), held(VERSIONS)) == ([(1, 2, False)], [(1, 1, False), (1, 2, False)])

    late = judged(2, {"recorded_at": "2024-01-15", "state": "CT"}, {"recorded_at": "2024-03-01", "is_void": True})
    every = [(1, 1, False), (1, 2, False), (2, 1, False), (2, 2, True)]
    for _ in range(2):
        gate.merge(FEED, late)
        assert (held(TABLE), held(VERSIONS)) == ([(2, 2, True)], every), "an older version is no news; twice is once"

    gate.replace(FEED, moved)
    assert (held(TABLE), held(VERSIONS)) == ([(1, 2, False)], [(1, 1, False), (1, 2, False)])


def test_versions__are_released_judged_and_built_on_like_all_tables() -> None:
    assert L2_TABLES[VERSIONS.name] is VERSIONS
    assert Admission("donors", is_written=True).written == ["donors", "donor_versions"]
    assert Admission("donors").written == []
    assert Admission("facilities", is_written=True).written == ["facilities"]
    assert "dim_donor" in {step.table.name for step in Wiring().affected(["donor_versions"])}


def test_versions__hold_what_the_conformed_table_does() -> None:
    assert VERSIONS.fields == TABLE.fields
    assert VERSIONS.key == ("donor_key", "_file_id", "_line")
    assert VERSIONS.grain == "a version of a donor, as recorded then"
