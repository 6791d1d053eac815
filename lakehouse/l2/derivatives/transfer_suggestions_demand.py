"""How much a shelf's demand may be, and what of a stock it leaves to be lost, or lacks, on average."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RARE = 1e-6
"""Demands of which no more than this are greater are the greatest that count."""
BEND = 0.1
"""Slopes that differ by less, in units lost by unit, are taken for one."""
Line = tuple[float, float]
"""Slope and height at 0, in units."""


@dataclass(frozen=True)
class Demand:
    """Units taken by a day: certain for a `spread` of 0, Poisson up to 1, negative binomial above.

    `spread` is the variance over the mean. Between two whole stocks what they leave and lack is on a straight line.
    """

    mean: float
    spread: float

    def at_most(self, units: int) -> float:
        """The chance that no more than so many are taken."""
        chances = _at_most(self.mean, self.spread)
        return float(chances[min(units, len(chances) - 1)]) if units >= 0 else 0.0

    def lost(self, stock: float) -> float:
        """Units of a stock that are not taken, on average."""
        whole = max(math.floor(stock), 0)
        chances = _at_most(self.mean, self.spread)
        lost = float(chances[:whole].sum()) + max(whole - len(chances), 0)
        return lost + max(stock - whole, 0.0) * self.at_most(whole)

    def missing(self, stock: float) -> float:
        """Units that are wanted beyond a stock, on average."""
        return self.expected - stock + self.lost(stock)

    @property
    def expected(self) -> float:
        """The mean of whole units: a certain demand's is rounded down."""
        return float((1 - _at_most(self.mean, self.spread)).sum())

    def lines_lost(self, low: int, high: int) -> Iterator[Line]:
        """Lines whose highest is about `lost`, for stocks from `low` to `high`."""
        for stock in self._bends(low, high):
            if slope := self.at_most(stock):
                yield slope, self.lost(stock) - slope * stock

    def lines_missing(self, cost: float) -> Iterator[Line]:
        """Lines whose highest is about `missing`, for any stock, where a unit missing costs so many units lost."""
        for stock in self._bends(0, len(_at_most(self.mean, self.spread)) - 1, BEND / max(cost, 1.0)):
            if slope := self.at_most(stock) - 1:
                yield slope, self.missing(stock) - slope * stock

    def _bends(self, low: int, high: int, bend: float = BEND) -> Iterator[int]:
        """Stocks after which both curves rise by another slope; the first and the last."""
        last = len(_at_most(self.mean, self.spread)) - 1
        low, high, slope = min(low, last), min(high, last), -1.0
        for stock in range(low, high + 1):
            if stock in (low, high) or self.at_most(stock) >= slope + bend:
                slope = self.at_most(stock)
                yield stock


@lru_cache(maxsize=10_000)
def _at_most(mean: float, spread: float) -> NDArray[np.float64]:
    """By units from 0: the chance that demand takes no more; the last is 1."""
    # Imported where it is needed: the driver, which only plans, never asks for it.
    from scipy.stats import nbinom, poisson  # noqa: PLC0415

    if spread <= 0 or mean <= 0:
        return np.append(np.zeros(max(int(mean + 1e-9), 0)), 1.0)
    taken = poisson(mean) if spread <= 1 else nbinom(mean / (spread - 1), 1 / spread)
    chances = taken.cdf(np.arange(int(taken.ppf(1 - RARE)) + 1))
    chances[-1] = 1.0
    return np.asarray(chances, dtype=np.float64)
