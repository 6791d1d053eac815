"""A row is a shelf at the end of the as-of day: one component of one group at one facility.

What it holds, what of it expires when, and how many days of demand it covers. A shelf that demand draws on
is a row even when it is empty.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.columns import local_date
from lakehouse.l2.conformed.all_facilities import all_facilities
from lakehouse.l2.derivatives.shelf_demand import SHELF, shelf, shelf_demand
from lakehouse.table import DATE, DOSES, FLAG, INT, NUMBER, TEXT, Field, Table

HORIZONS = (1, 3, 7, 14)
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
        Field("projected_outdates", INT, "available or reserved units that oldest-first use misses", required=True),
        Field("status", TEXT, "red, amber, yellow or green by days of stock, or no_demand", required=True),
        Field("as_of", DATE, "the day that the state speaks about", required=True),
    ),
    law="on_hand = available + reserved + quarantined + in_process + expired; the sum of on_hand = units on hand",
)


def build(
    units: DataFrame,
    distribution: DataFrame,
    donations: DataFrame,
    facilities: DataFrame,
    hospitals: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """The shelves at the end of `as_of`.

    Args:
        units: the units' state at `as_of`.
        distribution: movements of units.
        donations: only to find the unit of a movement that names its bag alone.
        facilities: with their time zones.
        hospitals: those without a `facilities` record are facilities too.
        as_of: local day of each facility.
        params: demand_window_days, outlook_days, status_red_days, status_amber_days, status_green_days.
    """
    places = all_facilities(facilities, hospitals)
    window_days, outlook_days = int(params["demand_window_days"]), int(params["outlook_days"])
    held = _held(units, places, as_of)
    demand = shelf_demand(units, distribution, donations, places, as_of=as_of, window_days=window_days)
    missed = projected_outdates(held.where("is_in_stock"), demand, as_of, window_days, outlook_days)
    shelves = _counts(held, as_of).join(demand, list(SHELF), how="full").join(missed, list(SHELF), how="left")
    return (
        _named(shelves, places)
        .withColumns(_filled())
        .withColumn("mean_daily_demand", F.col("demand_units") / F.lit(window_days))
        .withColumn("no_demand", F.col("demand_units") == 0)
        .withColumn("days_of_stock", F.when(~F.col("no_demand"), F.col("available") / F.col("mean_daily_demand")))
        .withColumn("status", _status(F.col("days_of_stock"), params))
        .withColumn("as_of", F.lit(as_of))
        .select(*TABLE.columns)
    )


def projected_outdates(
    in_stock: DataFrame, demand: DataFrame, as_of: date, window_days: int, outlook_days: int
) -> DataFrame:
    """Units of each shelf that will outdate within `outlook_days`, if demand goes on and takes the oldest first.

    With S(d) the units in stock whose last usable day is at most as-of + d, and D(d) = floor(d x demand_units /
    window_days) the units that demand takes by the end of that day, the loss is

        max over 1 <= d <= outlook_days of max(0, S(d) - D(d)).

    A unit dated to day d can only be used on the days up to d, so no policy loses less than S(d) - D(d); and
    oldest-first use wastes no demand on a later unit while an earlier one waits, so it loses no more. Between
    two expiry days S stays and D grows: the days on which units expire suffice. No new stock is counted.

    Args:
        in_stock: SHELF, expires_on; one row a unit.
        demand: SHELF, demand_units over the window.
        as_of: the day that the stock is of.
        window_days: length of the demand window.
        outlook_days: how far to look.

    Returns:
        SHELF, projected_outdates; no row for a shelf where nothing expires in time.
    """
    earlier = Window.partitionBy(*SHELF).orderBy("expires_on").rowsBetween(Window.unboundedPreceding, 0)
    due = in_stock.where(F.col("expires_on") <= as_of + timedelta(days=outlook_days))
    taken = F.floor(F.col("days") * F.coalesce("demand_units", F.lit(0)) / F.lit(window_days))
    return (
        due.groupBy(*SHELF, "expires_on")
        .agg(F.count("*").alias("units"))
        .withColumn("due_by_then", F.sum("units").over(earlier))
        .withColumn("days", F.date_diff("expires_on", F.lit(as_of)))
        .join(demand, list(SHELF), how="left")
        .groupBy(*SHELF)
        .agg(F.max(F.greatest(F.col("due_by_then") - taken, F.lit(0))).cast("int").alias("projected_outdates"))
        .select(*SHELF, "projected_outdates")
    )


def _held(units: DataFrame, places: DataFrame, as_of: date) -> DataFrame:
    """Units on hand with their shelf; `expires_on` is the last local day on which the unit can be used.

    A dating that ends at midnight ends with the day before it: hence the microsecond.
    """
    zones = F.broadcast(places.select("facility_id", "timezone"))
    last_moment = F.col("expires_at") - F.expr("INTERVAL '0.000001' SECOND")
    is_in_date = F.coalesce(F.col("expires_on") > F.lit(as_of), F.lit(True))
    return (
        units.where("is_on_hand")
        .select(*shelf("facility_id"), "state", "doses", "expires_at")
        .join(zones, "facility_id", how="left")
        .withColumn("expires_on", local_date(last_moment, F.coalesce("timezone", F.lit("UTC"))))
        .withColumn("is_in_date", is_in_date)
        .withColumn("is_in_stock", F.col("state").isin("available", "reserved") & F.col("is_in_date"))
        .select(*SHELF, "state", "doses", "expires_on", "is_in_date", "is_in_stock")
    )


def _counts(held: DataFrame, as_of: date) -> DataFrame:
    in_stock, in_date = F.col("is_in_stock"), F.col("is_in_date")
    of_state = {
        state: (F.col("state") == state) & in_date for state in ("available", "reserved", "quarantined", "in_process")
    }
    expiring = {
        f"expiring_{days}d": in_stock & (F.col("expires_on") <= as_of + timedelta(days=days)) for days in HORIZONS
    }
    counted = {**of_state, "expired": ~in_date, **expiring}
    return held.groupBy(*SHELF).agg(
        F.count("*").cast("int").alias("on_hand"),
        *[F.count_if(condition).cast("int").alias(name) for name, condition in counted.items()],
        F.sum(F.when(of_state["available"], F.col("doses"))).cast(DOSES).alias("available_doses"),
        F.min(F.when(in_stock, F.col("expires_on"))).alias("next_expiry_on"),
    )


def _named(shelves: DataFrame, places: DataFrame) -> DataFrame:
    names = places.select(
        "facility_id", F.col("name").alias("facility_name"), F.col("kind").alias("facility_kind"), "region"
    )
    return shelves.join(F.broadcast(names), "facility_id", how="left")


def _filled() -> dict[str, Column]:
    """Counts of shelves that are on one side of the joins only."""
    counts = [field.name for field in _COUNTS if field.type == INT] + ["demand_units", "projected_outdates"]
    return {name: F.coalesce(name, F.lit(0)) for name in counts}


def _status(days_of_stock: Column, params: Mapping[str, Any]) -> Column:
    return (
        F.when(days_of_stock.isNull(), "no_demand")
        .when(days_of_stock < float(params["status_red_days"]), "red")
        .when(days_of_stock < float(params["status_amber_days"]), "amber")
        .when(days_of_stock < float(params["status_green_days"]), "yellow")
        .otherwise("green")
    )
