"""Hospitals: a row is a hospital by its NPI, without address, telephone or contact."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.conformed.order import Pseudonym, conformed_table, kept, renamed
from lakehouse.l2.conformed.order import version_columns as version

FEED = FEEDS["hospitals"]
TABLE = conformed_table(
    FEED,
    key=("npi",),
    fields=(
        renamed(FEED, "NPI", "npi"),
        *kept(FEED, "name", "region", "latitude", "longitude", "beds", "level"),
    ),
    looked_up_by=("npi",),
)


def build(rows: DataFrame, *, pseudonym: Pseudonym) -> DataFrame:
    """Conform accepted L1 rows of hospitals, one row a version."""
    return rows.select(
        F.col("NPI").alias("npi"), "name", "region", "latitude", "longitude", "beds", "level", *version()
    )
