"""What donation sessions took and are expected to take, by region and day."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.columns import local_date
from lakehouse.l2.derivatives.placed_moves import UNKNOWN
from lakehouse.l2.derivatives.series import DAYS_AHEAD

SETTLED_DAYS = 14
"""Collections so long ago have been tested and made into all that they become."""
WEEKDAY_WEEKS = 8
SITE_SESSIONS_MIN = 5


def share_window(as_of: date, params: Mapping[str, Any]) -> tuple[date, date]:
    """First and last day of the collections whose units tell what a collection gives."""
    last = as_of - timedelta(days=SETTLED_DAYS)
    return last - timedelta(days=int(params["supply_window_days"]) - 1), last


def collections_by_region(
    donation_events: DataFrame, places: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """One row a region with sessions.

    Returns:
        region, by_day (MAP<DATE, DOUBLE>: units taken, or expected, on the days with a session, from 8 weeks before
        as-of on), by_weekday (ARRAY<DOUBLE>, Monday first: mean units taken on such a day in the last 8 weeks),
        collected (DOUBLE: units taken within `share_window`).
    """
    sessions = _sessions(donation_events, places, as_of, share_window(as_of, params)[0])
    by_day = sessions.groupBy("region", "held_on").agg(F.sum("taken").alias("taken"))
    lately = F.col("held_on") > F.lit(as_of - timedelta(weeks=WEEKDAY_WEEKS))
    is_known = F.col("held_on") <= F.lit(as_of)
    in_window = F.col("held_on").between(*share_window(as_of, params))
    first_on = F.min(F.when(is_known, F.col("held_on")))
    weeks = F.least(F.ceil((F.date_diff(F.lit(as_of), first_on) + 1) / 7), F.lit(WEEKDAY_WEEKS))
    of_weekday = [
        F.coalesce(F.sum(F.when(lately & is_known & (F.weekday("held_on") == day), F.col("taken"))) / weeks, F.lit(0.0))
        for day in range(7)
    ]
    entries = F.collect_list(F.when(lately, F.struct("held_on", "taken")))
    return by_day.groupBy("region").agg(
        F.map_from_entries(entries).alias("by_day"),
        F.array(*of_weekday).alias("by_weekday"),
        F.sum(F.when(in_window, F.col("taken"))).alias("collected"),
    )


def _sessions(donation_events: DataFrame, places: DataFrame, as_of: date, first_day: date) -> DataFrame:
    """Sessions up to 28 days ahead: region, held_on (local day), taken (units; expected where none are reported)."""
    zones = places.select("facility_id", F.col("region").alias("place_region"), "timezone")
    is_held = F.col("held_on") <= F.lit(as_of)
    return (
        donation_events.join(F.broadcast(zones), "facility_id", how="left")
        .withColumn("held_on", local_date(F.col("starts_at"), F.coalesce("timezone", F.lit("UTC"))))
        .where(F.col("held_on").between(first_day, as_of + timedelta(days=DAYS_AHEAD)))
        .withColumn("region", F.coalesce("place_region", "region", F.lit(UNKNOWN)))
        .withColumn("site", F.struct("facility_id", "site_name"))
        .withColumn("planned", F.coalesce("planned_units", "appointments"))
        .withColumn("reported", F.when(is_held, F.col("total_units")))
        .withColumn("taken", F.coalesce(F.col("reported").cast("double"), F.col("planned") * _yield()))
        .where(F.col("taken").isNotNull())
        .select("region", "held_on", "taken")
    )


def _yield() -> Column:
    """Units taken for one planned: at the site, else where it has held too few sessions, by sites of its kind."""
    site, kind, region = (Window.partitionBy("region", *more) for more in (("site",), ("site_kind",), ()))
    counts = (F.col("planned") > 0) & F.col("reported").isNotNull()

    def over(window: Any) -> Column:
        return F.try_divide(
            F.sum(F.when(counts, F.col("reported"))).over(window), F.sum(F.when(counts, F.col("planned"))).over(window)
        )

    is_enough = F.count_if(counts).over(site) >= SITE_SESSIONS_MIN
    return F.coalesce(F.when(is_enough, over(site)), over(kind), over(region), F.lit(1.0))
