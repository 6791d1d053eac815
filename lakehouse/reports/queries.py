"""What the report asks the released tables: pure frames in, small frames out."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from lakehouse.columns import last_day
from lakehouse.l2.derivatives.expiry_outlook import status_of

COUNTS = ("on_hand", "available", "expiring_1d", "expiring_3d", "expiring_7d")
WAITING_STATES = ("available", "reserved")


def stock(outlook: DataFrame, params: Mapping[str, Any]) -> DataFrame:
    """Stock against demand, added up over facilities: by region, component and group, and over all regions.

    A unit leaves a supply once, but two shelves see it go: the centre issues it, the hospital transfuses
    it. So the demand of a slice is the larger of what its hospitals used and what its other facilities
    issued, never their sum.

    Args:
        outlook: expiry_outlook.
        params: status_red_days, status_amber_days, status_green_days.

    Returns:
        slice ("region": one region and group; "group": one group everywhere; "component": all groups
        everywhere), region, component, abo_rhd, on_hand, available, expiring_1d, expiring_3d, expiring_7d
        (units), available_doses, mean_daily_demand (units a day), days_of_stock (NULL without demand), status.
    """
    is_hospital = F.coalesce(F.col("facility_kind") == "hospital", F.lit(False))
    sets = [["region", "component", "abo_rhd"], ["component", "abo_rhd"], ["component"]]
    summed = outlook.groupingSets(sets, "region", "component", "abo_rhd").agg(
        F.when(F.grouping("abo_rhd") == 1, "component").when(F.grouping("region") == 1, "group").otherwise("region")
        .alias("slice"),
        *(F.sum(name).alias(name) for name in (*COUNTS, "available_doses")),
        F.sum(F.when(is_hospital, F.col("mean_daily_demand")).otherwise(0.0)).alias("_used"),
        F.sum(F.when(is_hospital, 0.0).otherwise(F.col("mean_daily_demand"))).alias("_issued"),
    )  # fmt: skip
    with_demand = summed.withColumn("mean_daily_demand", F.coalesce(F.greatest("_used", "_issued"), F.lit(0.0)))
    days = F.when(F.col("mean_daily_demand") > 0, F.col("available") / F.col("mean_daily_demand"))
    return with_demand.withColumn("days_of_stock", days).select(
        "slice",
        "region",
        "component",
        "abo_rhd",
        *COUNTS,
        "available_doses",
        "mean_daily_demand",
        "days_of_stock",
        status_of(F.col("days_of_stock"), params).alias("status"),
    )


def stock_by_facility(outlook: DataFrame, limit: int) -> DataFrame:
    """The cells of the facilities that are shortest, at most `limit` facilities a component.

    Returns:
        component, facility_id, facility_name, facility_kind, region, abo_rhd, available, days_of_stock,
        status, place (1 is the shortest facility of its component), facilities (how many there are).
    """
    facility = Window.partitionBy("component", "facility_id")
    is_short = F.col("status").isin("red", "amber").cast("int")
    scored = outlook.withColumn("_short", F.sum(is_short).over(facility)).withColumn(
        "_demand", F.sum("mean_daily_demand").over(facility)
    )
    order = Window.partitionBy("component").orderBy(
        F.col("_short").desc(), F.col("_demand").desc_nulls_last(), F.col("facility_id")
    )
    placed = scored.withColumn("place", F.dense_rank().over(order))
    counted = placed.withColumn("facilities", F.max("place").over(Window.partitionBy("component")))
    return counted.where(F.col("place") <= limit).select(
        "component",
        "facility_id",
        "facility_name",
        "facility_kind",
        "region",
        "abo_rhd",
        "available",
        "days_of_stock",
        "status",
        "place",
        "facilities",
    )


def shortages(outlook: DataFrame) -> DataFrame:
    """Facilities and cells (facility × component × group) that are red or amber: facilities, cells."""
    short = outlook.where(F.col("status").isin("red", "amber"))
    return short.agg(F.countDistinct("facility_id").alias("facilities"), F.count(F.lit(1)).alias("cells"))


def outdating_by_day(units: DataFrame, zones: DataFrame, as_of: date, days: int) -> DataFrame:
    """Units that outdate on each of the next local days if nobody uses them.

    Args:
        units: the units; those available or reserved count.
        zones: facility_id, timezone.
        as_of: the state's day; day 1 is the day after it.
        days: how many days to look ahead.

    Returns:
        expires_on, component, units.
    """
    waiting = units.where(F.col("state").isin(*WAITING_STATES)).select("facility_id", "component", "expires_at")
    expires_on = last_day(F.col("expires_at"), F.coalesce("timezone", F.lit("UTC")))
    dated = waiting.join(F.broadcast(zones.select("facility_id", "timezone")), on="facility_id", how="left").select(
        expires_on.alias("expires_on"), "component"
    )
    is_ahead = (F.col("expires_on") > F.lit(as_of)) & (F.col("expires_on") <= F.date_add(F.lit(as_of), days))
    counted = dated.where(is_ahead).groupBy("expires_on", "component").agg(F.count(F.lit(1)).alias("units"))
    return counted.select("expires_on", "component", "units")


def outdating_most(outlook: DataFrame, limit: int) -> DataFrame:
    """The shelves (facility × component × group) with most units outdating within 7 days.

    Returns:
        facility_id, facility_name, component, abo_rhd, expiring_3d, expiring_7d, projected_outdates,
        next_expiry_on, days_of_stock.
    """
    most = outlook.where(F.col("expiring_7d") > 0).orderBy(
        F.col("expiring_7d").desc(), F.col("expiring_3d").desc(), "facility_id", "component", "abo_rhd"
    )
    return most.limit(limit).select(
        "facility_id",
        "facility_name",
        "component",
        "abo_rhd",
        "expiring_3d",
        "expiring_7d",
        "projected_outdates",
        "next_expiry_on",
        "days_of_stock",
    )


def transfers(suggestions: DataFrame, places: DataFrame) -> DataFrame:
    """Suggested transfers, the greatest gain first.

    Args:
        suggestions: transfer_suggestions.
        places: facility_id, name.

    Returns:
        units, component, abo_rhd, for_abo_rhd, from_name, to_name, expires_on, depart_by, gain (units lost). A place
        without a record has its id for a name.
    """
    named = suggestions
    for end in ("from", "to"):
        place = places.select(F.col("facility_id").alias(f"{end}_facility_id"), F.col("name").alias(f"{end}_place"))
        named = named.join(F.broadcast(place), f"{end}_facility_id", "left").withColumn(
            f"{end}_name", F.coalesce(f"{end}_place", f"{end}_facility_id")
        )
    return named.orderBy(F.col("gain").desc(), "depart_by", "from_facility_id", "to_facility_id", "abo_rhd").select(
        "units",
        "component",
        "abo_rhd",
        "for_abo_rhd",
        "from_name",
        "to_name",
        "expires_on",
        "depart_by",
        "gain",
    )


def demand_lines(demand: DataFrame, as_of: date, days: int, step: int) -> DataFrame:
    """Moving averages over all groups on every `step`-th day back from the as-of, for `days` days.

    Every group's average has the same 28 days behind it, so their sum is the average of the sum.

    Returns:
        demand_on, region, component, requested_ma28, transfused_ma28 (units a day).
    """
    is_step = F.date_diff(F.lit(as_of), F.col("demand_on")) % step == 0
    recent = _recent(demand, as_of, days).where(is_step)
    return recent.groupBy("demand_on", "region", "component").agg(
        F.sum("requested_ma28").alias("requested_ma28"), F.sum("transfused_ma28").alias("transfused_ma28")
    )


def demand_totals(demand: DataFrame, as_of: date, days: int) -> DataFrame:
    """What was asked for and what came, over the last `days` days.

    Returns:
        region, component, requested, cancelled, filled_on_time, filled_exact, substituted, unmet,
        transfused (units).
    """
    names = ("requested", "cancelled", "filled_on_time", "filled_exact", "substituted", "unmet", "transfused")
    return _recent(demand, as_of, days).groupBy("region", "component").agg(*(F.sum(n).alias(n) for n in names))


def _recent(demand: DataFrame, as_of: date, days: int) -> DataFrame:
    is_recent = (F.col("demand_on") <= F.lit(as_of)) & (F.col("demand_on") > F.date_sub(F.lit(as_of), days))
    return demand.where(is_recent)
