"""Donors: a row is a donor, without name, address or date of birth."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import short_group
from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.conformed.order import Pseudonym, abo_rhd, conformed_table, kept, key_of_person, renamed, versions_of
from lakehouse.l2.conformed.order import version_columns as version
from lakehouse.l2.conformed.persons import BIRTH_YEAR, banded_year
from lakehouse.table import TEXT, Field

FEED = FEEDS["donors"]
TABLE = conformed_table(
    FEED,
    key=("donor_key",),
    fields=(
        key_of_person("donor_key", "the donor", required=True),
        *kept(FEED, "sex", "ethnicity"),
        BIRTH_YEAR,
        abo_rhd("the donor's group as sent"),
        renamed(FEED, "first_donation_date", "first_donation_on"),
        renamed(FEED, "last_donation_date", "last_donation_on"),
        *kept(FEED, "total_donations", "state"),
        Field("postal_area", TEXT, "first 3 characters of the postal code"),
        *kept(FEED, "region", "registered_at", "is_contactable", "deceased_on"),
    ),
)
VERSIONS = versions_of(TABLE, "donor_versions")  # donors move and are typed anew: dim_donor tells when


def build(rows: DataFrame, *, pseudonym: Pseudonym) -> DataFrame:
    """Conform accepted L1 rows of donors, one row a version."""
    return rows.select(
        pseudonym(F.col("donor_id")).alias("donor_key"),
        "sex",
        "ethnicity",
        banded_year(F.year("birthdate")).alias("birth_year"),
        short_group(F.col("blood_type")).alias("abo_rhd"),
        F.col("first_donation_date").alias("first_donation_on"),
        F.col("last_donation_date").alias("last_donation_on"),
        "total_donations",
        "state",
        F.substring(F.trim("postal_code"), 1, 3).alias("postal_area"),
        "region",
        "registered_at",
        "is_contactable",
        "deceased_on",
        *version(),
    )
