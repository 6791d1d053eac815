"""A row is a donor at the as-of day: how often and how lately they gave, which class that makes, when they may again.

A donor is anyone whom a donor record, a donation or a visit names by the end of the as-of day.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.donor_retention_eligible import eligible_on
from lakehouse.l2.derivatives.donor_retention_history import donor_histories
from lakehouse.table import DATE, FLAG, INT, TEXT, Field, Table

CLASSES = (
    "stopped",
    "never_donated",
    "inactive",
    "lapsing",
    "first_time",
    "regular",
    "returning",
    "occasional",
)
ELIGIBLE = {
    "eligible_whole_blood_on": "whole_blood",
    "eligible_red_cells_on": "double_red_cells",
    "eligible_platelets_on": "apheresis_platelets",
    "eligible_plasma_on": "plasma",
}
REGULAR_DONATIONS = 2  # within 12 months (DOMAINE)
AGE_BANDS = ((16, "under 16"), (19, "16-18"), (25, "19-24"), (45, "25-44"), (65, "45-64"))  # as NBCUS has them

TABLE = Table(
    tier="l2",
    name="donor_retention",
    grain="a donor known by the end of the as-of day",
    key=("donor_key",),
    fields=(
        Field("donor_key", TEXT, "the donor's pseudonym (HMAC-SHA-256, hex)", required=True),
        Field("sex", TEXT, "Male or Female"),
        Field("age_band", TEXT, "by the age reached in the year of as-of: 16-18, 19-24, 25-44, 45-64, 65+"),
        Field("region", TEXT, "region of the donor"),
        Field("abo_rhd", TEXT, "ABO/RhD of the donor record; null when unknown"),
        Field("first_donation_on", DATE, "first donation known, as recorded or as the donor record says"),
        Field("last_donation_on", DATE, "last donation known, likewise"),
        Field(
            "lifetime_donations", INT, "donations ever; a larger total on the donor record is honoured", required=True
        ),
        Field("donations_12m", INT, "known donations in the 12 months up to as-of", required=True),
        Field("donations_24m", INT, "the same in 24 months", required=True),
        Field("presentations_12m", INT, "visits in those 12 months, deferred ones too, no-shows not", required=True),
        Field("recency_days", INT, "days from the last donation to as-of"),
        Field(
            "gap_before_last_days", INT, "days between the last two donations; null where the one before is not known"
        ),
        Field("class", TEXT, "the first that fits of: " + ", ".join(CLASSES), required=True),
        Field("is_permanently_deferred", FLAG, "a visit deferred the donor for good", required=True),
        Field("deferred_until", DATE, "last day of a temporary deferral that runs at as-of"),
        *(
            Field(name, DATE, f"first day, from as-of on, to give {procedure} again; null = never")
            for name, procedure in ELIGIBLE.items()
        ),
        Field("as_of", DATE, "the day that the state speaks about", required=True),
    ),
    law="rows = distinct donors of donors, donations and donor_visits by as-of; the classes add up to the rows",
)


def build(
    donors: DataFrame,
    donations: DataFrame,
    donor_visits: DataFrame,
    donation_events: DataFrame,
    facilities: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Every donor at the end of `as_of`.

    Args:
        donors: donor records; they may count donations from before the lake.
        donations: of every outcome and type.
        donor_visits: presentations and their deferrals.
        donation_events: when and where a visit or an undated donation was.
        facilities: with the time zones that days are counted in.
        as_of: last local day that counts.
        params: lapse_months (last donation longer ago: inactive), lapsing_months (longer ago: lapsing).
    """
    histories = donor_histories(donors, donations, donor_visits, donation_events, facilities, as_of=as_of)
    today = F.lit(as_of)
    return (
        histories.withColumn("donations_12m", _since(F.add_months(today, -12)))
        .withColumn("donations_24m", _since(F.add_months(today, -24)))
        .withColumn("recency_days", F.date_diff(today, "last_donation_on"))
        .withColumn("gap_before_last_days", F.date_diff("last_donation_on", "previous_donation_on"))
        .withColumn("age_band", _age_band(F.lit(as_of.year) - F.col("birth_year")))
        .withColumn("class", _class(today, params))
        .withColumns({name: eligible_on(procedure, as_of) for name, procedure in ELIGIBLE.items()})
        .withColumn("as_of", today)
        .select(*TABLE.columns)
    )


def _since(first_day: Column) -> Column:
    """Known donations from `first_day` on, that day included."""
    return F.size(F.filter("donation_days", lambda day: day >= first_day)).cast("int")


def _age_band(age_years: Column) -> Column:
    band = F.when(age_years.isNull(), F.lit(None).cast("string"))
    for below, name in AGE_BANDS:
        band = band.when(age_years < below, name)
    return band.otherwise("65+")


def _class(today: Column, params: Mapping[str, Any]) -> Column:
    """The class; the first that fits counts. Exactly n months ago is within n months."""
    last, previous = F.col("last_donation_on"), F.col("previous_donation_on")
    lapse, lapsing = int(params["lapse_months"]), int(params["lapsing_months"])
    has_gone = F.col("is_permanently_deferred") | F.col("is_deceased") | F.col("is_out_of_reach")
    came_back = (F.col("donations_12m") == 1) & (previous < F.add_months(last, -lapsing))
    return (
        F.when(has_gone, "stopped")
        .when(F.col("lifetime_donations") == 0, "never_donated")
        .when(last.isNull() | (last < F.add_months(today, -lapse)), "inactive")
        .when(last < F.add_months(today, -lapsing), "lapsing")
        .when(F.col("lifetime_donations") == 1, "first_time")
        .when(F.col("donations_12m") >= REGULAR_DONATIONS, "regular")
        .when(came_back, "returning")
        .otherwise("occasional")
    )
