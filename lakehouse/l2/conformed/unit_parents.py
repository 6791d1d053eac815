"""Unit parents: a row is a unit and one of the units that it was made of."""

from pyspark.sql import DataFrame

from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.conformed.order import Pseudonym, conformed_table, kept
from lakehouse.l2.conformed.order import version_columns as version

FEED = FEEDS["unit_parents"]
CARRIED = ("unit_id", "parent_unit_id", "kind", "made_at", "facility_id")
KEY = ("unit_id", "parent_unit_id")
TABLE = conformed_table(FEED, key=KEY, fields=kept(FEED, *CARRIED), looked_up_by=KEY)


def build(rows: DataFrame, *, pseudonym: Pseudonym) -> DataFrame:
    """Conform accepted L1 rows of unit_parents, one row a version."""
    return rows.select(*CARRIED, *version())
