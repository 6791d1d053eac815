"""Laws of the scorecards: of facilities, of collection, and of its sessions."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import local_date
from lakehouse.l2.laws.law import Law, sides


def scorecards_hold_what_was_transfused(
    units: DataFrame, facility_scorecard: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """Every dated transfusion is in the month of some facility."""
    given = units.agg(F.count_if((F.col("state") == "transfused") & F.col("ended_on").isNotNull()).alias("left"))
    return _against(given, facility_scorecard, F.col("transfused_units"), "facility_scorecard.transfused")


def months_hold_the_donations(
    dated: DataFrame, process_quality: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """Every donation drawn by the as-of day is in the month of some facility, its donor either new or not."""
    drawn = dated.agg(F.count_if(F.col("donated_on") <= F.lit(as_of)).alias("left"))
    months = F.col("donations_first_time") + F.col("donations_repeat")
    return _against(drawn, process_quality, months, "process_quality.donations")


def months_hold_the_units(
    units: DataFrame, process_quality: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """Every unit is in the month of its donation or its making."""
    made = units.agg(F.count("*").alias("left"))
    return _against(made, process_quality, F.col("units"), "process_quality.units")


def drives_hold_the_visits(
    donor_visits: DataFrame,
    donation_events: DataFrame,
    blood_drives: DataFrame,
    places: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Every visit of the as-of day and before is at its session, or at none known."""
    zones = donation_events.join(F.broadcast(places), "facility_id", how="left").select("event_id", "timezone")
    zoned = donor_visits.join(zones, "event_id", how="left")
    visited_on = local_date(F.col("visited_at"), F.coalesce("timezone", F.lit("UTC")))
    came = zoned.agg(F.count_if(visited_on <= F.lit(as_of)).alias("left"))
    return _against(came, blood_drives, F.col("visits"), "blood_drives.visits")


def drives_hold_the_donations(
    dated: DataFrame, blood_drives: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """Every donation of the as-of day and before is at its session, or at none known."""
    drawn = dated.agg(F.count_if(F.col("donated_on") <= F.lit(as_of)).alias("left"))
    return _against(drawn, blood_drives, F.col("collected") + F.col("failed"), "blood_drives.donations")


def _against(left: DataFrame, table: DataFrame, summed: Column, law: str) -> DataFrame:
    right = table.agg(F.coalesce(F.sum(summed), F.lit(0)).alias("right"))
    return left.crossJoin(right).select(*sides(law, F.col("left"), F.col("right")))


LAWS = (
    Law(
        "facility_scorecard.transfused",
        "dated transfusions = the sum of transfused_units over the scorecards",
        scorecards_hold_what_was_transfused,
    ),
    Law(
        "process_quality.donations",
        "donations dated by as-of = the sum of donations over the months of collection",
        months_hold_the_donations,
    ),
    Law(
        "process_quality.units", "rows of units = the sum of units over the months of collection", months_hold_the_units
    ),
    Law(
        "blood_drives.visits",
        "visits by as-of = the sum of visits over the sessions, the unknown one included",
        drives_hold_the_visits,
    ),
    Law(
        "blood_drives.donations",
        "donations dated by as-of = the sum of collected and failed over the sessions",
        drives_hold_the_donations,
    ),
)
