"""A made-up region with planted faults, delivered day by day, and the lake that takes it in."""

import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from time import sleep

from benchmarks.processes import job
from datagen.faults.labels import Label, read_manifest
from datagen.faults.plan import FAULTS_PATH, load_faults
from datagen.history import Order, write_day, write_history
from datagen.landing import Folder
from datagen.planner import load_plans
from lakehouse.config import Config

TAIL_DAYS = 12
"""Days without new faults, in which what is due arrives and what was tested is typed."""
HELD = 3


@dataclass(frozen=True)
class Ordered:
    """A region to live: `days` with faults from `start` on, and the tail without."""

    seed: int
    start: date
    days: int
    donors: int

    @property
    def timezone(self) -> str:
        """Of the region that is lived, the plan's first."""
        return next(iter(load_plans().values())).service.timezone

    @property
    def last_day(self) -> date:
        """The last day of the tail."""
        return self.start + timedelta(days=self.days + TAIL_DAYS - 1)


def landed(ordered: Ordered, folder: Path) -> list[Label]:
    """Write the region's landing files anew, a file a feed and day, and give the labels of its faults."""
    shutil.rmtree(folder, ignore_errors=True)
    plans, store = load_plans(), Folder(folder / "landing")
    region = next(iter(plans))
    first = Order(ordered.seed, ordered.start, 1, ordered.donors, faults=load_faults(FAULTS_PATH))
    write_history(first, plans[region], store)
    for day in range(1, ordered.days + TAIL_DAYS):
        write_day(region, plans, store, is_gzip=False, has_faults=day < ordered.days)
    return read_manifest(store, region)


def promoted(config: Config, folder: Path, as_of: date) -> None:
    """Run the lake over it. A renamed field holds its feed, so the run may end 3."""
    sleep(config.ingest.settle_seconds + 1)
    job("run", folder, "--as-of", str(as_of), may_end=(0, HELD))
