"""Whole runs as people start them, over a year of a made-up region: the first, an empty one, one day more."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from time import sleep

from benchmarks.harness import Measurement, at_most, seconds
from lakehouse.config import HOME, Config

START, DAYS, DONORS = date(2024, 1, 1), 365, 20_000
DAY_GOAL = 60.0  # seconds, all feeds
KEY = "a-key-of-the-benchmarks-and-of-nothing-else"


def measure(config: Config, folder: Path, *, donors: int = DONORS) -> list[Measurement]:
    """Seconds of each run. History is landed as monthly files, the day as daily ones."""
    root = folder / "year"
    shutil.rmtree(root, ignore_errors=True)
    history = ["--seed", "42", "--start", str(START), "--days", str(DAYS), "--donors", str(donors)]
    _python(["-m", "datagen", "history", *history, "--out", str(root / "landing")])
    last_day = START + timedelta(days=DAYS - 1)
    took = {"a first run over a year": _run(config, root, last_day, "done")}
    took["an empty run"] = _run(config, root, last_day, "nothing to do")
    took["start-up and one question"] = seconds(lambda: _job("sql", root, "-e", "select 1"))
    day = last_day + timedelta(days=1)
    _python(["-m", "datagen", "day", "--date", str(day), "--out", str(root / "landing")])
    took["one day more"] = _run(config, root, day, "done")
    goals = {"one day more": DAY_GOAL}
    return [at_most(name, [value], "seconds", goals.get(name)) for name, value in took.items()]


def _run(config: Config, root: Path, as_of: date, wanted: str) -> float:
    """Seconds of one run, which must end as it should."""
    sleep(config.ingest.settle_seconds + 1)
    ended: list[str] = []
    took = seconds(lambda: ended.append(_job("run", root, "--as-of", str(as_of))))
    line = json.loads(ended[0].splitlines()[-1])
    if line["verdict"] != wanted:
        raise RuntimeError(f"the run ended {line}, wanted {wanted}")
    return took


def _job(name: str, root: Path, *options: str) -> str:
    return _python([f"jobs/{name}.py", "--lake", str(root), *options])


def _python(arguments: Sequence[str]) -> str:
    environment = {**os.environ, "LAKEHOUSE_KEY": KEY}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=HOME, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout
