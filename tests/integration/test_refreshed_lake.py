"""A lake whose days are refreshed by slices holds what it holds when all is built whole."""

import json
import logging
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.config import Config, load_config
from lakehouse.l1.ingest import ingest
from lakehouse.l2.pipeline import Wiring
from lakehouse.promote import Promoted, promote
from lakehouse.release import current_release
from lakehouse.storage import lake as lake_module
from lakehouse.storage.files import files_at
from lakehouse.storage.lake import Lake
from tests.support.homes import LEFT_OUT
from tests.support.lakes import KEY, LAST_DAY, content, lake_at, land, make_world, next_day, now

pytestmark = pytest.mark.slow
PIPELINE = {"leave_out": LEFT_OUT, "slice_units": 0}
CONFIG = load_config("local", {"pipeline": PIPELINE, "ingest": {"settle_seconds": 0}})
SLICED = "refreshing by slices: ['deviations', 'inventory_daily', 'unit_moves', 'units']"


def test_refreshed_lake__is_what_is_built_whole(
    spark: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(lake_module, "FILES_MOST", 2)
    monkeypatch.setattr("lakehouse.promote.derive.TOUCHED_MOST", 2.0)  # in so young a region most units are open
    make_world(tmp_path / "landing")
    assert _promoted(spark, tmp_path, LAST_DAY).is_new
    assert SLICED not in caplog.text
    first, second = LAST_DAY + timedelta(days=1), LAST_DAY + timedelta(days=3)
    next_day(tmp_path / "landing", first)
    _correct(tmp_path / "landing", first)
    assert _promoted(spark, tmp_path, first).is_new
    for day in (1, 2):
        next_day(tmp_path / "landing", first + timedelta(days=day))
    assert _promoted(spark, tmp_path, second).is_new
    assert caplog.text.count(SLICED) == 2
    assert _operations(spark, tmp_path, "units") >= {"MERGE", "WRITE", "OPTIMIZE"}
    by_slices = _contents(spark, tmp_path)
    assert _promoted(spark, tmp_path, second, full=True).is_new, "the same batches and day, and yet all is built anew"
    assert caplog.text.count(SLICED) == 2
    for name, rows in _contents(spark, tmp_path).items():
        assert by_slices[name] == rows, name


def _promoted(spark: SparkSession, root: Path, as_of: date, *, full: bool = False, config: Config = CONFIG) -> Promoted:
    lake = Lake(spark, str(root), run_id=f"{as_of} {full}")
    ingest(lake, files_at(str(root / "landing")), config, now)
    promoted = promote(lake, config, now, as_of=as_of, key=KEY.encode(), full=full)
    assert promoted.failures == []
    return promoted


def _correct(landing: Path, day: date) -> None:
    """Withdraw an end, redate a second, give a third to another unit, and a component to another donation."""
    ends, units = _landed(landing, "dispositions"), _landed(landing, "components")
    later = {"recorded_at": f"{day}T12:00:00Z"}
    corrected = [
        {**ends[0], **later, "is_void": True},
        {**ends[10], **later, "happened_at": ends[12]["happened_at"]},
        {**ends[20], **later, "unit_id": ends[22]["unit_id"]},
    ]
    land(landing, "dispositions", corrected, name="corrected.json", day=day)
    land(landing, "components", [{**units[5], **later, "din": units[50]["din"]}], name="corrected.json", day=day)


def _landed(landing: Path, feed: str) -> list[dict[str, Any]]:
    lines = [line for file in sorted((landing / feed).rglob("*")) if file.is_file() for line in file.open()]
    return [json.loads(line) for line in lines]


def _contents(spark: SparkSession, root: Path) -> dict[str, list[str]]:
    lake = lake_at(spark, root)
    tables = Wiring.without(LEFT_OUT).tables
    return {table.name: content(lake.read(table), table) for table in tables}


def _operations(spark: SparkSession, root: Path, name: str) -> set[str]:
    lake = lake_at(spark, root)
    release = current_release(lake)
    assert release is not None
    table = next(table for table in Wiring().tables if table.name == name)
    return {commit.operation for commit in lake.commits_after(table, 1)}
