"""Laws of the lives of units and of the shelves that they pass."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.inventory_daily import INS, OUTS
from lakehouse.l2.derivatives.shelf_demand import SHELF, shelf
from lakehouse.l2.derivatives.unit_moves import IN_TRANSIT
from lakehouse.l2.derivatives.units import ON_HAND
from lakehouse.l2.laws.law import Law, counted, sides, summed


def lives_begin_and_end(
    units: DataFrame, unit_moves: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """Every unit comes in once; it ends in its state, if it has ended; a row for the ways in, and one a state."""
    is_alive = F.col("state").isin(*ON_HAND, "in_transit")
    came, ended = unit_moves.where(F.col("from_facility_id").isNull()), F.col("to_facility_id").isNull()
    both = reduce(
        DataFrame.unionByName,
        [
            counted(units, left=True, feed=F.lit("ways_in")),
            counted(came, left=False, feed=F.lit("ways_in")),
            counted(units.where(~is_alive), left=True, feed=F.col("state")),
            counted(unit_moves.where(ended), left=False, feed=F.col("why")),
        ],
    )
    law = F.concat(F.lit("unit_moves."), "feed")
    return both.groupBy(law.alias("law")).agg(*summed()).withColumn("difference", F.col("left") - F.col("right"))


def shelves_balance(inventory_daily: DataFrame, *, as_of: date, params: Mapping[str, Any]) -> DataFrame:
    """Per component: what came less what went is what is there; and each day opens with what the one before left.

    For the second, stock is weighted by the number of the day that it opens: else a missing day would not show.
    """
    first_day = as_of - timedelta(days=int(params["inventory_history_days"]) - 1)
    is_first, is_last = F.col("stock_on") == F.lit(first_day), F.col("stock_on") == F.lit(as_of)
    opening, closing = F.col("opening"), F.col("closing")
    day = F.date_diff("stock_on", F.lit(first_day)).cast("long")
    flows = reduce(Column.__add__, [F.col(name) for name in INS]) - reduce(
        Column.__add__, [F.col(name) for name in OUTS]
    )
    sums = {
        "at_last": F.sum(F.when(is_last, closing).otherwise(0)),
        "by_flows": F.sum(F.when(is_first, opening).otherwise(0) + flows),
        "closed": F.sum(F.when(is_last, 0).otherwise(closing * (day + 1))),
        "opened": F.sum(opening * day),
    }
    of_component = inventory_daily.groupBy("component").agg(*[total.alias(name) for name, total in sums.items()])
    pairs = F.array(
        F.struct(F.lit("flows").alias("part"), F.col("at_last").alias("left"), F.col("by_flows").alias("right")),
        F.struct(F.lit("chain").alias("part"), F.col("closed").alias("left"), F.col("opened").alias("right")),
    )
    law = F.concat(F.lit("inventory_daily.balance."), "part", F.lit("."), "component")
    rows = of_component.select("component", F.inline(pairs)).select(law.alias("law"), "left", "right")
    return rows.withColumn("difference", F.col("left") - F.col("right"))


def shelves_close_with_what_units_say(
    units: DataFrame, inventory_daily: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """On the as-of day, shelves that hold units on hand or in transit = shelves that close with just as many."""
    place = F.when(F.col("state") == "in_transit", IN_TRANSIT).otherwise(F.col("facility_id"))
    held = units.where(F.col("is_on_hand") | (F.col("state") == "in_transit")).groupBy(*shelf(place)).count()
    is_open = (F.col("stock_on") == F.lit(as_of)) & (F.col("closing") > 0)
    both = held.join(inventory_daily.where(is_open).select(*SHELF, "closing"), list(SHELF), how="full")
    agreeing = F.count_if(F.col("count") == F.col("closing"))
    return both.agg(F.count("*").alias("left"), agreeing.alias("right")).select(
        *sides("inventory_daily.closing", F.col("left"), F.col("right"))
    )


LAWS = (
    Law(
        "unit_moves",
        "units = units that came in; units ended in a state = moves that end in it",
        lives_begin_and_end,
    ),
    Law(
        "inventory_daily.balance",
        "per component, closing of the as-of day = first opening + ways in - ways out (flows); "
        "the closings of all days before = the openings of the days after them, weighted by the day (chain)",
        shelves_balance,
    ),
    Law(
        "inventory_daily.closing",
        "shelves with units on hand or in transit = shelves that close the as-of day with as many",
        shelves_close_with_what_units_say,
    ),
)
