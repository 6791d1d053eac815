"""What became of each donation session, counted by hand: each case is one session, all are built at once.

The sessions are at a site in New York, looked at on the evening of the leap day 2024-02-29.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from chispa.schema_comparer import assert_schema_equality
from pyspark.sql import SparkSession

from lakehouse.l2.derivatives import blood_drives
from lakehouse.l2.laws import scorecards
from tests.support.lives import built, inputs
from tests.support.params import DEFINITIONS

AS_OF = date(2024, 2, 29)
SITE = {"facility_id": "S", "name": "Site", "kind": "collection", "region": "North", "timezone": "America/New_York"}
SESSION = {"facility_id": "S", "starts_at": "2024-02-29T09:00-05:00", "site_kind": "mobile"}
VISIT = {"visited_at": "2024-02-29T10:00-05:00", "outcome": "donated"}
DRAWN = {"donated_on": "2024-02-29", "visit_id": "v", "procedure": "whole_blood", "outcome": "complete"}


@dataclass(frozen=True)
class Case:
    """A session with what names it; `wanted` of its row, or None where there must be none."""

    name: str
    wanted: dict[str, Any] | None
    session: dict[str, Any] | None = field(default_factory=dict)
    visits: list[dict[str, Any]] = field(default_factory=list)
    donations: list[dict[str, Any]] = field(default_factory=list)
    hours: list[float | None] = field(default_factory=list)


def deferred(code: str | None, reason: str | None = None) -> dict[str, Any]:
    return {"outcome": "deferred", "deferral_code": code, "deferral_reason": reason}


CASES = [
    Case(
        "a session as it should be",
        {
            "session_on": AS_OF,
            "facility_name": "Site",
            "region": "North",
            "visits": 5,
            "no_shows": 1,
            "presented": 4,
            "deferred": 1,
            "deferred_low_hemoglobin": 1,
            "failed": 1,
            "collected": 2,
            "staff": 2,
            "staff_hours": 12.0,
            "show_rate": 0.8,
            "deferred_share": 0.25,
            "low_hemoglobin_share": 0.25,
            "yield_to_plan": 0.5,
            "staff_hours_per_unit": 6.0,
        },
        session={"planned_units": 4, "appointments": 5},
        visits=[{}, {}, {"outcome": "failed"}, deferred("HGB", "low haemoglobin"), {"outcome": "no_show"}],
        donations=[{}, {"outcome": "short"}, {"outcome": "failed"}],
        hours=[8.0, 4.0],
    ),
    Case(
        "who came the first time: not who gave before, here or, as the donor record says, elsewhere",
        {"collected": 4, "first_time": 1, "first_time_share": 0.25},
        donations=[
            {"donor_key": "new"},
            {"donor_key": "again"},
            {"donor_key": "elsewhere"},
            {"donor_key": "elsewhere once"},
        ],
    ),
    Case(
        "a failed or therapeutic collection before is no gift; a record a day off is this donation",
        {"collected": 3, "first_time": 3},
        donations=[{"donor_key": "failed before"}, {"donor_key": "bled before"}, {"donor_key": "a day off"}],
    ),
    Case(
        "reasons by code, else by words; each once",
        {
            "deferred": 9,
            "deferred_low_hemoglobin": 1,
            "deferred_blood_pressure": 2,
            "deferred_travel": 1,
            "deferred_tattoo": 1,
            "deferred_other_non_medical": 1,
            "deferred_other_medical": 1,
            "deferred_unclassified": 2,
            "left": 1,
        },
        visits=[
            deferred(None, "Hemoglobin 11.9"),
            deferred("bp ", "anything"),
            deferred("X1", "Pulse over 100"),
            deferred("TRV"),
            deferred(None, "new piercing"),
            deferred(None, "other non-medical"),
            deferred("X2", "Other medical"),
            deferred("X3", "by order"),
            deferred(None),
            {"outcome": "left"},
        ],
    ),
    Case(
        "a source that sends no visits: who gave came",
        {"visits": 0, "presented": 2, "collected": 2, "show_rate": None, "deferred_share": 0.0, "yield_to_plan": None},
        donations=[{"visit_id": None}, {"visit_id": None}],
    ),
    Case(
        "who came unannounced kept no appointment",
        {"presented": 4, "no_shows": 1, "show_rate": 0.75},
        session={"appointments": 4},
        visits=[{}, {}, {}, {}, {"outcome": "no_show"}],
    ),
    Case(
        "no-shows that are not told of",
        {"presented": 2, "no_shows": 0, "show_rate": 0.5},
        session={"appointments": 4},
        visits=[{}, {}],
    ),
    Case(
        "nobody came: no rates",
        {"presented": 0, "collected": 0, "show_rate": 0.0, "deferred_share": None, "staff_hours_per_unit": None},
        session={"appointments": 3, "planned_units": 0},
        hours=[None, 6.0],
    ),
    Case(
        "hours not known or below 0, and a plan below 0, tell nothing",
        {"staff": 2, "staff_hours": 0.0, "staff_hours_per_unit": None, "yield_to_plan": None},
        session={"planned_units": -1},
        donations=[{}],
        hours=[None, -3.0],
    ),
    Case(
        "late in the evening of the leap day, March in UTC",
        {"session_on": AS_OF, "visits": 1},
        session={"starts_at": "2024-03-01 04:30"},
        visits=[{"visited_at": "2024-03-01 04:59"}, {"visited_at": "2024-03-01 05:01"}],
    ),
    Case(
        "the day after is not seen, nor its staff",
        None,
        session={"starts_at": "2024-03-01T09:00-05:00", "planned_units": 9},
        visits=[{"visited_at": "2024-03-01T10:00-05:00"}],
        donations=[{"donated_on": "2024-03-01"}],
        hours=[8.0],
    ),
    Case(
        "a facility that is not listed: days in UTC, region of the session",
        {"facility_id": "nowhere", "facility_name": None, "region": "East", "session_on": AS_OF, "visits": 1},
        session={"facility_id": "nowhere", "region": "East", "starts_at": "2024-02-29 23:00"},
        visits=[{"visited_at": "2024-02-29 23:59"}, {"visited_at": "2024-03-01 00:01"}],
    ),
    Case("neither facility nor region", {"facility_id": None, "region": "unknown"}, session={"facility_id": None}),
    Case(
        "no such session", None, session=None, visits=[{}, {"outcome": "no_show"}], donations=[{}], hours=[3.0]
    ),  # all in the row `unknown`
]
HISTORY = [
    {"donation_key": "h1", "donor_key": "again", "donated_on": "2023-11-01"},
    {"donation_key": "h2", "donor_key": "failed before", "donated_on": "2023-11-01", "outcome": "failed"},
    {"donation_key": "h3", "donor_key": "bled before", "donated_on": "2023-11-01", "donation_type": "therapeutic"},
]
DONORS = [
    {"donor_key": "elsewhere", "first_donation_on": "2015-05-05", "last_donation_on": "2024-02-29"},
    {"donor_key": "elsewhere once", "last_donation_on": "2024-02-27"},
    {"donor_key": "a day off", "first_donation_on": "2024-02-28", "last_donation_on": "2024-02-28"},
    {"donor_key": "new", "first_donation_on": "2024-02-29", "last_donation_on": "2024-02-29"},
]


def feeds() -> dict[str, list[dict[str, Any]]]:
    """Every feed's rows, each under the event that is its case's number."""
    rows: dict[str, list[dict[str, Any]]] = {"facilities": [SITE], "donors": DONORS, "donations": list(HISTORY)}
    lists = ("donation_events", "donor_visits", "event_employees")
    rows |= {name: [] for name in lists}
    for number, case in enumerate(CASES):
        event = {"event_id": f"{number}"}
        rows["donation_events"] += [] if case.session is None else [{**SESSION, **event, **case.session}]
        for order, visit in enumerate(case.visits):
            ids = {"visit_id": f"{number}/{order}", "donor_key": f"{number}/{order}"}
            rows["donor_visits"].append({**VISIT, **event, **ids, **visit})
        for order, donation in enumerate(case.donations):
            ids = {"donation_key": f"{number}/{order}", "donor_key": f"{number}/{order}"}
            rows["donations"].append({**DRAWN, **event, **ids, **donation})
        for order, hours in enumerate(case.hours):
            rows["event_employees"].append({**event, "employee_key": f"{order}", "hours": hours})
    return rows


@pytest.fixture(scope="module")
def frame(spark: SparkSession) -> Any:
    return built(spark, blood_drives.build, f"{AS_OF}", **feeds()).localCheckpoint()


@pytest.fixture(scope="module")
def drives(frame: Any) -> dict[str, dict[str, Any]]:
    return {row["event_id"]: row.asDict() for row in frame.collect()}


def test_blood_drives__has_the_declared_columns(frame: Any) -> None:
    assert_schema_equality(frame.schema, blood_drives.TABLE.schema, ignore_nullable=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_blood_drives(drives: dict[str, dict[str, Any]], case: Case) -> None:
    row = drives.get(str(CASES.index(case)))
    if case.wanted is None:
        assert row is None
    else:
        assert row is not None
        assert {name: row[name] for name in case.wanted} == case.wanted


def test_blood_drives__keeps_what_names_no_known_session(drives: dict[str, dict[str, Any]]) -> None:
    """Two visits, a donation and its staff of the last case, and the three donations of before."""
    row = drives["unknown"]
    wanted = {"visits": 2, "no_shows": 1, "presented": 4, "collected": 3, "failed": 1, "staff": 1, "staff_hours": 3.0}
    assert {name: row[name] for name in wanted} == wanted
    assert (row["session_on"], row["region"]) == (None, "unknown")


def test_blood_drives__reasons_add_up(drives: dict[str, dict[str, Any]]) -> None:
    for row in drives.values():
        assert row["deferred"] == sum(row[name] for name in row if name.startswith("deferred_") and "share" not in name)


def test_blood_drives__laws(spark: SparkSession, frame: Any) -> None:
    """Both sides, and a law that is broken when a visit is lost."""
    for check in (scorecards.drives_hold_the_visits, scorecards.drives_hold_the_donations):
        frames = inputs(spark, check, feeds()) | {"blood_drives": frame}
        row = check(**frames, as_of=AS_OF, params=DEFINITIONS).collect()[0]
        assert row["left"] == row["right"] > 0
        short = frames | {"blood_drives": frame.where("event_id <> 'unknown'")}
        assert check(**short, as_of=AS_OF, params=DEFINITIONS).collect()[0]["difference"] > 0


def test_blood_drives__of_nothing(spark: SparkSession) -> None:
    assert built(spark, blood_drives.build, f"{AS_OF}").count() == 0
    before = built(spark, blood_drives.build, "2000-01-01", **feeds() | {"event_employees": []})
    assert before.count() == 0
