"""Transfers suggested from units on shelves, counted by hand; each case has its own region, all are built at once."""

from collections import defaultdict
from datetime import date
from typing import Any

import pytest
from chispa.schema_comparer import assert_schema_equality

from lakehouse.l2.conformed import CONFORMED
from lakehouse.l2.conformed.all_facilities import all_facilities
from lakehouse.l2.derivatives import expiry_outlook, transfer_suggestions, units
from lakehouse.l2.laws.stock import LAWS
from tests.support.params import DEFINITIONS
from tests.support.rows import frame

AS_OF = date(2024, 2, 28)
PARAMS = DEFINITIONS | {"outlook_days": 14, "transfer_demand_spread": 0.0}
UNIT = {
    "component": "red_cells",
    "abo_rhd": "O+",
    "state": "available",
    "is_on_hand": True,
    "expires_at": "2024-03-01T00:00-05:00",  # usable on the leap day, and no longer
}
BELOW_A_DEGREE = {"latitude": 47.0, "longitude": -97.0}, {"latitude": 47.5, "longitude": -97.0}  # 55.6 km

# Region -> units at A; A uses none, B two a day.
CASES: dict[str, list[dict[str, Any]]] = {
    "two are lost": [UNIT, UNIT, {**UNIT, "state": "reserved"}],
    "dating ends with the as-of day": [{**UNIT, "expires_at": "2024-02-28T23:59-05:00"}],
    "no dating": [{**UNIT, "expires_at": None}],
    "not released": [{**UNIT, "state": "in_process"}],
    "unknown group": [{**UNIT, "abo_rhd": None}],
    "another group that may be given": [{**UNIT, "abo_rhd": "O-"}],
    "another group that may not": [{**UNIT, "abo_rhd": "A+"}],
    "thawed there": [{**UNIT, "parent_unit_ids": ["frozen"], "made_at_facility_id": "thawed there/A"}],
    "thawed elsewhere": [{**UNIT, "parent_unit_ids": ["frozen"], "made_at_facility_id": "hub"}],
    "no coordinates": [UNIT],
    "too far": [UNIT],
}
FAR = {"latitude": 40.0, "longitude": -97.0}


def places_of(region: str) -> list[dict[str, Any]]:
    here, there = BELOW_A_DEGREE
    where = {"no coordinates": ({}, there), "too far": (FAR, there)}.get(region, (here, there))
    shared = {"kind": "hospital", "region": region, "timezone": "America/New_York"}
    return [{**shared, **place, "facility_id": f"{region}/{name}"} for name, place in zip("AB", where, strict=True)]


@pytest.fixture(scope="module")
def frames(spark) -> dict[str, Any]:
    """The frames that the law takes."""
    rows = defaultdict(list)
    for region, at_a in CASES.items():
        rows["facilities"] += places_of(region)
        rows["units"] += [{**unit, "facility_id": f"{region}/A"} for unit in at_a]
        shelf = {"component": "red_cells", "facility_kind": "hospital", "region": region}
        for group in {unit["abo_rhd"] or "unknown" for unit in at_a}:
            rows["shelves"].append({**shelf, "facility_id": f"{region}/A", "abo_rhd": group, "expected_demand": 0})
        rows["shelves"].append({**shelf, "facility_id": f"{region}/B", "abo_rhd": "O+", "expected_demand": 28})
        rows["units"] += [{**UNIT, "facility_id": f"{region}/B", "expires_at": "2024-06-01"}] * 9
    rows["units"].append({**UNIT, "facility_id": None})
    places = [frame(spark, CONFORMED[name].table, rows[name]) for name in ("facilities", "hospitals")]
    found = {
        "units": frame(spark, units.TABLE, rows["units"]),
        "expiry_outlook": frame(spark, expiry_outlook.TABLE, rows["shelves"]),
        "places": all_facilities(*places),
        "facilities": places[0],
        "hospitals": places[1],
    }
    return found | {"transfer_suggestions": transfer_suggestions.build(**found, as_of=AS_OF, params=PARAMS)}


@pytest.fixture(scope="module")
def suggested(frames) -> dict[str, list[dict[str, Any]]]:
    built = frames["transfer_suggestions"]
    assert_schema_equality(built.schema, transfer_suggestions.TABLE.schema, ignore_nullable=True)
    found = defaultdict(list)
    for row in built.collect():
        found[row["region"]].append(row.asDict())
    return found


def test_transfer_suggestions__whole_rows(suggested):
    """A loses three, one of them reserved; 2 hours of handling and 1.3 x 55.6 km of road at 60 km/h."""
    assert suggested["two are lost"] == [
        {
            "from_facility_id": "two are lost/A",
            "to_facility_id": "two are lost/B",
            "region": "two are lost",
            "component": "red_cells",
            "abo_rhd": "O+",
            "for_abo_rhd": "O+",
            "expires_on": date(2024, 2, 29),
            "units": 2,
            "hours": 3.2,
            "depart_by": date(2024, 2, 29),
            "outdates_avoided": 2.0,
            "shortage_avoided": 0.0,
            "gain": 2.0,
            "as_of": AS_OF,
        }
    ]


def test_transfer_suggestions__compatible_groups_alone(suggested):
    (row,) = suggested["another group that may be given"]
    assert (row["abo_rhd"], row["for_abo_rhd"], row["units"]) == ("O-", "O+", 1)
    assert "another group that may not" not in suggested


def test_transfer_suggestions__a_default_where_coordinates_are_unknown(suggested):
    assert [row["hours"] for row in suggested["no coordinates"]] == [4.0]


@pytest.mark.parametrize(
    "region",
    ["dating ends with the as-of day", "no dating", "not released", "unknown group", "thawed there", "too far"],
)
def test_transfer_suggestions__what_nobody_can_use_stays(suggested, region):
    assert region not in suggested


def test_transfer_suggestions__what_another_made_may_go(suggested):
    assert [row["units"] for row in suggested["thawed elsewhere"]] == [1]


def test_transfer_suggestions__law(frames):
    (law,) = [law for law in LAWS if law.name == "transfer_suggestions.units"]
    (row,) = law.check(*[frames[name] for name in law.inputs], as_of=AS_OF, params=PARAMS).collect()
    assert row["left"] == row["right"] == 5


def test_transfer_suggestions__of_nothing_are_none(spark, frames):
    inputs = {name: frames[name] for name in ("units", "places", "facilities", "hospitals")}
    nothing = frames["expiry_outlook"].where("false")
    assert transfer_suggestions.build(expiry_outlook=nothing, **inputs, as_of=AS_OF, params=PARAMS).collect() == []
