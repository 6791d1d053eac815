"""Patients: a row is an admission of a patient. `patient_key` is the person, `admission_key` the stay."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import short_group
from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.conformed.order import Pseudonym, abo_rhd, conformed_table, kept, key_of_person, renamed
from lakehouse.l2.conformed.order import version_columns as version
from lakehouse.l2.conformed.persons import BIRTH_YEAR, banded_year

FEED = FEEDS["patients"]
TABLE = conformed_table(
    FEED,
    key=("admission_key",),
    fields=(
        key_of_person("admission_key", "the admission (of patient and day where it has no id)", required=True),
        key_of_person("patient_key", "the patient", required=True),
        renamed(FEED, "admission_date", "admitted_on"),
        *kept(FEED, "bag_id", "hospital"),
        renamed(FEED, "NPI", "npi"),
        *kept(FEED, "sex"),
        BIRTH_YEAR,
        abo_rhd("the patient's group as sent"),
        *kept(FEED, "service", "discharged_on", "died_on"),
    ),
)


def build(rows: DataFrame, *, pseudonym: Pseudonym) -> DataFrame:
    """Conform accepted L1 rows of patients, one row a version."""
    without_id = F.concat_ws("|", "patient_id", F.col("admission_date").cast("string"))
    return rows.select(
        pseudonym(F.coalesce("admission_id", without_id)).alias("admission_key"),
        pseudonym(F.col("patient_id")).alias("patient_key"),
        F.col("admission_date").alias("admitted_on"),
        "bag_id",
        "hospital",
        F.col("NPI").alias("npi"),
        "sex",
        banded_year(F.col("birth_year")).alias("birth_year"),
        short_group(F.col("blood_type")).alias("abo_rhd"),
        "service",
        "discharged_on",
        "died_on",
        *version(),
    )
