"""Test results: a row is a result of one test on a donation, or on a unit for cultures."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import short_group
from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.conformed.order import Pseudonym, abo_rhd, conformed_table, kept
from lakehouse.l2.conformed.order import version_columns as version

FEED = FEEDS["test_results"]
TABLE = conformed_table(
    FEED,
    key=("test_id",),
    fields=(
        *kept(FEED, "test_id", "din", "bag_id", "unit_id", "marker", "stage", "method", "result"),
        abo_rhd("the group found, for marker abo_rhd"),
        *kept(FEED, "resulted_at", "is_final", "kit_lot"),
    ),
    looked_up_by=("unit_id", "din", "bag_id", "kit_lot"),
)


def build(rows: DataFrame, *, pseudonym: Pseudonym) -> DataFrame:
    """Conform accepted L1 rows of test_results, one row a version."""
    return rows.select(
        "test_id",
        "din",
        "bag_id",
        "unit_id",
        "marker",
        "stage",
        "method",
        "result",
        F.when(F.col("marker") == "abo_rhd", short_group(F.col("result"))).alias("abo_rhd"),
        "resulted_at",
        "is_final",
        "kit_lot",
        *version(),
    )
