"""Unit events: a row is an event in the life of a unit."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import is_bare_date
from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.conformed.order import IS_DATE_ONLY, Pseudonym, conformed_table, kept, key_of_person
from lakehouse.l2.conformed.order import version_columns as version

FEED = FEEDS["unit_events"]
AFTER_PATIENT = ("request_id", "method", "reason", "is_emergency")
TABLE = conformed_table(
    FEED,
    key=("unit_event_id",),
    fields=(
        *kept(FEED, "unit_event_id", "unit_id", "kind", "happened_at"),
        IS_DATE_ONLY,
        *kept(FEED, "facility_id"),
        key_of_person("patient_key", "the patient for whom"),
        *kept(FEED, *AFTER_PATIENT),
    ),
    looked_up_by=("unit_id",),
)


def build(rows: DataFrame, *, pseudonym: Pseudonym) -> DataFrame:
    """Conform accepted L1 rows of unit_events, one row a version."""
    return rows.select(
        "unit_event_id",
        "unit_id",
        "kind",
        "happened_at",
        is_bare_date(F.col("_rescued"), "happened_at").alias("is_date_only"),
        "facility_id",
        pseudonym(F.col("patient_id")).alias("patient_key"),
        *AFTER_PATIENT,
        *version(),
    )
