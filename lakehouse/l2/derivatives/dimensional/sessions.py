"""Donation sessions with their day, region and site, as dim_event and dim_site both need them. A row is a session."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import local_date
from lakehouse.l2.derivatives.dimensional.keys import surrogate

SITE = ("facility_id", "site_name", "site_kind", "region")


def sited_sessions(donation_events: DataFrame, places: DataFrame) -> DataFrame:
    """Every session, with `starts_on` (local to its facility), `region` (else its facility's) and `site_sk`."""
    known = F.broadcast(places.select("facility_id", F.col("region").alias("place_region"), "timezone"))
    joined = donation_events.join(known, "facility_id", how="left")
    return (
        joined.withColumn("region", F.coalesce("region", "place_region"))
        .withColumn("starts_on", local_date(F.col("starts_at"), F.coalesce("timezone", F.lit("UTC"))))
        .withColumn("site_sk", surrogate("site", *map(F.col, SITE)))
    )
