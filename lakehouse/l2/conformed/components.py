"""Components: a row is a unit as it was made, imported or labelled."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import bare_dates, short_group
from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.conformed.order import DATE_ONLY, Pseudonym, abo_rhd, conformed_table, kept
from lakehouse.l2.conformed.order import version_columns as version
from lakehouse.table import DOSES, Field

FEED = FEEDS["components"]
BEFORE_DOSES = (
    "anticoagulant",
    "additive",
    "storage",
    "plasma_kind",
    "is_leukoreduced",
    "is_irradiated",
    "irradiated_at",
    "is_pathogen_reduced",
    "is_washed",
)
AFTER_DOSES = ("volume_ml", "collected_at", "prepared_at", "expires_at", "facility_id", "is_imported")
TABLE = conformed_table(
    FEED,
    key=("unit_id",),
    fields=(
        *kept(FEED, "unit_id", "din", "bag_id", "component", "product_code"),
        abo_rhd("the label"),
        *kept(FEED, *BEFORE_DOSES),
        Field("doses", DOSES, "adult doses; null for red cells"),
        *kept(FEED, *AFTER_DOSES),
        DATE_ONLY,
    ),
    looked_up_by=("unit_id", "din", "bag_id"),
)


def build(rows: DataFrame, *, pseudonym: Pseudonym) -> DataFrame:
    """Conform accepted L1 rows of components, one row a version."""
    return rows.select(
        "unit_id",
        "din",
        "bag_id",
        "component",
        "product_code",
        short_group(F.col("blood_type")).alias("abo_rhd"),
        *BEFORE_DOSES,
        F.col("doses").try_cast(DOSES).alias("doses"),
        *AFTER_DOSES,
        bare_dates(F.col("_rescued"), "expires_at").alias("date_only"),
        *version(),
    )
