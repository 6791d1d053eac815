"""The parts of the generator by themselves: plan, streams, shelves, columns, writer."""

from pathlib import Path

import numpy as np
import pytest

from datagen.plan import PLAN_PATH, PlanError
from datagen.planner import load_plan
from datagen.shelves import Shelves
from datagen.streams import Streams
from datagen.tables import Columns
from datagen.world import TABLES
from datagen.writer import Outbox


def test_plan__lists_every_problem_at_once(tmp_path: Path) -> None:
    text = PLAN_PATH.read_text().replace("no_show_share", "no_shows").replace("fixed_sites", "sites")
    (tmp_path / "plan.toml").write_text(text)
    with pytest.raises(PlanError) as found:
        load_plan(tmp_path / "plan.toml")
    for problem in (
        "collection.no_show_share is missing",
        "collection.no_shows is unknown",
        "service.fixed_sites is missing",
        "service.sites is unknown",
    ):
        assert problem in str(found.value)


def test_plan__contradictions(tmp_path: Path) -> None:
    text = PLAN_PATH.read_text().replace("left_share = 0.008", "left_share = 8.0")
    (tmp_path / "plan.toml").write_text(text.replace('codes = ["BP", ', "codes = ["))
    with pytest.raises(PlanError) as found:
        load_plan(tmp_path / "plan.toml")
    assert "collection.left_share = 8.0 is no share" in str(found.value)
    assert "deferral: codes, reasons" in str(found.value)


def test_streams__depend_on_seed_name_and_day_only() -> None:
    def draw(seed: int, name: str, day: int) -> list[float]:
        return list(Streams(seed).at(name, day).random(3))

    streams = Streams(1)
    streams.at("b", 5).random(100)
    assert list(streams.at("a", 5).random(3)) == draw(1, "a", 5)
    assert len({tuple(draw(*key)) for key in ((1, "a", 5), (2, "a", 5), (1, "b", 5), (1, "a", 6))}) == 4


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


def test_columns__refuse_what_is_not_declared() -> None:
    table = Columns({"a": "i8", "b": "i8"})
    with pytest.raises(KeyError, match="'b', 'c'"):
        table.append(a=np.arange(2), c=1)


def test_outbox__refuses_columns_of_another_length() -> None:
    recorded = np.array([0, 1], "M8[s]")
    with pytest.raises(ValueError, match="donors"):
        Outbox().emit("donors", donor_id=["D1"], recorded_at=recorded)


def test_outbox__leaves_nulls_out_and_writes_utc() -> None:
    outbox = Outbox()
    outbox.emit("donors", donor_id=["D1"], name=[None], recorded_at=np.array([86_400], "M8[s]"))
    expected = b'{"donor_id":"D1","recorded_at":"1970-01-02T00:00:00Z","source_system":"donor_register"}\n'
    assert outbox.lines["donors"] == [expected]
