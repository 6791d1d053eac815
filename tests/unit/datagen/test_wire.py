"""Columns of numbers become the text that they stand for."""

import numpy as np
import pytest

from datagen import wire
from datagen.ids import scattered
from datagen.wire import Column, encoded
from lakehouse.domain.check_character import check_character

ONE_TWO = np.array([1, 2])


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        (wire.plain(np.array([1.5, 2.0])), [1.5, 2.0]),
        (wire.numbered("V", np.array([42, 9_876_543_210])), ["V0000000042", "V9876543210"]),
        (wire.numbered("E", ONE_TWO, 2, "-X"), ["E01-X", "E02-X"]),
        (wire.chosen(("a", None, "c"), np.array([2, 1])), ["c", None]),
        (wire.chosen((False, True), np.array([1, -1])), [True, None]),
        (wire.dates(np.array([19_782, -1])), ["2024-02-29", None]),
        (wire.birth_dates(np.array([-1, -25_000])), ["1969-12-31", "1901-07-22"]),
        (wire.instants(np.array([1_709_251_199, -1])), ["2024-02-29T23:59:59Z", None]),
        (wire.hexadecimal(np.array([255, 2**32 - 1])), ["000000ff", "ffffffff"]),
        (wire.optional(wire.plain(ONE_TWO), np.array([False, True])), [None, 2]),
        (wire.optional("yes", np.array([False, True])), [None, "yes"]),
        (wire.joined(wire.chosen(("a", "b"), np.array([1, 0])), "-", wire.plain(ONE_TWO)), ["b-1", "a-2"]),
    ],
)
def test_encoded__writes(column: Column, wanted: list[object]) -> None:
    assert encoded(column).to_list() == wanted
    assert encoded(column[np.array([1, 0])]).to_list() == wanted[::-1]
    assert encoded(column[np.array([True, False])]).to_list() == wanted[:1]


def test_donation_numbers__end_in_their_check_character() -> None:
    dins = np.array([11_24_000001, 999_99_999999, 12_00_123456])
    found = encoded(wire.donation_numbers(dins)).to_list()
    bodies = [f"X{din:012d}" for din in dins]
    assert found == [body + check_character(body) for body in bodies]
    units = encoded(wire.unit_numbers(dins * 100 + 7, prefix="DP-", suffix="-C1")).to_list()
    assert units == [f"DP-{number}-07-C1" for number in found]


def test_scattered__has_no_collisions_within_a_year() -> None:
    numbers = scattered(11 * 10**8 + 24 * 10**6 + np.arange(1_000_000))
    assert len(np.unique(numbers)) == 1_000_000 and numbers.min() >= 0 and numbers.max() < 2**32
