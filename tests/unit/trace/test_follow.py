"""Paths of units, and which dispositions are live: no lake is needed."""

from typing import Any

from lakehouse.trace.answer import live
from lakehouse.trace.follow import Trail


def trail(units: dict[str, str | None], *makings: tuple[str, str, str]) -> Trail:
    found = Trail()
    found.add_units({"unit_id": name, "donation_key": din} for name, din in units.items())
    found.add_makings({"unit_id": child, "parent_unit_id": parent, "kind": kind} for child, parent, kind in makings)
    return found


def test_path__is_the_longest_way_from_a_donation() -> None:
    units = {"a": "D1", "b": "D2", "pool": None, "washed": None, "part": "D1", "import": None, "of import": None}
    makings = [
        ("pool", "a", "pooled"),
        ("pool", "b", "pooled"),
        ("washed", "pool", "modified"),
        ("part", "a", "divided"),
    ]
    found = trail(units, *makings, ("of import", "import", "modified"), ("pool", "elsewhere", "pooled"))
    assert {name: found.path(name) for name in units} == {
        "a": "donation",
        "b": "donation",
        "pool": "donation > pooled",
        "washed": "donation > pooled > modified",
        "part": "donation > divided",
        "import": "unit",
        "of import": "unit > modified",
    }


def test_path__ends_where_records_go_in_a_circle() -> None:
    found = trail({"a": "D1", "b": None}, ("a", "b", "modified"), ("b", "a", "modified"))
    assert (found.path("a"), found.path("b")) == ("unit > modified", "donation > modified")


def test_live__leaves_out_what_is_replaced() -> None:
    def end(name: str, replaces: str | None = None) -> dict[str, Any]:
        return {"disposition_id": name, "replaces_disposition_id": replaces}

    rows = [end("old"), end("new", "old"), end("self", "self"), end("x", "y"), end("y", "x")]
    assert [row["disposition_id"] for row in live(rows)] == ["new", "self", "x", "y"]
