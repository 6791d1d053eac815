"""Since when facilities report how units ended. A row is a facility that has reported the end of some unit."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import event_date


def first_reports(dispositions: DataFrame, places: DataFrame) -> DataFrame:
    """place_id, and reports_since: the local day of the first end that the facility reports."""
    zones = F.broadcast(places.select("facility_id", "timezone"))
    on = event_date(F.col("happened_at"), F.col("is_date_only"), F.coalesce("timezone", F.lit("UTC")))
    dated = dispositions.join(zones, on="facility_id", how="left").withColumn("on", on)
    return dated.groupBy(F.col("facility_id").alias("place_id")).agg(F.min("on").alias("reports_since"))


def reporting(reports: DataFrame, as_of: date) -> DataFrame:
    """place_id of the facilities that have reported an end by the end of the as-of day."""
    return reports.where(F.col("reports_since") <= F.lit(as_of)).select("place_id")
