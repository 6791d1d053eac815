"""A row is a day of a shelf: what it held when the day began, what came and went, and what it held at the end.

A shelf is one component of one group at one facility. What is on its way between two facilities is on the shelf of
the place `in_transit`: whatever goes from one facility to another goes through it, so that what the facilities
shipped on a day is what it received, and what it shipped is what they received. `unit_moves` says what moved when.

Slice: a shelf from a day on. A move touches both its shelves from its day on; a new day, all shelves.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.shelf_demand import SHELF
from lakehouse.l2.derivatives.unit_moves import IN_TRANSIT, STANDINGS, WAYS_IN
from lakehouse.l2.derivatives.units import DISPOSITIONS, UNREPORTED
from lakehouse.table import DATE, DOSES, INT, TEXT, Field, Table

UNDATED = "ended_undated"
INS = (*WAYS_IN, "received")
OUTS = (
    "shipped",
    *["converted_out" if state == "consumed" else state for state in DISPOSITIONS],
    *UNREPORTED,
    UNDATED,
)

TABLE = Table(
    tier="l2",
    name="inventory_daily",
    grain="a local day of a shelf (facility, component, group) that held or moved a unit, up to the as-of day",
    key=("stock_on", *SHELF),
    fields=(
        Field("stock_on", DATE, "local day of the facility; at in_transit of who ships or receives", required=True),
        Field("facility_id", TEXT, "the facility; 'in_transit', or 'unknown' where no record tells", required=True),
        Field("facility_kind", TEXT, "collection, processing, hub, hospital or external"),
        Field("region", TEXT, "region of the facility"),
        Field("component", TEXT, "red_cells, platelets, plasma, cryoprecipitate or whole_blood", required=True),
        Field("abo_rhd", TEXT, "ABO/RhD of the units; 'unknown' where no record tells", required=True),
        Field("opening", INT, "units there when the day began: the closing of the day before", required=True),
        Field("produced", INT, "units made there of a donation", required=True),
        Field("imported", INT, "units that came from another service", required=True),
        Field("converted_in", INT, "units made there of other units: pools, parts, modified ones", required=True),
        Field("received", INT, "units that came from another facility; of in_transit, that set out", required=True),
        Field("shipped", INT, "units that left for another facility; of in_transit, that arrived", required=True),
        Field("transfused", INT, "units transfused on a known day", required=True),
        Field("outdated", INT, "units reported as expired untransfused", required=True),
        Field("wasted", INT, "units mishandled", required=True),
        Field("discarded", INT, "units discarded for a test or for quality", required=True),
        Field("further_manufacture", INT, "units that went into further manufacture", required=True),
        Field("converted_out", INT, "units that others were made of", required=True),
        Field("exported", INT, "units that went to another service", required=True),
        Field("research", INT, "units given to research", required=True),
        Field("lost", INT, "units lost", required=True),
        Field("presumed_outdated", INT, "units given up past their dating, where ends are reported", required=True),
        Field("fate_unknown", INT, "units given up past their dating, where no end is ever reported", required=True),
        Field("ended_undated", INT, "units whose end no record dates, on the last day known of them", required=True),
        Field("closing", INT, "units there at the end of the day, the sum of the six that follow", required=True),
        Field("available", INT, "released, in date, neither reserved nor quarantined", required=True),
        Field("reserved", INT, "reserved for a patient, in date", required=True),
        Field("quarantined", INT, "quarantined, in date", required=True),
        Field("in_process", INT, "not released yet, in date", required=True),
        Field("expired", INT, "past their dating, their end not reported yet", required=True),
        Field("in_transit", INT, "on their way; only at in_transit", required=True),
        Field("closing_doses", DOSES, "adult doses at the end of the day; null for red cells and whole blood"),
        Field("available_doses", DOSES, "adult doses among the available; null as before"),
    ),
    law="closing = opening + ways in - ways out; opening = closing of the day before; on the as-of day, what units say",
)


def build(unit_moves: DataFrame, places: DataFrame, *, as_of: date, params: Mapping[str, Any]) -> DataFrame:
    """The days of all shelves up to `as_of`.

    Args:
        unit_moves: the changes in the lives of units up to `as_of`.
        places: `all_facilities`: kinds and regions.
        as_of: last local day that counts.
        params: inventory_history_days (days that the table reaches back).
    """
    before = day_before(as_of, params)
    return days_of_shelves(moved_by_day(legs_of(unit_moves, before)), places, as_of, before)


def day_before(as_of: date, params: Mapping[str, Any]) -> date:
    """The day before the first that the table tells of."""
    return as_of - timedelta(days=int(params["inventory_history_days"]))


def days_of_shelves(moved: DataFrame, places: DataFrame, as_of: date, before: date) -> DataFrame:
    """The rows of `TABLE` after the day `before`, of what each day moved (`moved_by_day`)."""
    kinds = places.select("facility_id", F.col("kind").alias("facility_kind"), "region")
    every = _every_day(_with_stock(moved), as_of).where(F.col("stock_on") > F.lit(before))
    return every.join(F.broadcast(kinds), "facility_id", how="left").select(*TABLE.columns)


def legs_of(unit_moves: DataFrame, before: date) -> DataFrame:
    """Both ends of every move: stock_on, the shelf, doses, standing, sign, flow.

    All that moved by the day `before` counts on it.
    """
    stock_on = F.greatest("moved_on", F.lit(before)).alias("stock_on")
    return unit_moves.select(stock_on, "component", "abo_rhd", "doses", F.inline(legs()))


def moved_by_day(moved: DataFrame) -> DataFrame:
    """What a day moved on a shelf: a count of each flow, and by how much each standing and the doses changed."""
    is_available = F.col("standing") == "available"
    doses = F.col("sign") * F.col("doses")
    return moved.groupBy("stock_on", *SHELF).agg(
        *[F.count_if(F.col("flow") == name).cast("int").alias(name) for name in (*INS, *OUTS)],
        *[
            F.coalesce(F.sum(F.when(F.col("standing") == name, F.col("sign"))), F.lit(0)).cast("int").alias(name)
            for name in STANDINGS
        ],
        F.sum(doses).alias("closing_doses"),
        F.sum(F.when(is_available, doses).when(doses.isNotNull(), 0)).alias("available_doses"),
    )


def legs() -> Column:
    """What a move takes from one shelf and brings to another; `flow` is NULL where only the standing changes.

    An array of facility_id, standing, sign (1 or -1) and flow, from a row of `unit_moves`.

    A unit that goes from one facility to another within a day passes through `in_transit` on that day.
    """
    origin, goal, why = F.col("from_facility_id"), F.col("to_facility_id"), F.col("why")
    is_way = F.coalesce(origin != goal, F.lit(False))
    end = F.when(~F.col("is_dated"), UNDATED).when(why == "consumed", "converted_out").otherwise(why)
    out = F.when(goal.isNull(), end).when(is_way, "shipped")
    into = F.when(origin.isNull(), why).when(is_way, "received")
    passes = is_way & (origin != IN_TRANSIT) & (goal != IN_TRANSIT)
    transit = F.lit(IN_TRANSIT)
    found = F.array(
        F.when(origin.isNotNull(), _leg(origin, F.col("from_standing"), -1, out)),
        F.when(goal.isNotNull(), _leg(goal, F.col("to_standing"), 1, into)),
        F.when(passes, _leg(transit, transit, 1, F.lit("received"))),
        F.when(passes, _leg(transit, transit, -1, F.lit("shipped"))),
    )
    return F.array_compact(found)


def _leg(facility_id: Column, standing: Column, sign: int, flow: Column) -> Column:
    named = {"facility_id": facility_id, "standing": standing, "sign": F.lit(sign), "flow": flow}
    return F.struct(*[column.alias(name) for name, column in named.items()])


def _with_stock(days: DataFrame) -> DataFrame:
    """Sum up the changes of standings and doses from the first day on; add opening, closing and the next such day."""
    in_order = Window.partitionBy(*SHELF).orderBy("stock_on")
    so_far = in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    change = reduce(Column.__add__, [F.col(name) for name in STANDINGS])
    held = {name: F.sum(name).over(so_far) for name in (*STANDINGS, "closing_doses", "available_doses")}
    known = days.withColumns({"change": change, "next_on": F.lead("stock_on").over(in_order), **held})
    closed = known.withColumn("closing", reduce(Column.__add__, [F.col(name) for name in STANDINGS]))
    return closed.withColumn("opening", F.col("closing") - F.col("change"))


def _every_day(days: DataFrame, as_of: date) -> DataFrame:
    """Repeat what a day left on a shelf on each day until it changes; nothing moves on those."""
    until = F.coalesce(F.date_sub("next_on", 1), F.lit(as_of))
    last_on = F.when(F.col("closing") > 0, until).otherwise(F.col("stock_on"))
    dates = F.posexplode(F.sequence("stock_on", last_on, F.expr("INTERVAL 1 DAY"))).alias("later", "day")
    every = days.select("*", dates)
    is_later = F.col("later") > 0
    still = {name: F.when(is_later, 0).otherwise(F.col(name)) for name in (*INS, *OUTS)}
    opening = F.when(is_later, F.col("closing")).otherwise(F.col("opening"))
    counts = {name: F.col(name).cast("int") for name in ("closing", *STANDINGS)}
    doses = {name: F.col(name).cast(DOSES) for name in ("closing_doses", "available_doses")}
    return every.withColumns({"stock_on": F.col("day"), "opening": opening.cast("int"), **still, **counts, **doses})
