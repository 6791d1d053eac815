"""Days and instants: local minutes of a facility's day to UTC, weekdays, US public holidays.

A day is an integer, days since 1970-01-01; an instant is an integer, seconds since then in UTC.
"""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from datagen.ids import Array, Ints

EPOCH = date(1970, 1, 1)
DAY_SECONDS = 86_400
LAST_MINUTE = 23 * 60 + 59
_STRIDE = 14
_FIRST, _LAST = (date(1900, 1, 1) - EPOCH).days, (date(2100, 1, 1) - EPOCH).days


def number_of(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def date_of(day: int) -> date:
    """The date of a day's number."""
    return EPOCH + timedelta(days=int(day))


@lru_cache(maxsize=4)
def _offsets(zone: str) -> Ints:
    """UTC offset at local noon of each day from 1900 on, seconds."""
    noon, found = datetime(1970, 1, 1, 12, tzinfo=ZoneInfo(zone)), np.zeros(_LAST - _FIRST, np.int64)

    def offset(day: int) -> int:
        return int(((noon + timedelta(days=day)).utcoffset() or timedelta()).total_seconds())

    # Clocks change a few times a year: a month is looked at day by day only where its ends differ.
    for first in range(_FIRST, _LAST, _STRIDE):
        last = min(first + _STRIDE, _LAST) - 1
        days = range(first, last + 1)
        same = offset(first) == offset(last)
        found[first - _FIRST : last + 1 - _FIRST] = offset(first) if same else [offset(day) for day in days]
    return found


class Zone:
    """Local time of the region. Exact from 03:00 on: clocks change before, and nothing happens then."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._offset = _offsets(name)

    def instants(self, days: Ints | int, minutes: Array | float) -> Ints:
        """UTC seconds of local `minutes` after midnight of `days`; shapes broadcast."""
        day = np.asarray(days, np.int64)
        local = day * DAY_SECONDS + np.asarray(np.asarray(minutes) * 60, np.int64)
        return np.asarray(local - self._offset[day - _FIRST], np.int64)

    def instant(self, day: int, minute: float) -> int:
        """UTC seconds of one local minute."""
        return int(self.instants(day, minute))


def weekday(day: int) -> int:
    """Monday = 0; 1970-01-01 was a Thursday."""
    return (day + 3) % 7


def is_holiday(day: int) -> bool:
    """New Year, Independence Day, Thanksgiving (fourth Thursday of November), Christmas."""
    on = date_of(day)
    is_thanksgiving = on.month == 11 and on.weekday() == 3 and 22 <= on.day <= 28
    return is_thanksgiving or (on.month, on.day) in {(1, 1), (7, 4), (12, 25)}
