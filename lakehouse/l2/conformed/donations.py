"""Donations: a row is a donation. Its key is the donation number, or bag, donor and date where it has none."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.conformed.order import Pseudonym, conformed_table, kept, key_of_person, renamed
from lakehouse.l2.conformed.order import version_columns as version
from lakehouse.table import DATE, DOSES, FLAG, TEXT, Field

FEED = FEEDS["donations"]
TABLE = conformed_table(
    FEED,
    key=("donation_key",),
    fields=(
        Field("donation_key", TEXT, "din, else bag_id|donor_key|date of donation as sent", required=True),
        *kept(FEED, "din", "bag_id"),
        key_of_person("donor_key", "the donor", required=True),
        *kept(FEED, "event_id", "visit_id"),
        Field("donated_on", DATE, "day of collection: as sent, else of collected_at in UTC, else tested_on - 1 day"),
        Field("is_assumed_date", FLAG, "the day was not sent: what is local to the session is better", required=True),
        renamed(FEED, "test_date", "tested_on"),
        *kept(FEED, "test_result", "status", "procedure", "donation_type", "collected_at"),
        *kept(FEED, "volume_ml", "red_cell_units"),
        Field("platelet_doses", DOSES, "platelets collected, adult doses"),
        *kept(FEED, "plasma_units", "outcome", "reject_reason", "bag_lot"),
    ),
    looked_up_by=("donation_key", "donor_key", "din", "bag_id", "bag_lot"),
)


def build(rows: DataFrame, *, pseudonym: Pseudonym) -> DataFrame:
    """Conform accepted L1 rows of donations, one row a version."""
    return rows.withColumn("donor_key", pseudonym(F.col("donor_id"))).select(
        donation_key().alias("donation_key"),
        "din",
        "bag_id",
        "donor_key",
        "event_id",
        "visit_id",
        F.coalesce("donation_date", F.to_date("collected_at"), F.date_sub("test_date", 1)).alias("donated_on"),
        F.col("donation_date").isNull().alias("is_assumed_date"),
        F.col("test_date").alias("tested_on"),
        "test_result",
        "status",
        "procedure",
        "donation_type",
        "collected_at",
        "volume_ml",
        "red_cell_units",
        F.col("platelet_doses").try_cast(DOSES).alias("platelet_doses"),
        "plasma_units",
        "outcome",
        "reject_reason",
        "bag_lot",
        *version(),
    )


def donation_key() -> Column:
    """Key of a donation. A date that we only assume is left out: it would change when a later version dates it."""
    return F.coalesce("din", F.concat_ws("|", "bag_id", "donor_key", F.col("donation_date").cast("string")))
