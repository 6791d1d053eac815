"""Senders that stand still: a `Standstill` is one stream whose deliveries stopped, or bring nothing but repetitions.

What comes is judged at the gate; what does not come is seen only here, in the ledger. A stream is held against its
own habit: the time between two days that brought something new.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise

from lakehouse.gates.drift import stream_of
from lakehouse.l1.ledger import FileEvent

HABIT_DAYS, HABIT_GAPS_MIN = 91, 6
RARE = 0.05  # of the gaps: longer ones are no habit
GRACE_DAYS = 1  # a day's delivery may come on the day after


@dataclass(frozen=True)
class Standstill:
    """A stream that brings nothing new.

    Attributes:
        feed: the feed.
        stream: what comes under one file name but for its digits.
        last_on: the last day of delivery that brought something new.
        habit_days: days between two such days, as they usually are at most.
        repeated: days of delivery since then that only repeated what was there: the sender is stuck.
    """

    feed: str
    stream: str
    last_on: date
    habit_days: int
    repeated: int

    @property
    def sentence(self) -> str:
        """What is wrong, in a sentence."""
        since = f"since {self.last_on}"
        if self.repeated:
            return f"{self.stream} repeats itself: nothing new {since}, {_days(self.repeated)} of repetitions"
        return f"{self.stream} is silent {since}; it usually comes within {_days(self.habit_days)}"


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


@dataclass
class _Stream:
    news: set[date] = field(default_factory=set)
    repeats: set[date] = field(default_factory=set)


def standstills(events: Iterable[FileEvent], as_of: date) -> tuple[Standstill, ...]:
    """The streams that stand still at the end of `as_of`, by feed and name.

    Args:
        events: the last event of every file.
        as_of: what is delivered later is not seen.
    """
    streams: dict[tuple[str, str], _Stream] = defaultdict(_Stream)
    for event in events:
        if event.delivered_on is None or event.delivered_on > as_of:
            continue
        stream = streams[event.feed, stream_of(event.path)]
        if event.event == "loaded" and event.records:
            stream.news.add(event.delivered_on)
        if event.event == "duplicate":
            stream.repeats.add(event.delivered_on)
    found = (_standstill(*name, stream, as_of) for name, stream in sorted(streams.items()))
    return tuple(one for one in found if one)


def _standstill(feed: str, name: str, stream: _Stream, as_of: date) -> Standstill | None:
    days = sorted(day for day in stream.news if day >= as_of - timedelta(days=HABIT_DAYS))
    gaps = sorted((later - earlier).days for earlier, later in pairwise(days))
    if len(gaps) < HABIT_GAPS_MIN:
        return None
    habit = gaps[int((1 - RARE) * (len(gaps) - 1))]
    repeated = sum(day > days[-1] for day in stream.repeats)
    is_silent = (as_of - days[-1]).days > habit + GRACE_DAYS
    return Standstill(feed, name, days[-1], habit, repeated) if repeated or is_silent else None
