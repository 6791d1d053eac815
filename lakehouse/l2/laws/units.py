"""Laws of units and of what happened to them."""

from collections.abc import Mapping
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.refused_events import judged_steps, judged_tests
from lakehouse.l2.derivatives.units import DISPOSITIONS, ON_HAND, UNREPORTED
from lakehouse.l2.derivatives.units_identity import assumed_units, component_units
from lakehouse.l2.laws.law import Law, added, counted, sides, summed

LAST_DAY = date(9999, 12, 30)


def units_by_state(units: DataFrame, *, as_of: date, params: Mapping[str, Any]) -> DataFrame:
    """Every unit is in exactly one of the states that the sums know."""
    ways_in = (
        F.count_if("is_imported") + F.count_if("is_assumed") + F.count_if(~(F.col("is_imported") | F.col("is_assumed")))
    )
    states = (*ON_HAND, "in_transit", *DISPOSITIONS, *UNREPORTED)
    on_hand = F.count_if("is_on_hand")
    others = [F.count_if(F.col("state") == state) for state in states if state not in ON_HAND]
    return units.agg(*sides("units.by_state", ways_in, reduce(Column.__add__, others, on_hand)))


def units_in_and_out(
    units: DataFrame,
    components: DataFrame,
    dated: DataFrame,
    component_sources: DataFrame,
    places: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Every component, and every donation that stands for one, is one unit or is made after the as-of day."""
    later = component_units(components, dated, places, LAST_DAY).where(F.col("prepared_on") > F.lit(as_of))
    both = (
        counted(components, left=True)
        .unionByName(counted(assumed_units(components, dated, component_sources, as_of), left=True))
        .unionByName(counted(units, left=False))
        .unionByName(counted(later, left=False))
    )
    return added("units.in_and_out", both)


def events_placed_or_refused(  # noqa: PLR0913, PLR0917 -- an argument is a table
    units: DataFrame,
    steps: DataFrame,
    refused_events: DataFrame,
    dated: DataFrame,
    unit_events: DataFrame,
    distribution: DataFrame,
    dispositions: DataFrame,
    unit_parents: DataFrame,
    test_results: DataFrame,
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
    judged = judged_steps(steps, units, unit_parents).unionByName(judged_tests(test_results, dated))
    is_later = F.coalesce(F.col("on") > F.lit(as_of), F.lit(False))
    kept = judged.where(F.col("reason").isNull() | is_later)
    refused = refused_events.where(F.col("feed") != "components")
    came_in = reduce(
        DataFrame.unionByName, [counted(frame, left=True, feed=F.lit(feed)) for feed, frame in feeds.items()]
    )
    both = came_in.unionByName(counted(kept, left=False, feed=F.col("feed"))).unionByName(
        counted(refused, left=False, feed=F.col("feed"))
    )
    law = F.concat(F.lit("events.placed_or_refused."), "feed")
    return both.groupBy(law.alias("law")).agg(*summed()).withColumn("difference", F.col("left") - F.col("right"))


LAWS = (
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
)
