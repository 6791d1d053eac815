"""The drift bands on two clean years of a made-up region, delivered day by day: false alarms, and what is seen."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, timedelta

from benchmarks.harness import Measurement, at_least, at_most
from datagen.days import number_of
from datagen.planner import load_plans
from datagen.simulate import live_day, new_world
from datagen.writer import Outbox
from lakehouse.gates.drift import Rows, band, level_shift
from lakehouse.gates.mix import Mix, mix_shift
from lakehouse.gates.streams import Stream
from lakehouse.l1.feeds import FEEDS

START, DAYS, DONORS = date(2024, 1, 1), 730, 20_000
REGION = "north_river"
SHIFT_LOW, SHIFT_HIGH = 0.8, 1.25  # as in the suites
HALVED, QUARTERED = 0.5, 0.25
ROWS_THAT_MATTER = 50  # half of a smaller delivery may come by chance
LOSS_A_DAY, LOSS_DAYS = 0.01, 60


def measure(donors: int = DONORS, days: int = DAYS) -> list[Measurement]:
    """Shares of clean deliveries that the rules warn of, and of spoilt ones that they see."""
    judged: Counter[str] = Counter()
    for stream in deliveries(donors, days).values():
        judged.update(verdicts(stream))
    held, large, streams, mixed, lacking = (
        100 / max(judged[name], 1) for name in ("banded", "large", "streams", "mixed", "lacking")
    )
    peer = f"{judged['banded']} deliveries of two clean years"
    spoilt = f"{judged['large']} of them with at least {ROWS_THAT_MATTER} rows"
    made_of = f"{judged['mixed']} deliveries of feeds with kinds"
    slow = f"{judged['streams']} feeds that lose 1 % a day"
    return [
        at_most("deliveries outside their band", [judged["outside"] * held], "%", 0.5, peer),
        at_most("deliveries with a shifted level", [judged["shifted"] * held], "%", None, peer),
        at_most("deliveries of a strange mix", [judged["strange"] * mixed], "%", 0.5, made_of),
        at_most("deliveries without a common kind, not seen", [judged["missed"] * lacking], "%", None, made_of),
        at_least("deliveries cut to a quarter that are seen", [judged["quartered"] * large], "%", 90, spoilt),
        at_least("halved deliveries that are seen", [judged["halved"] * large], "%", None, spoilt),
        at_least("doubled deliveries that are seen", [judged["doubled"] * large], "%", None, spoilt),
        at_least(f"slow losses seen within {LOSS_DAYS} days", [judged["drifts"] * streams], "%", 90, slow),
    ]


def deliveries(donors: int, days: int) -> dict[str, Stream]:
    """What each feed delivers, day by day."""
    plan = load_plans()[REGION]
    world = new_world(plan, seed=42, start=number_of(START), donors=donors)
    outbox = Outbox()
    by_feed: defaultdict[str, Stream] = defaultdict(Stream)
    for n in range(days):
        live_day(world, outbox)
        for feed, records in outbox.frames().items():
            column = FEEDS[feed].mix
            mix = Counter(records[column].drop_nulls().to_list()) if column else Counter[str]()
            by_feed[feed].learn(START + timedelta(days=n), len(records), mix)
    return dict(by_feed)


def verdicts(stream: Stream) -> Counter[str]:
    """Counts of what the rules say of a feed's deliveries, each judged by those before it."""
    found: Counter[str] = Counter()
    past: dict[date, int] = {}
    for day in sorted(stream.rows):
        found.update(_verdict(past, day, stream.rows[day]))
        found.update(_mix_verdict(stream.mixes, day))
        past[day] = stream.rows[day]
        found["shifted"] += _is_shifted(past, day + timedelta(days=1))
    if found["large"]:
        found["streams"] += 1
        found["drifts"] += _sees_a_slow_loss(past)
    return found


def _mix_verdict(mixes: Mapping[date, Mix], day: date) -> Mapping[str, int]:
    """Whether the day's mix is a surprise, and whether it would be without its second most common kind."""
    shift = mix_shift(mixes, day, mixes[day])
    kinds = [kind for kind, _ in Counter(mixes[day]).most_common()]
    lacking = {kind: rows for kind, rows in mixes[day].items() if kind not in kinds[1:2]}
    is_large = bool(shift) and len(kinds) > 1 and sum(mixes[day].values()) >= ROWS_THAT_MATTER
    return {
        "mixed": int(bool(shift)),
        "strange": int(shift > 1),
        "lacking": int(is_large),
        "missed": int(is_large and mix_shift(mixes, day, lacking) <= 1),
    }


def _verdict(past: Rows, day: date, rows: int) -> Mapping[str, int]:
    usual = band(past, day)
    if usual is None:
        return {}
    large = rows >= ROWS_THAT_MATTER
    return {
        "banded": 1,
        "outside": int(not usual.low <= rows <= usual.high),
        "large": int(large),
        "quartered": int(large and rows * QUARTERED < usual.low),
        "halved": int(large and rows * HALVED < usual.low),
        "doubled": int(large and rows / HALVED > usual.high),
    }


def _is_shifted(past: Rows, day: date) -> bool:
    shift = level_shift(past, day)
    return shift is not None and not SHIFT_LOW <= shift <= SHIFT_HIGH


def _sees_a_slow_loss(past: Rows) -> bool:
    """Whether a feed that loses a little more every day, of its last days, is seen before they end."""
    last = max(past)
    first = last - timedelta(days=LOSS_DAYS - 1)
    losing = {day: _left(rows, (day - first).days + 1) for day, rows in past.items()}
    days = [first + timedelta(days=n) for n in range(LOSS_DAYS)]
    known = {day: rows for day, rows in past.items() if day < first}
    for day in days:
        usual = band(known, day)
        if day in losing and usual and losing[day] < usual.low:
            return True
        known[day] = losing.get(day, 0)
        if _is_shifted(known, day + timedelta(days=1)):
            return True
    return False


def _left(rows: int, days: int) -> int:
    return round(rows * (1 - LOSS_A_DAY) ** max(0, days))
