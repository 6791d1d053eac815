"""A row is a month in the life of a cohort: the donors who gave for the first time in one month, so many months later.

A donor's months are counted from the day of their own first donation: month n ends n months after it. Month 0 is the
first donation itself. Slice: a cohort; a record of a donor touches the cohort that they were in and the one they are
in now (an earlier first donation that becomes known moves them, or takes them out).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.donor_retention_history import donor_histories
from lakehouse.table import DATE, FLAG, INT, NUMBER, Field, Table

RETAINED_DAYS = 365

TABLE = Table(
    tier="l2",
    name="donor_cohorts",
    grain="a month of first donations, and a number of months since",
    key=("cohort_month", "months_since"),
    fields=(
        Field("cohort_month", DATE, "first day of the month of the first donations", required=True),
        Field("months_since", INT, "months since the first donation; 0 is that day", required=True),
        Field("first_timers", INT, "donors who gave for the first time in the cohort's month", required=True),
        Field("is_complete", FLAG, "every one of them has had that many months by as-of", required=True),
        Field("donated_in_month", INT, "of them, gave in this month of theirs", required=True),
        Field("returned_by_month", INT, "of them, gave again by its end", required=True),
        Field("donated_share", NUMBER, "donated_in_month / first_timers; null until complete"),
        Field("returned_share", NUMBER, "returned_by_month / first_timers; null until complete"),
        Field("at_risk", INT, "could still return for the first time in this month, and were seen through it"),
        Field(
            "survival_returned_share",
            NUMBER,
            "share returned by its end (Kaplan-Meier, by months): who dies, is deferred for good or has had fewer "
            "months counts as long as they were seen; null where nobody is at risk any more",
        ),
        Field("retained_12m", NUMBER, "the cohort's, on each of its rows: gave again on one of the next 365 days"),
        Field("presented_12m", NUMBER, "the same, for who came again, deferred or not; null until 365 days are over"),
        Field("as_of", DATE, "the day that the counts speak about", required=True),
    ),
    law="the sum of first_timers over months_since 0 = donors whose every donation is recorded in the lake",
)
COUNTS = ("first_timers", "donated_in_month", "returned", "retained", "presented", "left_risk", "left_by_returning")


def build(donor_lives: DataFrame, *, as_of: date, params: Mapping[str, Any]) -> DataFrame:
    """The cohorts of first-time donors up to `as_of`.

    A first-time donor is one of whom no donation is known but those recorded: who gave before, as the donor record
    says by a day or by its total, was none when the lake first saw them.

    Args:
        donor_lives: the records of each donor.
        as_of: last local day that counts.
        params: cohort_months (how many months a cohort is followed).
    """
    last_month = int(params["cohort_months"])
    donors = _first_timers(donor_histories(donor_lives, as_of=as_of), as_of, last_month)
    happened = donors.select("cohort_month", F.inline(_happenings()))
    counted = happened.groupBy("cohort_month", "months_since").agg(*[F.sum(name).alias(name) for name in COUNTS])
    return _shares(_every_month(counted, as_of, last_month), as_of).select(*TABLE.columns)


def _first_timers(histories: DataFrame, as_of: date, last_month: int) -> DataFrame:
    """Donors with their cohort, the months in which they gave again, and how long they were seen.

    A deferral for good before the first donation was lifted, and a death before it is an error: neither ends anything.
    """
    first, again = F.col("first_donation_on"), F.filter("gift_days", lambda day: day > F.col("first_donation_on"))
    ends = [F.when(F.col(name) >= first, F.col(name)) for name in ("deferred_for_good_on", "deceased_on")]
    seen_until = F.least(F.lit(as_of), *ends)
    months = F.array_distinct(F.transform(again, lambda day: _month_of(day, first)))
    return (
        histories.where((F.col("lifetime_donations") > 0) & (F.col("lifetime_donations") == F.size("gift_days")))
        .withColumn("cohort_month", F.trunc("first_donation_on", "month"))
        .withColumn("gave_in", F.filter(months, lambda month: month <= last_month))
        .withColumn("returned_in", F.array_min("gave_in"))
        .withColumn("seen_months", F.least(_full_months(first, seen_until), F.lit(last_month)))
        .withColumn("is_retained", F.exists(again, lambda day: day <= F.date_add(first, RETAINED_DAYS)))
        .withColumn(
            "has_presented",
            F.exists("presentations", lambda came: came["on"].between(F.date_add(first, 1), F.date_add(first, 365))),
        )
    )


def _calendar_months(first: Column, day: Column) -> Column:
    return 12 * (F.year(day) - F.year(first)) + F.month(day) - F.month(first)


def _full_months(first: Column, day: Column) -> Column:
    """Months that are over at the end of `day`; a month from the 31st ends on the last day of a shorter one."""
    months = _calendar_months(first, day)
    return F.when(F.add_months(first, months) <= day, months).otherwise(months - 1)


def _month_of(day: Column, first: Column) -> Column:
    """The month of a later day: n months after the first donation is the last day of month n."""
    months = _calendar_months(first, day)
    return F.when(day <= F.add_months(first, months), months).otherwise(months + 1)


def _happenings() -> Column:
    """Rows of a donor: their first donation, each month in which they gave, and the one in which they left the risk."""
    is_seen = F.coalesce(F.col("returned_in") <= F.col("seen_months"), F.lit(False))
    begun = _happening(
        F.lit(0),
        first_timers=F.lit(1),
        donated_in_month=F.lit(1),
        retained=F.col("is_retained").cast("int"),
        presented=F.col("has_presented").cast("int"),
    )
    left = _happening(
        F.when(is_seen, F.col("returned_in")).otherwise(F.col("seen_months")),
        left_risk=F.lit(1),
        left_by_returning=is_seen.cast("int"),
    )
    gave = F.transform(
        "gave_in",
        lambda month: _happening(
            month, donated_in_month=F.lit(1), returned=(month == F.col("returned_in")).cast("int")
        ),
    )
    return F.concat(F.array(begun, left), gave)


def _happening(month: Column, **counts: Column) -> Column:
    values = [counts.get(name, F.lit(0)).cast("int").alias(name) for name in COUNTS]
    return F.struct(month.cast("int").alias("months_since"), *values)


def _every_month(counted: DataFrame, as_of: date, last_month: int) -> DataFrame:
    """Add the months in which nothing happened, up to the one that the first of the cohort are in."""
    of_cohort = counted.groupBy("cohort_month").agg(
        F.collect_list(F.struct("months_since", *[F.col(name).cast("long").alias(name) for name in COUNTS])).alias(
            "found"
        )
    )
    reached = F.least(_calendar_months(F.col("cohort_month"), F.lit(as_of)) + 1, F.lit(last_month))
    blank = F.transform(
        F.sequence(F.lit(0), reached),
        lambda month: F.struct(month.alias("months_since"), *[F.lit(0).cast("long").alias(name) for name in COUNTS]),
    )
    rows = of_cohort.select("cohort_month", F.inline(F.concat("found", blank)))
    return rows.groupBy("cohort_month", "months_since").agg(*[F.sum(name).alias(name) for name in COUNTS])


def _shares(months: DataFrame, as_of: date) -> DataFrame:
    cohort = Window.partitionBy("cohort_month")
    so_far = cohort.orderBy("months_since").rowsBetween(Window.unboundedPreceding, 0)
    from_here = cohort.orderBy("months_since").rowsBetween(0, Window.unboundedFollowing)
    last_day, today = F.last_day("cohort_month"), F.lit(as_of)
    is_over = F.date_add(last_day, RETAINED_DAYS) <= today
    counted = {
        "first_timers": F.sum("first_timers").over(cohort),
        "retained": F.sum("retained").over(cohort),
        "presented": F.sum("presented").over(cohort),
        "returned_by_month": F.sum("returned").over(so_far),
        "at_risk": F.when(F.col("months_since") > 0, F.sum("left_risk").over(from_here)),
    }
    still_away = F.when(F.col("months_since") == 0, 1.0).otherwise(
        1 - F.try_divide(F.col("left_by_returning"), F.col("at_risk"))
    )
    return (
        months.withColumns(counted)
        .withColumn("is_complete", F.add_months(last_day, F.col("months_since")) <= today)
        .withColumn("donated_share", F.when(F.col("is_complete"), F.col("donated_in_month") / F.col("first_timers")))
        .withColumn("returned_share", F.when(F.col("is_complete"), F.col("returned_by_month") / F.col("first_timers")))
        .withColumn("still_away", still_away)
        .withColumn("all_away", F.when(F.col("still_away").isNotNull(), F.product("still_away").over(so_far)))
        .withColumn("survival_returned_share", 1 - F.col("all_away"))
        .withColumn("retained_12m", F.when(is_over, F.col("retained") / F.col("first_timers")))
        .withColumn("presented_12m", F.when(is_over, F.col("presented") / F.col("first_timers")))
        .withColumn("as_of", today)
        .withColumns({field.name: F.col(field.name).cast("int") for field in TABLE.fields if field.type == INT})
    )
