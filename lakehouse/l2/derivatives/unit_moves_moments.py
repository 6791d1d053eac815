"""The moments at which a unit's place or standing may change. A row is a moment of a unit, beside what the unit is.

Moments are its records, what its row of `units` tells (made, tested, reactive, disputed, ended), and the days around
the end of its dating. They sort by `in_order`.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from lakehouse.columns import local_date, start_of_day
from lakehouse.l2.derivatives.placed_moves import UNKNOWN
from lakehouse.l2.derivatives.units import ON_HAND, UNREPORTED, was_made
from lakehouse.l2.derivatives.units_donations import UTC, is_before_collection
from lakehouse.l2.derivatives.units_states import HOLDS, RESERVATIONS, as_step
from lakehouse.l2.derivatives.units_steps import RANK

MADE_OF, MADE, TESTED, REACTIVE, DISPUTED = "made_of", "made", "tested", "reactive", "disputed"
FOUND, ENDED, EXPIRED = "found", "ended", "expired"
LIVING = (*ON_HAND, "in_transit")
RECORDED = ("released", *HOLDS, *RESERVATIONS, "shipped", "received")
# Order within a day: what a unit is made of tells how it came in; it can't expire on the day that it ended before.
PHASE = {MADE_OF: -1, MADE: 0, FOUND: 2, ENDED: 3, EXPIRED: 4}
RECORD_PHASE = 1


def of_unit() -> WindowSpec:
    """All moments of a unit."""
    return Window.partitionBy("unit_id")


def in_order() -> WindowSpec:
    """The moments of a unit in their order."""
    return of_unit().orderBy("on", "phase", "at", "rank", "record_key")


def so_far() -> WindowSpec:
    """The moments of a unit up to each, itself included."""
    return in_order().rowsBetween(Window.unboundedPreceding, Window.currentRow)


def lives(units: DataFrame, dated: DataFrame, places: DataFrame, as_of: date, params: Mapping[str, Any]) -> DataFrame:
    """One row a unit: what it is, and how it ended.

    Adds to columns of `units`: bag_id; status and tested_on of an assumed unit; the maker's zone; end_state (NULL while
    it lives), left_on (the day that it counts as gone) and is_dated (whether a record or its dating tells that day).

    A presumed end counts when the unit is given up, not when it expired: until then it was on hand.
    """
    told = dated.select("donation_key", "bag_id", F.col("status").alias("_status"), F.col("tested_on").alias("_tested"))
    zones = places.select(F.col("facility_id").alias("made_at_facility_id"), F.col("timezone").alias("zone"))
    known = units.join(told, "donation_key", how="left").join(F.broadcast(zones), "made_at_facility_id", how="left")
    has_ended = ~F.col("state").isin(*LIVING)
    is_presumed = F.col("state").isin(*UNREPORTED)
    given_up_on = F.date_add("ended_on", int(params["presumed_outdated_days"]))
    counted_on = F.when(is_presumed, given_up_on).otherwise(F.col("ended_on"))
    ended_on = F.least(F.greatest(F.coalesce(counted_on, F.lit(as_of)), "prepared_on"), F.lit(as_of))
    return known.select(
        "unit_id",
        "bag_id",
        "component",
        F.coalesce("abo_rhd", F.lit(UNKNOWN)).alias("abo_rhd"),
        "doses",
        "is_imported",
        "is_assumed",
        "collected_at",
        "prepared_at",
        "prepared_on",
        "expires_at",
        "made_at_facility_id",
        F.coalesce("zone", F.lit(UTC)).alias("zone"),
        F.when(F.col("is_assumed"), F.col("_status")).alias("status"),
        F.when(F.col("is_assumed"), F.col("_tested")).alias("tested_on"),
        "reactive_at",
        "disputed_at",
        F.when(has_ended, F.col("state")).alias("end_state"),
        F.when(has_ended, ended_on).alias("left_on"),
        (~has_ended | F.col("ended_on").isNotNull()).alias("is_dated"),
        F.when(~is_presumed, F.col("ended_at")).alias("ended_at"),
        "ended_at_facility_id",
    )


def moments(known: DataFrame, steps: DataFrame, unit_parents: DataFrame, as_of: date) -> DataFrame:
    """The moments of all units up to their end or the as-of day, none before the day that the unit was made on.

    Args:
        known: `lives`.
        steps: movements and events (`units_steps`).
        unit_parents: makings.
        as_of: later moments are not seen.

    Returns:
        The columns of `known`, and what, phase, on, at, rank, record_key, is_issue; step (NULL where no record is).
    """
    children = unit_parents.where(was_made(as_of)).select("unit_id", F.lit(MADE_OF).alias("what"))
    recorded = _recorded(steps).where(F.col("on") <= F.lit(as_of)).unionByName(children, allowMissingColumns=True)
    of_units = known.join(recorded, "unit_id", how="inner")
    found = of_units.unionByName(known.select("*", _told(as_of)), allowMissingColumns=True)
    phases = F.create_map(*[F.lit(part) for pair in PHASE.items() for part in pair])
    step = F.col("step")
    # The export that ended a unit: it left from where it was.
    is_its_end = (F.col("end_state") == "exported") & (step["what"] == "shipped") & (step["kind"] == "export")
    is_fact = ~is_before_collection(F.col("latest_at"), F.col("collected_at")) & ~F.coalesce(is_its_end, F.lit(False))
    placed = found.where(is_fact).withColumns(
        {
            "on": F.greatest("on", "prepared_on"),
            "phase": F.coalesce(F.try_element_at(phases, F.col("what")), F.lit(RECORD_PHASE)),
        }
    )
    return placed.where(F.col("on") <= F.coalesce("left_on", F.lit(as_of))).where(_is_of_the_living())


def _recorded(steps: DataFrame) -> DataFrame:
    """Records that move a unit or change its standing; an arrival on a later day is a moment of its own."""
    arrives_later = F.coalesce(F.col("arrived_on") > F.col("on"), F.lit(False))
    both = F.when(arrives_later, F.array(F.lit(False), F.lit(True))).otherwise(F.array(F.lit(False)))
    rows = steps.where(F.col("what").isin(*RECORDED)).withColumns({"step": as_step(), "is_arrival": F.explode(both)})
    is_arrival = F.col("is_arrival")
    return rows.select(
        "unit_id",
        F.when(is_arrival, "received").otherwise(F.col("what")).alias("what"),
        F.when(is_arrival, F.col("arrived_on")).otherwise(F.col("on")).alias("on"),
        F.when(is_arrival, F.col("arrived_at")).otherwise(F.col("at")).alias("at"),
        F.when(is_arrival, F.lit(RANK["received"])).otherwise(F.col("step")["rank"]).alias("rank"),
        "record_key",
        "is_issue",
        "latest_at",
        F.when(~is_arrival, F.col("step")).alias("step"),
    )


def _told(as_of: date) -> Column:
    """The moments that a row of `lives` tells of: columns what, on and at of a row each.

    The day on which dating ends depends on the zone of the place where the unit then is: on each of the three days
    that it can be, the unit is looked at.
    """
    zone, expires_at = F.col("zone"), F.col("expires_at")
    expires_on = local_date(expires_at, zone)
    found = [
        _moment(MADE, F.col("prepared_on"), F.col("prepared_at")),
        _moment(TESTED, F.col("tested_on"), start_of_day(F.col("tested_on"), zone)),
        *[
            _moment(what, F.when(F.col(at).isNotNull(), F.least(local_date(F.col(at), zone), F.lit(as_of))), F.col(at))
            for what, at in ((REACTIVE, "reactive_at"), (DISPUTED, "disputed_at"))
        ],
        *[_moment(EXPIRED, F.date_add(expires_on, days), expires_at) for days in (-1, 0, 1)],
        *[_moment(what, F.col("left_on"), F.col("ended_at")) for what in (FOUND, ENDED)],
    ]
    return F.inline(F.filter(F.array(*found), lambda moment: moment["on"].isNotNull()))


def _moment(what: str, on: Column, at: Column) -> Column:
    return F.struct(F.lit(what).alias("what"), on.alias("on"), at.alias("at"))


def _is_of_the_living() -> Column:
    """Dating ends only for what is still there, and nobody knows how long a unit was that has an end without a day."""
    is_gone = F.coalesce(F.col("left_on") <= F.col("on"), F.lit(False)) | ~F.col("is_dated")
    return (F.col("what") != EXPIRED) | ~is_gone
