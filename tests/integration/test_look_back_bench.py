"""The bench of look-back on request, small: it makes the lake that it says, and every question finds its units."""

import re
from pathlib import Path

import pytest

from benchmarks import look_back

pytestmark = pytest.mark.slow
UNITS = 2_000


def test_the_bench_of_look_back_asks_a_lake_that_answers(tmp_path: Path) -> None:
    found = {one.name: one.peer for one in look_back.measure(tmp_path, UNITS, times=2)}
    assert set(found) == {f"look-back by {kind}" for kind in ("donor", "bag", "unit", "patient")}
    # A donation may have given nothing; two of each kind hardly.
    empty = [name for name, about in found.items() if not re.fullmatch(r"\[(?!0, 0)\d+, \d+\] units of 2,000", about)]
    assert not empty, found
