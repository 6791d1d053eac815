"""The first day on which a donor may give again, by procedure."""

from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.domain.intervals import MINIMUM_AGE_YEARS, YEARLY_MAXIMUM, interval_days

YEAR_DAYS = 365


def eligible_on(procedure: str, as_of: date) -> Column:
    """First day, not before `as_of`, that a donor may give by `procedure`; NULL for a donor who never may.

    It is the latest of: every collection's day + the interval from its procedure to this one; the day after a
    running deferral; the day the yearly maximum opens; the day the minimum age is surely reached. Reads given,
    deferred_until, donation_days, birth_year, deferred_for_good_on and deceased_on of `donor_histories`.
    """
    latest = F.greatest(
        F.lit(as_of),
        _after_intervals(procedure),
        F.date_add("deferred_until", 1),
        _when_maximum_opens(procedure),
        _of_age_on(procedure),
    )
    return F.when(F.col("deferred_for_good_on").isNull() & F.col("deceased_on").isNull(), latest)


def _after_intervals(procedure: str) -> Column:
    """A donation that only the donor record tells of counts as whole blood, like every unnamed procedure."""
    recorded = F.transform("given", lambda gift: F.date_add(gift["on"], _days_after(gift, procedure)))
    known_only = F.date_add("last_donation_on", interval_days(F.lit(None).cast("string"), F.lit(procedure)))
    is_recorded = F.exists("given", lambda gift: gift["on"] == F.col("last_donation_on"))
    return F.greatest(F.array_max(recorded), F.when(~is_recorded, known_only))


def _days_after(gift: Column, procedure: str) -> Column:
    return interval_days(gift["procedure"], F.lit(procedure), gift["platelet_doses"])


def _when_maximum_opens(procedure: str) -> Column:
    """A year after the donation that is the maximum-th last of this procedure; NULL when there were fewer."""
    same = F.filter("given", lambda gift: F.coalesce(gift["procedure"], F.lit("whole_blood")) == procedure)
    days = F.transform(same, lambda gift: gift["on"])
    return F.date_add(F.try_element_at(days, F.lit(-YEARLY_MAXIMUM[procedure])), YEAR_DAYS)


def _of_age_on(procedure: str) -> Column:
    """The day by which the donor is surely of age: the end of the year in which they reach it, or sooner.

    Who gave was of age for what they gave: who gave whole blood at 16 is 17 a year later. What is known from the
    donor record alone counts as whole blood.
    """
    years_more = {given: max(MINIMUM_AGE_YEARS[procedure] - age, 0) for given, age in MINIMUM_AGE_YEARS.items()}
    table = F.create_map(*[F.lit(part) for pair in years_more.items() for part in pair])
    unnamed = F.lit(years_more["whole_blood"])
    recorded = F.transform(
        F.filter("given", lambda taken: taken["is_gift"]),
        lambda gift: F.add_months(gift["on"], 12 * F.coalesce(F.try_element_at(table, gift["procedure"]), unnamed)),
    )
    first_known = F.add_months(F.array_min("donation_days"), 12 * unnamed)
    year = F.col("birth_year") + MINIMUM_AGE_YEARS[procedure]
    by_birth = F.make_date(year, F.lit(12), F.lit(31))
    return F.when(by_birth.isNotNull(), F.least(by_birth, F.array_min(recorded), first_known))
