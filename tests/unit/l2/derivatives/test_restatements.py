"""Restatements, by hand: the releases of a small service, of which each case changes another shelf.

The first tells of 2 March 2024 with batch 1, the second of 4 March with what came late or was corrected, the third
corrects once more. All are built by the real derivatives.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from chispa.dataframe_comparer import assert_df_equality
from chispa.schema_comparer import assert_schema_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.l1.ingest import batch_id
from lakehouse.l2.conformed import CONFORMED
from lakehouse.l2.conformed.changes import NAMES, SCHEMA, changed_records
from lakehouse.l2.derivatives import restatements
from lakehouse.l2.kept import kept
from lakehouse.l2.laws import LAWS
from lakehouse.l2.pipeline import CHANGED_RECORDS, DERIVATIVES, PAST, in_order, table_of
from lakehouse.l2.shared import Frames as SharedFrames
from lakehouse.release import live
from tests.support.lives import PARAMS, conformed
from tests.support.rows import frame

Feeds = dict[str, list[dict[str, Any]]]
Frames = dict[str, DataFrame]
FIRST, SECOND = date(2024, 3, 2), date(2024, 3, 4)
LAST = next(step for step in DERIVATIVES if step.table is restatements.TABLE)
BEHIND = [step for step in DERIVATIVES if step.table.name in LAST.sources]
STEPS = in_order([*BEHIND, LAST])


def component(unit_id: str, facility_id: str, abo_rhd: str, **said: Any) -> dict[str, Any]:
    made = {"collected_at": "2024-02-25T10:00-05:00", "prepared_at": "2024-02-25T16:00-05:00"}
    ends = {"expires_at": "2024-04-05T23:59-04:00"}
    return {"unit_id": unit_id, "facility_id": facility_id, "abo_rhd": abo_rhd, **made, **ends, **said}


def end(unit_id: str, facility_id: str, kind: str, on: str, **said: Any) -> dict[str, Any]:
    ended = {"disposition_id": f"end of {unit_id}", "unit_id": unit_id, "kind": kind, "facility_id": facility_id}
    return {**ended, "happened_at": f"2024-{on}T12:00-05:00", **said}


def request(units_requested: int, **said: Any) -> dict[str, Any]:
    needed = {"requested_at": "2024-02-27T08:00-05:00", "needed_at": "2024-02-27T18:00-05:00", "is_date_only": False}
    asked = {"request_id": "R", "npi": "111", "group_ordered": "O+", "order_kind": "stock", "component": "red_cells"}
    return {**asked, **needed, "units_requested": units_requested, **said}


def given(batch: int, feed: str, *rows: dict[str, Any]) -> tuple[int, str, tuple[dict[str, Any], ...]]:
    return batch, feed, rows


BATCH_1 = [
    given(1, "facilities", {"facility_id": "H1", "kind": "hospital", "npi": "111", "region": "South",
                            "timezone": "America/New_York"},
          {"facility_id": "H2", "kind": "hospital", "npi": "222", "region": "North", "timezone": "America/New_York"}),
    given(1, "components", component("late", "H1", "O+"), component("plain", "H1", "O+"), component("void", "H1", "A+"),
          component("given_up", "H2", "O-", expires_at="2024-02-29T23:59-05:00"), component("used", "H2", "B+"),
          component("relabelled", "H1", "AB+"), component("replayed", "H1", "B-"), component("used_2", "H1", "A-")),
    given(1, "dispositions", end("void", "H1", "discarded", "02-29"), end("used", "H2", "transfused", "03-02"),
          end("used_2", "H1", "transfused", "03-02")),
    given(1, "blood_requests", request(2)),
]  # fmt: skip
LATER = [
    given(2, "dispositions", end("late", "H1", "transfused", "02-28")),
    given(3, "dispositions", end("plain", "H1", "transfused", "03-03")),
    given(4, "dispositions", end("void", "H1", "discarded", "02-29", is_void=True)),
    given(5, "components", component("relabelled", "H1", "AB-")),
    given(2, "blood_requests", request(5)),
    # It was refused at first, and let pass later under its own batch.
    given(1, "dispositions", end("replayed", "H1", "wasted", "03-01")),
]
CORRECTED = [given(6, "dispositions", end("late", "H1", "transfused", "02-29"))]


def tables(spark: SparkSession, *given_rows: tuple[int, str, tuple[dict[str, Any], ...]]) -> Frames:
    """The conformed tables after these batches: the last version of each record, withdrawn ones too."""
    versions: dict[str, dict[Any, dict[str, Any]]] = defaultdict(dict)
    for line, (batch, feed, rows) in enumerate(given_rows):
        for number, row in enumerate(rows):
            key = tuple(row[name] for name in CONFORMED[feed].table.key)
            versions[feed][key] = {**row, "_batch_seq": batch, "_file_id": line, "_line": number}
    return {feed: kept(conformed(spark, feed, versions[feed].values())) for feed in CONFORMED}


def release(spark: SparkSession, as_of: date, now: Frames, before: Frames | None = None) -> Frames:
    """All tables of a release that are needed here, built on the tables of the one before."""
    found = {feed: live(CONFORMED[feed].table, rows) for feed, rows in now.items()}
    known = {**found, **_before(spark, before), CHANGED_RECORDS: spark.createDataFrame([], SCHEMA)}
    if before is not None:
        known[CHANGED_RECORDS] = changed_records(now, {feed: before[f"whole {feed}"] for feed in NAMES})
    shared = shared_frames(known)
    for step in STEPS:
        built = step.build(*shared.of(step.inputs), as_of=as_of, params=PARAMS)
        known[step.table.name] = found[step.table.name] = kept(built)
    return {**known, **{f"whole {feed}": rows for feed, rows in now.items()}}


def shared_frames(known: Frames) -> SharedFrames:
    """Frames by name; whole tables stand for what came since."""
    return SharedFrames(lambda name: known[name if name in known else table_of(name)])


def _before(spark: SparkSession, before: Frames | None) -> Frames:
    names = [step.table for step in STEPS] + [CONFORMED[feed].table for feed in CONFORMED]
    return {
        f"{table.name}{past}": before[table.name] if before and table.name in before else frame(spark, table, [])
        for table in names
        for past in PAST
    }


@pytest.fixture(scope="module")
def first(spark: SparkSession) -> Frames:
    return release(spark, FIRST, tables(spark, *BATCH_1))


@pytest.fixture(scope="module")
def second(spark: SparkSession, first: Frames) -> Frames:
    return release(spark, SECOND, tables(spark, *BATCH_1, *LATER), first)


@pytest.fixture(scope="module")
def corrected(spark: SparkSession, second: Frames) -> Frames:
    return release(spark, SECOND, tables(spark, *BATCH_1, *LATER, *CORRECTED), second)


def told_again(release: Frames) -> Frames:
    """The release as the one before it too: what its tables are built on is the same."""
    same = {name: release[table_of(name)] for name in LAST.inputs if table_of(name) != name}
    tables = {feed: release[f"whole {feed}"] for feed in NAMES}
    return {**release, **same, CHANGED_RECORDS: changed_records(tables, tables)}


def built_again(release: Frames, as_of: date, params: Mapping[str, Any] = PARAMS) -> DataFrame:
    """The restatements of a release that tells the same of another day."""
    return LAST.build(*shared_frames(told_again(release)).of(LAST.inputs), as_of=as_of, params=params)


Told = dict[tuple[str, str], tuple[float | None, float | None, list[str]]]


def told(release: Frames, table: str, slice_: str, number: int = 1) -> Told:
    """Day and figure -> was, now, batches."""
    is_it = f"restated_table = '{table}' AND slice = '{slice_}' AND restatement_number = {number}"
    rows = release["restatements"].where(is_it).collect()
    return {(f"{row['period_on']:%m-%d}", row["figure"]): (row["was"], row["now_is"], row["batches"]) for row in rows}


def closings(days: list[str], was: float, now_is: float, *batches: str) -> Told:
    return {(day, "closing"): (was, now_is, list(batches)) for day in days}


def test_schema__is_as_declared(second: Frames) -> None:
    assert_schema_equality(second["restatements"].schema, restatements.TABLE.schema, ignore_nullable=True)


def test_first_release__restates_nothing(first: Frames) -> None:
    assert first["inventory_daily"].count() > 0
    assert first["restatements"].count() == 0


def test_late_end__changes_the_days_since_and_names_its_batch_alone(second: Frames) -> None:
    assert told(second, "inventory_daily", "H1 / red_cells / O+") == {
        **closings(["02-28", "02-29", "03-01", "03-02"], 2.0, 1.0, "b000002"),
        ("02-28", "transfused"): (0.0, 1.0, ["b000002"]),
    }
    assert told(second, "regional_demand", "South / red_cells / O+")["02-28", "transfused"] == (0.0, 1.0, ["b000002"])


def test_withdrawn_end__brings_the_unit_back(second: Frames) -> None:
    assert told(second, "inventory_daily", "H1 / red_cells / A+") == {
        **closings(["02-29", "03-01", "03-02"], 0.0, 1.0, "b000004"),
        ("02-29", "discarded"): (1.0, 0.0, ["b000004"]),
    }


def test_corrected_group__moves_the_past_to_the_other_shelf(second: Frames) -> None:
    days = ["02-25", "02-26", "02-27", "02-28", "02-29", "03-01", "03-02"]
    for group, was in (("AB+", 1.0), ("AB-", 0.0)):
        assert told(second, "inventory_daily", f"H1 / red_cells / {group}") == {
            **closings(days, was, 1.0 - was, "b000005"),
            ("02-25", "produced"): (was, 1.0 - was, ["b000005"]),
        }


def test_replayed_record__is_named_by_the_batch_that_it_came_with(second: Frames) -> None:
    assert told(second, "inventory_daily", "H1 / red_cells / B-") == {
        **closings(["03-01", "03-02"], 1.0, 0.0, "b000001"),
        ("03-01", "wasted"): (0.0, 1.0, ["b000001"]),
    }


def test_corrected_order__changes_the_demand_of_its_day(second: Frames) -> None:
    found = told(second, "regional_demand", "South / red_cells / O+")
    assert {key: said for key, said in found.items() if key[0] == "02-27"} == {
        ("02-27", "requested"): (2.0, 5.0, ["b000002"]),
        ("02-27", "requested_stock"): (2.0, 5.0, ["b000002"]),
        ("02-27", "unmet"): (2.0, 5.0, ["b000002"]),
    }


def test_presumed_end__is_hindsight_and_no_batch_s_doing(second: Frames) -> None:
    assert told(second, "facility_scorecard", "H2 / red_cells") == {
        ("02-01", "outdated"): (0.0, 1.0, []),
        ("02-01", "presumed_outdated"): (0.0, 1.0, []),
        ("02-01", "outdate_rate"): (None, 1.0, []),
        ("02-01", "wastage_rate"): (None, 0.0, []),
    }
    assert told(second, "inventory_daily", "H2 / red_cells / O-") == {}, "it was on hand until it was given up"


def test_month__is_told_of_by_batches_that_changed_it(second: Frames) -> None:
    found = told(second, "facility_scorecard", "H1 / red_cells")
    assert found["02-01", "transfused_units"] == (0.0, 1.0, ["b000002", "b000004", "b000005"])
    assert {day for day, _ in found} == {"02-01"}, "March is not over"
    quality = told(second, "process_quality", "H1")
    every = [batch_id(number) for number in range(1, 6)]
    assert quality["02-01", "units_ended"] == (2.0, 4.0, every), "all are of units made there in that month"


def test_days_after_the_release_before__are_no_restatement(second: Frames) -> None:
    assert second["inventory_daily"].where("stock_on > '2024-03-02'").count() > 0
    assert second["restatements"].where("period_on > '2024-03-02'").count() == 0
    told_by = second["restatements"].select("as_of", "as_of_before").distinct().collect()
    assert [tuple(row) for row in told_by] == [(SECOND, FIRST)]


def test_same_day_again__adds_no_row(second: Frames) -> None:
    assert second["restatements"].count() > 0
    assert_df_equality(second["restatements"], built_again(second, SECOND), ignore_row_order=True)
    assert told_again(second)[CHANGED_RECORDS].count() == 0


def test_another_correction__is_told_under_the_next_number(second: Frames, corrected: Frames) -> None:
    assert told(corrected, "inventory_daily", "H1 / red_cells / O+", number=2) == {
        ("02-28", "closing"): (1.0, 2.0, ["b000006"]),
        ("02-28", "transfused"): (1.0, 0.0, ["b000006"]),
        ("02-29", "transfused"): (0.0, 1.0, ["b000006"]),
    }
    before = corrected["restatements"].where("restatement_number = 1")
    assert_df_equality(before, second["restatements"], ignore_row_order=True)
    keys = corrected["restatements"].select(*restatements.TABLE.key)
    assert keys.distinct().count() == keys.count()


def test_old_restatements__are_forgotten(corrected: Frames) -> None:
    """On the 400th day after as-of, and told by a service that keeps fewer days."""
    count = corrected["restatements"].count()
    for as_of, params, wanted in (
        (date(2025, 4, 7), PARAMS, count),
        (date(2025, 4, 8), PARAMS, 0),
        (date(2024, 3, 6), PARAMS | {"restatement_history_days": 2}, 0),
    ):
        assert built_again(corrected, as_of, params).count() == wanted, as_of


def weighed(frames: Mapping[str, DataFrame], as_of: date) -> dict[str, tuple[int, int]]:
    law = next(law for law in LAWS if law.name == "restatements")
    rows = law.check(*[frames[name] for name in law.inputs], as_of=as_of, params=PARAMS).collect()
    return {row["law"].removeprefix("restatements."): (row["left"], row["right"]) for row in rows}


def test_figure__that_is_told_for_the_first_time_is_not_restated(second: Frames) -> None:
    """A column that was declared since is NULL in the release before."""
    before = second["inventory_daily_before"]
    unknown = before.withColumn("closing", F.lit(None).cast("int"))
    frames = {**second, "inventory_daily_before": unknown, "inventory_daily_went": unknown}
    inputs = shared_frames(frames).of(LAST.inputs)
    found = kept(LAST.build(*inputs, as_of=SECOND, params=PARAMS))
    figures = {row["figure"] for row in found.where("restated_table = 'inventory_daily'").collect()}
    assert "transfused" in figures and "closing" not in figures
    left, right = weighed({**frames, "restatements": found}, SECOND)["inventory_daily"]
    assert left == right != 0


def test_law__holds_for_every_release(first: Frames, second: Frames, corrected: Frames) -> None:
    for frames, as_of in ((first, FIRST), (told_again(second), SECOND)):
        assert set(weighed(frames, as_of).values()) == {(0, 0)}
    for frames in (second, corrected):
        found = weighed(frames, SECOND)
        assert all(left == right for left, right in found.values()), found
        assert found["inventory_daily"] != (0, 0)


@pytest.mark.parametrize("lost", ["figure = 'closing'", "figure = 'requested'", "figure = 'presumed_outdated'"])
def test_law__finds_a_figure_that_changed_in_silence(second: Frames, lost: str) -> None:
    told_less = {**second, "restatements": second["restatements"].where(f"NOT ({lost})")}
    assert [left == right for left, right in weighed(told_less, SECOND).values()].count(False) == 1
