"""How many first-time donors of a month came back when, counted by hand, as of 28 February 2025."""

from datetime import date
from typing import Any

import pytest
from chispa.schema_comparer import assert_schema_equality
from pyspark.sql import DataFrame, SparkSession

from lakehouse.l2.derivatives import donor_cohorts, donor_retention
from lakehouse.l2.laws import LAWS
from tests.support.lives import CENTRE, inputs
from tests.support.params import DEFINITIONS

AS_OF = date(2025, 2, 28)
JANUARY, FEBRUARY, MARCH, MAY = (date(2024, month, 1) for month in (1, 2, 3, 5))
PARAMS = DEFINITIONS | {"lapse_months": 24, "lapsing_months": 12}


def gave(donor: str, *days: str, **said: Any) -> list[dict[str, Any]]:
    return [{"donation_key": f"{donor} {day} {said}", "donor_key": donor, "donated_on": day, **said} for day in days]


DONATIONS = [
    # January: months from the 31st end on the last day of a shorter one.
    *gave("a month later to the day", "2024-01-31", "2024-02-29"),
    *gave("a day later than a month", "2024-01-31", "2024-03-01", "2024-03-15"),
    # February: 29 February + 365 days is the as-of day.
    *gave("after 365 days", "2024-02-29", "2025-02-28"),
    *gave("after 366 days", "2024-02-01", "2025-02-01"),
    *gave("failed when they came again", "2024-02-10"),
    *gave("failed when they came again", "2024-04-10", outcome="failed"),
    *gave("deferred for good", "2024-02-10"),
    *gave("two bags on one day", "2024-02-10"),
    *gave("two bags on one day", "2024-02-10", bag_id="second"),
    # None of them first-time donors.
    *gave("gave in 2020", "2024-02-10"),
    *gave("gave twice before", "2024-02-10"),
    *gave("for themselves", "2024-02-10", donation_type="autologous"),
    *gave("failed at first", "2024-02-10", outcome="failed"),
    # March: 3:30 in UTC on 1 April is the evening before in New York; the clock has changed since 9 March.
    *gave("on the last evening of March", "2024-04-01", is_assumed_date=True, event_id="E"),
    *gave("deferred for good once", "2024-05-10"),
    *gave("tomorrow", "2025-03-01"),
]
FEEDS = {
    "donations": DONATIONS,
    "donation_events": [{"event_id": "E", "facility_id": CENTRE, "starts_at": "2024-04-01 03:30"}],
    "donors": [
        {"donor_key": "gave in 2020", "first_donation_on": "2020-02-10"},
        {"donor_key": "gave twice before", "total_donations": 3, "last_donation_on": "2024-02-10"},
        {"donor_key": "never gave"},
    ],
    "donor_visits": [
        {"visit_id": "v", "donor_key": "deferred for good", "visited_at": "2024-06-15 17:00", "is_permanent": True},
        {
            "visit_id": "lifted",
            "donor_key": "deferred for good once",
            "visited_at": "2023-06-10 17:00",
            "is_permanent": True,
        },
        {"visit_id": "w", "donor_key": "two bags on one day", "visited_at": "2024-09-01 17:00", "outcome": "no_show"},
    ],
}


@pytest.fixture(scope="module")
def frames(spark: SparkSession) -> dict[str, DataFrame]:
    """The shared frames, and both tables of donors."""
    law = next(law for law in LAWS if law.name == "donor_cohorts.first_timers")
    found = {**inputs(spark, donor_cohorts.build, FEEDS), **inputs(spark, law.check, FEEDS)}
    lives = found["donor_lives"].cache()
    for module in (donor_cohorts, donor_retention):
        found[module.TABLE.name] = module.build(lives, as_of=AS_OF, params=PARAMS).cache()
    return found


@pytest.fixture(scope="module")
def months(frames: dict[str, DataFrame]) -> dict[tuple[date, int], dict[str, Any]]:
    built = frames["donor_cohorts"]
    assert_schema_equality(built.schema, donor_cohorts.TABLE.schema, ignore_nullable=True)
    rows = [row.asDict() for row in built.collect()]
    found = {(row["cohort_month"], row["months_since"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def column(months: dict[tuple[date, int], dict[str, Any]], cohort: date, name: str, *numbers: int) -> list[Any]:
    return [months[cohort, number][name] for number in numbers]


def test_cohorts__hold_first_time_donors_alone(months) -> None:
    sizes = {cohort: row["first_timers"] for (cohort, number), row in months.items() if number == 0}
    assert sizes == {JANUARY: 2, FEBRUARY: 5, MARCH: 1, MAY: 1}


def test_cohorts__have_a_row_for_every_month_that_any_of_them_has_reached(months) -> None:
    numbers = {cohort: [number for found, number in sorted(months) if found == cohort] for cohort, _ in months}
    ends = {JANUARY: 15, FEBRUARY: 14, MARCH: 13, MAY: 11}
    assert numbers == {cohort: [*range(end)] for cohort, end in ends.items()}


def test_cohorts__count_months_from_the_donor_s_own_day(months) -> None:
    assert column(months, JANUARY, "donated_in_month", 0, 1, 2, 3) == [2, 1, 1, 0]
    assert column(months, JANUARY, "returned_by_month", 0, 1, 2, 3) == [0, 1, 2, 2]
    assert column(months, JANUARY, "returned_share", 0, 1, 2, 12) == [0.0, 0.5, 1.0, 1.0]
    assert column(months, FEBRUARY, "donated_in_month", 0, 11, 12, 13) == [5, 0, 2, 0]


def test_cohorts__tell_no_share_before_the_month_is_over_for_all(months) -> None:
    assert column(months, FEBRUARY, "is_complete", 11, 12, 13) == [True, True, False]
    assert column(months, FEBRUARY, "returned_share", 11, 12, 13) == [0.0, 0.4, None]
    assert column(months, FEBRUARY, "donated_share", 0, 12, 13) == [1.0, 0.4, None]


def test_retained_12m__is_a_donation_on_one_of_365_days_and_waits_for_them(months) -> None:
    """Of five, one gave within 365 days; two more came, and one of these was deferred, the other failed."""
    assert {row["retained_12m"] for (cohort, _), row in months.items() if cohort == FEBRUARY} == {0.2}
    assert {row["presented_12m"] for (cohort, _), row in months.items() if cohort == FEBRUARY} == {0.6}
    assert {row["retained_12m"] for (cohort, _), row in months.items() if cohort == MARCH} == {None}
    assert column(months, JANUARY, "retained_12m", 0) == [1.0]


def test_survival__counts_donors_as_long_as_they_could_return(months) -> None:
    """Who was deferred for good on 15 June had four months; of the other four, two returned in the twelfth."""
    assert column(months, FEBRUARY, "at_risk", 0, 1, 4, 5, 12, 13) == [None, 5, 5, 4, 4, 0]
    assert column(months, FEBRUARY, "survival_returned_share", 0, 11, 12, 13) == [0.0, 0.0, 0.5, None]
    assert column(months, JANUARY, "survival_returned_share", 1, 2, 3) == [0.5, 1.0, None]


def test_survival__a_deferral_that_was_lifted_before_the_first_donation_ends_nothing(months) -> None:
    assert column(months, MAY, "at_risk", 0, 1, 9, 10) == [None, 1, 1, 0]
    assert column(months, MAY, "survival_returned_share", 0, 9, 10) == [0.0, 0.0, None]


def test_law__finds_a_donor_who_is_in_no_cohort(frames: dict[str, DataFrame]) -> None:
    law = next(law for law in LAWS if law.name == "donor_cohorts.first_timers")
    whole = [frames[name] for name in law.inputs]
    assert [row["difference"] for row in law.check(*whole, as_of=AS_OF, params=PARAMS).collect()] == [0]
    cut = [frame.where("cohort_month > '2024-01-31'") if "months_since" in frame.columns else frame for frame in whole]
    assert [row["difference"] for row in law.check(*cut, as_of=AS_OF, params=PARAMS).collect()] == [2]


def test_cohorts__of_nobody_are_none(spark: SparkSession) -> None:
    tables = inputs(spark, donor_cohorts.build, {})
    assert donor_cohorts.build(**tables, as_of=AS_OF, params=PARAMS).collect() == []
