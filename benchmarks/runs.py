"""Whole runs as people start them, over a year of a made-up region: the first, an empty one, one day more."""

import shutil
from datetime import date, timedelta
from pathlib import Path
from time import sleep
from typing import Any

from benchmarks.harness import Measurement, at_most, seconds
from benchmarks.processes import job, python
from lakehouse.config import Config

START, DAYS, DONORS = date(2024, 1, 1), 365, 20_000
DAY_GOAL = 60.0  # seconds, all feeds


def measure(config: Config, folder: Path, *, donors: int = DONORS) -> list[Measurement]:
    """Seconds of each run. History is landed as monthly files, the day as daily ones."""
    root = folder / "year"
    shutil.rmtree(root, ignore_errors=True)
    history = ["--seed", "42", "--start", str(START), "--days", str(DAYS), "--donors", str(donors)]
    python(["-m", "datagen", "history", *history, "--out", str(root / "landing")])
    last_day = START + timedelta(days=DAYS - 1)
    took = {"a first run over a year": _run(config, root, last_day, "done")}
    took["an empty run"] = _run(config, root, last_day, "nothing to do")
    took["start-up and one question"] = seconds(lambda: job("sql", root, "-e", "select 1"))
    day = last_day + timedelta(days=1)
    python(["-m", "datagen", "day", "--date", str(day), "--out", str(root / "landing")])
    took["one day more"] = _run(config, root, day, "done")
    goals = {"one day more": DAY_GOAL}
    return [at_most(name, [value], "seconds", goals.get(name)) for name, value in took.items()]


def _run(config: Config, root: Path, as_of: date, wanted: str) -> float:
    """Seconds of one run, which must end as it should."""
    sleep(config.ingest.settle_seconds + 1)
    ended: list[dict[str, Any]] = []
    took = seconds(lambda: ended.append(job("run", root, "--as-of", str(as_of))))
    if ended[0]["verdict"] != wanted:
        raise RuntimeError(f"the run ended {ended[0]}, wanted {wanted}")
    return took
