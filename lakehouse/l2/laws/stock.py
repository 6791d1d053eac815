"""Laws of shelves and of demand."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import event_date, is_said_by_day
from lakehouse.l2.derivatives.expiry_outlook import held_units
from lakehouse.l2.derivatives.placed_moves import first_place_per_npi
from lakehouse.l2.laws.law import Law, sides


def shelves_hold_what_is_on_hand(
    units: DataFrame, expiry_outlook: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """The units on the shelves are the units on hand."""
    on_hand = units.agg(F.count_if("is_on_hand").alias("left"))
    shelves = expiry_outlook.agg(F.coalesce(F.sum("on_hand"), F.lit(0)).alias("right"))
    return on_hand.crossJoin(shelves).select(*sides("expiry_outlook.on_hand", F.col("left"), F.col("right")))


def transfers_take_what_is_there(
    units: DataFrame, transfer_suggestions: DataFrame, places: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """Of the units that are to leave a shelf, so many are available on it with that last usable day."""
    on = ("facility_id", "component", "abo_rhd", "expires_on")
    leaving = transfer_suggestions.groupBy(F.col("from_facility_id").alias("facility_id"), *on[1:]).agg(
        F.sum("units").alias("units")
    )
    held = held_units(units, places, as_of).where(F.col("is_in_date") & (F.col("state") == "available"))
    there = held.groupBy(*on).agg(F.count("*").alias("held"))
    both = leaving.join(there, list(on), how="left").agg(
        F.coalesce(F.sum("units"), F.lit(0)).alias("left"),
        F.coalesce(F.sum(F.least("units", F.coalesce("held", F.lit(0)))), F.lit(0)).alias("right"),
    )
    return both.select(*sides("transfer_suggestions.units", F.col("left"), F.col("right")))


def demand_is_what_was_transfused(
    units: DataFrame, regional_demand: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """Dated transfusions of the days that the table reaches back to are in the demand of some region."""
    is_dated = F.col("ended_on").between(_first_day(as_of, params), F.lit(as_of))
    given = units.agg(F.count_if((F.col("state") == "transfused") & is_dated).alias("left"))
    demand = regional_demand.agg(F.coalesce(F.sum("transfused"), F.lit(0)).alias("right"))
    return given.crossJoin(demand).select(*sides("regional_demand.transfused", F.col("left"), F.col("right")))


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
    needed_on = F.coalesce(event_date(F.col("needed_at"), is_said_by_day("needed_at"), zone), ordered_on)
    is_due = (ordered_on <= F.lit(as_of)) & needed_on.between(_first_day(as_of, params), F.lit(as_of))
    zoned = blood_requests.join(zones, on="npi", how="left").where(is_due)
    ordered = zoned.agg(F.coalesce(F.sum("units_requested"), F.lit(0)).alias("left"))
    demand = regional_demand.agg(F.coalesce(F.sum("requested"), F.lit(0)).alias("right"))
    return ordered.crossJoin(demand).select(*sides("regional_demand.requested", F.col("left"), F.col("right")))


def _first_day(as_of: date, params: Mapping[str, Any]) -> Column:
    return F.date_sub(F.lit(as_of), int(params["demand_history_days"]) - 1)


LAWS = (
    Law("expiry_outlook.on_hand", "units on hand = the sum of on_hand over the shelves", shelves_hold_what_is_on_hand),
    Law("transfer_suggestions.units", "units to leave = of them, on their shelves", transfers_take_what_is_there),
    Law("regional_demand.transfused", "dated transfusions = the sum of transfused", demand_is_what_was_transfused),
    Law("regional_demand.requested", "units ordered = the sum of requested", demand_is_what_was_requested),
)
