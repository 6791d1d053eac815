"""What collections become: units released of each component and group, and how long after."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.columns import local_date
from lakehouse.l2.derivatives.placed_moves import UNKNOWN
from lakehouse.l2.derivatives.supply_forecast_sessions import share_window

GONE_BEFORE_STOCK = ("consumed", "further_manufacture", "research", "exported")
"""Ends of units that no shelf of the region could count on; what they became is a unit of its own."""
LAG_DAYS_MAX = 27


def units_per_collection(units: DataFrame, places: DataFrame, *, as_of: date, params: Mapping[str, Any]) -> DataFrame:
    """One row a region, component and group of which units were collected within `share_window` and released.

    Returns:
        region (of the facility that made them), component, abo_rhd, released (LONG, units), lag_days (INT: median days
        from collection to release, by component, the same in all regions).
    """
    zones = places.select(
        F.col("facility_id").alias("made_at_facility_id"), F.col("region").alias("made_in"), "timezone"
    )
    zone = F.coalesce("timezone", F.lit("UTC"))
    made = units.where(
        F.col("released_at").isNotNull() & ~F.col("is_imported") & ~F.col("state").isin(*GONE_BEFORE_STOCK)
    )
    days = (
        made.select("made_at_facility_id", "component", "abo_rhd", "released_at", "collected_at")
        .join(F.broadcast(zones), "made_at_facility_id", how="left")
        .withColumn("collected_on", local_date(F.col("collected_at"), zone))
        .where(F.col("collected_on").between(*share_window(as_of, params)))
        .withColumn("lag", F.greatest(F.date_diff(local_date(F.col("released_at"), zone), "collected_on"), F.lit(0)))
        .groupBy(
            F.coalesce("made_in", F.lit(UNKNOWN)).alias("region"),
            "component",
            F.coalesce("abo_rhd", F.lit(UNKNOWN)).alias("abo_rhd"),
            "lag",
        )
        .agg(F.count("*").alias("released"))
    )
    median = F.percentile("lag", 0.5, F.col("released")).over(Window.partitionBy("component"))
    lag_days = F.least(F.floor(median), F.lit(LAG_DAYS_MAX)).cast("int")
    lagged = days.withColumn("lag_days", lag_days)
    return lagged.groupBy("region", "component", "abo_rhd", "lag_days").agg(F.sum("released").alias("released"))
