"""Units expected from planned, held and guessed sessions, counted by hand.

A plan of this size costs seconds, a row nothing: each case has its own region, and all are built at once. Of every
region's collections half become O+ red cells, released a day after; whole days are New York's.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from chispa.schema_comparer import assert_schema_equality

from lakehouse.l2.conformed import CONFORMED
from lakehouse.l2.conformed.all_facilities import all_facilities
from lakehouse.l2.derivatives import supply_forecast, units
from lakehouse.l2.laws.forecasts import LAWS
from tests.support.params import DEFINITIONS
from tests.support.rows import frame

AS_OF = date(2024, 2, 28)  # a Wednesday
LONG_AGO = AS_OF - timedelta(days=70)  # a Wednesday within the window of shares, and before the weekday's weeks
PARAMS = DEFINITIONS | {"supply_window_days": 182}
UNIT = {
    "component": "red_cells",
    "abo_rhd": "O+",
    "state": "transfused",
    "is_imported": False,
    "made_at_facility_id": "C",
    "collected_at": f"{LONG_AGO} 15:00",
    "released_at": f"{LONG_AGO + timedelta(days=1)} 15:00",
}


def session(on: date, taken: int | None = None, planned: int | None = None, **more: Any) -> dict[str, Any]:
    return {
        "starts_at": f"{on} 15:00",
        "total_units": taken,
        "planned_units": planned,
        "facility_id": "C",
        "site_name": "hall",
        "site_kind": "mobile",
        **more,
    }


TEN = session(LONG_AGO, 10)
FIVE_UNITS = [UNIT] * 5


def ahead(days: int) -> date:
    return AS_OF + timedelta(days=days)


@dataclass(frozen=True)
class Case:
    """Sessions and units at C in; (days ahead, component, group) -> (units, is_planned) out."""

    name: str
    wanted: dict[tuple[int, str, str], tuple[float, bool]]
    sessions: list[dict[str, Any]] = field(default_factory=list)
    units: list[dict[str, Any]] = field(default_factory=lambda: FIVE_UNITS)


O_POS = ("red_cells", "O+")
CASES = [
    Case(
        "a session held on the as-of day gives on the next, a leap day; without one it gives nothing",
        {(1, *O_POS): (4.0, True), (2, *O_POS): (8 * 0.5 / 8, False)},
        [TEN, session(AS_OF, 8), session(AS_OF - timedelta(days=6), 8)],
    ),
    Case(
        "what is planned comes at the yield of its site when that has held five sessions, else of its kind",
        {
            (2, *O_POS): (20 * 0.5 * 0.5, True),
            (3, *O_POS): (20 * 0.75 * 0.5, True),
            (4, *O_POS): (8 * 0.75 * 0.5, True),
        },
        [
            *[session(LONG_AGO, 2, 4)] * 5,
            session(LONG_AGO, 20, 20, site_name="school"),
            session(LONG_AGO, 0, 0, site_name="school"),
            session(ahead(1), None, 20),
            session(ahead(2), None, 20, site_name="new"),
            session(ahead(3), None, 8, appointments=2, site_name="first of its kind", site_kind="fixed"),
        ],
        [UNIT] * 15,
    ),
    Case(
        "appointments stand for a plan without units; what a session ahead is said to have taken is not believed",
        {(3, *O_POS): (6 * 0.5, True), (6, *O_POS): (4 * 0.5, True)},
        [TEN, session(ahead(2), None, None, appointments=6), session(ahead(5), 99, 4)],
    ),
    Case(
        "a day that no session is known of is guessed by its weekday over 8 weeks",
        {(1, *O_POS): (0.0, True), (2, *O_POS): (6 / 8 * 0.5, False), (9, *O_POS): (6 / 8 * 0.5, False)},
        [TEN, session(AS_OF - timedelta(days=13), 2), session(AS_OF - timedelta(days=6), 4)],
    ),
    Case(
        "components and groups have shares of their own, and a lag; what becomes another product has none",
        {(1, *O_POS): (1.0, True), (1, "platelets", "O+"): (0.0, True), (2, "platelets", "O+"): (1.0, True)},
        [TEN, session(AS_OF, 10)],
        [
            UNIT,
            {**UNIT, "component": "platelets", "released_at": f"{LONG_AGO + timedelta(days=2)} 15:00"},
            {**UNIT, "state": "consumed"},
            {**UNIT, "is_imported": True},
            {**UNIT, "released_at": None},
            {**UNIT, "collected_at": f"{AS_OF} 15:00", "released_at": f"{AS_OF} 16:00"},
        ],
    ),
    Case(
        "a unit without a group is of group unknown",
        {(1, "red_cells", "unknown"): (1.0, True)},
        [TEN, session(AS_OF, 10)],
        [{**UNIT, "abo_rhd": None}],
    ),
    Case(
        "a session after local midnight is of the next day, which as-of does not see",
        {(1, *O_POS): (0.0, True), (2, *O_POS): (5.0, True)},
        [TEN, session(AS_OF, None, 10, starts_at=f"{ahead(1)} 05:30")],
    ),
    Case("units made where no session was ever held", {}, [], FIVE_UNITS),
    Case("sessions of which nothing came", {}, [TEN], []),
]


@pytest.fixture(scope="module")
def frames(spark) -> dict[str, Any]:
    """The frames that the law takes."""
    rows = defaultdict(list)
    for number, case in enumerate(CASES):
        rows["facilities"].append({"facility_id": f"{number}/C", "region": str(number), "timezone": "America/New_York"})
        rows["donation_events"] += [
            {**row, "event_id": f"{number}/{order}", "facility_id": f"{number}/C"}
            for order, row in enumerate(case.sessions)
        ]
        rows["units"] += [{**row, "made_at_facility_id": f"{number}/C"} for row in case.units]
    rows["donation_events"].append({**session(LONG_AGO, 1), "event_id": "lost", "facility_id": "elsewhere"})
    places = [frame(spark, CONFORMED[name].table, rows[name]) for name in ("facilities", "hospitals")]
    found = {
        "donation_events": frame(spark, CONFORMED["donation_events"].table, rows["donation_events"]),
        "units": frame(spark, units.TABLE, rows["units"]),
        "places": all_facilities(*places),
    }
    return found | {"supply_forecast": supply_forecast.build(**found, as_of=AS_OF, params=PARAMS)}


@pytest.fixture(scope="module")
def days(frames) -> dict[str, dict[tuple[int, str, str], tuple[float, bool]]]:
    """Case -> (days ahead, component, group) -> (units, is_planned)."""
    built = frames["supply_forecast"]
    assert_schema_equality(built.schema, supply_forecast.TABLE.schema, ignore_nullable=True)
    found = defaultdict(dict)
    for row in built.collect():
        key = (row["days_ahead"], row["component"], row["abo_rhd"])
        assert row["available_on"] == ahead(row["days_ahead"])
        found[CASES[int(row["region"])].name][key] = (row["expected_units"], row["is_planned"])
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_supply_forecast(days, case):
    found = days[case.name]
    assert {key: (pytest.approx(found[key][0]), found[key][1]) for key in case.wanted} == case.wanted
    assert {key[1:] for key in found} == {key[1:] for key in case.wanted}
    assert len(found) == 28 * len({key[1:] for key in found})


def test_supply_forecast__law(frames):
    (law,) = [law for law in LAWS if law.name == "supply_forecast.rows"]
    (row,) = law.check(*[frames[name] for name in law.inputs], as_of=AS_OF, params=PARAMS).collect()
    assert row["left"] == row["right"] > 0


def test_supply_forecast__before_the_data_there_is_none(spark, frames):
    inputs = [frames[name] for name in ("donation_events", "units", "places")]
    assert supply_forecast.build(*inputs, as_of=date(2020, 2, 29), params=PARAMS).collect() == []
