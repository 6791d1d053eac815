"""How likely donors are to give again within a year: the share of those who stood alike a year before and did.

Donors stand alike who are in the same cell: months since the last donation, donations in 12 months, donations in
life. A small cell leans on a larger one: with n donors of whom r came back, and p the share of the next larger group
(the first two marks; the first alone; everybody), its share is (r + k p) / (n + k). k is `return_prior_donors`.

A standing is judged only by what was known on its day: a donor record that was summed up later would tell who came
back. So those whose last donation the lake did not see are in the cell of the longest absence; and that cell begins
at 12 months as long as the lake looks back less than 24.
"""

from collections.abc import Mapping
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

CELL = ("recency_band", "pace_band", "lifetime_band")
STRAY_SHARE = 0.01
"""A lake's history begins when this share of its donors have given: a few misdated records make it no longer."""

RECENCY_MONTHS = (3, 6, 12, 24)  # as the share of returns falls in Yeh 2009
PACES = (0, 1, 2, 3, 6)  # first number of donations of each band
LIFETIMES = (1, 2, 4, 8, 16)  # as in Yeh 2009
BEYOND = len(RECENCY_MONTHS)
SHALLOW = RECENCY_MONTHS.index(24)


def history_start(histories: DataFrame) -> DataFrame:
    """One row: `history_from`, the day from which on the lake knows donations (NULL where it knows none)."""
    return histories.agg(F.percentile_approx(F.array_min("gift_days"), STRAY_SHARE).alias("history_from"))


def standings(
    histories: DataFrame, start: DataFrame, *, origin: Column, until: Column, fitted_at: Column | None = None
) -> DataFrame:
    """How donors stood at the end of the day `origin`, and whether they gave after it and by `until`.

    Args:
        histories: `donor_histories`.
        start: `history_start`.
        origin: the day that donors are judged on.
        until: the last day on which a return counts.
        fitted_at: the origin of the shares that are to be applied, where it is another.

    Returns:
        A row a donor who had given by then, may give, and was known: donor_key, `CELL`, has_returned, is_enough
        (the lake looks back 12 months or more from `fitted_at`).
    """
    looked_from = origin if fitted_at is None else fitted_at
    lifetime_then = F.col("lifetime_donations") - F.size(F.filter("donation_days", lambda day: day > origin))
    has_stopped = F.least("deferred_for_good_on", "deceased_on") <= origin
    return (
        histories.crossJoin(F.broadcast(start))
        .withColumn("lifetime_then", lifetime_then)
        .withColumn("days_then", F.filter("seen_days", lambda day: day <= origin))
        .where((F.col("lifetime_then") > 0) & (F.col("known_on") <= origin) & ~F.coalesce(has_stopped, F.lit(False)))
        .select(
            "donor_key",
            *cell(F.col("days_then"), F.col("lifetime_then"), origin, looked_from),
            F.exists("donation_days", lambda day: (day > origin) & (day <= until)).alias("has_returned"),
            looks_back(looked_from, 12).alias("is_enough"),
        )
    )


def cell(days: Column, lifetime: Column, origin: Column, looked_from: Column) -> tuple[Column, ...]:
    """The columns of `CELL`: the numbers of the bands that a donor is in on the day `origin`.

    Args:
        days: sorted days of donations up to `origin`.
        lifetime: donations in life by then.
        origin: the day; exactly n months before it is within n months.
        looked_from: the day from which the history must reach back 24 months, or absences are told apart to 12.
    """
    last = F.try_element_at(days, F.lit(-1))
    since = F.when(last >= F.add_months(origin, -RECENCY_MONTHS[0]), 0)
    for number, months in enumerate(RECENCY_MONTHS[1:], 1):
        since = since.when(last >= F.add_months(origin, -months), number)
    longest = F.when(looks_back(looked_from, 24), BEYOND).otherwise(SHALLOW)
    in_year = F.filter(days, lambda day: day >= F.add_months(origin, -12))
    return (
        F.least(since.otherwise(BEYOND), longest).alias("recency_band"),
        _band(F.size(in_year), PACES).alias("pace_band"),
        _band(lifetime, LIFETIMES).alias("lifetime_band"),
    )


def looks_back(origin: Column, months: int) -> Column:
    """Whether the history reaches that far back from a day."""
    return F.coalesce(F.col("history_from") <= F.add_months(origin, -months), F.lit(False))


def _band(number: Column, firsts: tuple[int, ...]) -> Column:
    return F.size(F.filter(F.array(*map(F.lit, firsts)), lambda first: first <= number)) - 1


def shares(stood: DataFrame, start: DataFrame, params: Mapping[str, Any]) -> DataFrame:
    """The share of every cell that came back: `CELL`, alike (donors who were in it), probability.

    A cell that nobody was in has a row too. None has a probability where the lake looks back less than 12 months.
    """
    seen = stood.where("is_enough").groupBy(*CELL).agg(F.count("*").alias("alike"), F.count_if("has_returned"))
    nobody = _every_cell(start).select(*CELL, F.lit(0), F.lit(0))
    cells = seen.union(nobody).toDF(*CELL, "alike", "back").groupBy(*CELL)
    counted = cells.agg(F.sum("alike").alias("alike"), F.sum("back").alias("back"))
    prior = F.lit(float(params["return_prior_donors"]))
    share = F.try_divide(_over((), "back"), _over((), "alike"))
    for level in (CELL[:1], CELL[:2], CELL):
        share = (_over(level, "back") + prior * share) / (_over(level, "alike") + prior)
    return counted.select(*CELL, F.col("alike").cast("int").alias("alike"), share.alias("probability"))


def _over(level: tuple[str, ...], name: str) -> Column:
    return F.sum(name).over(Window.partitionBy(*level))


def _every_cell(one: DataFrame) -> DataFrame:
    for name, count in zip(CELL, (BEYOND + 1, len(PACES), len(LIFETIMES)), strict=True):
        one = one.withColumn(name, F.explode(F.sequence(F.lit(0), F.lit(count - 1))))
    return one
