"""What a shelf will lose and lack by its region's forecasts, counted by hand.

Each case has its own region, with the hub HUB and the hospital HOS; all are built at once.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from lakehouse.l2.derivatives import expiry_outlook
from lakehouse.l2.derivatives.expiry_outlook_ahead import short_within
from tests.support.lives import frames_of
from tests.unit.l2.derivatives.test_expiry_outlook import GONE, ISSUE, LEAP, PARAMS, UNIT, owned

SERIES = {"component": "red_cells", "abo_rhd": "O-"}


@dataclass(frozen=True)
class Case:
    """Units used at HOS on the as-of day, or issued by HUB, days left of units on the shelves; figures out."""

    name: str
    wanted: dict[str, dict[str, Any]]
    used: int = 0
    issued: int = 0
    transfused: int | None = None
    foreseen: list[float] | None = None
    supply: list[float] = field(default_factory=list)
    at_hospital: list[int] = field(default_factory=list)
    at_hub: list[int] = field(default_factory=list)


CASES = [
    Case(
        "with one of two transfusions a hospital has half of what is foreseen for its region, in whole units",
        {"HOS": {"expected_demand": 7, "projected_outdates": 1, "projected_shortage": 4}},
        used=14,
        transfused=28,
        foreseen=[1.0] * 28,
        at_hospital=[1, 2, 20],
    ),
    Case(
        "demand that comes late saves nothing that is due early",
        {"HOS": {"expected_demand": 14, "projected_outdates": 2, "projected_shortage": 12}},
        used=14,
        transfused=14,
        foreseen=[0.0] * 13 + [14.0] + [0.0] * 14,
        at_hospital=[3, 13],
    ),
    Case(
        "a hub issues more than is transfused, and is brought all the supply",
        {"HUB": {"expected_demand": 28, "projected_outdates": 0, "projected_shortage": 9}},
        issued=2,
        transfused=1,
        foreseen=[1.0] * 28,
        supply=[1.0] * 28,
        at_hub=[14] * 5,
    ),
    Case(
        "supply that comes too late for the demand of a day is no help on it",
        {"HUB": {"expected_demand": 10, "projected_shortage": 9}},
        issued=1,
        transfused=1,
        foreseen=[10.0] + [0.0] * 27,
        supply=[1.0] * 28,
    ),
    Case(
        "a hospital orders its supply: none is foreseen for it",
        {"HOS": {"expected_demand": 14, "projected_shortage": 14}},
        used=1,
        transfused=1,
        foreseen=[1.0] * 28,
        supply=[1.0] * 28,
    ),
    Case(
        "without a forecast, demand goes on at its mean",
        {"HOS": {"expected_demand": 7, "projected_outdates": 1, "projected_shortage": 5}},
        used=14,
        at_hospital=[1, 2],
    ),
    Case(
        "issued to hospitals of another region, of which nothing is foreseen here: the mean again",
        {"HUB": {"expected_demand": 1, "projected_shortage": 1}},
        issued=2,
        transfused=0,
        foreseen=[5.0] * 28,
    ),
]


@pytest.fixture(scope="module")
def shelves(spark) -> dict[tuple[str, str], dict[str, Any]]:
    """(case, facility) -> its row."""
    rows = defaultdict(list)
    for number, case in enumerate(CASES):
        series = {**SERIES, "region": str(number)}
        for name, kind in (("HUB", "hub"), ("HOS", "hospital")):
            place = {"facility_id": f"{number}/{name}", "kind": kind, "region": str(number), "timezone": "UTC"}
            rows["facilities"].append(place)
        held = [("HOS", left) for left in case.at_hospital] + [("HUB", left) for left in case.at_hub]
        stock = [
            {**UNIT, "facility_id": name, "expires_at": f"{LEAP + timedelta(days=left)} 23:00"} for name, left in held
        ]
        gone = [{**GONE, "ended_on": LEAP}] * case.used + [{**GONE, "state": "in_transit"}] * case.issued
        numbered = enumerate(gone + stock)
        rows["units"] += [owned(number, {**unit, "unit_id": f"u{order}"}) for order, unit in numbered]
        rows["distribution"] += [
            owned(number, {**ISSUE, "unit_id": f"u{order}", "shipped_at": "2024-02-28 12:00"})
            | {"distribution_id": f"{number}/{order}", "is_date_only": False}
            for order in range(case.issued)
        ]
        if case.transfused is not None:
            rows["regional_demand"].append({**series, "demand_on": LEAP, "transfused": case.transfused})
        for day, count in enumerate(case.foreseen or (), start=1):
            on = LEAP + timedelta(days=day)
            rows["demand_forecast"].append({**series, "demand_on": on, "days_ahead": day, "expected_units": count})
        for day, count in enumerate(case.supply, start=1):
            on = LEAP + timedelta(days=day)
            rows["supply_forecast"].append({**series, "available_on": on, "days_ahead": day, "expected_units": count})
    inputs = frames_of(spark, expiry_outlook.build, rows)
    built = expiry_outlook.build(*inputs, as_of=LEAP, params=PARAMS).collect()
    found = [(row["facility_id"].split("/"), row.asDict()) for row in built]
    return {(CASES[int(number)].name, name): row for (number, name), row in found}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_expiry_outlook__by_forecast(shelves, case):
    for facility, wanted in case.wanted.items():
        row = shelves[case.name, facility]
        assert {name: row[name] for name in wanted} == wanted


def test_short_within__goes_on_with_all_supply_beyond_the_last_day_foreseen(spark):
    row = {"in_stock": 0, "demand_units": 0, "expected": [2.0 * day for day in range(1, 29)]}
    row["supplied"] = [1.0 * day for day in range(1, 29)]
    schema = "in_stock int, demand_units int, expected array<double>, supplied array<double>"
    found = spark.createDataFrame([row], schema).select(short_within(28, 28).alias("by_28"), short_within(30, 28))
    assert tuple(found.collect()[0]) == (28, 60 - 28)
