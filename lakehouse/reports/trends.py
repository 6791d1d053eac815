"""What the page on data quality asks: pure frames in, small frames out. None holds a value of any record."""

from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.gates.quarantine import PLACE, WAITS, standing

EXAMPLES = 3


def refused_by_batch(quarantine: DataFrame) -> DataFrame:
    """Refused records as they stand: feed, batch, refused (ever), waits, replayed, waived."""
    stands = [F.count_if(F.col("stands") == how).alias(how) for how in (WAITS, "replayed", "waived")]
    by_batch = standing(quarantine).groupBy("feed", F.col("_batch_seq").alias("batch"))
    return by_batch.agg(F.count(F.lit(1)).alias("refused"), *stands)


def refused_by_rule_and_batch(quarantine: DataFrame) -> DataFrame:
    """Records that each critical rule refused, however they stand now: feed, rule, batch, records, waits."""
    by_rule = _critical(quarantine).groupBy("feed", "rule", F.col("_batch_seq").alias("batch"))
    return by_rule.agg(F.count(F.lit(1)).alias("records"), F.count_if(F.col("stands") == WAITS).alias("waits"))


def examples(quarantine: DataFrame) -> DataFrame:
    """Where to look: the first places of records that wait, for each critical rule: feed, rule, _file_id, _line."""
    waiting = _critical(quarantine).where(F.col("stands") == WAITS)
    first = Window.partitionBy("feed", "rule").orderBy("_batch_seq", "_file_id", "_line")
    numbered = waiting.withColumn("_n", F.row_number().over(first)).where(F.col("_n") <= EXAMPLES)
    return numbered.select("feed", "rule", "_file_id", "_line").orderBy("feed", "rule", "_file_id", "_line")


def hours_to_replay(quarantine: DataFrame) -> DataFrame:
    """How long refused records waited until a replay or a waiver took them: event, records, median, longest (hours)."""
    refused_at = F.min("happened_at").over(Window.partitionBy(*PLACE))
    hours = (F.unix_timestamp("happened_at") - F.unix_timestamp("refused_at")) / F.lit(3600.0)
    taken = quarantine.withColumn("refused_at", refused_at).where(F.col("event") != "refused")
    waited = taken.select("event", hours.alias("hours"))
    return waited.groupBy("event").agg(
        F.count(F.lit(1)).alias("records"), F.median("hours").alias("median"), F.max("hours").alias("longest")
    )


def deviations_by_week(deviations: DataFrame, as_of: date, weeks: int) -> DataFrame:
    """Deviations of the last weeks: rule, severity, weeks_ago (0 is the week that ends with the as-of), records.

    Excused ones are left out, and those that nothing dates.
    """
    days_ago = F.date_diff(F.lit(as_of), F.col("happened_at").cast("date"))
    weeks_ago = F.floor(F.greatest(days_ago, F.lit(0)) / 7).cast("int")
    counted = deviations.where(F.col("happened_at").isNotNull() & ~F.coalesce("is_excused", F.lit(False)))
    recent = counted.withColumn("weeks_ago", weeks_ago).where(F.col("weeks_ago") < weeks)
    return recent.groupBy("rule", "severity", "weeks_ago").agg(F.count(F.lit(1)).alias("records"))


def batch_warnings(gate_results: DataFrame) -> DataFrame:
    """What the batch rules warned of, each once: batch, feed, rule, newest batches first."""
    warned = gate_results.where("tier = 'l1' AND scope = 'batch' AND NOT success AND severity = 'warning'")
    of_batch = warned.select(F.explode("batch_seqs").alias("batch"), F.col("feed_or_table").alias("feed"), "rule")
    return of_batch.distinct().orderBy(F.desc("batch"), "feed", "rule")


def _critical(quarantine: DataFrame) -> DataFrame:
    """One row a refused record and critical rule that it broke."""
    broken = F.explode(F.filter("violations", lambda violation: violation["severity"] == "critical"))
    return (
        standing(quarantine)
        .select(*PLACE, "_batch_seq", "stands", broken.alias("broken"))
        .select(*PLACE, "_batch_seq", "stands", F.col("broken.rule").alias("rule"))
    )
