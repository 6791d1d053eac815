"""The frames of a promote that look back: tables as the release before had them, and the records that came since."""

import pytest
from pyspark.sql import SparkSession

from lakehouse.l2.conformed import CONFORMED
from lakehouse.l2.conformed.changes import NAMES
from lakehouse.l2.derivatives import forecast_quality, restatements
from lakehouse.l2.pipeline import CHANGED_RECORDS, RESELECTED, Wiring, tables_behind
from lakehouse.promote.frames import frames_of
from lakehouse.storage.lake import Lake
from lakehouse.table import Table
from tests.support.lives import conformed
from tests.support.rows import frame

DISPOSITIONS = CONFORMED["dispositions"].table
KEPT = (forecast_quality.TABLE, restatements.TABLE)


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake where what was kept has a row, and a disposition of the release before has been withdrawn since."""
    lake = Lake(spark, str(tmp_path_factory.mktemp("lake")), run_id="r")
    for table in (*[CONFORMED[name].table for name in sorted(NAMES)], *KEPT):
        lake.create(table)
    for table in KEPT:
        lake.append(table, frame(spark, table, [{"figure": "closing"} if "figure" in table.columns else {}]))
    for batch, is_void in ((1, False), (2, True)):
        said = {"disposition_id": "d", "unit_id": "u", "is_void": is_void, "_batch_seq": batch, "_file_id": batch}
        lake.replace(DISPOSITIONS, conformed(spark, "dispositions", [said]))
    return lake


def versions(lake: Lake, **said: int) -> dict[str, int]:
    """What a run builds on: the newest versions, but for those said."""
    behind = [CONFORMED[name].table for name in sorted(NAMES)]
    return {table.path: said.get(table.name, _newest(lake, table)) for table in (*behind, *KEPT)}


def _newest(lake: Lake, table: Table) -> int:
    version = lake.version(table)
    assert version is not None
    return version


def test_changed_records__see_a_withdrawal_and_what_it_was_about(lake: Lake) -> None:
    changed, live = frames_of(lake, versions(lake, dispositions=1)).of([CHANGED_RECORDS, "dispositions"])
    assert [tuple(row) for row in changed.collect()] == [("b000002", "unit", "u")]
    assert live.count() == 0


def test_changed_records__are_none_without_a_release_before(lake: Lake) -> None:
    nothing = dict.fromkeys(versions(lake), 0)
    assert frames_of(lake, nothing).of([CHANGED_RECORDS])[0].collect() == []


def test_choosing_anew__forgets_choices_and_no_history(lake: Lake) -> None:
    names = ["forecast_quality_before", "restatements_before"]
    assert [rows.count() for rows in frames_of(lake, versions(lake)).of(names)] == [1, 1]
    assert [rows.count() for rows in frames_of(lake, versions(lake), anew=RESELECTED).of(names)] == [0, 1]


def test_changed_records__are_sources_of_what_is_built_on_them() -> None:
    assert tables_behind([CHANGED_RECORDS]) == set(NAMES)
    for feed in NAMES:
        assert restatements.TABLE.name in {step.table.name for step in Wiring().affected([feed])}


def test_rows_that_came_and_went__are_those_of_rewritten_files(lake: Lake) -> None:
    dated = {"disposition_id": "d", "unit_id": "u", "is_void": False, "_batch_seq": 3, "_file_id": 3}
    since = versions(lake)
    lake.append(DISPOSITIONS, conformed(lake.spark, "dispositions", [dated]))
    came, went = frames_of(lake, since).of(["dispositions_came", "dispositions_went"])
    assert ([row["_batch_seq"] for row in came.collect()], went.count()) == ([3], 0)
    lake.replace(DISPOSITIONS, conformed(lake.spark, "dispositions", []))
    came, went = frames_of(lake, {**since, DISPOSITIONS.path: _newest(lake, DISPOSITIONS) - 1}).of(
        ["dispositions_came", "dispositions_went"]
    )
    assert (came.count(), [row["_batch_seq"] for row in went.collect()]) == (0, [3])
    assert tables_behind(["dispositions_went", "units_came", "donors_before"]) == {"dispositions", "units"}
