"""Look-back on request over a large lake: the whole job, from its start to the workbook."""

import shutil
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.harness import Measurement, at_most, seconds
from benchmarks.processes import job, python

UNITS = 10_000_000
SECONDS_GOAL = 5.0
ASKED = {
    "donor": ("conformed/donations/*.parquet", "donor_key"),
    "bag": ("conformed/donations/*.parquet", "bag_id"),
    "unit": ("twins/units/*.parquet", "unit_id"),
    "patient": ("conformed/dispositions/*.parquet", "patient_key"),
}
"""Kind -> where to take values from, to ask about."""


def measure(folder: Path, units: int = UNITS, times: int = 3) -> list[Measurement]:
    """Every question over a lake of about so many units, each time about another thing."""
    root = folder / "look_back"
    shutil.rmtree(root, ignore_errors=True)
    python(["-m", "benchmarks.looked_back", "--folder", str(root), "--units", str(units)])
    return [_asked(root, kind, units, times) for kind in ASKED]


def _asked(root: Path, kind: str, units: int, times: int) -> Measurement:
    found: list[dict[str, Any]] = []

    def ask(value: str) -> None:
        found.append(job("look_back", root / "lake", f"--{kind}", value, "--out", str(root / "found.xlsx")))

    took = [seconds(lambda value=value: ask(value)) for value in _values(root, kind, times)]
    about = f"{[one['units'] for one in found]} units of {units:,}"
    return at_most(f"look-back by {kind}", took, "seconds", SECONDS_GOAL, about)


def _values(root: Path, kind: str, times: int) -> list[str]:
    files, column = ASKED[kind]
    known = pl.scan_parquet(root / files).select(pl.col(column).drop_nulls().sample(times, seed=1)).collect()
    values: list[str] = known.to_series().to_list()
    return values
