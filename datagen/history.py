"""Histories and further days of one region, from the plan to files. Regions need nothing of each other."""

import calendar
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from datagen.crimsoncache_export import database_at
from datagen.days import date_of, number_of
from datagen.plan import Plan
from datagen.scenarios import Course, Dated
from datagen.simulate import live_day, new_world
from datagen.state import load, save
from datagen.world import World
from datagen.writer import LandingFiles, Outbox, Sink, Store

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


def write_history(order: Order, plan: Plan, store: Store, tell: Tell = nobody) -> Counts:
    """Start a region and write its first days as landing files, one file a feed and month.

    Returns:
        Records per feed.
    """
    world, counts = _lived(order, plan, LandingFiles(store, plan.service.region, order.is_gzip), tell)
    save(world, store)
    return counts


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


def _is_month_end(day: date) -> bool:
    return day.day == calendar.monthrange(day.year, day.month)[1]


def next_day(store: Store, region: str, plans: Mapping[str, Plan]) -> date:
    """The day that a region will live next."""
    return date_of(load(store, region, plans).next_day)


def write_day(region: str, plans: Mapping[str, Plan], store: Store, *, is_gzip: bool) -> Counts:
    """Go on with one region by one day.

    Returns:
        Records per feed.
    """
    world, outbox = load(store, region, plans), Outbox()
    day = date_of(world.next_day)
    live_day(world, outbox)
    LandingFiles(store, region, is_gzip).take(outbox.frames(), first=day, last=day)
    save(world, store)
    return Counter(outbox.counts)
