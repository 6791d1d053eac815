"""Employees: a row is a member of staff, without the name."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.conformed.order import Pseudonym, conformed_table, kept, key_of_person, renamed
from lakehouse.l2.conformed.order import version_columns as version

FEED = FEEDS["employees"]
TABLE = conformed_table(
    FEED,
    key=("employee_key",),
    fields=(
        key_of_person("employee_key", "the employee", required=True),
        renamed(FEED, "hire_date", "hired_on"),
        *kept(FEED, "role", "region"),
    ),
)


def build(rows: DataFrame, *, pseudonym: Pseudonym) -> DataFrame:
    """Conform accepted L1 rows of employees, one row a version."""
    return rows.select(
        pseudonym(F.col("employee_id")).alias("employee_key"),
        F.col("hire_date").alias("hired_on"),
        "role",
        "region",
        *version(),
    )
