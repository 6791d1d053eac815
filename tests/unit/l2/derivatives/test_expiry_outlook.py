"""What a shelf holds, what of it expires when, and how long it lasts, counted by hand.

A plan of this size costs seconds, a row nothing: each case has its own hub and hospital, and all cases of one
as-of day are built at once.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from chispa.schema_comparer import assert_schema_equality

from lakehouse.l2.derivatives import expiry_outlook, units
from tests.support.lives import frames_of
from tests.support.params import DEFINITIONS

PARAMS = DEFINITIONS | {
    "demand_window_days": 28,
    "outlook_days": 14,
    "status_red_days": 1.0,
    "status_amber_days": 2.0,
    "status_green_days": 3.0,
}
LEAP = date(2024, 2, 28)
CLOCK_CHANGE = date(2024, 3, 9)  # New York goes from UTC-5 to UTC-4 the next morning

UNIT = {
    "component": "red_cells",
    "abo_rhd": "O-",
    "state": "available",
    "is_on_hand": True,
    "is_assumed": False,
    "facility_id": "HUB",
    "made_at_facility_id": "HUB",
    "expires_at": "2030-01-01",
}
GONE = {**UNIT, "is_on_hand": False, "facility_id": "HOS", "ended_at_facility_id": "HOS", "state": "transfused"}
ISSUE = {"unit_id": "u0", "kind": "issue", "from_facility_id": "HUB", "to_facility_id": "HOS"}
RETURN = {"unit_id": "u0", "kind": "return", "from_facility_id": "HOS", "to_facility_id": "HUB"}


@dataclass(frozen=True)
class Case:
    """Units u0, u1, … and movements at the facilities HUB (New York) and HOS (UTC, NPI 100) in; rows out."""

    name: str
    units: list[dict[str, Any]]
    wanted: list[dict[str, Any]]
    moves: list[dict[str, Any]] = field(default_factory=list)
    donations: list[dict[str, Any]] = field(default_factory=list)
    as_of: date = LEAP


def used(count: int, on: date | None, **more: Any) -> list[dict[str, Any]]:
    return [{**GONE, "ended_on": on, **more}] * count


def days_of_stock(stock: int, status: str) -> Case:
    return Case(
        f"{stock} days of stock are {status}, and an empty shelf with demand is a row",
        [*used(28, LEAP), *[{**UNIT, "facility_id": "HOS"}] * stock],
        [
            {
                "available": stock,
                "mean_daily_demand": 1.0,
                "days_of_stock": float(stock),
                "expected_demand": 14,
                "projected_shortage": 14 - stock,
                "no_demand": False,
                "status": status,
            }
        ],
    )


CASES = [
    Case(
        "every unit on hand counts once, by its state",
        [
            *[{**UNIT, "state": state} for state in ("available", "available", *units.ON_HAND)],
            {**UNIT, "expires_at": "2024-02-20"},  # on the shelf past its dating
            {**UNIT, "state": "in_transit", "is_on_hand": False},
        ],
        [
            {
                "facility_name": "Hub",
                "facility_kind": "hub",
                "region": "East",
                "on_hand": 7,
                "available": 3,
                "reserved": 1,
                "quarantined": 1,
                "in_process": 1,
                "expired": 1,
                "status": "no_demand",
                "as_of": LEAP,
            }
        ],
    ),
    Case(
        "component and group are kept apart; doses are those of available units",
        [
            UNIT,
            {**UNIT, "abo_rhd": None},
            {**UNIT, "component": "platelets", "doses": 1.5},
            {**UNIT, "component": "platelets", "doses": 0.5},
            {**UNIT, "component": "platelets", "doses": 4, "state": "reserved"},
        ],
        [
            {"component": "platelets", "abo_rhd": "O-", "on_hand": 3, "available_doses": 2},
            {"component": "red_cells", "abo_rhd": "O-", "on_hand": 1, "available_doses": None},
            {"component": "red_cells", "abo_rhd": "unknown", "on_hand": 1, "available_doses": None},
        ],
    ),
    Case(
        "a dating that ends at midnight ends with the day before, over leap day and month end",
        [
            {**UNIT, "expires_at": at}
            for at in (
                "2024-02-28T23:59-05:00",  # ended with the as-of day
                "2024-02-29T00:00-05:00",  # the very midnight after it: ended too
                "2024-02-29T23:59-05:00",  # day + 1, a leap day
                "2024-03-01T00:00-05:00",  # still day + 1
                "2024-03-02T23:59-05:00",  # day + 3
                "2024-03-06T12:00-05:00",  # day + 7
                "2024-03-13T12:00-04:00",  # day + 14
                "2024-03-14T12:00-04:00",  # day + 15
            )
        ],
        [
            {
                "on_hand": 8,
                "expired": 2,
                "available": 6,
                "expiring_1d": 2,
                "expiring_3d": 3,
                "expiring_7d": 4,
                "expiring_14d": 5,
                "next_expiry_on": date(2024, 2, 29),
                "projected_outdates": 5,
            }
        ],
    ),
    Case(
        "half past midnight after the clock change is the next day, though 24 hours ago it was half past eleven",
        [{**UNIT, "expires_at": at} for at in ("2024-03-11 03:59", "2024-03-11 04:30")],
        [{"expiring_1d": 1, "expiring_3d": 2, "next_expiry_on": date(2024, 3, 10)}],
        as_of=CLOCK_CHANGE,
    ),
    Case(
        "reserved units expire too; quarantined and unreleased ones are no stock",
        [{**UNIT, "state": state, "expires_at": "2024-02-29 12:00"} for state in units.ON_HAND if state != "available"],
        [{"expiring_1d": 1, "available": 0, "projected_outdates": 1, "next_expiry_on": date(2024, 2, 29)}],
    ),
    Case(
        "a hospital's demand is what it transfused in 28 days, by the unit's own group",
        [
            *used(3, LEAP - timedelta(days=27)),
            *used(4, LEAP),
            *used(5, LEAP - timedelta(days=28)),
            *used(6, None),  # used, without a date
            *used(2, LEAP, abo_rhd="A+"),
            *used(1, LEAP, state="outdated"),
        ],
        [{"abo_rhd": "A+", "mean_daily_demand": 2 / 28}, {"abo_rhd": "O-", "mean_daily_demand": 7 / 28}],
    ),
    Case(
        "a centre's demand is what it issued to hospitals less what came back",
        [{**GONE, "state": "in_transit", "facility_id": "HUB"}, UNIT],
        [
            {
                "facility_kind": "hub",
                "available": 1,
                "mean_daily_demand": 1 / 28,
                "days_of_stock": 28.0,
                "status": "green",
            }
        ],
        moves=[
            {**ISSUE, "shipped_at": "2024-02-10 12:00", "received_at": "2024-02-10 14:00"},
            {**RETURN, "shipped_at": "2024-02-11 12:00", "received_at": "2024-02-11 14:00"},
            {**ISSUE, "shipped_at": "2024-02-12 12:00"},
            {**ISSUE, "unit_id": "u1", "kind": "transfer", "to_facility_id": "HUB", "shipped_at": "2024-02-12"},
            {**ISSUE, "unit_id": "u1", "shipped_at": "2024-02-29T00:30-05:00"},  # after the as-of day
        ],
    ),
    Case(
        "a returned unit is stock again, and no demand",
        [UNIT],
        [{"available": 1, "no_demand": True, "mean_daily_demand": 0.0, "days_of_stock": None, "status": "no_demand"}],
        moves=[
            {"unit_id": "u0", "kind": "issue", "from_facility_id": "HUB", "npi": "100", "shipped_at": "2024-02-10"},
            {**RETURN, "shipped_at": "2024-02-12", "received_at": "2024-02-12 09:00"},
        ],
    ),
    Case(
        "a movement that names its bag alone is demand for the bag's only unit; of two units it names none",
        [
            {**GONE, "donation_key": "k1", "component": "whole_blood"},
            {**GONE, "donation_key": "k2"},
            {**GONE, "donation_key": "k2", "component": "plasma"},
        ],
        [{"component": "whole_blood", "facility_kind": "hub", "mean_daily_demand": 1 / 28}],
        moves=[
            {"bag_id": "b1", "npi": "100", "distributed_at": "2024-02-10", "is_date_only": True},
            {"bag_id": "b2", "npi": "100", "distributed_at": "2024-02-10", "is_date_only": True},
        ],
        donations=[{"donation_key": "k1", "bag_id": "b1"}, {"donation_key": "k2", "bag_id": "b2"}],
    ),
    *[days_of_stock(*pair) for pair in ((0, "red"), (1, "amber"), (2, "yellow"), (3, "green"))],
]
UNPLACED = Case(
    "units whose place no record tells are on a shelf too, in days of UTC",
    [{**UNIT, "facility_id": None}, {**UNIT, "facility_id": "elsewhere", "expires_at": None}],
    [
        {"facility_kind": None, "on_hand": 1, "next_expiry_on": None},
        {"facility_kind": None, "on_hand": 1, "next_expiry_on": date(2029, 12, 31)},
    ],
)
CASES.append(UNPLACED)
LOCAL_IDS = ("unit_id", "facility_id", "made_at_facility_id", "ended_at_facility_id", "donation_key", "bag_id", "npi")
LOCAL_IDS += ("from_facility_id", "to_facility_id")


def owned(number: int, row: dict[str, Any]) -> dict[str, Any]:
    """Set the ids of a case apart from those of the others."""
    return {name: f"{number}/{value}" if value and name in LOCAL_IDS else value for name, value in row.items()}


def outlook_of(spark, cases: list[tuple[int, Case]], as_of: date):
    rows = defaultdict(list)
    for number, case in cases:
        place = {"region": "East", "kind": "hub", "name": "Hub", "timezone": "America/New_York"}
        rows["facilities"] += [owned(number, {**place, "facility_id": "HUB"})]
        rows["facilities"] += [
            owned(number, {"facility_id": "HOS", "kind": "hospital", "npi": "100", "timezone": "UTC"})
        ]
        rows["units"] += [owned(number, {"unit_id": f"u{order}", **unit}) for order, unit in enumerate(case.units)]
        rows["donations"] += [owned(number, row) for row in case.donations]
        rows["distribution"] += [
            {"distribution_id": f"{number}/{order}", "is_date_only": False, **owned(number, move)}
            for order, move in enumerate(case.moves)
        ]
    inputs = frames_of(spark, expiry_outlook.build, rows)
    return expiry_outlook.build(*inputs, as_of=as_of, params=PARAMS)


@pytest.fixture(scope="module")
def shelves(spark) -> dict[str, list[dict[str, Any]]]:
    """The rows of each case, by its name."""
    numbered = list(enumerate(CASES))
    found = defaultdict(list)
    for as_of in (LEAP, CLOCK_CHANGE):
        built = outlook_of(spark, [pair for pair in numbered if pair[1].as_of == as_of], as_of)
        assert_schema_equality(built.schema, expiry_outlook.TABLE.schema, ignore_nullable=True)
        for row in built.orderBy(*expiry_outlook.TABLE.key).collect():
            number = row["facility_id"].split("/")[0]
            case = UNPLACED if number == "unknown" else CASES[int(number)]
            found[case.name].append(row.asDict())
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_expiry_outlook(shelves, case):
    found = [{name: row[name] for name in case.wanted[0]} for row in shelves[case.name]]
    assert found == case.wanted


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_expiry_outlook__law(shelves, case):
    """A unit on hand is in exactly one count of exactly one shelf."""
    rows = shelves[case.name]
    parts = ("available", "reserved", "quarantined", "in_process", "expired")
    assert all(row["on_hand"] == sum(row[part] for part in parts) for row in rows)
    assert sum(row["on_hand"] for row in rows) == sum(unit["is_on_hand"] for unit in case.units)
