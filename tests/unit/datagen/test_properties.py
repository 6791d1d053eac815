"""Whatever the plan's constants, the seed and the scenarios: laws of the records hold, and no suite finds fault."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import reduce
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from laws import LAWS, Feeds, Law
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from random_worlds import LIVES, PLANS, SEEN, Life
from world_files import delivered

from datagen.days import number_of
from datagen.simulate import new_world
from datagen.writer import FIELDS, lines
from lakehouse.config import HOME
from lakehouse.gates.gate import judge_feed
from lakehouse.gates.suite import read_suites
from lakehouse.l1.feeds import FEEDS
from lakehouse.l1.parse import RecordParser

SUITES = read_suites(Path(HOME) / "expectations" / "l1", tuple(FEEDS))
INGESTED_AT = datetime(2031, 1, 1, tzinfo=UTC)
WORLDS = 15
World = tuple[Life, Feeds]


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    """Random worlds, and those that broke a law once, each lived once for all properties."""
    lived: list[World] = [(life, life.feeds()) for life in SEEN]

    # Nothing is shrunk: a failure says its whole plan, and shrinking would live hundreds of worlds.
    @settings(max_examples=WORLDS, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
    @given(LIVES)
    def live(life: Life) -> None:
        lived.append((life, life.feeds()))

    live()
    return lived


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_law__holds_in_every_world(law: Law, worlds: list[World]) -> None:
    broken = [(life, found.head(3).to_dicts()) for life, feeds in worlds if len(found := law(feeds))]
    assert broken == []


@pytest.fixture(scope="module")
def clean() -> Feeds:
    start = number_of(date(2024, 1, 15))
    return delivered(new_world(PLANS["north_river"], seed=7, start=start, donors=1500), 45)


def _one(feed: str, where: pl.Expr, **changes: pl.Expr) -> Callable[[Feeds], Feeds]:
    """Change the first record that fits."""

    def changed(feeds: Feeds) -> Feeds:
        frame = feeds[feed].with_row_index("row")
        row = frame.filter(where)["row"].min()
        assert row is not None
        is_it = pl.col("row") == row
        values = [pl.when(is_it).then(value).otherwise(pl.col(name)).alias(name) for name, value in changes.items()]
        return {**feeds, feed: frame.with_columns(values).drop("row")}

    return changed


def _again(feed: str) -> Callable[[Feeds], Feeds]:
    """Send the last record a second time."""
    return lambda feeds: {**feeds, feed: pl.concat([feeds[feed], feeds[feed].tail(1)])}


def _kind(*kinds: str) -> pl.Expr:
    return pl.col("kind").is_in(kinds)


ALL, EARLY, LATE, STRANGE = pl.lit(True), pl.lit("2024-01-01T00:00:00Z"), pl.lit("2099-01-01"), pl.lit("X")
BREAKERS: dict[str, tuple[Callable[[Feeds], Feeds], ...]] = {
    "keys_are_there": (_one("donations", ALL, din=pl.lit(None)),),
    "key_comes_again_only_as_a_later_version": (_again("donors"), _again("unit_events"), _again("test_results")),
    "reference_exists_when_it_is_delivered": (
        _one("donor_visits", ALL, donor_id=STRANGE),
        _one("donation_events", ALL, delivered=pl.lit(date(2099, 1, 1))),
    ),
    "unit_is_of_a_donation_or_a_pool_or_imported": (
        _one("components", pl.col("din").is_not_null(), din=STRANGE),
        _one("components", pl.col("din").is_not_null(), din=pl.lit(None)),
    ),
    "result_is_of_a_donation_or_a_pooled_unit": (_one("test_results", pl.col("unit_id").is_null(), din=STRANGE),),
    "unit_is_made_after_collection_and_before_expiry": (
        _one("components", ALL, collected_at=pl.col("expires_at")),
        _one("components", ALL, expires_at=EARLY),
        _one("components", ALL, volume_ml=pl.lit(0.0)),
    ),
    "disposition_comes_once": (_again("dispositions"),),
    "nothing_happens_to_a_unit_before_it_is_made_or_after_it_ended": (
        _one("unit_events", ALL, happened_at=EARLY),
        _one("distribution", _kind("return"), shipped_at=EARLY),
        _one("dispositions", _kind("transfused"), happened_at=EARLY),
    ),
    "parent_ends_as_the_unit_is_made": (
        _one("unit_parents", ALL, made_at=EARLY),
        _one("dispositions", _kind("consumed"), kind=pl.lit("wasted")),
    ),
    "unit_is_given_and_sent_in_date_and_outdated_after": (
        _one("dispositions", _kind("outdated"), kind=pl.lit("transfused")),
        _one("dispositions", _kind("transfused"), happened_at=LATE),
        _one("distribution", pl.col("received_at").is_not_null(), received_at=LATE),
    ),
    "hospital_gets_only_what_was_released_and_tested": (_one("distribution", _kind("issue"), shipped_at=EARLY),),
    "reactive_donation_reaches_nobody": (
        _one("dispositions", pl.col("reason") == "reactive", kind=pl.lit("transfused")),
    ),
    "unit_is_where_its_last_move_left_it": (
        _one("distribution", _kind("issue"), from_facility_id=STRANGE),
        _one("unit_events", ALL, facility_id=STRANGE),
        _one("dispositions", ALL, facility_id=STRANGE),
    ),
    "shelf_is_never_negative": (_one("dispositions", ALL, facility_id=STRANGE),),
    "unit_is_reserved_for_one_patient_at_a_time": (
        _one("unit_events", _kind("unreserved"), patient_id=STRANGE),
        _one("dispositions", _kind("transfused"), patient_id=STRANGE),
        _one("unit_events", _kind("unreserved"), kind=pl.lit("reserved")),
    ),
    "patient_is_in_hospital_when_transfused": (
        _one("dispositions", _kind("transfused"), patient_id=STRANGE),
        _one("dispositions", _kind("transfused"), happened_at=EARLY),
        _one("dispositions", _kind("transfused"), happened_at=LATE),
    ),
    "order_gets_what_it_says": (
        _one("blood_requests", pl.col("status") == "filled", units_requested=pl.col("units_requested") + 1),
        _one("blood_requests", pl.col("status") == "partial", status=pl.lit("filled")),
    ),
    "session_counts_its_groups": (_one("donation_events", ALL, total_units=pl.col("total_units") + 1),),
}


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_law__sees_what_breaks_it(law: Law, clean: Feeds) -> None:
    seen = [law(breaker(clean)).height for breaker in BREAKERS[law.__name__]]
    assert law(clean).height == 0 and min(seen) > 0


def _landed(spark: SparkSession, feed: str, frames: list[pl.DataFrame]) -> DataFrame:
    """The records of each world, a batch each, as the lake takes them in: written, parsed, delivered on their days."""
    parser, tables = RecordParser(FEEDS[feed].source_fields), []
    for number, frame in enumerate(frames):
        rows = pa.Table.from_batches([parser.parse(lines(frame.select(*FIELDS[feed])), 1)])
        of_world = pa.array(np.full(frame.height, number))
        rows = rows.append_column("_batch_seq", of_world).append_column("_file_id", of_world)
        tables.append(rows.append_column("_delivered_on", frame["delivered"].to_arrow()))
    return spark.createDataFrame(pa.concat_tables(tables)).withColumn("_ingested_at", F.lit(INGESTED_AT))


def _faults(spark: SparkSession, worlds: list[Feeds]) -> DataFrame:
    """World and line of every violation, and the rule that is broken; all feeds in one job."""
    judged = []
    for feed in worlds[0]:
        rows = _landed(spark, feed, [feeds[feed] for feeds in worlds if feeds[feed].height])
        found = judge_feed(rows, FEEDS[feed], SUITES[feed]).frame
        judged.append(found.select("_batch_seq", "_line", F.explode("_violations.rule").alias("rule")))
    return reduce(DataFrame.unionAll, judged)


def test_suites__find_no_fault_with_a_clean_record(worlds: list[World], spark: SparkSession) -> None:
    first = (
        _faults(spark, [feeds for _, feeds in worlds])
        .groupBy("rule")
        .agg(F.min_by("_line", "_batch_seq"), F.min("_batch_seq"))
    )
    assert [(rule, line, worlds[number][0]) for rule, line, number in first.collect()] == []


def test_suites__find_fault_where_there_is_one(spark: SparkSession, clean: Feeds) -> None:
    broken = _one("components", ALL, expires_at=EARLY)(clean)
    broken = _one("distribution", pl.col("received_at").is_not_null(), received_at=EARLY)(broken)
    found = _faults(spark, [{feed: broken[feed] for feed in ("components", "distribution")}])
    assert {row["rule"] for row in found.collect()} == {
        "components.expires_at.after_preparation",
        "distribution.received_at.after_shipping",
    }
