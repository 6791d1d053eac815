"""Distribution: a row is a movement of a unit between facilities."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import bare_dates, is_bare_date
from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.conformed.order import DATE_ONLY, IS_DATE_ONLY, Pseudonym, conformed_table, kept, renamed
from lakehouse.l2.conformed.order import version_columns as version

FEED = FEEDS["distribution"]
AFTER_DATE = ("request_id", "from_facility_id", "to_facility_id", "kind", "shipped_at", "received_at")
TABLE = conformed_table(
    FEED,
    key=("distribution_id",),
    fields=(
        *kept(FEED, "distribution_id", "bag_id", "unit_id"),
        renamed(FEED, "NPI", "npi"),
        renamed(FEED, "distribution_date", "distributed_at"),
        IS_DATE_ONLY,
        *kept(FEED, *AFTER_DATE),
        DATE_ONLY,
    ),
    looked_up_by=("unit_id", "bag_id"),
)


def build(rows: DataFrame, *, pseudonym: Pseudonym) -> DataFrame:
    """Conform accepted L1 rows of distribution, one row a version."""
    return rows.select(
        "distribution_id",
        "bag_id",
        "unit_id",
        F.col("NPI").alias("npi"),
        F.col("distribution_date").alias("distributed_at"),
        is_bare_date(F.col("_rescued"), "distribution_date").alias("is_date_only"),
        *AFTER_DATE,
        bare_dates(F.col("_rescued"), "shipped_at", "received_at").alias("date_only"),
        *version(),
    )
