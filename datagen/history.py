"""Histories and further days of one region, from the plan to landing files. Regions need nothing of each other."""

import calendar
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from datagen.days import date_of, number_of
from datagen.plan import Plan
from datagen.scenarios import Course, Dated
from datagen.simulate import live_day, new_world
from datagen.state import load, save
from datagen.writer import Outbox, Store, flush

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
    """Start a region and write its first days, one file a feed and month.

    Returns:
        Records per feed.
    """
    world = new_world(
        plan, seed=order.seed, start=number_of(order.start), donors=order.donors, course=Course(order.scenarios)
    )
    outbox, first = Outbox(), order.start
    for done in range(1, order.days + 1):
        live_day(world, outbox)
        last = date_of(world.next_day - 1)
        tell(done, last)
        if _is_month_end(last) or done == order.days:
            flush(outbox, store, plan.service.region, first=first, last=last, is_gzip=order.is_gzip)
            first = date_of(world.next_day)
    save(world, store)
    return Counter(outbox.counts)


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
    flush(outbox, store, region, first=day, last=day, is_gzip=is_gzip)
    save(world, store)
    return Counter(outbox.counts)
