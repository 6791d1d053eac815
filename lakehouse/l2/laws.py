"""Conservation laws: what must add up between the tables of a release, whatever the data.

A law counts both sides by different ways and gives rows (law, left, right, difference). The inputs are named as the
frames of `pipeline` are; conformed ones with withdrawn rows hidden.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import event_date
from lakehouse.l2.derivatives.placed_moves import first_place_per_npi
from lakehouse.l2.derivatives.refused_events import judged_steps, judged_tests, steps_of_units
from lakehouse.l2.derivatives.regional_demand import HISTORY_DAYS
from lakehouse.l2.derivatives.units import DISPOSITIONS, ON_HAND, UNREPORTED
from lakehouse.l2.derivatives.units_identity import assumed_units, component_units
from lakehouse.l2.pipeline import parameters

LAST_DAY = date(9999, 12, 30)


@dataclass(frozen=True)
class Law:
    """One law: `sentence` says it; `check(<frame>…, *, as_of, params)` counts both sides."""

    name: str
    sentence: str
    check: Callable[..., DataFrame]

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the frames that the check reads."""
        return parameters(self.check)


def units_by_state(units: DataFrame, *, as_of: date, params: Mapping[str, Any]) -> DataFrame:
    """Every unit is in exactly one of the states that the sums know."""
    ways_in = (
        F.count_if("is_imported") + F.count_if("is_assumed") + F.count_if(~(F.col("is_imported") | F.col("is_assumed")))
    )
    states = (*ON_HAND, "in_transit", *DISPOSITIONS, *UNREPORTED)
    on_hand = F.count_if("is_on_hand")
    others = [F.count_if(F.col("state") == state) for state in states if state not in ON_HAND]
    return units.agg(*_sides("units.by_state", ways_in, reduce(Column.__add__, others, on_hand)))


def units_in_and_out(
    units: DataFrame,
    components: DataFrame,
    dated: DataFrame,
    places: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Every component, and every donation that stands for one, is one unit or is made after the as-of day."""
    later = component_units(components, dated, places, LAST_DAY).where(F.col("prepared_on") > F.lit(as_of))
    sides = (
        _counted(components, left=True)
        .unionByName(_counted(assumed_units(components, dated, as_of), left=True))
        .unionByName(_counted(units, left=False))
        .unionByName(_counted(later, left=False))
    )
    return _added("units.in_and_out", sides)


def events_placed_or_refused(  # noqa: PLR0913, PLR0917 -- an argument is a table
    units: DataFrame,
    refused_events: DataFrame,
    dated: DataFrame,
    unit_events: DataFrame,
    distribution: DataFrame,
    dispositions: DataFrame,
    unit_parents: DataFrame,
    test_results: DataFrame,
    places: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Every record about units is placed, is refused with a reason, or happened after the as-of day; a row a feed."""
    feeds = {
        "unit_events": unit_events,
        "distribution": distribution,
        "dispositions": dispositions,
        "unit_parents": unit_parents,
        "test_results": test_results,
    }
    steps = steps_of_units(units, dated, unit_events, distribution, dispositions, unit_parents, test_results, places)
    judged = judged_steps(steps, units, unit_parents).unionByName(judged_tests(test_results, dated))
    is_later = F.coalesce(F.col("on") > F.lit(as_of), F.lit(False))
    kept = judged.where(F.col("reason").isNull() | is_later)
    refused = refused_events.where(F.col("feed") != "components")
    came_in = reduce(
        DataFrame.unionByName, [_counted(frame, left=True, feed=F.lit(feed)) for feed, frame in feeds.items()]
    )
    sides = came_in.unionByName(_counted(kept, left=False, feed=F.col("feed"))).unionByName(
        _counted(refused, left=False, feed=F.col("feed"))
    )
    law = F.concat(F.lit("events.placed_or_refused."), "feed")
    return sides.groupBy(law.alias("law")).agg(*_sums()).withColumn("difference", F.col("left") - F.col("right"))


def shelves_hold_what_is_on_hand(
    units: DataFrame, expiry_outlook: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """The units on the shelves are the units on hand."""
    on_hand = units.agg(F.count_if("is_on_hand").alias("left"))
    shelves = expiry_outlook.agg(F.coalesce(F.sum("on_hand"), F.lit(0)).alias("right"))
    return on_hand.crossJoin(shelves).select(*_sides("expiry_outlook.on_hand", F.col("left"), F.col("right")))


def demand_is_what_was_transfused(
    units: DataFrame, regional_demand: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """Dated transfusions of the days that the table reaches back to are in the demand of some region."""
    is_dated = F.col("ended_on").between(_first_day(as_of, params), F.lit(as_of))
    given = units.agg(F.count_if((F.col("state") == "transfused") & is_dated).alias("left"))
    demand = regional_demand.agg(F.coalesce(F.sum("transfused"), F.lit(0)).alias("right"))
    return given.crossJoin(demand).select(*_sides("regional_demand.transfused", F.col("left"), F.col("right")))


def demand_is_what_was_requested(
    blood_requests: DataFrame,
    regional_demand: DataFrame,
    places: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Units ordered for the days that the table reaches back to are in the demand of some region."""
    zones = first_place_per_npi(places).select("npi", "timezone")
    zone = F.coalesce("timezone", F.lit("UTC"))
    ordered_on = event_date(F.col("requested_at"), F.col("is_date_only"), zone)
    needed_on = F.coalesce(event_date(F.col("needed_at"), F.lit(False), zone), ordered_on)
    is_due = (ordered_on <= F.lit(as_of)) & needed_on.between(_first_day(as_of, params), F.lit(as_of))
    zoned = blood_requests.join(zones, on="npi", how="left").where(is_due)
    ordered = zoned.agg(F.coalesce(F.sum("units_requested"), F.lit(0)).alias("left"))
    demand = regional_demand.agg(F.coalesce(F.sum("requested"), F.lit(0)).alias("right"))
    return ordered.crossJoin(demand).select(*_sides("regional_demand.requested", F.col("left"), F.col("right")))


LAWS: tuple[Law, ...] = (
    Law(
        "units.by_state",
        "units prepared + imported + assumed = on hand + in transit + dispositions + presumed outdated + fate unknown",
        units_by_state,
    ),
    Law(
        "units.in_and_out",
        "components + donations that stand for a unit = units + components made after the as-of day",
        units_in_and_out,
    ),
    Law(
        "events.placed_or_refused",
        "per feed, records = records placed on units or donations + refused + after the as-of day",
        events_placed_or_refused,
    ),
    Law("expiry_outlook.on_hand", "units on hand = the sum of on_hand over the shelves", shelves_hold_what_is_on_hand),
    Law("regional_demand.transfused", "dated transfusions = the sum of transfused", demand_is_what_was_transfused),
    Law("regional_demand.requested", "units ordered = the sum of requested", demand_is_what_was_requested),
)


def _first_day(as_of: date, params: Mapping[str, Any]) -> Column:
    return F.date_sub(F.lit(as_of), int(params.get("demand_history_days", HISTORY_DAYS)) - 1)


def _counted(frame: DataFrame, *, left: bool, feed: Column | None = None) -> DataFrame:
    """One row a row of `frame`, on one side of the balance."""
    return frame.select(
        (F.lit("") if feed is None else feed).alias("feed"),
        F.lit(int(left)).cast("long").alias("left"),
        F.lit(int(not left)).cast("long").alias("right"),
    )


def _sums() -> tuple[Column, Column]:
    return F.coalesce(F.sum("left"), F.lit(0)).alias("left"), F.coalesce(F.sum("right"), F.lit(0)).alias("right")


def _added(law: str, sides: DataFrame) -> DataFrame:
    return sides.agg(*_sums()).select(*_sides(law, F.col("left"), F.col("right")))


def _sides(law: str, left: Column, right: Column) -> tuple[Column, ...]:
    named = F.lit(law).alias("law")
    return (
        named,
        left.cast("long").alias("left"),
        right.cast("long").alias("right"),
        (left - right).cast("long").alias("difference"),
    )
