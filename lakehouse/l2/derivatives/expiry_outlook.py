"""A row is a shelf at the end of the as-of day: one component of one group at one facility.

What it holds, what of it expires when, how many days of demand it covers, and what it will lose or lack if demand is
as forecast. A shelf that demand draws on is a row even when it is empty.

Slice: a shelf; touched by its units and movements, and by its region's forecasts.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.columns import last_day
from lakehouse.l2.derivatives.expiry_outlook_ahead import short_within, taken_by, with_forecasts
from lakehouse.l2.derivatives.placed_moves import named_places
from lakehouse.l2.derivatives.shelf_demand import SHELF, shelf, shelf_demand
from lakehouse.table import DATE, DOSES, FLAG, INT, NUMBER, TEXT, Field, Table

HORIZONS = (1, 3, 7, 14)
IN_DATE_STATES = ("available", "reserved", "quarantined", "in_process")
STATUSES = ("red", "amber", "yellow", "green", "no_demand")

_COUNTS = (
    Field("on_hand", INT, "units on hand", required=True),
    Field("available", INT, "released, in date, neither reserved nor quarantined", required=True),
    Field("reserved", INT, "reserved for a patient, in date", required=True),
    Field("quarantined", INT, "quarantined, in date", required=True),
    Field("in_process", INT, "not released yet, in date", required=True),
    Field("expired", INT, "on hand past their dating, their end not reported yet", required=True),
    Field("available_doses", DOSES, "adult doses among the available; null for red cells and whole blood"),
    *(
        Field(f"expiring_{days}d", INT, f"available or reserved, in date till local day as-of + {days}", required=True)
        for days in HORIZONS
    ),
    Field("next_expiry_on", DATE, "last usable local day of the first available or reserved unit to expire"),
)

TABLE = Table(
    tier="l2",
    name="expiry_outlook",
    grain="a shelf (facility, component, group) with stock or demand, at the end of the as-of day",
    key=SHELF,
    fields=(
        Field("facility_id", TEXT, "the facility; 'unknown' where no record places the unit", required=True),
        Field("facility_name", TEXT, "its name"),
        Field("facility_kind", TEXT, "collection, processing, hub, hospital or external"),
        Field("region", TEXT, "region of the facility"),
        Field("component", TEXT, "red_cells, platelets, plasma, cryoprecipitate or whole_blood", required=True),
        Field("abo_rhd", TEXT, "ABO/RhD of the units; 'unknown' where no record tells", required=True),
        *_COUNTS,
        Field("mean_daily_demand", NUMBER, "units a day that demand took, over the demand window", required=True),
        Field("days_of_stock", NUMBER, "available / mean_daily_demand; null when there is no demand"),
        Field("no_demand", FLAG, "no demand in the window", required=True),
        Field(
            "projected_outdates",
            INT,
            "available or reserved units that oldest-first use misses within outlook_days",
            required=True,
        ),
        Field("expected_demand", INT, "units that demand takes within the outlook: forecast, or mean", required=True),
        Field(
            "projected_shortage",
            INT,
            "of them, units that stock and foreseen supply do not cover within outlook_days",
            required=True,
        ),
        Field("status", TEXT, "red, amber, yellow or green by days of stock, or no_demand", required=True),
        Field("as_of", DATE, "the day that the state speaks about", required=True),
    ),
    law="on_hand = available + reserved + quarantined + in_process + expired; the sum of on_hand = units on hand",
)


def build(
    units: DataFrame,
    moves: DataFrame,
    places: DataFrame,
    demand_forecast: DataFrame,
    supply_forecast: DataFrame,
    regional_demand: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """The shelves at the end of `as_of`.

    Args:
        units: the units' state at `as_of`.
        moves: `placed_moves`: movements of units.
        places: `all_facilities`: time zones, regions and names.
        demand_forecast: demand of the days ahead by region; a shelf of a series without one goes by its mean.
        supply_forecast: supply of the days ahead by region.
        regional_demand: what a region's shelves have their shares of.
        as_of: local day of each facility.
        params: demand_window_days, outlook_days, status_red_days, status_amber_days, status_green_days.
    """
    window_days, outlook_days = int(params["demand_window_days"]), int(params["outlook_days"])
    taken = shelf_demand(units, moves, places, as_of=as_of, window_days=window_days)
    forecasts = (demand_forecast, supply_forecast, regional_demand)
    demand = with_forecasts(taken, places, *forecasts, as_of, window_days)
    days = _expiry_days(held_units(units, places, as_of)).join(demand, list(SHELF), how="full")
    shelves = days.withColumn("missed", missed_by_then(as_of, window_days, outlook_days)).groupBy(*SHELF)
    return (
        _named(shelves.agg(*_sums(as_of)), places)
        .withColumn("expected_demand", taken_by(F.lit(outlook_days), window_days).cast("int"))
        .withColumn("projected_shortage", short_within(outlook_days, window_days))
        .withColumn("mean_daily_demand", F.col("demand_units") / F.lit(window_days))
        .withColumn("no_demand", F.col("demand_units") == 0)
        .withColumn("days_of_stock", F.when(~F.col("no_demand"), F.col("available") / F.col("mean_daily_demand")))
        .withColumn("status", status_of(F.col("days_of_stock"), params))
        .withColumn("as_of", F.lit(as_of))
        .select(*TABLE.columns)
    )


def missed_by_then(as_of: date, window_days: int, outlook_days: int) -> Column:
    """Units of a shelf that outdate by a row's `expires_on` if demand goes on and takes the oldest first.

    With S(d) the units in stock whose last usable day is at most as-of + d, and D(d) the units that demand takes by the
    end of that day (`taken_by`), the projected outdates of the shelf are

        max over 1 <= d <= outlook_days of max(0, S(d) - D(d)).

    A unit dated to day d can only be used on the days up to d, so no policy loses less than S(d) - D(d); and
    oldest-first use wastes no demand on a later unit while an earlier one waits, so it loses no more. Between
    two expiry days S stays and D grows: the days on which units expire suffice. No new stock is counted.

    Reads SHELF, expires_on (NULL: never), in_stock (units) and what `taken_by` reads; a row a day and shelf. The
    greatest value of a shelf is its projected outdates.
    """
    earlier = Window.partitionBy(*SHELF).orderBy("expires_on").rowsBetween(Window.unboundedPreceding, 0)
    is_due = F.col("expires_on").between(as_of + timedelta(days=1), as_of + timedelta(days=outlook_days))
    due_by_then = F.sum(F.when(is_due, F.col("in_stock"))).over(earlier)
    days = F.date_diff("expires_on", F.lit(as_of))
    return F.when(is_due, F.greatest(due_by_then - taken_by(days, window_days), F.lit(0)))


def held_units(units: DataFrame, places: DataFrame, as_of: date) -> DataFrame:
    """Units on hand with their shelf.

    `expires_on` is the last local day on which the unit can be used; `is_remade_here` tells that it was made of another
    unit where it is: thawed, irradiated, divided.
    """
    remade_here = F.coalesce(
        (F.size("parent_unit_ids") > 0) & (F.col("made_at_facility_id") == F.col("facility_id")), F.lit(False)
    )
    zones = F.broadcast(places.select("facility_id", "timezone"))
    is_in_date = F.coalesce(F.col("expires_on") > F.lit(as_of), F.lit(True))
    return (
        units.where("is_on_hand")
        .select(*shelf(F.col("facility_id")), "state", "doses", "expires_at", remade_here.alias("is_remade_here"))
        .join(zones, "facility_id", how="left")
        .withColumn("expires_on", last_day(F.col("expires_at"), F.coalesce("timezone", F.lit("UTC"))))
        .withColumn("is_in_date", is_in_date)
        .select(*SHELF, "state", "doses", "expires_on", "is_in_date", "is_remade_here")
    )


def _expiry_days(held: DataFrame) -> DataFrame:
    """Units of each shelf by their last usable day, counted by state."""
    in_date, is_available = F.col("is_in_date"), F.col("state") == "available"
    states = {state: F.count_if((F.col("state") == state) & in_date) for state in IN_DATE_STATES}
    return held.groupBy(*SHELF, "expires_on").agg(
        F.count("*").alias("on_hand"),
        *[count.alias(state) for state, count in states.items()],
        F.count_if(~in_date).alias("expired"),
        F.count_if(in_date & F.col("state").isin("available", "reserved")).alias("in_stock"),
        F.sum(F.when(is_available & in_date, F.col("doses"))).alias("available_doses"),
    )


def _sums(as_of: date) -> list[Column]:
    """A shelf's figures from its expiry days; one that has demand alone has no day, and counts 0."""
    by_horizon = {days: F.col("expires_on") <= as_of + timedelta(days=days) for days in HORIZONS}
    counts = {name: F.col(name) for name in ("on_hand", *IN_DATE_STATES, "expired")}
    counts |= {f"expiring_{days}d": F.when(is_due, F.col("in_stock")) for days, is_due in by_horizon.items()}
    return [
        *[F.coalesce(F.sum(count), F.lit(0)).cast("int").alias(name) for name, count in counts.items()],
        F.sum("available_doses").cast(DOSES).alias("available_doses"),
        F.min(F.when(F.col("in_stock") > 0, F.col("expires_on"))).alias("next_expiry_on"),
        F.coalesce(F.sum("in_stock"), F.lit(0)).alias("in_stock"),
        F.coalesce(F.max("demand_units"), F.lit(0)).alias("demand_units"),
        F.max("expected").alias("expected"),
        F.max("supplied").alias("supplied"),
        F.coalesce(F.max("missed"), F.lit(0)).cast("int").alias("projected_outdates"),
    ]


def _named(shelves: DataFrame, places: DataFrame) -> DataFrame:
    return shelves.join(F.broadcast(named_places(places)), "facility_id", how="left")


def status_of(days_of_stock: Column, params: Mapping[str, Any]) -> Column:
    """red, amber, yellow or green by days of stock; no_demand where they are NULL."""
    return (
        F.when(days_of_stock.isNull(), "no_demand")
        .when(days_of_stock < float(params["status_red_days"]), "red")
        .when(days_of_stock < float(params["status_amber_days"]), "amber")
        .when(days_of_stock < float(params["status_green_days"]), "yellow")
        .otherwise("green")
    )
