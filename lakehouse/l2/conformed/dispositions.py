"""Dispositions: a row is an end of a unit, as one record tells it."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import is_bare_date
from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.conformed.order import IS_DATE_ONLY, Pseudonym, conformed_table, kept, key_of_person
from lakehouse.l2.conformed.order import version_columns as version

FEED = FEEDS["dispositions"]
TABLE = conformed_table(
    FEED,
    key=("disposition_id",),
    fields=(
        *kept(FEED, "disposition_id", "unit_id", "kind", "happened_at"),
        IS_DATE_ONLY,
        *kept(FEED, "ended_at", "facility_id"),
        key_of_person("patient_key", "the patient who received it"),
        key_of_person("admission_key", "the admission"),
        *kept(FEED, "reason", "replaces_disposition_id"),
    ),
    looked_up_by=("unit_id", "patient_key"),
)


def build(rows: DataFrame, *, pseudonym: Pseudonym) -> DataFrame:
    """Conform accepted L1 rows of dispositions, one row a version."""
    return rows.select(
        "disposition_id",
        "unit_id",
        "kind",
        "happened_at",
        is_bare_date(F.col("_rescued"), "happened_at").alias("is_date_only"),
        "ended_at",
        "facility_id",
        pseudonym(F.col("patient_id")).alias("patient_key"),
        pseudonym(F.col("admission_id")).alias("admission_key"),
        "reason",
        "replaces_disposition_id",
        *version(),
    )
