"""What the report asks about donors, refusals and deviations: pure frames in, small frames out."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.gates.quarantine import WAITS, standing
from lakehouse.l2.derivatives.donor_retention import ELIGIBLE


def donor_classes(retention: DataFrame) -> DataFrame:
    """How many donors each class has: class, donors, donations_12m."""
    return retention.groupBy("class").agg(
        F.count(F.lit(1)).alias("donors"), F.sum("donations_12m").alias("donations_12m")
    )


def eligible_now(retention: DataFrame, as_of: date) -> DataFrame:
    """Donors who may give on the day after the as-of, by group and procedure; nobody who has stopped.

    Returns:
        abo_rhd, donors, and one count for each procedure of `ELIGIBLE`.
    """
    active = retention.where(F.col("class") != "stopped")
    opens = F.date_add(F.lit(as_of), 1)
    counts = (F.count_if(F.col(column) <= opens).alias(procedure) for column, procedure in ELIGIBLE.items())
    return active.groupBy("abo_rhd").agg(F.count(F.lit(1)).alias("donors"), *counts)


def refused_by_rule(quarantine: DataFrame) -> DataFrame:
    """Records refused by each critical rule: feed, rule, records. A record may break several.

    Only a record's last word counts: one that was replayed or waived is no longer refused.
    """
    broken = _still_refused(quarantine).select(
        "feed", F.explode(F.filter("violations", lambda v: v["severity"] == "critical")).alias("violation")
    )
    by_rule = broken.groupBy("feed", F.col("violation.rule").alias("rule"))
    return by_rule.agg(F.count(F.lit(1)).alias("records"))


def refused_by_feed(quarantine: DataFrame) -> DataFrame:
    """Records refused, each once: feed, records."""
    return _still_refused(quarantine).groupBy("feed").agg(F.count(F.lit(1)).alias("records"))


def _still_refused(quarantine: DataFrame) -> DataFrame:
    return standing(quarantine).where(F.col("stands") == WAITS)


def refused_events_by_reason(refused_events: DataFrame) -> DataFrame:
    """Records that can't be placed: feed, reason, records, waiting_since (the oldest)."""
    return refused_events.groupBy("feed", "reason").agg(
        F.count(F.lit(1)).alias("records"), F.min("waiting_since").alias("waiting_since")
    )


def deviations_by_rule(deviations: DataFrame) -> DataFrame:
    """What happened against the rules: rule, severity, open, excused, last_at."""
    is_excused = F.coalesce(F.col("is_excused"), F.lit(False))
    return deviations.groupBy("rule", "severity").agg(
        F.count_if(~is_excused).alias("open"),
        F.count_if(is_excused).alias("excused"),
        F.max("happened_at").alias("last_at"),
    )


def in_doubt(look_back_units: DataFrame) -> DataFrame:
    """Units of look-backs that are in stock or on their way, not quarantined: one row, units and cases."""
    free = look_back_units.where("is_to_quarantine")
    return free.agg(F.count_distinct("unit_id").alias("units"), F.count_distinct("case_id").alias("cases"))
