"""Histories and further days of one region, from the plan to files. Regions need nothing of each other."""

import calendar
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from datagen.crimsoncache_export import database_at
from datagen.days import date_of, number_of
from datagen.draws import Draws
from datagen.faults.plan import Faults
from datagen.faults.sink import FaultyFiles
from datagen.faults.state import FaultState, load_faults
from datagen.landing import LandingFiles, Sink, Store
from datagen.plan import Plan
from datagen.scenarios import Course, Dated
from datagen.simulate import live_day, new_world
from datagen.state import load, save
from datagen.world import World
from datagen.writer import Outbox

Counts = Counter[str]
Tell = Callable[[int, date], None]


def nobody(done: int, day: date) -> None:
    """Tell nobody how far a history is."""


@dataclass(frozen=True)
class Order:
    """A history to make: `donors` registered at the start, from `start` on for `days` days."""

    seed: int
    start: date
    days: int
    donors: int
    is_gzip: bool = False
    scenarios: tuple[Dated, ...] = ()
    faults: Faults = ()


def write_history(order: Order, plan: Plan, store: Store, tell: Tell = nobody) -> Counts:
    """Start a region and write its first days as landing files, one file a feed and month.

    Returns:
        Records per feed.
    """
    files = LandingFiles(store, plan.service.region, order.is_gzip)
    planted = FaultState(order.faults) if order.faults else None
    world, counts = _lived(order, plan, _sink(files, planted, order.seed), tell)
    save(world, store)
    return counts


def try_history(order: Order, plan: Plan, store: Store) -> tuple[Counts, str]:
    """`write_history` for a worker of Spark, which would give an error as a traceback: the records, or why not."""
    try:
        return write_history(order, plan, store), ""
    except OSError as problem:
        return Counter(), problem.strerror or str(problem)


def write_database(order: Order, plan: Plan, path: Path, tell: Tell = nobody) -> Counts:
    """Live a region's first days into a CrimsonCache database, which can't be gone on with.

    Returns:
        Records per feed, before they became CrimsonCache's.

    Raises:
        StateError: there is a file already.
        OSError: it can't be written.
    """
    with database_at(path) as database:
        _, counts = _lived(order, plan, database, tell)
    return counts


def _lived(order: Order, plan: Plan, sink: Sink, tell: Tell) -> tuple[World, Counts]:
    start, course = number_of(order.start), Course(order.scenarios)
    world = new_world(plan, seed=order.seed, start=start, donors=order.donors, course=course)
    outbox, first = Outbox(), order.start
    for done in range(1, order.days + 1):
        live_day(world, outbox)
        last = date_of(world.next_day - 1)
        tell(done, last)
        if _is_month_end(last) or done == order.days:
            sink.take(outbox.frames(), first=first, last=last)
            first = date_of(world.next_day)
    return world, Counter(outbox.counts)


def _sink(files: LandingFiles, planted: FaultState | None, seed: int) -> Sink:
    return files if planted is None else FaultyFiles(files, Draws(seed, files.region), planted)


def _is_month_end(day: date) -> bool:
    return day.day == calendar.monthrange(day.year, day.month)[1]


def next_day(store: Store, region: str, plans: Mapping[str, Plan]) -> date:
    """The day that a region will live next."""
    return date_of(load(store, region, plans).next_day)


def write_day(
    region: str, plans: Mapping[str, Plan], store: Store, *, is_gzip: bool, has_faults: bool = True
) -> Counts:
    """Go on with one region by one day, with the faults that its history was started with.

    Without them (`has_faults`), no new one is planted from this day on; what is due is delivered.

    Returns:
        Records per feed, before any fault.
    """
    world, outbox = load(store, region, plans), Outbox()
    day = date_of(world.next_day)
    live_day(world, outbox)
    planted = load_faults(store, region, day - timedelta(days=1))
    if planted and not has_faults:
        planted.faults = ()
    sink = _sink(LandingFiles(store, region, is_gzip), planted, world.seed)
    sink.take(outbox.frames(), first=day, last=day)
    save(world, store)
    return Counter(outbox.counts)
