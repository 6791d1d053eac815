"""Blood requests: a row is an order of a hospital."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import bare_dates, is_bare_date, short_group
from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.conformed.order import (
    DATE_ONLY,
    IS_DATE_ONLY,
    Pseudonym,
    abo_rhd,
    conformed_table,
    kept,
    key_of_person,
    renamed,
)
from lakehouse.l2.conformed.order import version_columns as version
from lakehouse.table import TEXT, Field

FEED = FEEDS["blood_requests"]
TABLE = conformed_table(
    FEED,
    key=("request_id",),
    fields=(
        *kept(FEED, "request_id"),
        renamed(FEED, "NPI", "npi"),
        renamed(FEED, "request_datetime", "requested_at"),
        IS_DATE_ONLY,
        *kept(FEED, "units_requested"),
        abo_rhd("group ordered"),
        Field("group_ordered", TEXT, "group ordered by its short name, or any, or unknown", required=True),
        *kept(FEED, "status"),
        key_of_person("patient_key", "the patient"),
        Field("order_kind", TEXT, "patient or stock; where absent, by whether a patient is named", required=True),
        Field("component", TEXT, "as in components; red_cells where absent", required=True),
        *kept(FEED, "urgency", "needed_at", "units_cancelled", "closed_at", "replaces_request_id", "needs_irradiated"),
        DATE_ONLY,
    ),
)


def build(rows: DataFrame, *, pseudonym: Pseudonym) -> DataFrame:
    """Conform accepted L1 rows of blood_requests, one row a version."""
    return rows.select(
        "request_id",
        F.col("NPI").alias("npi"),
        F.col("request_datetime").alias("requested_at"),
        is_bare_date(F.col("_rescued"), "request_datetime").alias("is_date_only"),
        "units_requested",
        short_group(F.col("blood_type")).alias("abo_rhd"),
        group_ordered().alias("group_ordered"),
        "status",
        pseudonym(F.col("patient_id")).alias("patient_key"),
        order_kind().alias("order_kind"),
        F.coalesce("component", F.lit("red_cells")).alias("component"),
        "urgency",
        "needed_at",
        "units_cancelled",
        "closed_at",
        "replaces_request_id",
        "needs_irradiated",
        bare_dates(F.col("_rescued"), "needed_at", "closed_at").alias("date_only"),
        *version(),
    )


def group_ordered() -> Column:
    """Short name of the group ordered; "any" and "unknown" stay apart, for only "any" may be met by any group."""
    is_any = F.lower(F.trim("blood_type")) == "any"
    return F.coalesce(short_group(F.col("blood_type")), F.when(is_any, "any"), F.lit("unknown"))


def order_kind() -> Column:
    """Patient or stock: as sent, else patient when the order names one."""
    return F.coalesce("order_kind", F.when(F.col("patient_id").isNotNull(), "patient"), F.lit("stock"))
