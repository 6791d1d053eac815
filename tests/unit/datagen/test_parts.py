"""The parts of the generator by themselves: plan, draws, shelves, columns, wire, writer."""

from pathlib import Path

import numpy as np
import pytest

from datagen import supply
from datagen.plan import PLAN_PATH, PlanError
from datagen.planner import load_plans
from datagen.shelves import Shelves
from datagen.simulate import new_world
from datagen.tables import Columns
from datagen.wire import chosen, numbered
from datagen.world import TABLES, Day
from datagen.writer import Outbox, lines


def test_plan__lists_every_problem_at_once(tmp_path: Path) -> None:
    text = PLAN_PATH.read_text().replace("no_show_share", "no_shows").replace("fixed_sites", "sites")
    (tmp_path / "plan.toml").write_text(text)
    with pytest.raises(PlanError) as found:
        load_plans(tmp_path / "plan.toml")
    for problem in (
        "collection.no_show_share is missing",
        "collection.no_shows is unknown",
        "regions[1].fixed_sites is missing",
        "regions[5].sites is unknown",
    ):
        assert problem in str(found.value)


def test_plan__contradictions(tmp_path: Path) -> None:
    text = PLAN_PATH.read_text().replace("left_share = 0.008", "left_share = 8.0")
    (tmp_path / "plan.toml").write_text(text.replace('codes = ["BP", ', "codes = ["))
    with pytest.raises(PlanError) as found:
        load_plans(tmp_path / "plan.toml")
    assert "collection.left_share = 8.0 is no share" in str(found.value)
    assert "deferral: codes, reasons" in str(found.value)


def test_plan__regions_share_nothing(tmp_path: Path) -> None:
    text = PLAN_PATH.read_text().replace('"lake_plain"', '"north_river"').replace("number = 3 ", "number = 2 ")
    (tmp_path / "plan.toml").write_text(text.replace("number = 3", "number = 2").replace("number = 5", "number = 105"))
    with pytest.raises(PlanError) as found:
        load_plans(tmp_path / "plan.toml")
    assert "regions: region 'north_river' is given twice" in str(found.value)
    assert "regions: number 2 is given twice" in str(found.value)
    assert "number 105 of south_fork is not 1..99" in str(found.value)


def test_plan__that_is_none(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="can't read the plan"):
        load_plans(tmp_path / "plan.toml")
    (tmp_path / "plan.toml").write_text("no plan")
    with pytest.raises(PlanError, match="can't read the plan"):
        load_plans(tmp_path / "plan.toml")


def _shelves(*units: tuple[int, int, int]) -> Shelves:
    """Red cells at place 1: (unit, group, expires)."""
    table = Columns(TABLES["units"])
    unit, group, expires = np.array(units).T
    others = dict.fromkeys(("collected", "prepared", "ready", "born", "shipped", "product", "movement"), 0)
    table.append(unit=unit, group=group, expires=expires, place=1, state=2, **others)
    return Shelves(table)


def test_shelves__oldest_of_the_first_group_first() -> None:
    shelves = _shelves((1, 0, 900), (2, 0, 800), (3, 1, 700))
    assert [entry[1] for entry in shelves.take(1, 0, (0, 1), 3)] == [2, 1, 3]
    assert shelves.take(1, 0, (0, 1), 1) == []


def test_shelves__what_expires_soon_goes_before_the_order() -> None:
    shelves = _shelves((1, 0, 900), (2, 0, 800), (3, 1, 700), (4, 4, 600))
    assert [entry[1] for entry in shelves.take(1, 0, (0, 1), 2, soon=750)] == [3, 2]
    assert shelves.count(1, 0, 4) == 1


def test_shelves__what_lasts_is_the_oldest_that_lasts() -> None:
    shelves = _shelves((1, 0, 900), (2, 0, 800), (3, 0, 700), (4, 1, 900))
    assert [entry[1] for entry in shelves.take_lasting(1, 0, 0, 1, until=800)] == [2]
    assert [entry[1] for entry in shelves.take_lasting(1, 0, 0, 3, until=800)] == [1]
    assert shelves.count(1, 0, 0) == 1


def test_demand__is_what_was_issued_net_of_returns_and_never_nothing() -> None:
    plan = next(iter(load_plans().values()))
    world = new_world(plan, seed=1, start=19_000, donors=1000)
    before, memory = world.demand.copy(), plan.appeal.memory_days
    day = Day(world, 19_000 + plan.hospitals.ramp_days, Outbox())
    day.issued[0], day.issued[7] = 30, -30
    supply.learn(day)
    assert world.demand[0] == pytest.approx(before[0] + (30 - before[0]) / memory)
    assert world.demand[7] == supply.LEAST_DEMAND


def test_columns__refuse_what_is_not_declared() -> None:
    table = Columns({"a": "i8", "b": "i8"})
    with pytest.raises(KeyError, match="'b', 'c'"):
        table.append(a=np.arange(2), c=1)


def test_outbox__refuses_what_does_not_fit_the_feed() -> None:
    with pytest.raises(ValueError, match=r"donors: \['donor_id'\]"):
        Outbox().emit("donors", donor_id=numbered("D", np.array([1])), known_at=np.array([0, 1]))
    with pytest.raises(ValueError, match=r"donors: \['shoe_size'\]"):
        Outbox().emit("donors", shoe_size=44, known_at=np.array([0, 1]))


def test_outbox__keeps_the_order_leaves_nulls_out_and_writes_utc() -> None:
    outbox = Outbox()
    outbox.emit("donors", name=chosen(("A",), np.array([0, -1])), known_at=np.array([86_280, 0]))
    outbox.emit("donors", donor_id=numbered("D", np.array([7])), name="B", known_at=np.array([0]))
    outbox.emit("donors", donor_id="D9", name=chosen(("A",), np.array([0])), known_at=np.array([0]))
    frames = outbox.frames()
    common = b'"source_system":"donor_register"}\n'
    assert lines(frames["donors"]) == (
        b'{"name":"A","recorded_at":"1970-01-02T00:00:00Z",'
        + common
        + b'{"recorded_at":"1970-01-01T00:02:00Z",'
        + common
        + b'{"donor_id":"D0000000007","name":"B","recorded_at":"1970-01-01T00:02:00Z",'
        + common
        + b'{"donor_id":"D9","name":"A","recorded_at":"1970-01-01T00:02:00Z",'
        + common
    )
    assert outbox.frames() == {} and outbox.counts["donors"] == 4
