"""A row is a donor at the as-of day: how often and how lately they gave, which class that makes, when they may again.

A donor is anyone whom a donor record, a donation or a visit names by the end of the as-of day.

Slice: a donor. Two things change without a record of theirs: what the as-of day makes of them, and the chance that
they return, which rests on what all other donors did.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.donor_retention_eligible import eligible_on
from lakehouse.l2.derivatives.donor_retention_history import donor_histories
from lakehouse.l2.derivatives.donor_return import CELL, cell, history_start, shares, standings
from lakehouse.table import DATE, FLAG, INT, NUMBER, TEXT, TEXTS, Field, Table

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
        Field(
            "given_procedures", TEXTS, "procedures that the donor gave by, sorted; unnamed ones left out", required=True
        ),
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
        Field("return_probability_12m", NUMBER, "chance to give in the 12 months after as-of; null: see return_basis"),
        Field(
            "return_basis",
            TEXT,
            "shares (of the donors who stood alike a year ago), or why there is none: stopped, never_donated, "
            "short_history (the lake knows less than 24 months of donations)",
            required=True,
        ),
        Field("alike_donors", INT, "how many donors stood alike a year ago; null where there is no chance"),
        Field("as_of", DATE, "the day that the state speaks about", required=True),
    ),
    law="rows = distinct donors of donors, donations and donor_visits by as-of; the classes add up to the rows",
)


def build(donor_lives: DataFrame, *, as_of: date, params: Mapping[str, Any]) -> DataFrame:
    """Every donor at the end of `as_of`.

    Args:
        donor_lives: the records of each donor.
        as_of: last local day that counts.
        params: lapse_months (last donation longer ago: inactive), lapsing_months (longer ago: lapsing),
            return_prior_donors (how many donors of a larger group a small one leans on).
    """
    today = F.lit(as_of)
    histories = donor_histories(donor_lives, as_of=as_of)
    donors = (
        histories.withColumn("is_permanently_deferred", F.col("deferred_for_good_on").isNotNull())
        .withColumn("donations_12m", _since(F.add_months(today, -12)))
        .withColumn("donations_24m", _since(F.add_months(today, -24)))
        .withColumn("presentations_12m", _presentations_since(F.add_months(today, -12)))
        .withColumn("given_procedures", _procedures())
        .withColumn("recency_days", F.date_diff(today, "last_donation_on"))
        .withColumn("gap_before_last_days", F.date_diff("last_donation_on", "previous_donation_on"))
        .withColumn("age_band", _age_band(F.lit(as_of.year) - F.col("birth_year")))
        .withColumn("class", _class(today, params))
        .withColumns({name: eligible_on(procedure, as_of) for name, procedure in ELIGIBLE.items()})
        .withColumn("as_of", today)
    )
    return _with_return(donors, histories, today, params).select(*TABLE.columns)


def _with_return(donors: DataFrame, histories: DataFrame, today: Column, params: Mapping[str, Any]) -> DataFrame:
    """Add the chance to return, from what came of those who stood alike a year before."""
    year_ago, start = F.add_months(today, -12), history_start(histories)
    came_back = shares(standings(histories, start, origin=year_ago, until=today), start, params)
    now = cell(F.col("donation_days"), F.col("lifetime_donations"), today, year_ago)
    basis = (
        F.when(F.col("class").isin("stopped", "never_donated"), F.col("class"))
        .when(F.col("probability").isNull(), "short_history")
        .otherwise("shares")
    )
    has_one = F.col("return_basis") == "shares"
    return (
        donors.crossJoin(F.broadcast(start))
        .select("*", *now)
        .join(F.broadcast(came_back), list(CELL), how="left")
        .withColumn("return_basis", basis)
        .withColumn("return_probability_12m", F.when(has_one, F.col("probability")))
        .withColumn("alike_donors", F.when(has_one, F.col("alike")))
    )


def _presentations_since(first_day: Column) -> Column:
    """Distinct presentations from `first_day` on."""
    came = F.filter("presentations", lambda event: event["on"] >= first_day)
    return F.size(F.array_distinct(F.transform(came, lambda event: event["came_as"]))).cast("int")


def _since(first_day: Column) -> Column:
    """Known donations from `first_day` on, that day included."""
    return F.size(F.filter("donation_days", lambda day: day >= first_day)).cast("int")


def _procedures() -> Column:
    gifts = F.filter("given", lambda taken: taken["is_gift"])
    return F.array_sort(F.array_distinct(F.array_compact(F.transform(gifts, lambda taken: taken["procedure"]))))


def _age_band(age_years: Column) -> Column:
    band = F.when(age_years.isNull(), F.lit(None).cast("string"))
    for below, name in AGE_BANDS:
        band = band.when(age_years < below, name)
    return band.otherwise("65+")


def _class(today: Column, params: Mapping[str, Any]) -> Column:
    """The class; the first that fits counts. Exactly n months ago is within n months."""
    last, previous = F.col("last_donation_on"), F.col("previous_donation_on")
    lapse, lapsing = int(params["lapse_months"]), int(params["lapsing_months"])
    has_gone = F.col("is_permanently_deferred") | F.col("deceased_on").isNotNull() | F.col("is_out_of_reach")
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
