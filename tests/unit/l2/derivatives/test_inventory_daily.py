"""Days of shelves, counted by hand: each case has its own facilities, and all are built at once, as of 12 March 2024.

The table reaches back 20 days, to 22 February: over the leap day, a month's end and the change to summer time.
"""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from chispa.schema_comparer import assert_schema_equality
from pyspark.sql import DataFrame, SparkSession

from lakehouse.config import HOME
from lakehouse.gates.suite import read_suite
from lakehouse.l2.conformed import CONFORMED
from lakehouse.l2.conformed.all_facilities import all_facilities
from lakehouse.l2.derivatives import inventory_daily, unit_moves, units
from lakehouse.l2.laws import LAWS
from tests.support.params import DEFINITIONS
from tests.support.rows import frame

AS_OF = date(2024, 3, 12)
PARAMS = DEFINITIONS | {"inventory_history_days": 20}
Row = dict[str, Any]
MOVE = {"component": "red_cells", "abo_rhd": "O+", "is_dated": True}


def life(unit_id: str, *changes: str, **said: Any) -> list[Row]:
    """Moves from lines "<day> <why> <facility> <standing>"; an end has neither facility nor standing."""
    rows: list[Row] = []
    last: list[str | None] = [None, None]
    for number, change in enumerate(changes, 1):
        day, why, *rest = change.split()
        now: list[str | None] = [*rest] if rest else [None, None]
        sides = {"from_facility_id": last[0], "from_standing": last[1], "to_facility_id": now[0], "to_standing": now[1]}
        rows.append({**MOVE, "unit_id": unit_id, "move_number": number, "moved_on": f"2024-{day}", "why": why, **sides})
        last = now
    return [{**row, **said} for row in rows]


MOVES = [
    # A life: on its way over midnight, reserved, used.
    *life("u1", "02-28 produced A in_process", "02-29 released A available", "02-29 shipped in_transit in_transit",
          "03-01 received B available", "03-02 reserved B reserved", "03-04 transfused"),
    # Another of the shelf goes there and back, each way within a day, and is wasted at A.
    *life("u2", "02-28 produced A available", "03-01 shipped B available", "03-02 shipped A available",
          "03-04 wasted"),
    # Held over the change to summer time, and expired at midnight of that day.
    *life("dst", "03-09 produced D quarantined", "03-10 expired D expired", "03-12 outdated"),
    # A pool, and parts of one unit; platelets count in doses too.
    *life("p1", "03-10 produced P available", "03-11 consumed", component="platelets", doses=0.25),
    *life("p2", "03-10 produced P in_process", "03-11 consumed", component="platelets", doses=0.25),
    *life("pool", "03-11 converted_in P available", component="platelets", doses=0.5),
    *life("held", "03-11 converted_in P quarantined", component="platelets", doses=1.25),
    # Made before the table reaches back: it opens with it.
    *life("old", "01-15 imported O available", "02-20 shipped Q available"),
    *life("gone", "01-15 produced O available", "02-21 lost"),
    *life("first", "01-15 produced O available", "02-22 discarded"),
    # An end that no record dates; a group and a facility that none tells.
    {**life("undated", "03-05 produced U available", "03-05 transfused")[0]},
    {**life("undated", "03-05 produced U available", "03-05 transfused")[1], "is_dated": False},
    *life("unknown", "03-12 produced unknown in_process", abo_rhd="unknown"),
    *[row for kind in ("further_manufacture", "exported", "research", "presumed_outdated", "fate_unknown")
      for row in life(kind, "03-12 produced E available", f"03-12 {kind}")],
]  # fmt: skip
Wanted = list[tuple[str, str, Row]]
"""Day, facility and the counts that are not 0."""
WANTED: Wanted = [
    ("02-28", "A", {"produced": 2, "closing": 2, "in_process": 1, "available": 1}),
    ("02-29", "A", {"opening": 2, "shipped": 1, "closing": 1, "available": 1}),
    ("03-01", "A", {"opening": 1, "shipped": 1}),
    ("03-02", "A", {"received": 1, "closing": 1, "available": 1}),
    ("03-03", "A", {"opening": 1, "closing": 1, "available": 1}),
    ("03-04", "A", {"opening": 1, "wasted": 1}),
    ("03-01", "B", {"received": 2, "closing": 2, "available": 2}),
    ("03-02", "B", {"opening": 2, "shipped": 1, "closing": 1, "reserved": 1}),
    ("03-03", "B", {"opening": 1, "closing": 1, "reserved": 1}),
    ("03-04", "B", {"opening": 1, "transfused": 1}),
    ("02-29", "in_transit", {"received": 1, "closing": 1, "in_transit": 1}),
    ("03-01", "in_transit", {"opening": 1, "received": 1, "shipped": 2}),
    ("03-02", "in_transit", {"received": 1, "shipped": 1}),
    ("03-09", "D", {"produced": 1, "closing": 1, "quarantined": 1}),
    ("03-10", "D", {"opening": 1, "closing": 1, "expired": 1}),
    ("03-11", "D", {"opening": 1, "closing": 1, "expired": 1}),
    ("03-12", "D", {"opening": 1, "outdated": 1}),
    ("03-10", "P", {"produced": 2, "closing": 2, "available": 1, "in_process": 1}),
    ("03-11", "P", {"opening": 2, "converted_in": 2, "converted_out": 2, "closing": 2, "available": 1,
                    "quarantined": 1}),
    ("03-12", "P", {"opening": 2, "closing": 2, "available": 1, "quarantined": 1}),
    ("02-22", "O", {"opening": 1, "discarded": 1}),
    *[(f"{day:%m-%d}", "Q", {"opening": 1, "closing": 1, "available": 1})
      for day in (date.fromordinal(AS_OF.toordinal() - ago) for ago in range(19, -1, -1))],
    ("03-05", "U", {"produced": 1, "ended_undated": 1}),
    ("03-12", "unknown", {"produced": 1, "closing": 1, "in_process": 1}),
    ("03-12", "E", {"produced": 5, "further_manufacture": 1, "exported": 1, "research": 1, "presumed_outdated": 1,
                    "fate_unknown": 1}),
]  # fmt: skip
COUNTS = ("opening", *inventory_daily.INS, *inventory_daily.OUTS, "closing", *unit_moves.STANDINGS)


@pytest.fixture(scope="module")
def places(spark: SparkSession) -> DataFrame:
    facilities = [{"facility_id": "A", "kind": "hub", "region": "North", "timezone": "America/New_York"}]
    tables = [(CONFORMED["facilities"].table, facilities), (CONFORMED["hospitals"].table, [])]
    return all_facilities(*[frame(spark, *table) for table in tables])


@pytest.fixture(scope="module")
def days(spark: SparkSession, places: DataFrame) -> DataFrame:
    moves = frame(spark, unit_moves.TABLE, MOVES)
    return inventory_daily.build(moves, places, as_of=AS_OF, params=PARAMS).localCheckpoint()


@pytest.fixture(scope="module")
def shelves(days: DataFrame) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in days.orderBy("stock_on").collect():
        found[row["facility_id"]].append(row.asDict())
    return found


@pytest.mark.parametrize("facility_id", sorted({place for _, place, _ in WANTED}))
def test_shelf__is_told_day_by_day(shelves: dict[str, list[Row]], facility_id: str) -> None:
    said = [
        (f"{row['stock_on']:%m-%d}", facility_id, {name: row[name] for name in COUNTS if row[name]})
        for row in shelves[facility_id]
    ]
    assert said == [wanted for wanted in WANTED if wanted[1] == facility_id]


def test_table__has_no_other_shelf_and_no_null_count(days: DataFrame, shelves: dict[str, list[Row]]) -> None:
    assert_schema_equality(days.schema, inventory_daily.TABLE.schema, ignore_nullable=True)
    assert set(shelves) == {place for _, place, _ in WANTED}
    assert all(row[name] is not None for rows in shelves.values() for row in rows for name in COUNTS)


def test_doses__are_counted_where_units_have_them(shelves: dict[str, list[Row]]) -> None:
    doses = [(row["closing_doses"], row["available_doses"]) for row in shelves["P"]]
    assert doses == [
        (Decimal("0.50"), Decimal("0.25")),
        (Decimal("1.75"), Decimal("0.50")),
        (Decimal("1.75"), Decimal("0.50")),
    ]
    assert {(row["closing_doses"], row["available_doses"]) for row in shelves["A"]} == {(None, None)}


def test_place__is_named_where_the_catalogue_knows_it(shelves: dict[str, list[Row]]) -> None:
    named = {place: (rows[0]["facility_kind"], rows[0]["region"]) for place, rows in shelves.items()}
    assert named["A"] == ("hub", "North")
    assert {named[place] for place in named if place != "A"} == {(None, None)}


def test_no_moves__are_no_days(spark: SparkSession, places: DataFrame) -> None:
    moves = frame(spark, unit_moves.TABLE, life("later", "03-13 produced A available"))
    nothing = inventory_daily.build(moves.limit(0), places, as_of=AS_OF, params=DEFINITIONS)
    assert nothing.collect() == []


def test_flows__are_those_that_lives_can_have() -> None:
    ends = {"converted_out" if state == "consumed" else state for state in (*units.DISPOSITIONS, *units.UNREPORTED)}
    assert {*inventory_daily.OUTS} == {*ends, "shipped", "ended_undated"}
    columns = inventory_daily.TABLE.columns
    assert set(COUNTS) <= set(columns)
    suite = read_suite(HOME / "expectations" / "l2" / "inventory_daily.json")
    conditions = {rule.id: str(rule.kwargs.get("row_condition")) for rule in suite.rules}
    balance = conditions["inventory_daily.closing.balances"]
    assert all(f"+ {name}" in balance for name in inventory_daily.INS)
    assert all(f"- {name}" in balance for name in inventory_daily.OUTS)


def weighed(name: str, *frames: DataFrame) -> dict[str, tuple[int, int]]:
    law = next(law for law in LAWS if law.name == name)
    return {row["law"]: (row["left"], row["right"]) for row in law.check(*frames, as_of=AS_OF, params=PARAMS).collect()}


def test_balance_law__weighs_flows_and_the_chain_of_days(days: DataFrame) -> None:
    held = weighed("inventory_daily.balance", days)
    assert held == {
        "inventory_daily.balance.flows.red_cells": (2, 2),
        "inventory_daily.balance.chain.red_cells": (334, 334),
        "inventory_daily.balance.flows.platelets": (2, 2),
        "inventory_daily.balance.chain.platelets": (74, 74),
    }
    with_gap = weighed("inventory_daily.balance", days.where("NOT (facility_id = 'Q' AND stock_on = '2024-02-29')"))
    assert with_gap["inventory_daily.balance.chain.red_cells"] == (326, 327)
    without_start = weighed("inventory_daily.balance", days.where("NOT (facility_id = 'D' AND produced = 1)"))
    assert without_start["inventory_daily.balance.flows.red_cells"] == (2, 1)
    assert without_start["inventory_daily.balance.chain.red_cells"] == (317, 334)


def test_closing_law__compares_shelf_by_shelf(spark: SparkSession, days: DataFrame) -> None:
    here = {"is_on_hand": True, "state": "available", "component": "red_cells", "abo_rhd": "O+"}
    platelets = {**here, "component": "platelets", "facility_id": "P"}
    rows = [
        {**here, "unit_id": "old", "facility_id": "Q"},
        {**here, "unit_id": "unknown", "abo_rhd": None},
        {**platelets, "unit_id": "pool"},
        {**platelets, "unit_id": "held", "state": "quarantined"},
    ]
    assert weighed("inventory_daily.closing", frame(spark, units.TABLE, rows), days) == {
        "inventory_daily.closing": (3, 3)
    }
    moved = [{**rows[0], "is_on_hand": False, "state": "in_transit"}, *rows[1:]]
    assert weighed("inventory_daily.closing", frame(spark, units.TABLE, moved), days) == {
        "inventory_daily.closing": (4, 2)
    }
