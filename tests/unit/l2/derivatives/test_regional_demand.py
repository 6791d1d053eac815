"""What a region ordered, got and transfused each day, counted by hand.

A plan of this size costs seconds, a row nothing: each case has its own region and hospital, and all are built at
once. The last case has demand on many days; so the days of all reach from its first to the as-of day.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from chispa.schema_comparer import assert_schema_equality

from lakehouse.l2.derivatives import regional_demand
from tests.support.lives import frames_of
from tests.support.params import DEFINITIONS

AS_OF = date(2024, 3, 12)
FIRST_DAY = AS_OF - timedelta(days=62)
REQUEST = {
    "request_id": "r",
    "npi": "H",
    "requested_at": "2024-03-01T08:00-05:00",
    "needed_at": "2024-03-01T16:00-05:00",
    "is_date_only": False,
    "units_requested": 1,
    "group_ordered": "O-",
    "component": "red_cells",
    "order_kind": "stock",
    "status": "filled",
}
UNIT = {"unit_id": "u", "component": "red_cells", "abo_rhd": "O-", "is_assumed": False, "state": "available"}
MOVE = {
    "unit_id": "u",
    "request_id": "r",
    "kind": "issue",
    "npi": "H",
    "is_date_only": False,
    "shipped_at": "2024-03-01T10:00-05:00",
    "received_at": "2024-03-01T12:00-05:00",
}
USED = {**UNIT, "state": "transfused", "ended_at_facility_id": "H", "ended_on": "2024-03-01"}
SECOND = {"unit_id": "u2"}
RECEIVED = {"unit_id": "u", "kind": "received", "is_date_only": False, "happened_at": "2024-03-01T13:00-05:00"}
BACK = {"kind": "return", "request_id": None, "npi": None, "from_facility_id": "H", "received_at": None}
LATE = {"received_at": "2024-03-01T18:00-05:00"}
NONE = dict.fromkeys(
    ("requested", "cancelled", "filled_on_time", "filled_exact", "substituted", "received", "unmet", "transfused"), 0
)


@dataclass(frozen=True)
class Case:
    """Rows in at the hospital H (New York) of the case's region; the rows that are not all zero out, oldest first."""

    name: str
    wanted: list[dict[str, Any]]
    requests: list[dict[str, Any]] = field(default_factory=list)
    units: list[dict[str, Any]] = field(default_factory=lambda: [UNIT, {**UNIT, **SECOND}])
    moves: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)


def one(**counts: Any) -> list[dict[str, Any]]:
    return [{**NONE, **counts}]


MANY_DAYS = Case(
    "averages are over every day, those without demand too",
    [{"requested": number} for number in (7, 28, 56)],
    requests=[
        {**REQUEST, "request_id": "r0", "units_requested": 7, "requested_at": "2024-01-10 15:00", "needed_at": None},
        {**REQUEST, "request_id": "r1", "units_requested": 28, "requested_at": "2024-02-13 15:00", "needed_at": None},
        {**REQUEST, "request_id": "r2", "units_requested": 56, "requested_at": "2024-03-12 15:00", "needed_at": None},
    ],
)
CASES = [
    Case(
        "filled in time by the group ordered",
        one(requested=1, filled_on_time=1, filled_exact=1, received=1, requested_patient=1, requested_stock=0),
        requests=[{**REQUEST, "order_kind": "patient"}],
        moves=[MOVE],
    ),
    Case(
        "filled by another group",
        one(requested=1, filled_on_time=1, substituted=1, received=1, requested_patient=0, requested_stock=1),
        requests=[{**REQUEST, "group_ordered": "A+"}],
        moves=[MOVE],
    ),
    Case(
        "any group meets an order of any, and an order for a patient of unknown group",
        [
            {**NONE, "abo_rhd": "any", "requested": 1, "filled_on_time": 1, "filled_exact": 1, "received": 1},
            {**NONE, "abo_rhd": "unknown", "requested": 1, "filled_on_time": 1, "filled_exact": 1, "received": 1},
        ],
        requests=[{**REQUEST, "group_ordered": "any"}, {**REQUEST, "request_id": "r2", "group_ordered": "unknown"}],
        moves=[MOVE, {**MOVE, **SECOND, "request_id": "r2"}],
    ),
    Case(
        "received after it was needed but within a day: late, and not unmet",
        one(requested=1, received=1),
        requests=[REQUEST],
        moves=[{**MOVE, **LATE}],
    ),
    Case(
        "received a day after it was needed: unmet",
        one(requested=2, filled_on_time=1, filled_exact=1, received=2, unmet=1),
        requests=[{**REQUEST, "units_requested": 2}],
        moves=[MOVE, {**MOVE, **SECOND, "received_at": "2024-03-02T16:01-05:00"}],
    ),
    Case(
        "closed before the unit came: unmet",
        one(requested=1, received=1, unmet=1),
        requests=[{**REQUEST, "closed_at": "2024-03-01T17:00-05:00"}],
        moves=[{**MOVE, **LATE}],
    ),
    Case(
        "never received: unmet; shipped is not received",
        one(requested=3, unmet=3),
        requests=[{**REQUEST, "units_requested": 3}],
        moves=[{**MOVE, "received_at": None}],
    ),
    Case(
        "a receipt of the unit after the shipment is an arrival too",
        one(requested=1, filled_on_time=1, filled_exact=1, received=1),
        requests=[REQUEST],
        moves=[{**MOVE, "received_at": None}],
        events=[RECEIVED],
    ),
    Case(
        "an arrival is the next receipt, not a later one of the unit that went back",
        one(requested=1, filled_on_time=1, filled_exact=1, received=1),
        requests=[REQUEST],
        moves=[
            {**MOVE, "received_at": None},
            {**MOVE, **BACK, "shipped_at": "2024-03-05T10:00-05:00", "received_at": "2024-03-05T12:00-05:00"},
        ],
        events=[RECEIVED, {**RECEIVED, "happened_at": "2024-03-05T13:00-05:00"}],
    ),
    Case(
        "a receipt after the unit moved on is no arrival of the movement before",
        one(requested=1, unmet=1),
        requests=[REQUEST],
        moves=[{**MOVE, "received_at": None}, {**MOVE, **BACK, "shipped_at": "2024-03-01T12:00-05:00"}],
        events=[RECEIVED],
    ),
    Case(
        "a leg to a hub fills nothing: the unit is late when it comes from there",
        one(requested=1, received=1),
        requests=[REQUEST],
        moves=[
            {**MOVE, "npi": None, "to_facility_id": "HUB", "kind": "transfer"},
            {**MOVE, "shipped_at": "2024-03-01T14:00-05:00", **LATE},
        ],
    ),
    Case(
        "needed, closed and received by bare dates: local days, of which the last moment counts",
        one(requested=2, filled_on_time=1, filled_exact=1, received=2, unmet=1),
        requests=[
            {
                **REQUEST,
                "units_requested": 2,
                "needed_at": "2024-03-01",
                "closed_at": "2024-03-01",
                "date_only": ["needed_at", "closed_at"],
            }
        ],
        moves=[
            {**MOVE, "received_at": "2024-03-01", "date_only": ["received_at"]},
            {**MOVE, **SECOND, "received_at": "2024-03-02", "date_only": ["received_at"]},
        ],
    ),
    Case(
        "cancelled in part: the rest is filled",
        one(requested=3, cancelled=2, filled_on_time=1, filled_exact=1, received=1),
        requests=[{**REQUEST, "units_requested": 3, "units_cancelled": 2}],
        moves=[MOVE],
    ),
    Case(
        "cancelled as a whole, however it is written, asks no more than what had come",
        one(requested=3, cancelled=2, filled_on_time=1, filled_exact=1, received=1),
        requests=[{**REQUEST, "units_requested": 3, "status": "Cancelled"}],
        moves=[MOVE],
    ),
    Case(
        "a request that another replaces gives up what it has not got",
        [
            {**NONE, "demand_on": date(2024, 3, 1), "requested": 2, "cancelled": 2},
            {**NONE, "demand_on": date(2024, 3, 2), "requested": 2, "unmet": 2},
        ],
        requests=[
            {**REQUEST, "units_requested": 2},
            {
                **REQUEST,
                "request_id": "r2",
                "units_requested": 2,
                "replaces_request_id": "r",
                "needed_at": "2024-03-02 12:00",
            },
        ],
    ),
    Case(
        "a unit that came, went back and came again on one request came once; surplus fills nothing",
        one(requested=1, filled_on_time=1, filled_exact=1, received=2),
        requests=[REQUEST],
        moves=[
            MOVE,
            {**MOVE, "kind": "return", "npi": None, "from_facility_id": "H", "to_facility_id": "HUB"},
            {**MOVE, "shipped_at": "2024-03-01T13:00-05:00", "received_at": "2024-03-01T14:00-05:00"},
            {**MOVE, **SECOND},
        ],
    ),
    Case(
        "still open at the as-of day: not filled, and not unmet yet; one needed tomorrow is not seen",
        one(demand_on=AS_OF, requested=2),
        requests=[
            {**REQUEST, "units_requested": 2, "needed_at": "2024-03-12 20:00"},
            {**REQUEST, "request_id": "r2", "needed_at": "2024-03-13 20:00"},
        ],
        moves=[
            {**MOVE, "received_at": "2024-03-13T00:10-04:00"},  # local midnight has passed
        ],
    ),
    Case(
        "the day is the hospital's own when its clock changes: 04:30 UTC is half past eleven, then half past midnight",
        [
            {**NONE, "demand_on": date(2024, 3, 9), "requested": 1, "unmet": 1},
            {**NONE, "demand_on": date(2024, 3, 11), "requested": 1, "unmet": 1},
        ],
        requests=[
            {**REQUEST, "needed_at": "2024-03-10 04:30"},
            {**REQUEST, "request_id": "r2", "needed_at": "2024-03-11 04:30"},
        ],
    ),
    Case(
        "an order known by its day alone is of that day, a leap day, and due by its end",
        one(demand_on=date(2024, 2, 29), requested=2, filled_on_time=1, filled_exact=1, received=2, unmet=1),
        requests=[
            {
                **REQUEST,
                "requested_at": "2024-02-29",
                "is_date_only": True,
                "needed_at": None,
                "units_requested": 2,
            }
        ],
        moves=[
            {**MOVE, "received_at": "2024-02-29T23:30-05:00", "shipped_at": "2024-02-29"},
            {**MOVE, **SECOND, "received_at": "2024-03-01T00:30-05:00", "shipped_at": "2024-02-29"},
        ],
    ),
    Case(
        "a source that tells of no receipts delivers as it ships",
        one(requested=1, filled_on_time=1, filled_exact=1, received=1),
        requests=[{**REQUEST, "requested_at": "2024-03-01", "is_date_only": True, "needed_at": None}],
        units=[{**UNIT, "is_assumed": True}],
        moves=[
            {"unit_id": "u", "request_id": "r", "npi": "H", "distributed_at": "2024-03-01", "is_date_only": True},
        ],
    ),
    Case(
        "transfused is by the unit's own group and day; what has no date is demand of no day",
        [{**NONE, "abo_rhd": "O-", "transfused": 2}, {**NONE, "abo_rhd": "unknown", "transfused": 1}],
        units=[
            USED,
            {**USED, **SECOND},
            {**USED, "unit_id": "u3", "abo_rhd": None},
            {**USED, "unit_id": "u4", "ended_on": None},
            {**USED, "unit_id": "u5", "state": "wasted"},
        ],
    ),
    MANY_DAYS,
]
LOCAL_IDS = (
    "unit_id",
    "request_id",
    "replaces_request_id",
    "npi",
    "ended_at_facility_id",
    "from_facility_id",
    "to_facility_id",
)


def owned(number: int, row: dict[str, Any]) -> dict[str, Any]:
    """Set the ids of a case apart from those of the others."""
    return {name: f"{number}/{value}" if value and name in LOCAL_IDS else value for name, value in row.items()}


@pytest.fixture(scope="module")
def days(spark) -> dict[str, list[dict[str, Any]]]:
    """Every row of each case, by its name, oldest first."""
    rows = defaultdict(list)
    for number, case in enumerate(CASES):
        hospital = {"facility_id": f"{number}/H", "npi": f"{number}/H", "kind": "hospital", "region": f"{number}"}
        rows["facilities"].append({**hospital, "timezone": "America/New_York"})
        rows["facilities"].append({"facility_id": f"{number}/HUB", "kind": "hub", "timezone": "America/New_York"})
        rows["unit_events"] += [
            {"unit_event_id": f"{number}/{order}", **owned(number, event)} for order, event in enumerate(case.events)
        ]
        rows["blood_requests"] += [owned(number, row) for row in case.requests]
        rows["units"] += [owned(number, row) for row in case.units]
        rows["distribution"] += [
            {"distribution_id": f"{number}/{order}", **owned(number, move)} for order, move in enumerate(case.moves)
        ]
    inputs = frames_of(spark, regional_demand.build, rows)
    built = regional_demand.build(*inputs, as_of=AS_OF, params=DEFINITIONS)
    assert_schema_equality(built.schema, regional_demand.TABLE.schema, ignore_nullable=True)
    found = defaultdict(list)
    for row in sorted(built.collect(), key=lambda row: (row["demand_on"], row["abo_rhd"])):
        found[CASES[int(row["region"])].name].append(row.asDict())
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_regional_demand(days, case):
    rows = [row for row in days[case.name] if any(row[name] for name in NONE)]
    found = [{name: row[name] for name in case.wanted[0]} for row in rows]
    assert found == case.wanted


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_regional_demand__law(days, case):
    rows = days[case.name]
    due = [row for row in case.requests if "2024-03-13" not in (row["needed_at"] or "")]
    used = [unit for unit in case.units if unit["state"] == "transfused" and unit["ended_on"]]
    assert sum(row["requested"] for row in rows) == sum(row["units_requested"] for row in due)
    assert sum(row["transfused"] for row in rows) == len(used)
    assert all(row["requested"] == row["requested_patient"] + row["requested_stock"] for row in rows)
    assert all(row["filled_exact"] + row["substituted"] <= row["filled_on_time"] <= row["received"] for row in rows)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_regional_demand__each_group_has_a_row_on_every_day(days, case):
    groups = {row["abo_rhd"] for row in days[case.name]}
    every_day = [FIRST_DAY + timedelta(days=number) for number in range(63)]
    for group in groups:
        assert [row["demand_on"] for row in days[case.name] if row["abo_rhd"] == group] == every_day


def test_regional_demand__averages_wait_for_as_many_days_as_they_are_over(days):
    """Seven units on day 0, 28 on day 34 (the same weekday as day 62), 56 on day 62."""
    rows = days[MANY_DAYS.name]
    ma7 = {number: rows[number]["requested_ma7"] for number in (5, 6, 7, 33, 34, 40, 41, 62)}
    assert ma7 == {5: None, 6: 1.0, 7: 0.0, 33: 0.0, 34: 4.0, 40: 4.0, 41: 0.0, 62: 8.0}
    ma28 = {number: rows[number]["requested_ma28"] for number in (26, 27, 28, 34, 61, 62)}
    assert ma28 == {26: None, 27: 0.25, 28: 0.0, 34: 1.0, 61: 1.0, 62: 2.0}
    assert rows[26]["transfused_ma28"] is None
    assert rows[27]["transfused_ma28"] == 0.0


def test_regional_demand__weekday_index_is_against_all_days_of_eight_weeks(days):
    """The 8 weeks to day 62 hold 84 units, all on its weekday: seven times the mean of all days."""
    rows = days[MANY_DAYS.name]
    assert [rows[number]["weekday_index"] for number in (54, 61)] == [None, 0.0]
    assert rows[62]["weekday_index"] == pytest.approx(7.0)
