"""Versions of donors: when one begins and ends, and which of them a day sees."""

from collections import defaultdict
from datetime import date
from typing import Any

import pytest

from lakehouse.l2.derivatives.dimensional.keys import LAST_DAY, UNKNOWN_SK

HOMES = {"100": "uptown", "200": "downtown", None: "unknown"}
UP, DOWN = "uptown", "downtown"


@pytest.fixture(scope="module")
def versions(model) -> dict[str | None, list[tuple[Any, ...]]]:
    """Donor -> (version, first day, last day, home, group) of each version."""
    areas = {row["postal_area_sk"]: row for row in model["dim_postal_area"]}
    found = defaultdict(list)
    for row in sorted(model["dim_donor"], key=lambda row: row["version"]):
        area = areas[row["postal_area_sk"]]["postal_area"]
        home = HOMES.get(area, area)
        found[row["donor_key"]].append((row["version"], row["valid_from"], row["valid_to"], home, row["abo_rhd"]))
    return found


def since(day: date, home: str, group: str, number: int = 1) -> tuple[Any, ...]:
    return number, day, LAST_DAY, home, group


@pytest.mark.parametrize(
    ("donor", "wanted"),
    [
        (
            "moves",
            [(1, date(2024, 1, 10), date(2024, 2, 28), UP, "O+"), since(date(2024, 2, 29), DOWN, "O+", 2)],
        ),
        (
            "typed",
            [(1, date(2024, 3, 9), date(2024, 3, 10), UP, "unknown"), since(date(2024, 3, 11), UP, "A+", 2)],
        ),
        ("same", [since(date(2024, 1, 1), UP, "O+")]),
        ("twice a day", [since(date(2024, 2, 1), DOWN, "O+")]),
        (
            "void between",
            [(1, date(2024, 1, 1), date(2024, 2, 29), UP, "O+"), since(date(2024, 3, 1), DOWN, "O+", 2)],
        ),
        ("withdrawn", []),
        ("moves too late", [since(date(2024, 1, 1), UP, "O+")]),
        ("sent too late", [since(date(2024, 4, 2), UP, "O+")]),
        ("nowhere", [since(date(2024, 1, 1), "unknown", "unknown")]),
        (None, [since(date(1900, 1, 1), "unknown", "unknown")]),
    ],
)
def test_versions(versions, donor, wanted):
    assert versions[donor] == wanted


def test_current__is_one_version_a_donor(model):
    current = [row["donor_key"] for row in model["dim_donor"] if row["is_current"]]
    assert sorted(current, key=str) == sorted({row["donor_key"] for row in model["dim_donor"]}, key=str)
    assert all(row["is_current"] == (row["valid_to"] == LAST_DAY) for row in model["dim_donor"])


def test_what_is_not_tracked__is_told_as_it_is_now(model):
    assert [row["sex"] for row in model["dim_donor"] if row["donor_key"] == "same"] == ["Female"]


def test_keys__are_those_of_every_build(model):
    """Written down: a key that changed with the code would part facts from what was stored beside them."""
    keys = {(row["donor_key"], row["version"]): row["donor_sk"] for row in model["dim_donor"]}
    assert keys[None, 1] == UNKNOWN_SK
    assert (keys["moves", 1], keys["moves", 2]) == (771244245519899560, -7070473489268471787)
    assert len(set(keys.values())) == len(keys)
