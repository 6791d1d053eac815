"""How far a day's delivery is from its past in what it is made of: kinds, outcomes, components.

A mix is a count by value of the feed's declared column. A day is held against the same weekday of the last quarter;
its distance is the total variation, 0 (the same shares) to 1 (nothing in common).
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from math import pi, sqrt
from statistics import median

from lakehouse.gates.drift import is_unusual

Mix = Mapping[str, int]
WEEKS, LIKE_DAYS_MIN = 13, 6
# A distance that is no surprise: at least the first; or so many times the median, or the second largest, of the past.
DISTANCE_MIN, OF_MEDIAN, OF_LARGE = 0.1, 3.0, 2.2


def distance(one: Mix, other: Mix) -> float:
    """Total variation between the shares of two mixes, neither of them empty."""
    rows, others = sum(one.values()), sum(other.values())
    values = one.keys() | other.keys()
    return sum(abs(one.get(value, 0) / rows - other.get(value, 0) / others) for value in values) / 2


def mix_shift(past: Mapping[date, Mix], day: date, mix: Mix) -> float:
    """The day's distance over the greatest that is no surprise: above 1 it is one; 0 where the past can't tell."""
    before = (day - timedelta(days=7 * weeks) for weeks in range(1, WEEKS + 1))
    like = [past[other] for other in before if not is_unusual(other) and any(past.get(other, {}).values())]
    if len(like) < LIKE_DAYS_MIN or is_unusual(day) or not any(mix.values()):
        return 0.0
    whole: Counter[str] = Counter()
    for other in like:
        whole.update(other)
    usual = sorted(distance(other, whole) for other in like)
    by_chance = _by_chance(whole, sum(mix.values()))
    greatest = max(DISTANCE_MIN, OF_MEDIAN * max(median(usual), by_chance), OF_LARGE * usual[-2])
    return distance(mix, whole) / greatest


def _by_chance(whole: Mix, rows: int) -> float:
    """The mean distance of `rows` rows that are drawn from the whole."""
    shares = [count / sum(whole.values()) for count in whole.values()]
    return sum(sqrt(2 / pi * share * (1 - share) / rows) for share in shares) / 2
