"""Facilities: a row is a facility of the supply chain."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.conformed.order import Pseudonym, conformed_table, kept, renamed
from lakehouse.l2.conformed.order import version_columns as version

FEED = FEEDS["facilities"]
TABLE = conformed_table(
    FEED,
    key=("facility_id",),
    fields=(
        *kept(FEED, "facility_id", "kind", "name"),
        renamed(FEED, "NPI", "npi"),
        *kept(FEED, "region", "timezone", "latitude", "longitude"),
    ),
    looked_up_by=("facility_id",),
)


def build(rows: DataFrame, *, pseudonym: Pseudonym) -> DataFrame:
    """Conform accepted L1 rows of facilities, one row a version."""
    return rows.select(
        "facility_id",
        "kind",
        "name",
        F.col("NPI").alias("npi"),
        "region",
        "timezone",
        "latitude",
        "longitude",
        *version(),
    )
