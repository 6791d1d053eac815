"""What is known of the streams of a feed: the deliveries that a new one is held against."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import ceil, floor

from lakehouse.gates.drift import band, level_shift
from lakehouse.gates.mix import Mix, mix_shift


@dataclass
class Stream:
    """The deliveries of one stream, by day: rows, and what they were made of. It learns as it judges."""

    rows: Counter[date] = field(default_factory=Counter)
    mixes: dict[date, Counter[str]] = field(default_factory=dict)

    def copy(self) -> "Stream":
        """A stream that learns apart from this one."""
        return Stream(Counter(self.rows), {day: Counter(mix) for day, mix in self.mixes.items()})

    def learn(self, day: date, rows: int, mix: Mix) -> None:
        """Add a delivery; a day may have several."""
        self.rows[day] += rows
        self.mixes.setdefault(day, Counter()).update(mix)

    def surprise(self, day: date, rows: int, mix: Mix) -> dict[str, float]:
        """What a delivery is held against, which is learned; a day that comes in parts is held against it as a whole.

        Returns:
            rows_low and rows_high (rows that are no surprise), level_shift and mix_shift, as `PROFILE` declares them.
        """
        if day == date.min:
            return {"rows_low": 0, "rows_high": rows, "level_shift": 1.0, "mix_shift": 0.0}
        found, earlier = band(self.rows, day), self.rows[day]
        self.learn(day, rows, mix)
        shift = level_shift(self.rows, day + timedelta(days=1))
        low, high = (max(found.low - earlier, 0), max(found.high - earlier, 0)) if found else (0, rows)
        return {
            "rows_low": floor(low),
            "rows_high": ceil(high),
            "level_shift": 1.0 if shift is None else shift,
            "mix_shift": mix_shift(self.mixes, day, self.mixes[day]),
        }


@dataclass(frozen=True)
class Past:
    """What the gate knows of a feed's deliveries before these: the stream of each file, and the streams by name."""

    names: Mapping[int, str] = field(default_factory=dict)
    streams: Mapping[str, Stream] = field(default_factory=dict)


NO_PAST = Past()
