"""A row is a record about a unit that can't be placed (yet): it waits, or it can't be a fact.

Nothing is kept from one build to the next, so a row goes by itself when the missing record arrives, or when the
record is corrected or withdrawn. A component that waits for its donation is a row here and a unit all the same.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.units import DONATION_ABSENT
from lakehouse.l2.derivatives.units_donations import (
    by_reference,
    is_before_collection,
    reference,
)
from lakehouse.table import DATE, INSTANT, INT, TEXT, Field, Table

REASONS = ("waiting", "before_collection", "ambiguous_bag")

TABLE = Table(
    tier="l2",
    name="refused_events",
    grain="a record that happened by the end of the as-of day and can't be placed on a unit or donation",
    key=("feed", "record_key"),
    fields=(
        Field("feed", TEXT, "the conformed table that holds the record", required=True),
        Field("record_key", TEXT, "its key there; of two columns, joined by |", required=True),
        Field("unit_id", TEXT, "the unit that it names"),
        Field(
            "reason",
            TEXT,
            "waiting: its unit, donation or parent is not here; before_collection: more than 24 h before "
            "the collection; ambiguous_bag: the bag names several units",
            required=True,
        ),
        Field("happened_at", INSTANT, "when it happened"),
        Field("waiting_since", DATE, "day of its recording or arrival (UTC)", required=True),
        Field("days_waiting", INT, "days from then to the as-of day, never below 0", required=True),
        Field("as_of", DATE, "the day that the judgement speaks about", required=True),
    ),
    law="per feed, records in by the as-of day = records placed + records here (components are placed and may wait)",
)


def build(
    units: DataFrame,
    steps: DataFrame,
    components: DataFrame,
    dated: DataFrame,
    test_results: DataFrame,
    unit_parents: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """List the records of the as-of day and before that no unit or donation takes.

    Args:
        units: the units of the same as-of day.
        steps: `steps_of_units`: every record that names a unit.
        components: when a unit that waits for its donation was recorded.
        dated: `dated_donations`: what tests are about.
        test_results: results of donations.
        unit_parents: makings; one of an imported unit never waits for its parent.
        as_of: the day that the judgement speaks about.
        params: none is read.
    """
    judged = (
        judged_steps(steps, units, unit_parents)
        .unionByName(judged_tests(test_results, dated))
        .unionByName(_waiting_components(units, components))
    )
    refused = judged.where(F.col("reason").isNotNull() & (F.col("on") <= F.lit(as_of)))
    waited = F.greatest(F.datediff(F.lit(as_of), "waiting_since"), F.lit(0))
    return refused.withColumns({"days_waiting": waited, "as_of": F.lit(as_of)}).select(*TABLE.columns)


def judged_steps(steps: DataFrame, units: DataFrame, unit_parents: DataFrame) -> DataFrame:
    """One row a step, with the `reason` why it can't be placed; NULL when it is placed."""
    known = units.select("unit_id", "collected_at", F.lit(True).alias("is_here"))
    imported = units.where(F.col("is_imported")).select("unit_id")
    excepted = unit_parents.join(imported, on="unit_id", how="left_semi").select(
        F.lit("unit_parents").alias("feed"),
        F.concat_ws("|", "unit_id", "parent_unit_id").alias("record_key"),
        F.lit(True).alias("is_excepted"),
    )
    found = steps.join(known, on="unit_id", how="left").join(excepted, on=["feed", "record_key"], how="left")
    reason = (
        F.when(F.col("is_here").isNull() & F.col("is_excepted"), F.lit(None).cast("string"))
        .when(F.col("is_ambiguous_bag"), "ambiguous_bag")
        .when(F.col("is_here").isNull(), "waiting")
        .when(is_before_collection(F.col("latest_at"), F.col("collected_at")), "before_collection")
    )
    return _judged(found, "feed", "record_key", reason, F.col("at"), F.col("on"), F.col("recorded")["_order_at"])


def judged_tests(test_results: DataFrame, dated: DataFrame) -> DataFrame:
    """The same for results of donations. One that names a shared bag is placed when any of its donations takes it."""
    earliest = by_reference(dated, "collected_at", with_shared_bags=True)
    donated = earliest.groupBy("reference").agg(F.min("collected_at").alias("collected_at"))
    results = test_results.where(F.col("unit_id").isNull()).withColumn("reference", reference())
    found = results.join(donated.withColumn("is_here", F.lit(True)), on="reference", how="left").withColumn(
        "feed", F.lit("test_results")
    )
    moment = F.col("resulted_at")
    reason = F.when(F.col("is_here").isNull(), "waiting").when(
        is_before_collection(moment, F.col("collected_at")), "before_collection"
    )
    return _judged(found, "feed", "test_id", reason, moment, F.to_date(moment), F.col("_order_at"))


def _waiting_components(units: DataFrame, components: DataFrame) -> DataFrame:
    waiting = units.where(F.array_contains("warnings", DONATION_ABSENT)).select("unit_id", "prepared_at", "prepared_on")
    recorded = components.select("unit_id", "_order_at")
    found = waiting.join(recorded, on="unit_id", how="inner").withColumn("feed", F.lit("components"))
    made_at, made_on = F.col("prepared_at"), F.col("prepared_on")
    return _judged(found, "feed", "unit_id", F.lit("waiting"), made_at, made_on, F.col("_order_at"))


def _judged(
    rows: DataFrame, feed: str, record_key: str, reason: Column, at: Column, on: Column, recorded_at: Column
) -> DataFrame:
    return rows.select(
        F.col(feed).alias("feed"),
        F.col(record_key).alias("record_key"),
        "unit_id",
        reason.alias("reason"),
        at.alias("happened_at"),
        on.alias("on"),
        F.to_date(recorded_at).alias("waiting_since"),
    )
