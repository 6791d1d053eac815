"""Donation events: a row is a donation session at a site."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.conformed.order import Pseudonym, conformed_table, kept, renamed
from lakehouse.l2.conformed.order import version_columns as version

FEED = FEEDS["donation_events"]
UNIT_COUNTS = ("a_pos", "a_neg", "b_pos", "b_neg", "o_pos", "o_neg", "ab_pos", "ab_neg")
TABLE = conformed_table(
    FEED,
    key=("event_id",),
    fields=(
        *kept(FEED, "event_id"),
        renamed(FEED, "start_datetime", "starts_at"),
        renamed(FEED, "end_datetime", "ends_at"),
        *kept(FEED, "total_units", *UNIT_COUNTS),
        *kept(FEED, "facility_id", "site_name", "site_kind", "region", "planned_units", "appointments"),
    ),
)


def build(rows: DataFrame, *, pseudonym: Pseudonym) -> DataFrame:
    """Conform accepted L1 rows of donation_events, one row a version."""
    return rows.select(
        "event_id",
        F.col("start_datetime").alias("starts_at"),
        F.col("end_datetime").alias("ends_at"),
        "total_units",
        *UNIT_COUNTS,
        "facility_id",
        "site_name",
        "site_kind",
        "region",
        "planned_units",
        "appointments",
        *version(),
    )
