"""Records that were sent piece by piece are written as one: fields in order, nulls left out, whatever the pieces."""

import numpy as np
import orjson
import polars as pl
import pytest

from datagen import writer
from datagen.draws import Draws
from datagen.wire import chosen, optional, plain
from datagen.writer import Outbox, lines


def at(count: int) -> np.ndarray:
    return np.arange(count) + 1_709_251_000


@pytest.mark.parametrize("rows", [1, 2, 3, 100])
def test_lines__are_the_same_however_many_at_once(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pl.DataFrame({"a": [None, 1, None, 4, 5], "b": ['say "null,"', None, "x", None, "y"], "c": [1, 2, 3, 4, 5]})
    monkeypatch.setattr(writer, "ROWS_AT_ONCE", rows)
    wanted = [{name: value for name, value in row.items() if value is not None} for row in frame.to_dicts()]
    assert [orjson.loads(line) for line in lines(frame).splitlines()] == wanted


def test_frames__choose_each_field_as_it_was_sent() -> None:
    outbox = Outbox()
    events = chosen(("E1", "E2", None), np.array([1, 0, 2, -1]))
    outbox.emit("donor_visits", known_at=at(4), event_id=events, outcome="donated", is_permanent=True)
    outbox.emit("donor_visits", known_at=at(2), event_id="E2", outcome="left")
    rare = optional(chosen(("E3", "E1"), np.array([0, 1, 1])), np.array([True, False, True]))
    outbox.emit("donor_visits", known_at=at(3), event_id=rare, outcome=plain(["a", "b", "c"]))
    frame = outbox.frames()["donor_visits"]
    assert frame["event_id"].to_list() == ["E2", "E1", None, None, "E2", "E2", "E3", None, "E1"]
    assert frame["outcome"].to_list() == [*["donated"] * 4, *["left"] * 2, "a", "b", "c"]
    assert frame["is_permanent"].to_list() == [*[True] * 4, *[None] * 5]
    assert outbox.frames() == {} and outbox.counts["donor_visits"] == 9


def test_emit__one_value_for_more_records_than_are_kept_ready() -> None:
    outbox, many = Outbox(), 70_000
    outbox.emit("event_employees", known_at=at(many), hours=7.5)
    frame = outbox.frames()["event_employees"]
    assert frame.height == many and frame["hours"].unique().to_list() == [7.5]


PINNED = [0.3049723606416638, 0.9172077572944503, 0.6604583343241216]


def test_draws__stay_what_they_were() -> None:
    # Worlds that were saved go on with them.
    assert Draws(1, "a").at("x", 5).uniform(np.array([0, 1, 10**12])).tolist() == PINNED
