"""The quality of a month's collections, counted by hand: each case has its own site, all are built at once.

The sites are in New York; the as-of day is 5 March 2024.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from chispa.schema_comparer import assert_schema_equality
from pyspark.sql import SparkSession

from lakehouse.l2.conformed import CONFORMED
from lakehouse.l2.conformed.all_facilities import all_facilities
from lakehouse.l2.derivatives import process_quality, units
from lakehouse.l2.derivatives.collected import collections
from lakehouse.l2.derivatives.units_donations import dated_donations
from lakehouse.l2.laws import scorecards
from tests.support.lives import conformed
from tests.support.params import DEFINITIONS
from tests.support.rows import frame

AS_OF = date(2024, 3, 5)
FEBRUARY, MARCH = date(2024, 2, 1), date(2024, 3, 1)
DRAWN = {"din": "d", "donor_key": "x", "donated_on": "2024-02-29", "outcome": "complete", "event_id": "E"}
UNIT = {
    "unit_id": "u",
    "donation_key": "d",
    "component": "red_cells",
    "state": "available",
    "is_imported": False,
    "is_reactive": False,
    "collected_at": "2024-02-29T12:00-05:00",
    "prepared_on": "2024-03-01",
    "made_at_facility_id": "C",
}
RESULT = {"marker": "hiv", "stage": "screen", "result": "non_reactive", "resulted_at": "2024-03-01T12:00-05:00"}
DISCARD = {"kind": "discarded", "unit_id": "u", "happened_at": "2024-03-02"}
Wanted = dict[tuple[str, date], dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """What was drawn at the site S of the case and made at its centre C; by place and month, what must be so.

    There is no other row.
    """

    name: str
    wanted: Wanted
    donations: list[dict[str, Any]] = field(default_factory=lambda: [{}])
    units: list[dict[str, Any]] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    discards: list[dict[str, Any]] = field(default_factory=list)
    parents: list[dict[str, Any]] = field(default_factory=list)


def given(din: str, **said: Any) -> dict[str, Any]:
    return {"din": din, "donor_key": din, **said}


def released(unit_id: str, at: str, **said: Any) -> dict[str, Any]:
    return {"unit_id": unit_id, "released_at": at, **said}


def culture(result: str, **said: Any) -> dict[str, Any]:
    return {"marker": "bacterial", "method": "culture", "result": result, "resulted_at": "2024-03-03", **said}


CASES = [
    Case(
        "rejected for quantity, for reactive tests and for other reasons; each donation once",
        {
            ("S", FEBRUARY): {
                "donations_first_time": 10,
                "donations_repeat": 0,
                "rejected_first_time": 8,
                "qns_first_time": 2,
                "reactive_first_time": 5,
                "confirmed_first_time": 2,
                "rejected_per_10k_first_time": 8000.0,
                "qns_per_10k_first_time": 2000.0,
                "confirmed_per_10k_first_time": 2000.0,
                "rejected_per_10k_repeat": None,
                "is_complete": True,
            }
        },
        donations=[
            given("fine"),
            given("short", outcome="short", reject_reason="qns"),
            given("failed", outcome="failed"),
            given("broken", reject_reason="hemolysis"),
            given("told", reject_reason="reactive"),
            given("again"),
            given("confirmed"),
            given("by NAT alone"),
            given("by NAT in the end"),
            given("once", test_result=False, tested_on="2024-03-01"),  # its results say otherwise, and count
        ],
        results=[
            {"din": "again", "result": "reactive", "is_final": False},
            {"din": "again", "result": "reactive", "stage": "repeat"},  # that nothing is announced confirms nothing
            {"din": "by NAT alone", "result": "reactive", "method": "nat_single", "is_final": False},
            {"din": "by NAT in the end", "result": "reactive", "method": "nat_single", "is_final": True},
            {"din": "confirmed", "result": "reactive", "stage": "supplemental"},
            {"din": "once", "result": "reactive", "is_final": False},
            {"din": "once", "stage": "repeat"},
            {
                "din": "fine",
                "result": "reactive",
                "stage": "repeat",
                "resulted_at": "2024-03-06T09:00-05:00",
            },  # to come
            {"din": "fine", "marker": "cmv", "result": "reactive", "stage": "repeat"},  # no infection that bars
        ],
    ),
    Case(
        "a source without results: its flag tells, once the test is out",
        {("S", FEBRUARY): {"reactive_first_time": 1, "rejected_first_time": 1, "donations_first_time": 3}},
        donations=[
            given("flagged", test_result=False, tested_on="2024-03-05"),
            given("to come", test_result=False, tested_on="2024-03-06"),
            given("passed", test_result=True, tested_on="2024-03-05"),
        ],
    ),
    Case(
        "a donor's first gift, then repeats; the same day is not before",
        {
            ("S", FEBRUARY): {"donations_first_time": 2, "donations_repeat": 0},
            ("S", MARCH): {"donations_first_time": 0, "donations_repeat": 1, "is_complete": False},
        },
        donations=[{}, {"din": "d2"}, {"din": "d3", "donated_on": "2024-03-01"}],
    ),
    Case(
        "later donations are not seen; one on the as-of day is",
        {("S", MARCH): {"donations_first_time": 1, "donations_repeat": 0}},
        donations=[{"donated_on": "2024-03-05"}, {"din": "d2", "donated_on": "2024-03-06"}],
    ),
    Case(
        "hours from collection to release, of units made straight of a donation",
        {
            ("S", FEBRUARY): {
                "units": 7,
                "released": 4,
                "release_hours_median": 36.0,
                "release_hours_p90": 48 + 0.7 * 48,
            }
        },
        units=[
            released("u1", "2024-02-29T22:00-05:00", collected_at="2024-02-29T10:00-05:00"),
            released("u2", "2024-03-01T12:00-05:00"),
            released("u3", "2024-03-02T12:00-05:00"),
            released("u4", "2024-03-04T12:00-05:00"),
            released("u5", "2024-03-04T20:00-05:00"),  # thawed
            {"unit_id": "u6"},
            {"unit_id": "u7"},
        ],
        parents=[{"unit_id": "u5", "parent_unit_id": "u6", "kind": "modified"}],
    ),
    Case(
        "discarded by the last reason told for the unit, else its donation's, else its tests",
        {
            ("S", FEBRUARY): {
                "discarded": 7,
                "discarded_reactive": 2,
                "discarded_culture": 1,
                "discarded_recall": 1,
                "discarded_donor_callback": 1,
                "discarded_other": 2,
                "donations_first_time": 2,
            }
        },
        donations=[{}, given("d2", reject_reason="donor_callback")],
        units=[
            {"unit_id": f"u{number}", "state": "discarded"} | said
            for number, said in enumerate(
                ({}, {}, {}, {}, {"is_reactive": True}, {"donation_key": "d2"}, {"is_reactive": True})
            )
        ],
        discards=[
            {"unit_id": "u0", "reason": "Reactive for HIV"},
            {"unit_id": "u1", "reason": "positive culture"},
            {"unit_id": "u2", "reason": "leaking"},
            {"unit_id": "u2", "reason": "hiv test kits recalled", "_batch_seq": 2},
            {"unit_id": "u6", "reason": "leaking"},
            {"unit_id": "u3", "kind": "wasted", "reason": "reactive"},
        ],
    ),
    Case(
        "a unit's fate is known when its end is reported and it is not lost",
        {("S", FEBRUARY): {"units": 6, "units_ended": 5, "units_fate_known": 2, "known_fate_share": 0.4}},
        units=[
            {"unit_id": state, "state": state}
            for state in ("available", "transfused", "outdated", "lost", "presumed_outdated", "fate_unknown")
        ],
    ),
    Case(
        "cultures of units, and of a donation as a whole: each once",
        {
            ("S", FEBRUARY): {
                "cultured": 4,
                "culture_positive": 2,
                "culture_positive_per_10k": 5000.0,
                "reactive_first_time": 0,
            }
        },
        units=[{"unit_id": "u1"}, {"unit_id": "u2"}, {"unit_id": "u3"}],
        results=[
            culture("non_reactive", unit_id="u1"),
            culture("reactive", unit_id="u1", stage="repeat"),
            culture("non_reactive", unit_id="u2"),
            culture("non_reactive", unit_id="u3", resulted_at="2024-03-05T20:00-05:00"),
            culture("reactive", unit_id="u3", resulted_at="2024-03-06T00:01-05:00"),  # to come
            culture("reactive", din="d"),
        ],
    ),
    Case(
        "units of no one donation count where and when they were made",
        {
            ("S", FEBRUARY): {},
            ("C", MARCH): {
                "units": 2,
                "released": 0,
                "donations_first_time": 0,
                "discarded": 1,
                "facility_kind": "hub",
            },
            ("unknown", MARCH): {"units": 1, "facility_kind": None},
        },
        units=[
            released("pool", "2024-03-02", donation_key=None),
            released("import", "2024-03-02", donation_key="elsewhere", is_imported=True, state="discarded"),
            {"unit_id": "stray", "donation_key": None, "made_at_facility_id": "unknown"},
        ],
    ),
    Case(
        "a facility that is not listed, and a session that is not known",
        {
            ("nowhere", FEBRUARY): {"donations_first_time": 1, "region": "unknown", "facility_name": None, "units": 1},
            ("unknown", FEBRUARY): {"donations_first_time": 1, "region": "unknown"},
        },
        donations=[{"event_id": "E2"}, given("d2", event_id=None)],
        units=[{}],
    ),
]
IDS = ("unit_id", "parent_unit_id", "donation_key", "din", "donor_key", "event_id", "made_at_facility_id")


def owned(number: int, row: dict[str, Any]) -> dict[str, Any]:
    """Set the ids of a case apart from those of the others; `unknown` is told by nobody."""
    ids = {name: row[name] for name in IDS if name in row}
    apart = {name: f"{number}/{value}" if value not in (None, "unknown") else None for name, value in ids.items()}
    return {**row, **apart}


def rows_of_cases() -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for number, case in enumerate(CASES):
        place = {"region": f"{number}", "timezone": "America/New_York"}
        rows["facilities"] += [
            {"facility_id": f"{number}/S", "kind": "collection", **place},
            {"facility_id": f"{number}/C", "kind": "hub", **place},
        ]
        rows["donation_events"] += [
            {"event_id": f"{number}/E", "facility_id": f"{number}/S"},
            {"event_id": f"{number}/E2", "facility_id": f"{number}/nowhere"},
        ]
        drawn = [owned(number, {**DRAWN, **donation}) for donation in case.donations]
        rows["donations"] += [{"donation_key": donation["din"], **donation} for donation in drawn]
        rows["units"] += [owned(number, {**UNIT, **unit}) for unit in case.units]
        rows["test_results"] += [
            {"test_id": f"{number}/{order}", **owned(number, {**RESULT, **result})}
            for order, result in enumerate(case.results)
        ]
        rows["dispositions"] += [
            {"disposition_id": f"{number}/{order}", **owned(number, {**DISCARD, **end})}
            for order, end in enumerate(case.discards)
        ]
        rows["unit_parents"] += [owned(number, pair) for pair in case.parents]
    return rows


def frames(spark: SparkSession, rows: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The frames that the build and the laws ask for."""
    made = {name: conformed(spark, name, rows.get(name, ())) for name in CONFORMED}
    made["places"] = all_facilities(made["facilities"], made["hospitals"])
    made["dated"] = dated_donations(made["donations"], made["donation_events"], made["places"]).localCheckpoint()
    made["collections"] = collections(made["dated"], made["donors"])
    made["units"] = frame(spark, units.TABLE, rows.get("units", ())).localCheckpoint()
    return made


def build(known: dict[str, Any], as_of: date = AS_OF) -> Any:
    names = ("collections", "units", "unit_parents", "test_results", "dispositions", "places")
    return process_quality.build(*[known[name] for name in names], as_of=as_of, params=DEFINITIONS)


@pytest.fixture(scope="module")
def known(spark: SparkSession) -> dict[str, Any]:
    return frames(spark, rows_of_cases())


@pytest.fixture(scope="module")
def months(known: dict[str, Any]) -> Any:
    return build(known).localCheckpoint()


@pytest.fixture(scope="module")
def rows(months: Any) -> dict[tuple[str, date], dict[str, Any]]:
    return {(row["facility_id"], row["month_on"]): row.asDict() for row in months.collect()}


def test_process_quality__has_the_declared_columns(months: Any) -> None:
    assert_schema_equality(months.schema, process_quality.TABLE.schema, ignore_nullable=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_process_quality(rows: dict[tuple[str, date], dict[str, Any]], case: Case) -> None:
    for (facility, month), wanted in case.wanted.items():
        row = rows[facility if facility == "unknown" else f"{CASES.index(case)}/{facility}", month]
        assert {name: row[name] for name in wanted} == pytest.approx(wanted)
    number = str(CASES.index(case))
    told = {(facility.partition("/")[2], month) for facility, month in rows if facility.startswith(f"{number}/")}
    assert told == {place for place in case.wanted if place[0] != "unknown"}


def test_process_quality__parts_add_up(rows: dict[tuple[str, date], dict[str, Any]]) -> None:
    for row in rows.values():
        assert row["discarded"] == sum(row[name] for name in row if name.startswith("discarded_"))
        assert row["units"] >= row["units_ended"] >= row["units_fate_known"] >= 0


def test_process_quality__laws(known: dict[str, Any], months: Any) -> None:
    """Both sides, and laws that are broken when the row `unknown` is lost."""
    donations = sum(donation.get("donated_on") != "2024-03-06" for case in CASES for donation in case.donations)
    given_units = sum(len(case.units) for case in CASES)
    for check, source, wanted in (
        (scorecards.months_hold_the_donations, "dated", donations),
        (scorecards.months_hold_the_units, "units", given_units),
    ):
        row = check(known[source], months, as_of=AS_OF, params=DEFINITIONS).collect()[0]
        assert row["left"] == row["right"] == wanted
        short = check(known[source], months.where("facility_id <> 'unknown'"), as_of=AS_OF, params=DEFINITIONS)
        assert short.collect()[0]["difference"] == 1


def test_process_quality__of_nothing(spark: SparkSession) -> None:
    assert build(frames(spark, {})).count() == 0
