"""A row is a donation up to the as-of day, of every outcome, under the donor as the donor was on its day.

A donation without a day counts as of now; one whose donor no record describes is the unknown donor's, and keeps the
donor's pseudonym so that donors can be counted.

Slice: a donor; records of the donor, the donor's donations and their sessions touch it.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.dimensional.keys import date_sk, day_sk, found, known, sk
from lakehouse.table import DOSES, INT, NUMBER, TEXT, Field, Table

TABLE = Table(
    tier="l2",
    name="fact_donation",
    grain="a donation up to the as-of day, or without a day",
    key=("donation_key",),
    fields=(
        Field("donation_key", TEXT, "the donation", required=True),
        sk("donor_sk", "dim_donor", "the donor as on that day"),
        sk("event_sk", "dim_event", "the session"),
        day_sk("date_sk", "day of collection, local to the site"),
        Field("donor_key", TEXT, "the donor's pseudonym (HMAC-SHA-256, hex), known or not", required=True),
        Field("procedure", TEXT, "whole_blood, double_red_cells, ... as sent; null where not"),
        Field("donation_type", TEXT, "allogeneic, autologous, directed, therapeutic or research"),
        Field("outcome", TEXT, "complete, short, over or failed"),
        Field("volume_ml", NUMBER, "collected volume, mL"),
        Field("red_cell_units", INT, "red cell units collected"),
        Field("platelet_doses", DOSES, "platelets collected, adult doses"),
        Field("plasma_units", INT, "plasma units collected"),
    ),
    law="donations = rows + donations after the as-of day; every key is in its dimension",
)


def build(
    donations: DataFrame,
    dated: DataFrame,
    dim_donor: DataFrame,
    dim_event: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """The donations up to `as_of`.

    Args:
        donations: sessions and measures.
        dated: `dated_donations`: the day of each.
        dim_donor: versions of donors.
        dim_event: sessions.
        as_of: later donations are not seen.
        params: not used.
    """
    day = F.coalesce("donated_on", F.lit(as_of))
    days = dated.where(day <= F.lit(as_of)).select("donation_key", "donated_on")
    seen = donations.drop("donated_on").join(days, "donation_key", how="inner")
    versions = known(dim_donor, "donor_sk", "donor_key", "version", "valid_from", "valid_to")
    versions = versions.withColumnRenamed("donor_key", "known_key")
    was_valid = (day <= F.col("valid_to")) & ((day >= F.col("valid_from")) | (F.col("version") == 1))
    return (
        seen.join(versions, (F.col("donor_key") == F.col("known_key")) & was_valid, how="left")
        .join(known(dim_event, "event_sk", "event_id"), "event_id", how="left")
        .withColumns({"donor_sk": found("donor_sk"), "event_sk": found("event_sk")})
        .withColumn("date_sk", date_sk(F.col("donated_on")))
        .select(*TABLE.columns)
    )
