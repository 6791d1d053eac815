"""One day more, on one year of history and on five: what the refresh of all derivatives takes, and what it writes."""

import json
import shutil
from pathlib import Path

from benchmarks.harness import GIB, MIB, Measurement, at_most
from benchmarks.processes import python
from benchmarks.refreshed import Refresh

UNITS_A_YEAR = 50_000
YEAR = 365
HISTORY_GOAL, FULL_GOAL = 1.2, 0.1


def measure(folder: Path, units_a_year: int = UNITS_A_YEAR) -> list[Measurement]:
    """Both histories in turn, each in a process of its own."""
    root = folder / "refresh"
    shutil.rmtree(root, ignore_errors=True)
    one, five = [_refresh(root / f"{years}", years, units_a_year) for years in (1, 5)]
    return [
        at_most("a day on 5 years", [five.refresh_seconds / one.refresh_seconds], "x 1 year", HISTORY_GOAL),
        at_most("a day by slices", [five.refresh_seconds / five.full_again_seconds], "x full", FULL_GOAL, "5 years"),
        *_figures("1 year", one),
        *_figures("5 years", five),
    ]


def _refresh(folder: Path, years: int, units_a_year: int) -> Refresh:
    size = ("--units", str(years * units_a_year), "--days", str(years * YEAR))
    printed = python(["-m", "benchmarks.refreshed", *size, "--folder", str(folder)])
    return Refresh(**json.loads(printed.splitlines()[-1]))


def _figures(name: str, refresh: Refresh) -> list[Measurement]:
    return [
        Measurement(f"a day on {name}", round(refresh.refresh_seconds, 1), "seconds"),
        Measurement(f"a day on {name}, right after a full build", round(refresh.first_seconds, 1), "seconds"),
        Measurement(f"a full build of {name}", round(refresh.full_again_seconds, 1), "seconds"),
        Measurement(f"a day on {name}: peak of Python", round(refresh.python_bytes / GIB, 2), "GiB"),
        Measurement(f"a day on {name}: peak of Java", round(refresh.java_bytes / GIB, 2), "GiB"),
        Measurement(
            f"a day on {name}: written",
            round(refresh.written_bytes / MIB, 1),
            "MiB",
            spread=f"{refresh.files} files",
        ),
    ]
