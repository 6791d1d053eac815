"""What every rule on deviations gives back, and the frames that several of them read."""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import end_of_day, start_of_day
from lakehouse.l2.derivatives.units_donations import UTC, is_before_collection
from lakehouse.l2.derivatives.units_steps import live_dispositions

CRITICAL, DEVIATION, WARNING, INFO = "critical", "deviation", "warning", "info"
FOUND = ("rule", "severity", "unit_id", "patient_key", "facility_id", "happened_at", "is_excused", "detail")
UNIT_COLUMNS = (
    "unit_id",
    "donation_key",
    "component",
    "abo_rhd",
    "collected_at",
    "prepared_at",
    "expires_at",
    "tested_at",
    "is_imported",
    "is_assumed",
    "is_reactive",
    "state",
)


def found(
    rows: DataFrame, rule: str, severity: str | Column, detail: Column, is_excused: Column | None = None
) -> DataFrame:
    """Rows of a rule, from a frame with unit_id, patient_key, facility_id and `at`."""
    level = F.lit(severity) if isinstance(severity, str) else severity
    return rows.select(
        F.lit(rule).alias("rule"),
        level.alias("severity"),
        "unit_id",
        "patient_key",
        "facility_id",
        F.col("at").alias("happened_at"),
        (F.lit(False) if is_excused is None else F.coalesce(is_excused, F.lit(False))).alias("is_excused"),
        detail.alias("detail"),
    )


def said(*parts: str | Column) -> Column:
    """A sentence of words and values; an absent value reads "none"."""
    texts = [F.lit(part) if isinstance(part, str) else F.coalesce(part.cast("string"), F.lit("none")) for part in parts]
    return F.concat(*texts)


def placed_steps(steps: DataFrame, units: DataFrame, as_of: date) -> DataFrame:
    """Steps of units that are here, that can be facts, of the as-of day or before; with `UNIT_COLUMNS`."""
    joined = steps.join(units.select(*UNIT_COLUMNS), on="unit_id", how="inner")
    is_fact = ~is_before_collection(F.col("latest_at"), F.col("collected_at"))
    return joined.where((F.col("on") <= F.lit(as_of)) & is_fact)


def issues(placed: DataFrame) -> DataFrame:
    """Shipments to hospitals."""
    return placed.where(F.col("is_issue"))


def live_ends(placed: DataFrame, dispositions: DataFrame) -> DataFrame:
    """Dispositions that none replaces."""
    live = live_dispositions(dispositions).select(F.col("disposition_id").alias("record_key"))
    return placed.where(F.col("what") == "ended").join(live, on="record_key", how="left_semi")


def transfusions(ends: DataFrame, units: DataFrame, places: DataFrame) -> DataFrame:
    """One row a transfusion: those recorded as dispositions, and those that an assumed unit's status tells of.

    Returns:
        `UNIT_COLUMNS`, and at, latest_at, on, zone, is_date_only, facility_id, patient_key.
    """
    when_and_where = ("at", "latest_at", "on", "zone", "is_date_only", "facility_id", "patient_key")
    recorded = ends.where(F.col("kind") == "transfused").select(*UNIT_COLUMNS, *when_and_where)
    zones = F.broadcast(places.select("facility_id", F.col("timezone").alias("zone")))
    reported = recorded.select(F.col("unit_id").alias("reported_id"))
    assumed = (
        units.where(F.col("is_assumed") & (F.col("state") == "transfused") & F.col("ended_on").isNotNull())
        .join(reported, on=F.col("unit_id") == F.col("reported_id"), how="left_anti")
        .join(zones, on="facility_id", how="left")
        .withColumn("on", F.col("ended_on"))
    )
    zone = F.coalesce("zone", F.lit(UTC))
    days = {
        "at": start_of_day(F.col("on"), zone),
        "latest_at": end_of_day(F.col("on"), zone),
        "is_date_only": F.lit(True),
    }
    return recorded.unionByName(assumed.withColumns(days).select(*UNIT_COLUMNS, *when_and_where))
