"""The scorecards of a month, counted by hand: each case has its own hospital H and centre C, all are built at once.

Both are in New York, which is on daylight-saving time from 10 March 2024; the as-of day is the 15th.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from chispa.schema_comparer import assert_schema_equality
from pyspark.sql import SparkSession

from lakehouse.l2.derivatives import facility_scorecard, units
from lakehouse.l2.laws import scorecards
from tests.support.lives import built
from tests.support.params import DEFINITIONS
from tests.support.rows import frame

AS_OF = date(2024, 3, 15)
FEBRUARY, MARCH = date(2024, 2, 1), date(2024, 3, 1)
NEW_YORK = "America/New_York"
UNIT = {
    "unit_id": "u",
    "component": "red_cells",
    "abo_rhd": "A+",
    "state": "available",
    "is_imported": False,
    "is_assumed": False,
    "collected_at": "2024-03-01T12:00-05:00",
    "prepared_on": "2024-03-01",
    "made_at_facility_id": "C",
    "released_at": "2024-03-02T12:00-05:00",
}
USED = {
    "state": "transfused",
    "ended_at_facility_id": "H",
    "ended_on": "2024-03-05",
    "ended_at": "2024-03-05T12:00-05:00",
}
MOVE = {
    "unit_id": "u",
    "kind": "issue",
    "from_facility_id": "C",
    "to_facility_id": "H",
    "shipped_at": "2024-03-02T08:00-05:00",
    "received_at": "2024-03-02T12:00-05:00",
}
BACK = {"kind": "return", "from_facility_id": "H", "to_facility_id": "C"}
REQUEST = {
    "request_id": "r",
    "npi": "H",
    "requested_at": "2024-03-02T06:00-05:00",
    "needed_at": "2024-03-02T16:00-05:00",
    "is_date_only": False,
    "units_requested": 1,
    "group_ordered": "A+",
    "component": "red_cells",
    "order_kind": "stock",
    "status": "filled",
}
Wanted = dict[tuple[str, date], dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """What happened in; by facility and month, what of the red cells' (or `component`'s) row must be so.

    There is no other row.
    """

    name: str
    wanted: Wanted
    units: list[dict[str, Any]] = field(default_factory=list)
    moves: list[dict[str, Any]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    patients: list[dict[str, Any]] = field(default_factory=list)
    parents: list[dict[str, Any]] = field(default_factory=list)
    component: str = "red_cells"


def ended(state: str, at: str = "H", on: str = "2024-03-05", **said: Any) -> dict[str, Any]:
    return {"state": state, "ended_at_facility_id": at, "ended_on": on, "ended_at": None, **said}


def crossmatch(method: str | None, at: str = "2024-03-05T09:00-05:00", **said: Any) -> dict[str, Any]:
    return {"kind": "reserved", "happened_at": at, "facility_id": "H", "method": method, "unit_id": "u", **said}


NO_RATES = {"outdate_rate": 0.0, "return_rate": 0.0, "mean_age_at_transfusion_days": None, "o_neg_share": None}
CASES = [
    Case(
        "orders of patients and of stock apart, in time, of the group, and late",
        {
            ("C", MARCH): {},
            ("H", MARCH): {
                "requests": 4,
                "requests_with_urgency": 3,
                "urgent_requests": 2,
                "requested_patient": 3,
                "cancelled_patient": 1,
                "filled_patient": 1,
                "filled_exact_patient": 0,
                "requested_stock": 4,
                "filled_stock": 2,
                "filled_exact_stock": 2,
                "filled_late": 1,
                "fill_rate_patient": 0.5,
                "fill_rate_exact_patient": 0.0,
                "fill_rate_stock": 0.5,
                "fill_rate_exact_stock": 0.5,
                "on_time_rate": 0.75,
                "urgent_share": 2 / 3,
                "is_complete": False,
            },
        },
        units=[{"unit_id": name} for name in ("u", "u2", "u3", "u4")],
        requests=[
            {"units_requested": 3, "urgency": "routine"},
            {
                "request_id": "r2",
                "order_kind": "patient",
                "units_requested": 3,
                "units_cancelled": 1,
                "urgency": "urgent",
            }
            | {"group_ordered": "B+"},
            {"request_id": "r3", "units_requested": 1, "urgency": "emergency"},
            {"request_id": "r4", "units_requested": 0},
        ],
        moves=[
            {"request_id": "r"},
            {"request_id": "r", "unit_id": "u2"},
            {"request_id": "r2", "unit_id": "u3"},
            {"request_id": "r3", "unit_id": "u4", "received_at": "2024-03-02T20:00-05:00"},
        ],
    ),
    Case(
        "needed on the last hour of a leap February, ordered and met in March by the clock of UTC",
        {
            ("C", FEBRUARY): {},
            ("C", MARCH): {},
            ("H", FEBRUARY): {"requested_stock": 1, "filled_stock": 1, "received": 1, "is_complete": True},
        },
        units=[{}],
        requests=[{"requested_at": "2024-03-01 03:00", "needed_at": "2024-03-01 04:59"}],
        moves=[{"request_id": "r", "shipped_at": "2024-03-01 03:30", "received_at": "2024-03-01 04:30"}],
    ),
    Case(
        "a hospital loses what outdates and is wasted; what is discarded is neither",
        {
            ("H", MARCH): {
                "transfused_units": 2,
                "outdated": Decimal(2),
                "presumed_outdated": Decimal(1),
                "wasted": Decimal(1),
                "discarded": Decimal(1),
                "received": Decimal(4),
                "outdate_rate": 0.4,
                "wastage_rate": 0.2,
                "wapi": 0.75,
                "return_rate": 0.0,
            },
            ("C", MARCH): {"issued": Decimal(4), "collected": Decimal(6), "system_outdate_rate": 2 / 6},
        },
        units=[
            USED,
            {"unit_id": "u2"} | USED,
            {"unit_id": "u3"} | ended("outdated"),
            {"unit_id": "u4"} | ended("presumed_outdated"),
            {"unit_id": "u5"} | ended("wasted"),
            {"unit_id": "u6"} | ended("discarded"),
        ],
        moves=[{"unit_id": name} for name in ("u", "u2", "u3", "u4")],
    ),
    Case(
        "outdates at midnight: its last day is February's, for the hospital too",
        {("C", FEBRUARY): {}, ("H", FEBRUARY): {"outdated": Decimal(1), "outdate_rate": 1.0}},
        units=[{"prepared_on": "2024-02-01"} | ended("outdated", on="2024-02-29")],
    ),
    Case(
        "a unit that comes back is no issue of the centre's; its next trip is another arrival",
        {
            ("H", MARCH): {"received": Decimal(2), "returned": Decimal(1), "return_rate": 0.5, "aged_receipts": 2},
            ("C", MARCH): {
                "issued": Decimal(2),
                "came_back": Decimal(1),
                "return_rate": 0.5,
                "outdated": Decimal(1),
                "discarded": Decimal(2),
                "discarded_after_release": Decimal(1),
                "outdate_rate": 1 / 3,
                "wapi": None,
            },
        },
        units=[
            {},
            {"unit_id": "u2"} | ended("outdated", at="C"),
            {"unit_id": "u3"} | ended("discarded", at="C"),
            {"unit_id": "u4", "released_at": None} | ended("discarded", at="C"),
        ],
        moves=[
            {},
            {**BACK, "shipped_at": "2024-03-03T08:00-05:00", "received_at": "2024-03-03T12:00-05:00"},
            {"shipped_at": "2024-03-04T08:00-05:00", "received_at": "2024-03-04T12:00-05:00"},
        ],
    ),
    Case(
        "returns of a month without issues leave nothing issued, not less",
        {
            ("H", FEBRUARY): {},
            ("C", FEBRUARY): {"issued": Decimal(1)},
            ("C", MARCH): {"issued": Decimal(0), "came_back": Decimal(1), "outdate_rate": 1.0, "return_rate": None},
        },
        units=[
            {"prepared_on": "2024-02-01"},
            {"unit_id": "u2", "prepared_on": "2024-02-01"} | ended("outdated", at="C"),
        ],
        moves=[
            {"shipped_at": "2024-02-28T08:00-05:00", "received_at": "2024-02-28T12:00-05:00"},
            {**BACK, "shipped_at": "2024-02-29T20:00-05:00", "received_at": "2024-03-01T08:00-05:00"},
        ],
    ),
    Case(
        "ages in days since collection, an hour less where the clock went forward",
        {
            ("C", MARCH): {},
            ("H", MARCH): {
                "mean_age_at_receipt_days": 1.0,
                "aged_transfusions": 3,
                "mean_age_at_transfusion_days": (4 + 10 - 1 / 24) / 3,
            },
        },
        units=[
            USED,
            {"unit_id": "u2"} | USED | {"ended_on": "2024-03-11", "ended_at": "2024-03-11T12:00-04:00"},
            {"unit_id": "u3"} | USED | {"ended_on": "2024-03-01", "ended_at": "2024-03-01"},  # a bare date
            {"unit_id": "u4"} | USED | {"collected_at": None},
        ],
        moves=[{}],
    ),
    Case(
        "crossmatches with a method over transfusions; none is none",
        {("C", MARCH): {}, ("H", MARCH): {"crossmatched_units": 3, "crossmatch_transfusion_ratio": 3.0}},
        units=[USED],
        events=[
            crossmatch("serologic"),
            crossmatch("electronic", "2024-03-06T09:00-05:00"),
            crossmatch("electronic", "2024-03-07", is_date_only=True),
            crossmatch("none", "2024-03-08"),
            crossmatch(None, "2024-03-09"),
            crossmatch("serologic", "2024-02-20"),  # before collection: no fact
            crossmatch("serologic", "2024-03-16T09:00-04:00"),  # not seen yet
            crossmatch("serologic", "2024-03-10", kind="unreserved"),
        ],
    ),
    Case(
        "O-negative to others, by the group known when it was given",
        {
            ("C", MARCH): {},
            ("H", MARCH): {
                "transfused": Decimal(5),
                "transfused_o_neg": Decimal(4),
                "o_neg_to_others": Decimal(2),
                "o_neg_to_unknown": Decimal(1),
                "o_neg_share": 0.8,
                "o_neg_to_others_share": 2 / 3,
            },
        },
        units=[
            USED,
            {"unit_id": "u2", "abo_rhd": "O-", "patient_key": "same"} | USED,
            {"unit_id": "u3", "abo_rhd": "O-", "patient_key": "other"} | USED,
            {"unit_id": "u4", "abo_rhd": "O-", "patient_key": "late"} | USED,
            {"unit_id": "u5", "abo_rhd": "O-", "patient_key": "corrected"} | USED,
        ],
        patients=[
            {"patient_key": "same", "admitted_on": "2024-03-05", "abo_rhd": "O-"},
            {"patient_key": "other", "admitted_on": "2024-03-01", "abo_rhd": "A-"},
            {"patient_key": "late", "admitted_on": "2024-03-06", "abo_rhd": "O-"},
            {"patient_key": "corrected", "admitted_on": "2023-01-01", "abo_rhd": "O-"},
            {"patient_key": "corrected", "admitted_on": "2024-03-01", "abo_rhd": "O+"},
            {"patient_key": "corrected", "admitted_on": "2024-03-02", "abo_rhd": None},
        ],
    ),
    Case(
        "platelets in doses; a pool is collected as its parents are, an import is not",
        {
            ("H", MARCH): {
                "transfused_units": 2,
                "transfused": Decimal("1.50"),
                "crossmatch_transfusion_ratio": None,
                "fill_rate_stock": 1.0,  # orders are for units
                "requested_stock": 2,
            },
            ("C", MARCH): {"collected": Decimal("1.50"), "outdated": Decimal(1), "system_outdate_rate": 1 / 1.5},
        },
        component="platelets",
        units=[
            {"component": "platelets", "doses": 0.25} | ended("consumed", at="C"),
            {"unit_id": "u2", "component": "platelets", "doses": 0.25} | ended("consumed", at="C"),
            {"unit_id": "pool", "component": "platelets", "doses": 0.5} | USED,
            {"unit_id": "u3", "component": "platelets", "doses": -1} | USED,
            {"unit_id": "import", "component": "platelets", "doses": 1, "is_imported": True}
            | ended("outdated", at="C"),
        ],
        parents=[{"unit_id": "pool", "parent_unit_id": name, "kind": "pooled"} for name in ("u", "u2")],
        requests=[{"component": "platelets", "units_requested": 2}],
        moves=[{"request_id": "r", "unit_id": name} for name in ("pool", "u3")],
    ),
    Case(
        "facilities that are not listed or not told, and a unit that is not here",
        {
            ("C", MARCH): {},
            ("nowhere", MARCH): {
                "transfused_units": 1,
                "region": "unknown",
                "outdate_rate": None,
                "facility_kind": None,
            },
            ("unknown", MARCH): {"wasted": Decimal(1), "facility_name": None, "facility_kind": None},
        },
        units=[USED | {"ended_at_facility_id": "nowhere"}, {"unit_id": "u2"} | ended("wasted", at="unknown")],
    ),
    Case(
        "undated uses and what happens after the as-of day are of no month",
        {("C", MARCH): {"collected": Decimal(2), "issued": Decimal(1)} | NO_RATES},
        units=[USED | {"ended_on": None, "ended_at": None}, {"unit_id": "u2"}],
        moves=[{"shipped_at": "2024-03-15T20:00-04:00", "received_at": "2024-03-16T02:00-04:00"}],
    ),
]
PLACES = ("facility_id", "made_at_facility_id", "ended_at_facility_id", "from_facility_id", "to_facility_id", "npi")
IDS = ("unit_id", "parent_unit_id", "request_id", "patient_key")
STRAY = "stray"


def owned(number: int, row: dict[str, Any]) -> dict[str, Any]:
    """Set the ids of a case apart from those of the others; `unknown` is told by nobody."""
    found = {name: f"{number}/{row[name]}" if row.get(name) else None for name in (*PLACES, *IDS) if name in row}
    return {**row, **{name: None if value == f"{number}/unknown" else value for name, value in found.items()}}


def feeds() -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    rows["unit_events"] = [{"unit_event_id": STRAY} | crossmatch("serologic", facility_id="0/H", unit_id=STRAY)]
    for number, case in enumerate(CASES):
        region = {"region": f"{number}", "timezone": NEW_YORK}
        hospital = {"facility_id": f"{number}/H", "npi": f"{number}/H", "kind": "hospital", "name": "H", **region}
        rows["facilities"] += [hospital, {"facility_id": f"{number}/C", "kind": "processing", "name": "C", **region}]
        rows["units"] += [owned(number, {**UNIT, **unit}) for unit in case.units]
        rows["distribution"] += [
            {"distribution_id": f"{number}/{order}"} | owned(number, {**MOVE, **move})
            for order, move in enumerate(case.moves)
        ]
        rows["blood_requests"] += [owned(number, {**REQUEST, **request}) for request in case.requests]
        rows["unit_events"] += [
            {"unit_event_id": f"{number}/{order}"} | owned(number, event) for order, event in enumerate(case.events)
        ]
        rows["patients"] += [
            {"admission_key": f"{number}/{order}"} | owned(number, stay) for order, stay in enumerate(case.patients)
        ]
        rows["unit_parents"] += [owned(number, pair) for pair in case.parents]
    return rows


@pytest.fixture(scope="module")
def known(spark: SparkSession) -> Any:
    return frame(spark, units.TABLE, feeds()["units"]).localCheckpoint()


@pytest.fixture(scope="module")
def cards(spark: SparkSession, known: Any) -> Any:
    said = {name: rows for name, rows in feeds().items() if name != "units"}
    return built(spark, facility_scorecard.build, f"{AS_OF}", known, **said).localCheckpoint()


@pytest.fixture(scope="module")
def rows(cards: Any) -> dict[tuple[str, date, str], dict[str, Any]]:
    return {(row["facility_id"], row["month_on"], row["component"]): row.asDict() for row in cards.collect()}


def test_facility_scorecard__has_the_declared_columns(cards: Any) -> None:
    assert_schema_equality(cards.schema, facility_scorecard.TABLE.schema, ignore_nullable=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_facility_scorecard(rows: dict[tuple[str, date, str], dict[str, Any]], case: Case) -> None:
    for (facility, month), wanted in case.wanted.items():
        facility_id = facility if facility == "unknown" else f"{CASES.index(case)}/{facility}"
        row = rows[facility_id, month, case.component]
        assert {name: row[name] for name in wanted} == pytest.approx(wanted)
    number = str(CASES.index(case))
    told = {(facility.partition("/")[2], month) for facility, month, _ in rows if facility.startswith(f"{number}/")}
    assert told == {place for place in case.wanted if place[0] != "unknown"}


def test_facility_scorecard__counts_what_it_can_not_place_as_unknown(
    rows: dict[tuple[str, date, str], dict[str, Any]],
) -> None:
    """The last case's February has nothing, and a crossmatch of a unit that is not here has a row all the same."""
    assert rows["0/H", MARCH, "unknown"]["crossmatched_units"] == 1
    assert {month for facility, month, _ in rows if facility == f"{len(CASES) - 1}/H"} == set()


def test_facility_scorecard__laws(spark: SparkSession, cards: Any, known: Any) -> None:
    check = scorecards.scorecards_hold_what_was_transfused
    row = check(known, cards, as_of=AS_OF, params=DEFINITIONS).collect()[0]
    assert row["left"] == row["right"] == sum(unit["ended_on"] is not None for case in CASES for unit in used(case))
    short = check(known, cards.where("region <> 'unknown'"), as_of=AS_OF, params=DEFINITIONS).collect()[0]
    assert short["difference"] == 1


def used(case: Case) -> list[dict[str, Any]]:
    return [unit for unit in case.units if unit.get("state") == "transfused"]


def test_facility_scorecard__of_nothing(spark: SparkSession) -> None:
    nothing = frame(spark, units.TABLE, [])
    assert built(spark, facility_scorecard.build, f"{AS_OF}", nothing).count() == 0
