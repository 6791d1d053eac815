"""Donor visits: a row is a presentation of a donor, whether it led to a donation or not."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.conformed.order import Pseudonym, conformed_table, kept, key_of_person
from lakehouse.l2.conformed.order import version_columns as version

FEED = FEEDS["donor_visits"]
CARRIED = (
    "event_id",
    "visited_at",
    "outcome",
    "deferral_code",
    "deferral_reason",
    "deferred_until",
    "is_permanent",
    "hemoglobin_g_dl",
    "procedure",
)
TABLE = conformed_table(
    FEED,
    key=("visit_id",),
    fields=(*kept(FEED, "visit_id"), key_of_person("donor_key", "the donor", required=True), *kept(FEED, *CARRIED)),
)


def build(rows: DataFrame, *, pseudonym: Pseudonym) -> DataFrame:
    """Conform accepted L1 rows of donor_visits, one row a version."""
    return rows.select("visit_id", pseudonym(F.col("donor_id")).alias("donor_key"), *CARRIED, *version())
