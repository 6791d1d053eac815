"""Lives of units as series of changes, computed by hand: all units of one small service, told on 20 March 2024.

Instants are local (New York unless said): -05:00 in winter, -04:00 after 10 March 2024, 2 a.m. Every component is
made at C1 on 1 March and can be used up to 12 April, unless its case says otherwise.
"""

from datetime import date
from typing import Any

import pytest
from chispa.schema_comparer import assert_schema_equality
from pyspark.sql import DataFrame, SparkSession

from lakehouse.l2.derivatives import unit_moves, units
from lakehouse.l2.laws import LAWS
from tests.support.lives import PARAMS, Rows, built

AS_OF = "2024-03-20"
Unit = dict[str, Any]


def component(unit_id: str, **said: Any) -> Unit:
    made = {"collected_at": "2024-03-01T10:00-05:00", "prepared_at": "2024-03-01T16:00-05:00"}
    return {"unit_id": unit_id, **made, "expires_at": "2024-04-12T23:59-04:00", **said}


def event(unit_id: str, kind: str, at: str, **said: Any) -> Unit:
    return {"unit_event_id": f"{unit_id} {kind} {at}", "unit_id": unit_id, "kind": kind, "happened_at": at, **said}


def moved(unit_id: str, shipped_at: str, received_at: str | None = None, **said: Any) -> Unit:
    ends = {"from_facility_id": "C1", "to_facility_id": "H1", "kind": "issue"}
    at = {"distributed_at": shipped_at, "shipped_at": shipped_at, "received_at": received_at}
    return {"distribution_id": f"{unit_id} {shipped_at}", "unit_id": unit_id, **at, **ends, **said}


def end(unit_id: str, kind: str, at: str, **said: Any) -> Unit:
    ended = {"disposition_id": f"{unit_id} {kind}", "unit_id": unit_id, "kind": kind, "happened_at": at}
    return {**ended, "facility_id": "H1", **said}


def parent(unit_id: str, parent_unit_id: str, kind: str) -> Unit:
    made = {"made_at": "2024-03-04T09:00-05:00", "facility_id": "C1"}
    return {"unit_id": unit_id, "parent_unit_id": parent_unit_id, "kind": kind, **made}


def released(unit_id: str) -> Unit:
    return event(unit_id, "released", "2024-03-02T12:00-05:00")


RELEASED = ("whole_life", "dst", "returned", "pooled_1", "parted", "corrected", "twice", "found", "sent_on",
            "exported", "given_up", "reactive", "disputed", "lost_later", "cleared", "on_last_day")  # fmt: skip
MARCH_4 = {"prepared_at": "2024-03-04T09:30-05:00"}
FEEDS: dict[str, Rows] = {
    "components": [
        *[component(name) for name in ("whole_life", "returned", "pooled_1", "pooled_2", "parted", "corrected", "twice",
                                       "found", "sent_on", "exported", "lost_later", "cleared", "unplaced")],
        component("midnight", expires_at="2024-03-01T00:00-05:00", prepared_at="2024-02-01T12:00-05:00",
                  collected_at="2024-02-01T09:00-05:00"),
        component("dst", expires_at="2024-03-10T23:59-04:00"),
        component("on_last_day", expires_at="2024-03-06T23:59-05:00"),
        component("pool", component="platelets", doses="1.00", collected_at=None, **MARCH_4),
        component("part", **MARCH_4),
        component("given_up", expires_at="2024-03-04T23:59-05:00"),
        component("reactive", din="D1"),
        component("disputed", din="D2"),
        component("imported", is_imported=True, facility_id="X1", din="foreign"),
        component("to_be_imported", is_imported=True, facility_id="X1", din="foreign"),
        component("nowhere", facility_id=None),
        component("elsewhere", facility_id="Z9", abo_rhd=None),
        component("leap", prepared_at="2024-02-29T23:30-05:00", collected_at="2024-02-29T20:00-05:00"),
        component("ended_first"),
    ],
    "unit_events": [
        *[released(name) for name in RELEASED],
        event("whole_life", "reserved", "2024-03-05T08:00-05:00", patient_key="p"),
        event("lost_later", "reserved", "2024-03-22T08:00-04:00", patient_key="p"),
        event("cleared", "quarantined", "2024-03-03T12:00-05:00"),
        event("cleared", "quarantine_lifted", "2024-03-10T01:30-05:00"),
        event("cleared", "recalled", "2024-03-10T03:30-04:00"),
        event("whole_life", "quarantined", "2024-03-08T12:00-05:00"),
        event("unplaced", "received", "2024-03-05T12:00-05:00", facility_id="H2"),
        event("nowhere", "reserved", "2024-02-28T08:00-05:00"),
    ],
    "distribution": [
        moved("whole_life", "2024-03-03T22:00-05:00", "2024-03-04T01:00-05:00"),
        moved("returned", "2024-03-03T09:00-05:00", "2024-03-03T11:00-05:00"),
        moved("returned", "2024-03-31T09:00-04:00", "2024-03-31T11:00-04:00"),
        moved("returned", "2024-03-06T09:00-05:00", "2024-03-06T11:00-05:00", kind="return",
              from_facility_id="H1", to_facility_id="C1"),
        moved("found", "2024-03-03T09:00-05:00", "2024-03-03T11:00-05:00"),
        moved("sent_on", "2024-03-03T09:00-05:00"),
        moved("exported", "2024-03-03T09:00-05:00", "2024-03-03T19:00-05:00", kind="export", to_facility_id="X1"),
        moved("imported", "2024-03-04T18:00-05:00", "2024-03-05T06:00-05:00", kind="import",
              from_facility_id="X1", to_facility_id="C1"),
        {"distribution_id": "s", "bag_id": "sent", "npi": "222", "distributed_at": "2024-03-03", "is_date_only": True},
        moved("to_be_imported", "2024-03-25T20:00-05:00", kind="import", from_facility_id="X1", to_facility_id="C1"),
    ],
    "dispositions": [
        end("whole_life", "transfused", "2024-03-06T12:00-05:00", patient_key="p"),
        end("on_last_day", "transfused", "2024-03-06T23:30-05:00", facility_id="C1", patient_key="p"),
        end("midnight", "outdated", "2024-03-01T09:00-05:00", facility_id="C1"),
        end("dst", "outdated", "2024-03-11T09:00-04:00", facility_id="C1"),
        end("corrected", "transfused", "2024-03-04T12:00-05:00", facility_id="C1", patient_key="p"),
        end("corrected", "wasted", "2024-03-08T12:00-05:00", facility_id="C1",
            replaces_disposition_id="corrected transfused"),
        end("twice", "transfused", "2024-03-05T23:30-05:00", facility_id="C1", patient_key="p"),
        end("twice", "wasted", "2024-03-04T12:00-05:00", facility_id="C1", _order_at="2024-03-08"),
        end("found", "transfused", "2024-03-07T12:00-05:00", facility_id="H2", patient_key="p"),
        end("sent_on", "transfused", "2024-03-05T12:00-05:00", patient_key="p"),
        end("lost_later", "lost", "2024-03-21T12:00-04:00"),
        end("ended_first", "discarded", "2024-03-01", is_date_only=True, facility_id="C1"),
    ],
    "unit_parents": [
        parent("pool", "pooled_1", "pooled"),
        parent("pool", "pooled_2", "pooled"),
        parent("part", "parted", "divided"),
    ],
    "donations": [
        *[{"donation_key": din, "din": din, "bag_id": f"b{din}", "donor_key": "d", "donated_on": "2024-03-01",
           "collected_at": "2024-03-01T10:00-05:00", "procedure": "whole_blood"} for din in ("D1", "D2")],
        *[{"donation_key": name, "bag_id": name, "donor_key": "d", "donated_on": "2024-03-01", "event_id": "E1",
           "tested_on": "2024-03-03", "test_result": True, "source_system": "old", **said}
          for name, said in {"undated": {"status": "used"}, "given": {"status": "used"}, "sent": {"status": "used"},
                             "later": {"status": "used"}}.items()],
    ],
    "donation_events": [{"event_id": "E1", "starts_at": "2024-03-01T09:00-05:00", "facility_id": "C1"}],
    "patients": [
        {"admission_key": "a1", "patient_key": "p", "admitted_on": "2024-03-04", "bag_id": "given", "npi": "111"},
        {"admission_key": "a2", "patient_key": "p", "admitted_on": "2024-03-25", "bag_id": "later", "npi": "111"},
    ],
    "test_results": [
        {"test_id": "t1", "din": "D1", "marker": "hiv", "result": "reactive", "resulted_at": "2024-03-04T23:30-05:00"},
        {"test_id": "t2", "din": "D2", "marker": "abo_rhd", "result": "A positive", "abo_rhd": "A+",
         "resulted_at": "2024-03-05T10:00-05:00"},
    ],
}  # fmt: skip
BEGUN = ["03-01 produced C1 in_process", "03-02 released C1 available"]
WANTED: dict[str, list[str]] = {
    # On its way over midnight; the hold after its end is not seen.
    "whole_life": [*BEGUN, "03-03 shipped in_transit in_transit", "03-04 received H1 available",
                   "03-05 reserved H1 reserved", "03-06 transfused"],
    # Dating that ends at midnight ends with the day before; the leap day is its last.
    "midnight": ["02-01 produced C1 in_process", "02-29 expired C1 expired", "03-01 outdated"],
    "dst": [*BEGUN, "03-10 expired C1 expired", "03-11 outdated"],
    "on_last_day": [*BEGUN, "03-06 transfused"],
    # A movement after the as-of day is not seen.
    "returned": [*BEGUN, "03-03 shipped H1 available", "03-06 shipped C1 available"],
    "pooled_1": [*BEGUN, "03-04 consumed"],
    "pooled_2": ["03-01 produced C1 in_process", "03-04 consumed"],
    "pool": ["03-04 converted_in C1 in_process"],
    "parted": [*BEGUN, "03-04 consumed"],
    "part": ["03-04 converted_in C1 in_process"],
    # An end that another replaces is none; of two live ones the later recorded counts.
    "corrected": [*BEGUN, "03-08 wasted"],
    "twice": [*BEGUN, "03-04 wasted"],
    # Its end was reported elsewhere, or before it was said to arrive.
    "found": [*BEGUN, "03-03 shipped H1 available", "03-07 found H2 available", "03-07 transfused"],
    "sent_on": [*BEGUN, "03-03 shipped in_transit in_transit", "03-05 found H1 available", "03-05 transfused"],
    "exported": [*BEGUN, "03-03 exported"],
    # On hand, past its dating, until it is given up; C1 reports ends.
    "given_up": [*BEGUN, "03-04 expired C1 expired", "03-07 presumed_outdated"],
    "reactive": [*BEGUN, "03-04 reactive C1 quarantined"],
    "disputed": [*BEGUN, "03-05 disputed C1 quarantined"],
    "lost_later": BEGUN,
    # Both on the morning that has no hour from two to three.
    "cleared": [*BEGUN, "03-03 quarantined C1 quarantined", "03-10 quarantine_lifted C1 available",
                "03-10 recalled C1 quarantined"],
    "unplaced": ["03-01 produced C1 in_process", "03-05 received H2 in_process"],
    "imported": ["03-04 imported in_transit in_transit", "03-05 received C1 available"],
    "to_be_imported": ["03-01 imported X1 available"],
    # The reservation lies more than a day before the collection.
    "nowhere": ["03-01 produced unknown in_process"],
    "elsewhere": ["03-01 produced Z9 in_process"],
    "leap": ["02-29 produced C1 in_process"],
    "ended_first": ["03-01 produced C1 in_process", "03-01 discarded"],
    # Assumed units: used on a day that nobody tells; used at the admission; used by an admission still to come.
    "undated": ["03-01 produced C1 in_process", "03-03 tested C1 available", "03-03 transfused"],
    "given": ["03-01 produced C1 in_process", "03-03 tested C1 available", "03-04 found H1 available",
              "03-04 transfused"],
    "sent": ["03-01 produced C1 in_process", "03-03 tested C1 available", "03-03 shipped H2 available",
             "03-03 transfused"],
    "later": ["03-01 produced C1 in_process", "03-03 tested C1 available"],
}  # fmt: skip


@pytest.fixture(scope="module")
def known(spark: SparkSession) -> DataFrame:
    return built(spark, units.build, AS_OF, **FEEDS).localCheckpoint()


@pytest.fixture(scope="module")
def moves(spark: SparkSession, known: DataFrame) -> DataFrame:
    return built(spark, unit_moves.build, AS_OF, known, **FEEDS).localCheckpoint()


@pytest.fixture(scope="module")
def changes(moves: DataFrame) -> dict[str, list[Unit]]:
    found: dict[str, list[Unit]] = {}
    for row in moves.orderBy("unit_id", "move_number").collect():
        found.setdefault(row["unit_id"], []).append(row.asDict())
    return found


def place(move: Unit, side: str) -> tuple[Any, Any]:
    return move[f"{side}_facility_id"], move[f"{side}_standing"]


@pytest.mark.parametrize("unit_id", WANTED)
def test_life__is_told_change_by_change(changes: dict[str, list[Unit]], unit_id: str) -> None:
    said = [f"{move['moved_on']:%m-%d} {move['why']} {' '.join(filter(None, place(move, 'to')))}".strip()
            for move in changes[unit_id]]  # fmt: skip
    assert said == WANTED[unit_id]


def test_moves__begin_where_the_one_before_ended(moves: DataFrame, changes: dict[str, list[Unit]]) -> None:
    assert_schema_equality(moves.schema, unit_moves.TABLE.schema, ignore_nullable=True)
    for life in changes.values():
        assert [move["move_number"] for move in life] == list(range(1, len(life) + 1))
        assert [place(move, "from") for move in life] == [(None, None), *[place(move, "to") for move in life[:-1]]]
        assert [move["moved_on"] for move in life] == sorted(move["moved_on"] for move in life)


def test_last_move__says_what_the_unit_says(known: DataFrame, changes: dict[str, list[Unit]]) -> None:
    rows = {row["unit_id"]: row for row in known.collect()}
    assert set(rows) == set(changes) >= set(WANTED)
    for unit_id, unit in rows.items():
        last = changes[unit_id][-1]
        stands = last["to_standing"] or last["why"]
        assert stands == unit["state"] or (stands == "expired" and unit["is_on_hand"])
        if unit["is_on_hand"]:
            assert last["to_facility_id"] == (unit["facility_id"] or "unknown")
        if stands not in unit_moves.STANDINGS:
            assert last["from_facility_id"] == unit["ended_at_facility_id"]


def test_end_without_a_day__is_told_apart(changes: dict[str, list[Unit]]) -> None:
    undated = {unit_id for unit_id, life in changes.items() if not all(move["is_dated"] for move in life)}
    assert undated == {"undated"}
    assert changes["undated"][-1]["moved_at"] is None
    assert changes["given_up"][-1]["moved_at"] is None  # nobody reported it, though its day is known


def test_unit__keeps_what_it_is(changes: dict[str, list[Unit]]) -> None:
    pool, elsewhere = changes["pool"][0], changes["elsewhere"][0]
    assert (pool["component"], pool["abo_rhd"], pool["doses"]) == ("platelets", "O+", 1)
    assert (elsewhere["component"], elsewhere["abo_rhd"], elsewhere["doses"]) == ("red_cells", "unknown", None)


def test_law__holds_and_sees_a_row_too_few(known: DataFrame, moves: DataFrame) -> None:
    law = next(law for law in LAWS if law.name == "unit_moves")

    def weighed(frame: DataFrame) -> dict[str, tuple[int, int]]:
        found = law.check(known, frame, as_of=date.fromisoformat(AS_OF), params=PARAMS)
        return {row["law"]: (row["left"], row["right"]) for row in found.collect()}

    holding = weighed(moves)
    assert all(left == right for left, right in holding.values())
    assert holding["unit_moves.ways_in"] == (31, 31)
    assert holding["unit_moves.wasted"] == (2, 2)
    assert weighed(moves.where("unit_id <> 'twice'")) == holding | {
        "unit_moves.ways_in": (31, 30),
        "unit_moves.wasted": (2, 1),
    }
