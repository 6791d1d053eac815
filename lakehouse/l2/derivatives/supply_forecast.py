"""A row is a day ahead of a region's component and group: the units that are expected to be released to stock on it.

A collection day is known (what its sessions took), planned (sessions that lie ahead, at the yield that their site has
had) or, where no session is known of, guessed by the weekday; a lag later its units are released. Of each collection
come as many units of a component and group as of the past ones. Units that become another product are not counted,
what they became is; nor are imports. Collections without a session are not foreseen.

Slice: a region; touched by its sessions and by the units made there.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.series import DAYS_AHEAD, SERIES
from lakehouse.l2.derivatives.supply_forecast_sessions import collections_by_region
from lakehouse.l2.derivatives.supply_forecast_shares import units_per_collection
from lakehouse.table import DATE, FLAG, INT, NUMBER, TEXT, Field, Table

TABLE = Table(
    tier="l2",
    name="supply_forecast",
    grain="one of the 28 local days after as-of, for a region, component and group that was made there lately",
    key=("available_on", *SERIES),
    fields=(
        Field("available_on", DATE, "the local day on which the units are expected in stock", required=True),
        Field("region", TEXT, "region of the collecting sites; 'unknown' where no record tells", required=True),
        Field("component", TEXT, "red_cells, platelets, plasma, cryoprecipitate or whole_blood", required=True),
        Field("abo_rhd", TEXT, "the units' own group; 'unknown' where no record tells", required=True),
        Field("days_ahead", INT, "days from as-of", required=True),
        Field("expected_units", NUMBER, "units expected to be released to stock", required=True),
        Field("collected_on", DATE, "day of the collections that they come from: a median lag earlier", required=True),
        Field("is_planned", FLAG, "the day's sessions are known; false: guessed by the weekday", required=True),
        Field("as_of", DATE, "the day that the forecast was made at the end of", required=True),
    ),
    law="rows = 28 x the groups of components released lately in a region with sessions",
)


def build(
    donation_events: DataFrame, units: DataFrame, places: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """Supply of the 28 days after `as_of`.

    Args:
        donation_events: sessions, those that lie ahead too, with what they took or plan to take.
        units: the units' state at `as_of`.
        places: `all_facilities`: regions and time zones.
        as_of: last day that is known.
        params: supply_window_days (days that yields and shares are taken from).
    """
    collections = collections_by_region(donation_events, places, as_of=as_of, params=params)
    shares = units_per_collection(units, places, as_of=as_of, params=params)
    ahead = F.explode(F.sequence(F.lit(1), F.lit(DAYS_AHEAD)))
    return (
        shares.join(F.broadcast(collections), "region", how="inner")
        .withColumn("days_ahead", ahead)
        .withColumn("available_on", F.date_add(F.lit(as_of), F.col("days_ahead")))
        .withColumn("collected_on", F.date_sub("available_on", F.col("lag_days")))
        .withColumn("planned", F.try_element_at("by_day", F.col("collected_on")))
        .withColumn("is_planned", F.col("planned").isNotNull() | (F.col("collected_on") <= F.lit(as_of)))
        .withColumn("expected_units", _collected(as_of) * F.try_divide("released", "collected"))
        .withColumn("expected_units", F.coalesce("expected_units", F.lit(0.0)))
        .withColumn("as_of", F.lit(as_of))
        .select(*TABLE.columns)
    )


def _collected(as_of: date) -> Column:
    """Collected units of the row's collection day; a day that has passed without a session gave none."""
    by_weekday = F.element_at("by_weekday", F.weekday("collected_on") + 1)
    is_past = F.col("collected_on") <= F.lit(as_of)
    return F.coalesce("planned", F.when(is_past, 0.0).otherwise(by_weekday))
