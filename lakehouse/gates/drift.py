"""What a day's delivery is held against: the days before it, with weekdays, season and holidays known.

A stream is what comes under one file name but for its digits: one sender's deliveries of one feed. Its rows a day
are divided by what is usual on such a weekday; what is left is its level, which follows the season. Medians and
quantiles throughout, so that days that went wrong in the past move no band; holidays are left out of them.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from statistics import median

import pandas as pd
from pandas.tseries.holiday import USFederalHolidayCalendar

Rows = Mapping[date, int]
"""Day of delivery -> rows."""

MONDAY, SUNDAY = 0, 6
USUAL_DAYS, LEVEL_DAYS, SHIFT_DAYS = 91, 28, 119
LIKE_DAYS_MIN, LEVEL_DAYS_MIN, SHIFT_DAYS_MIN = 6, 12, 40
# How far the band reaches, in standard deviations, and the least and the most that one is taken to be: a stream that
# scatters more has no least.
WIDTH = 4.5
SIGMA_MIN, SIGMA_MAX = 0.04, 0.4
# Robust measures of a standard deviation: by the median deviation, and by the deviation that one day in twenty exceeds
# on either side (which sees a long tail, and is blind to as many days that went wrong).
SIGMA_OF_MAD, TAIL, SIGMA_OF_TAIL = 1.4826, 0.05, 1 / 1.645


@dataclass(frozen=True)
class Band:
    """Rows that are no surprise, from `low` to `high`."""

    low: float
    high: float


@dataclass(frozen=True)
class Usual:
    """A stream's past before one day: rows, divided by what is usual on such a weekday. Holidays are left out."""

    factors: Mapping[int, float]
    levels: Mapping[date, float]

    def level(self, last: date, first: date, days_min: int) -> float | None:
        """The median level from `first` to `last`; None where there are too few days."""
        found = [level for day, level in self.levels.items() if first <= day <= last]
        return median(found) if len(found) >= days_min else None

    def sigma(self, first: date) -> float:
        """How much levels scatter from `first` on, as a share of their median; at least `SIGMA_MIN`."""
        found = sorted(level for day, level in self.levels.items() if day >= first)
        middle = median(found)
        if not middle:
            return SIGMA_MAX
        by_median = SIGMA_OF_MAD * median(abs(level - middle) for level in found)
        beyond = max(1, int(TAIL * len(found)))
        by_tails = SIGMA_OF_TAIL * max(middle - found[beyond], found[-beyond - 1] - middle)
        return max(SIGMA_MIN, by_median / middle, by_tails / middle)


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


def is_unusual(day: date) -> bool:
    """A public holiday, or the day after one: what was collected and tested on the holiday is missing there."""
    return any(near in holidays(near.year) for near in (day, day - timedelta(days=1)))


def usual(past: Rows, day: date) -> Usual | None:
    """What is usual before `day`; None where deliveries of the past are too few to say."""
    like: dict[int, list[int]] = defaultdict(list)
    reach = {before: rows for before, rows in past.items() if 0 < (day - before).days <= SHIFT_DAYS}
    ordinary = {before: rows for before, rows in reach.items() if not is_unusual(before)}
    for before, rows in ordinary.items():
        if (day - before).days <= USUAL_DAYS:
            like[before.weekday()].append(rows)
    factors = {kind: float(median(rows)) for kind, rows in like.items() if len(rows) >= LIKE_DAYS_MIN and median(rows)}
    levels = {
        before: rows / factors[before.weekday()] for before, rows in ordinary.items() if before.weekday() in factors
    }
    return Usual(factors, levels) if factors else None


def band(past: Rows, day: date) -> Band | None:
    """The rows that a day's delivery may have without surprising; None where the past can't tell.

    On a holiday sites rest, or not: anything up to what an ordinary day may have is no surprise. The day after one
    may be like any of its weekday, or like a Monday, which follows a Sunday.
    """
    known = usual(past, day)
    if known is None or day.weekday() not in known.factors:
        return None
    level = known.level(day - timedelta(days=1), day - timedelta(days=LEVEL_DAYS), LEVEL_DAYS_MIN)
    if level is None:
        return None
    sigma = known.sigma(day - timedelta(days=USUAL_DAYS))
    like = (day.weekday(), MONDAY, SUNDAY) if is_unusual(day) else (day.weekday(),)
    bands = [_around(known.factors[kind] * level, sigma) for kind in like if kind in known.factors]
    rests = day in holidays(day.year)
    return Band(0.0 if rests else min(found.low for found in bands), max(found.high for found in bands))


def _around(expected: float, sigma: float) -> Band:
    """The band by ratio: as far below as above. Where few rows are expected, chance alone scatters more."""
    reach = WIDTH * max(sigma, expected**-0.5 if expected else 1.0)
    return Band(expected / (1 + reach) if sigma < SIGMA_MAX else 0.0, expected * (1 + reach))


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
