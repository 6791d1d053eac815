"""What a day's delivery is made of: chance is no surprise, a kind that is missing is."""

from datetime import date, timedelta
from random import Random

import pytest

from lakehouse.gates.mix import distance, mix_shift
from lakehouse.gates.streams import Stream

DAY = date(2024, 6, 5)  # a Wednesday, far from any holiday
SHARES = {"red_cells": 0.5, "plasma": 0.3, "platelets": 0.2}


def drawn(day: date, rows: int = 200) -> dict[str, int]:
    found = Random(day.toordinal()).choices(list(SHARES), list(SHARES.values()), k=rows)
    return {kind: found.count(kind) for kind in SHARES}


def past(days: int = 120) -> dict[date, dict[str, int]]:
    return {DAY - timedelta(days=n): drawn(DAY - timedelta(days=n)) for n in range(1, days)}


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ({"a": 5, "b": 5}, {"a": 50, "b": 50}, 0.0),
        ({"a": 1}, {"b": 9}, 1.0),
        ({"a": 3, "b": 1}, {"a": 1, "b": 1}, 1 / 4),
    ],
)
def test_distance__is_between_shares(one: dict[str, int], other: dict[str, int], wanted: float) -> None:
    assert distance(one, other) == pytest.approx(wanted)


def test_chance__is_no_surprise_and_a_missing_kind_is() -> None:
    assert mix_shift(past(), DAY, drawn(DAY)) < 1
    assert mix_shift(past(), DAY, drawn(DAY, 20)) < 1
    assert mix_shift(past(), DAY, drawn(DAY) | {"plasma": 0}) > 1
    assert mix_shift(past(), DAY, {"red_cells": 200}) > 2


def test_one_strange_day_of_the_past__hides_nothing() -> None:
    spoilt = past() | {DAY - timedelta(days=14): {"plasma": 200}}
    assert mix_shift(spoilt, DAY, drawn(DAY) | {"plasma": 0}) > 1


@pytest.mark.parametrize("mixes", [{}, past(30), {day: {} for day in past()}])
def test_too_short_a_past__says_nothing(mixes: dict[date, dict[str, int]]) -> None:
    assert mix_shift(mixes, DAY, {"plasma": 200}) == 0


def test_a_stream__holds_the_parts_of_a_day_against_the_past_as_a_whole() -> None:
    stream = Stream()
    for day, mix in past().items():
        stream.learn(day, sum(mix.values()), mix)
    known = stream.copy()
    first = known.surprise(DAY, 120, {"red_cells": 120})
    second = known.surprise(DAY, 80, {"plasma": 50, "platelets": 30})
    assert first["mix_shift"] > 1 > second["mix_shift"]
    assert first["rows_low"] > 120 and second["rows_low"] == first["rows_low"] - 120 <= 80
    assert stream.rows[DAY] == 0, "the copy learned, not the stream"
