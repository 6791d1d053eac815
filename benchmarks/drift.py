"""The drift bands on two clean years of a made-up region, delivered day by day: false alarms, and what is seen."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta

from benchmarks.harness import Measurement, at_least, at_most
from datagen.days import number_of
from datagen.planner import load_plans
from datagen.simulate import live_day, new_world
from datagen.writer import Outbox
from lakehouse.gates.drift import Rows, band, level_shift

START, DAYS, DONORS = date(2024, 1, 1), 730, 20_000
REGION = "north_river"
SHIFT_LOW, SHIFT_HIGH = 0.8, 1.25  # as in the suites
HALVED = 0.5
ROWS_THAT_MATTER = 50  # half of a smaller delivery may come by chance


def measure(donors: int = DONORS, days: int = DAYS) -> list[Measurement]:
    """Shares of clean deliveries that the rules warn of, and of halved deliveries that they see."""
    judged: Counter[str] = Counter()
    for rows in deliveries(donors, days).values():
        judged.update(verdicts(rows))
    held = 100 / max(judged["banded"], 1)
    peer = f"{judged['banded']} deliveries of two clean years"
    return [
        at_most("deliveries outside their band", [judged["outside"] * held], "%", 0.5, peer),
        at_most("deliveries with a shifted level", [judged["shifted"] * held], "%", None, peer),
        at_least("halved deliveries seen", [100 * judged["seen"] / max(judged["halved"], 1)], "%", 90, peer),
    ]


def deliveries(donors: int, days: int) -> dict[str, Rows]:
    """Rows by feed and day of delivery."""
    plan = load_plans()[REGION]
    world = new_world(plan, seed=42, start=number_of(START), donors=donors)
    outbox, before = Outbox(), Counter[str]()
    by_feed: dict[str, dict[date, int]] = {}
    for n in range(days):
        live_day(world, outbox)
        today = Counter(outbox.counts)
        for feed, rows in (today - before).items():
            by_feed.setdefault(feed, {})[START + timedelta(days=n)] = rows
        before = today
        outbox.frames()  # taken as if written, so that it does not grow
    return dict(by_feed)


def verdicts(rows: Rows) -> Counter[str]:
    """Counts of what the rules say of a feed's deliveries, each judged by those before it."""
    found: Counter[str] = Counter()
    past: dict[date, int] = {}
    for day in sorted(rows):
        found.update(_verdict(past, day, rows[day]))
        past[day] = rows[day]
        shift = level_shift(past, day + timedelta(days=1))
        found["shifted"] += shift is not None and not SHIFT_LOW <= shift <= SHIFT_HIGH
    return found


def _verdict(past: Rows, day: date, rows: int) -> Mapping[str, int]:
    usual = band(past, day)
    if usual is None:
        return {}
    matters = rows >= ROWS_THAT_MATTER
    return {
        "banded": 1,
        "outside": int(not usual.low <= rows <= usual.high),
        "halved": int(matters),
        "seen": int(matters and rows * HALVED < usual.low),
    }
