"""Which class each donor is in, and when they may give again, counted by hand.

Each case is one donor; all are built at once, as of the leap day 2024-02-29.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from chispa.schema_comparer import assert_schema_equality

from lakehouse.l2.derivatives import donor_retention
from tests.support.lives import inputs
from tests.support.params import DEFINITIONS

AS_OF = date(2024, 2, 29)
PARAMS = DEFINITIONS | {"lapse_months": 24, "lapsing_months": 12}
YEAR_AGO, TWO_YEARS_AGO = date(2023, 2, 28), date(2022, 2, 28)  # exactly 12 and 24 months before a leap day
DAY = timedelta(days=1)
FACILITY = {"facility_id": "F", "kind": "collection", "timezone": "America/Los_Angeles"}
NOWHERE = {"facility_id": "G", "kind": "collection", "timezone": "Mars/Olympus"}
EVENTS = [
    {"event_id": "E", "facility_id": "F", "starts_at": "2024-02-29T18:00-08:00"},
    {"event_id": "E0", "facility_id": "F", "starts_at": "2024-01-10T18:00-08:00"},
    {"event_id": "E9", "facility_id": "G", "starts_at": "2024-02-29 20:00"},
]
ELIGIBLE = tuple(donor_retention.ELIGIBLE)


@dataclass(frozen=True)
class Case:
    """One donor's records in, what the row must say out. `gave`: days, or donations."""

    name: str
    wanted: dict[str, Any]
    gave: list[Any] = field(default_factory=list)
    visits: list[dict[str, Any]] = field(default_factory=list)
    record: dict[str, Any] | None = field(default_factory=dict)


def again(whole_blood: Any, red_cells: Any, platelets: Any, plasma: Any) -> dict[str, date | None]:
    days = (whole_blood, red_cells, platelets, plasma)
    return {
        name: AS_OF + timedelta(days=day) if isinstance(day, int) else day
        for name, day in zip(ELIGIBLE, days, strict=True)
    }


def before(days: int, **donation: Any) -> dict[str, Any]:
    return {"donated_on": AS_OF - timedelta(days=days), **donation}


NEVER = again(None, None, None, None)
CLASSES = [
    Case(
        "registered and never gave",
        {"class": "never_donated", "lifetime_donations": 0, "last_donation_on": None, "recency_days": None},
    ),
    Case(
        "gave once, exactly 12 months ago",
        {"class": "first_time", "donations_12m": 1, "donations_24m": 1, "recency_days": 366},
        gave=[YEAR_AGO],
    ),
    Case(
        "gave once, a day longer ago than 12 months",
        {"class": "lapsing", "donations_12m": 0, "donations_24m": 1, "recency_days": 367},
        gave=[YEAR_AGO - DAY],
    ),
    Case(
        "last gave exactly 24 months ago",
        {"class": "lapsing", "donations_24m": 1, "lifetime_donations": 2, "gap_before_last_days": 365},
        gave=[date(2021, 2, 28), TWO_YEARS_AGO],
    ),
    Case(
        "last gave a day longer ago than 24 months",
        {"class": "inactive", "donations_24m": 0, "lifetime_donations": 1},
        gave=[TWO_YEARS_AGO - DAY],
    ),
    Case(
        "gave on the first and the last day of 12 months",
        {"class": "regular", "donations_12m": 2, "gap_before_last_days": 366},
        gave=[YEAR_AGO, AS_OF],
    ),
    Case(
        "came back after more than 12 months",
        {"class": "returning", "donations_12m": 1, "gap_before_last_days": 367, "lifetime_donations": 2},
        gave=[date(2024, 2, 10), date(2023, 2, 8)],
    ),
    Case(
        "came back after exactly 12 months",
        {"class": "occasional", "donations_12m": 1, "gap_before_last_days": 365},
        gave=[date(2024, 2, 10), date(2023, 2, 10)],
    ),
    Case(
        "permanently deferred: stopped before all else",
        {"class": "stopped", "is_permanently_deferred": True, "presentations_12m": 3, **NEVER},
        gave=[before(60), before(120)],
        visits=[{"visit_id": "v1", "outcome": "deferred", "is_permanent": True, "visited_at": "2024-02-01 18:00"}],
    ),
    Case("dead", {"class": "stopped", **NEVER}, record={"deceased_on": AS_OF}),
    Case("dead after the as-of day", {"class": "never_donated"}, record={"deceased_on": AS_OF + DAY}),
    Case(
        "not to be called, but may come",
        {"class": "stopped", "eligible_whole_blood_on": AS_OF},
        record={"is_contactable": False},
    ),
]
COUNTED = [
    Case(
        "failed, therapeutic and autologous collections and those after the as-of day are no gifts",
        {"class": "never_donated", "lifetime_donations": 0, "presentations_12m": 3},
        gave=[
            before(100, outcome="failed"),
            before(100, donation_type="therapeutic"),
            before(100, donation_type="autologous"),
            before(-1),
        ],
    ),
    Case(
        "a total on the donor record counts, with those given since it was summed up",
        {
            "class": "regular",
            "lifetime_donations": 8,
            "first_donation_on": date(2015, 5, 5),
            "last_donation_on": date(2024, 1, 20),
            "donations_12m": 2,
            "gap_before_last_days": 233,
        },
        gave=[date(2024, 1, 20)],
        record={"first_donation_on": "2015-05-05", "last_donation_on": "2023-06-01", "total_donations": 7},
    ),
    Case(
        "who gave elsewhere before is not first-time; the gap is unknown where more lies in between",
        {"class": "occasional", "lifetime_donations": 5, "gap_before_last_days": None},
        gave=[date(2024, 1, 20)],
        record={"first_donation_on": "2015-05-05", "last_donation_on": "2024-01-20", "total_donations": 5},
    ),
    Case(
        "the donor record's only other donation is the one before",
        {"class": "returning", "lifetime_donations": 2, "gap_before_last_days": 3182},
        gave=[date(2024, 1, 20)],
        record={"first_donation_on": "2015-05-05", "last_donation_on": "2024-01-20", "total_donations": 2},
    ),
    Case(
        "a donation that two systems date a day apart is one",
        {"class": "first_time", "lifetime_donations": 1, "donations_12m": 1},
        gave=[date(2024, 1, 20)],
        record={"first_donation_on": "2024-01-21", "last_donation_on": "2024-01-21", "total_donations": 1},
    ),
    Case(
        "a donor record summed up after the as-of day tells nothing of its sums",
        {"class": "first_time", "lifetime_donations": 1},
        gave=[date(2024, 1, 20)],
        record={"first_donation_on": "2024-01-20", "last_donation_on": "2024-03-20", "total_donations": 2},
    ),
    Case(
        "no-shows are no presentations; a visit and its donation are one, a donation without a visit is one too",
        {"presentations_12m": 4, "donations_12m": 2},
        gave=[before(30, visit_id="v1"), before(90)],
        visits=[
            {"visit_id": "v1", "outcome": "donated", "visited_at": "2024-01-30 18:00"},
            {"visit_id": "v2", "outcome": "deferred", "visited_at": "2024-01-02 18:00"},
            {"visit_id": "v3", "outcome": "no_show", "visited_at": "2024-01-01 18:00"},
            {"visit_id": "v4", "outcome": "deferred", "visited_at": "2023-01-01 18:00"},
            {"visit_id": "v5", "outcome": "left", "visited_at": "2023-12-01 18:00"},
        ],
    ),
    Case(
        "a visit on the evening of the as-of day is seen, though it is the next day in UTC; tomorrow's is not",
        {"presentations_12m": 1, "is_permanently_deferred": True},
        visits=[
            {"visit_id": "v1", "event_id": "E", "visited_at": "2024-02-29T19:00-08:00", "is_permanent": True},
            {"visit_id": "v2", "event_id": "E", "visited_at": "2024-03-01T01:00-08:00"},
        ],
    ),
    Case(
        "a donation that only its test dates was given when its session began",
        {"last_donation_on": date(2024, 1, 10)},
        gave=[{"donated_on": "2024-01-12", "is_assumed_date": True, "event_id": "E0"}],
    ),
    Case(
        "procedures that they gave by, each once; not those of treatment",
        {"given_procedures": ["plasma", "whole_blood"]},
        gave=[
            before(200, procedure="whole_blood"),
            before(150, procedure="plasma"),
            before(100, procedure="plasma"),
            before(60),
            before(50, procedure="double_red_cells", donation_type="therapeutic"),
        ],
    ),
    Case(
        "a zone that nobody knows counts as UTC: half past one there is the day after the as-of day's evening",
        {"presentations_12m": 1},
        visits=[
            {"visit_id": "v1", "event_id": "E9", "visited_at": "2024-02-29 23:30"},
            {"visit_id": "v2", "event_id": "E9", "visited_at": "2024-03-01 01:30"},
        ],
    ),
    Case(
        "a donor without a record is a donor",
        {"class": "first_time", "sex": None, "age_band": None, "region": None},
        gave=[before(30)],
        record=None,
    ),
    Case(
        "what the record says of the person is carried over",
        {"sex": "Female", "age_band": "25-44", "region": "East", "abo_rhd": "AB-", "as_of": AS_OF},
        record={"sex": "Female", "birth_year": 1980, "region": "East", "abo_rhd": "AB-"},
    ),
]
AGAIN = [
    Case("whole blood 56 days ago: today", again(0, 0, 0, 0), gave=[before(56, procedure="whole_blood")]),
    Case("whole blood 55 days ago: tomorrow", again(1, 1, 1, 1), gave=[before(55, procedure="whole_blood")]),
    Case("no procedure counts as whole blood", again(1, 1, 1, 1), gave=[before(55)]),
    Case("double red cells 100 days ago", again(12, 12, 12, 12), gave=[before(100, procedure="double_red_cells")]),
    Case("platelets yesterday", again(6, 6, 6, 6), gave=[before(1, procedure="apheresis_platelets")]),
    Case(
        "three doses of platelets yesterday",
        again(13, 13, 13, 13),
        gave=[before(1, procedure="apheresis_platelets", platelet_doses=3)],
    ),
    Case("plasma 3 days ago", again(4, 4, 4, 25), gave=[before(3, procedure="plasma")]),
    Case(
        "the latest of several intervals counts, not the latest donation's",
        again(16, 16, 16, 16),
        gave=[before(1, procedure="apheresis_platelets"), before(40, procedure="whole_blood")],
    ),
    Case(
        "blood drawn as treatment is blood drawn", again(46, 46, 46, 46), gave=[before(10, donation_type="therapeutic")]
    ),
    Case("a failed collection asks for no interval", again(0, 0, 0, 0), gave=[before(10, outcome="failed")]),
    Case(
        "six of whole blood in a year: the seventh a year after the first of them",
        again(85, 0, 0, 0),
        gave=[before(days, procedure="whole_blood") for days in (280, 240, 200, 160, 120, 60)],
    ),
    Case(
        "a deferral's last day is still deferred",
        {"deferred_until": AS_OF, **again(1, 1, 1, 1)},
        visits=[{"visit_id": "v1", "deferred_until": AS_OF, "visited_at": "2024-02-01 18:00"}],
    ),
    Case(
        "a deferral that has run out",
        {"deferred_until": None, **again(0, 0, 0, 0)},
        visits=[{"visit_id": "v1", "deferred_until": AS_OF - DAY, "visited_at": "2024-02-01 18:00"}],
    ),
    Case(
        "who turns 16 this year may by its end; other procedures ask 17",
        {
            "age_band": "16-18",
            **again(date(2024, 12, 31), date(2025, 12, 31), date(2025, 12, 31), date(2025, 12, 31)),
        },
        record={"birth_year": 2008},
    ),
    Case(
        "who gave whole blood at 16 is 17 a year later, if not sooner",
        again(0, date(2024, 6, 1), date(2024, 6, 1), date(2024, 6, 1)),
        gave=[date(2023, 6, 1)],
        record={"birth_year": 2007},
    ),
    Case(
        "who gave platelets was 17",
        again(0, 0, 0, 0),
        gave=[{"donated_on": date(2023, 12, 30), "procedure": "apheresis_platelets"}],
        record={"birth_year": 2007},
    ),
    Case(
        "who was treated need not be of age",
        again(0, date(2024, 12, 31), date(2024, 12, 31), date(2024, 12, 31)),
        gave=[{"donated_on": date(2023, 6, 1), "donation_type": "therapeutic"}],
        record={"birth_year": 2007},
    ),
    Case(
        "a donation that the record alone tells of asks for an interval too",
        again(46, 46, 46, 46),
        record={"first_donation_on": "2020-01-01", "last_donation_on": AS_OF - timedelta(days=10)},
    ),
]
CASES = CLASSES + COUNTED + AGAIN


@pytest.fixture(scope="module")
def rows(spark) -> dict[str, dict[str, Any]]:
    """The row of each case, by its name."""
    sent = defaultdict(list)
    for case in CASES:
        donor = {"donor_key": case.name}
        sent["donors"] += [] if case.record is None else [{**donor, **case.record}]
        for number, gift in enumerate(case.gave):
            donation = gift if isinstance(gift, dict) else {"donated_on": gift}
            key = f"{case.name} {number}"
            sent["donations"].append({"donation_key": key, "is_assumed_date": False, **donor, **donation})
        sent["donor_visits"] += [{**donor, **visit} for visit in case.visits]
    sent |= {"donation_events": EVENTS, "facilities": [FACILITY, NOWHERE]}
    built = donor_retention.build(**inputs(spark, donor_retention.build, sent), as_of=AS_OF, params=PARAMS)
    assert_schema_equality(built.schema, donor_retention.TABLE.schema, ignore_nullable=True)
    found = [row.asDict() for row in built.collect()]
    assert sorted(row["donor_key"] for row in found) == sorted(case.name for case in CASES)
    return {row["donor_key"]: row for row in found}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_donor_retention(rows, case):
    assert {name: rows[case.name][name] for name in case.wanted} == case.wanted


def test_donor_retention__every_class_is_tried(rows):
    assert {row["class"] for row in rows.values()} == set(donor_retention.CLASSES)
