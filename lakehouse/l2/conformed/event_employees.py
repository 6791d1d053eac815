"""Staff of events: a row is an employee at a donation event."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.conformed.order import Pseudonym, conformed_table, kept, key_of_person
from lakehouse.l2.conformed.order import version_columns as version

FEED = FEEDS["event_employees"]
TABLE = conformed_table(
    FEED,
    key=("event_id", "employee_key"),
    fields=(
        *kept(FEED, "event_id"),
        key_of_person("employee_key", "the employee", required=True),
        *kept(FEED, "hours"),
    ),
)


def build(rows: DataFrame, *, pseudonym: Pseudonym) -> DataFrame:
    """Conform accepted L1 rows of event_employees, one row a version."""
    return rows.select("event_id", pseudonym(F.col("employee_id")).alias("employee_key"), "hours", *version())
