"""What a day's delivery is held against: the days before it, with weekdays, season and holidays known.

A stream is what comes under one file name but for its digits: one sender's deliveries of one feed. Its rows a day
are divided by what is usual on such a day (a weekday, or a holiday); what is left is its level, which follows the
season. Everything is a median, so that days that went wrong in the past move no band.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from statistics import median

import pandas as pd
from pandas.tseries.holiday import USFederalHolidayCalendar

Rows = Mapping[date, int]
"""Day of delivery -> rows."""

HOLIDAY = 7
SUNDAY = 6
USUAL_DAYS, LEVEL_DAYS, SHIFT_DAYS = 91, 28, 119
HOLIDAY_DAYS = 400
LIKE_DAYS_MIN, LEVEL_DAYS_MIN, SHIFT_DAYS_MIN = 6, 12, 40
# Half the width of the band in robust standard deviations, and the least that one is taken to be.
WIDTH = 6.0
SIGMA_MIN = 0.04
SIGMA_OF_MAD = 1.4826  # of a normal distribution


@dataclass(frozen=True)
class Band:
    """Rows that are no surprise, from `low` to `high`."""

    low: float
    high: float


@dataclass(frozen=True)
class Usual:
    """A stream's past before one day: rows, divided by what is usual on such a day."""

    factors: Mapping[int, float]
    levels: Mapping[date, float]

    def level(self, last: date, first: date, days_min: int) -> float | None:
        """The median level from `first` to `last`; None where there are too few days."""
        found = [level for day, level in self.levels.items() if first <= day <= last]
        return median(found) if len(found) >= days_min else None


def stream_of(path: str) -> str:
    """The stream of a landing file: `donations/2024/03/05/donations-north-20240305.json` -> `donations-north`.

    A name of nothing but digits is of the feed's one stream, which bears the feed's name.
    """
    name = path.rpartition("/")[2].partition(".")[0]
    return re.sub(r"[\W_\d]+$", "", re.sub(r"\d+", "", name)) or path.partition("/")[0]


@cache
def holidays(year: int) -> frozenset[date]:
    """Public holidays of the United States, as observed, and as they fall."""
    first, last = pd.Timestamp(year, 1, 1), pd.Timestamp(year, 12, 31)
    observed = {moment.date() for moment in USFederalHolidayCalendar().holidays(first, last)}
    fixed = {date(year, month, day) for month, day in ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25))}
    return frozenset(observed | fixed)


def kind_of(day: date) -> int:
    """The kind of a day: its weekday (Monday is 0), or a holiday."""
    return HOLIDAY if day in holidays(day.year) else day.weekday()


def usual(past: Rows, day: date) -> Usual | None:
    """What is usual before `day`; None where deliveries of the past are too few to say."""
    like: dict[int, list[int]] = defaultdict(list)
    for before, rows in past.items():
        age, kind = (day - before).days, kind_of(before)
        if 0 < age <= (HOLIDAY_DAYS if kind == HOLIDAY else USUAL_DAYS):
            like[kind].append(rows)
    if len(like[HOLIDAY]) < LIKE_DAYS_MIN:
        like[HOLIDAY] = like[HOLIDAY] + like[SUNDAY]  # as on Sundays, fixed sites rest
    factors = {kind: float(median(rows)) for kind, rows in like.items() if len(rows) >= LIKE_DAYS_MIN and median(rows)}
    reach = {before: rows for before, rows in past.items() if 0 < (day - before).days <= SHIFT_DAYS}
    levels = {before: rows / factors[kind_of(before)] for before, rows in reach.items() if kind_of(before) in factors}
    return Usual(factors, levels) if factors else None


def band(past: Rows, day: date) -> Band | None:
    """The rows that a day's delivery may have without surprising; None where the past can't tell."""
    known = usual(past, day)
    if known is None or kind_of(day) not in known.factors:
        return None
    level = known.level(day - timedelta(days=1), day - timedelta(days=LEVEL_DAYS), LEVEL_DAYS_MIN)
    if level is None:
        return None
    expected = known.factors[kind_of(day)] * level
    recent = [value for before, value in known.levels.items() if (day - before).days <= USUAL_DAYS]
    middle = median(recent)
    scatter = SIGMA_OF_MAD * median(abs(value - middle) for value in recent) / middle if middle else 0.0
    sigma = max(scatter, SIGMA_MIN, expected**-0.5 if expected else 1.0)
    return Band(max(0.0, expected * (1 - WIDTH * sigma)), expected * (1 + WIDTH * sigma))


def level_shift(past: Rows, day: date) -> float | None:
    """The level of the last weeks over that of the weeks before, by the same of a year ago where that is known.

    A stream that loses a little each day stays within every day's band; this does not.
    """
    now = _shift(past, day)
    a_year_ago = _shift(past, day - timedelta(days=364))
    return now / a_year_ago if now is not None and a_year_ago else now


def _shift(past: Rows, day: date) -> float | None:
    known = usual(past, day)
    if known is None:
        return None
    recent = known.level(day - timedelta(days=1), day - timedelta(days=LEVEL_DAYS), LEVEL_DAYS_MIN)
    before = known.level(day - timedelta(days=LEVEL_DAYS + 1), day - timedelta(days=SHIFT_DAYS), SHIFT_DAYS_MIN)
    return recent / before if recent is not None and before else None


def added(days: Iterable[tuple[date, int]]) -> dict[date, int]:
    """Rows by day, of deliveries that may be several a day."""
    total: defaultdict[date, int] = defaultdict(int)
    for day, rows in days:
        total[day] += rows
    return dict(total)
