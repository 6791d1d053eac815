"""Seeded draws for columns of a frame, and the made-up service that they are about."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

import numpy as np
import polars as pl

Frames = dict[str, pl.DataFrame]

START = date(2023, 1, 1)
REGIONS = ("north_river", "lake_plain", "high_desert", "west_bay")
ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles")
OFFSETS = (5, 6, 7, 8)  # hours behind UTC, without daylight saving time
COLLECTION = ("C0", "C1", "C2")
HOSPITALS = 12  # of a region
NPI = 1_500_000_000
GROUPS = {"O+": 0.37, "O-": 0.07, "A+": 0.36, "A-": 0.06, "B+": 0.09, "B-": 0.02, "AB+": 0.025, "AB-": 0.005}


class Draw:
    """What chance gives one part of the data.

    Args:
        seed: of all parts.
        part: the part's number.
        days: how many days from `START` donors give on.
    """

    def __init__(self, seed: int, part: int, days: int) -> None:
        self.part, self.days = part, days
        self._rng = np.random.default_rng([seed, part])

    def uniform(self, size: int, low: float, high: float) -> pl.Series:
        """Numbers between two bounds."""
        return pl.Series(self._rng.uniform(low, high, size))

    def exponential(self, size: int, mean: float) -> pl.Series:
        """Numbers above 0, most of them small."""
        return pl.Series(self._rng.exponential(mean, size))

    def chance(self, size: int, share: float) -> pl.Series:
        """Whether, for so large a share."""
        return pl.Series(self._rng.random(size) < share)

    def pick(self, size: int, weights: dict[str, float]) -> pl.Series:
        """One of these texts, as often as its weight says; the weights add up to 1."""
        ends = np.cumsum(list(weights.values()))
        drawn = np.searchsorted(ends[:-1], self._rng.random(size), side="right")
        return pl.Series(list(weights), dtype=pl.String).gather(pl.Series(drawn, dtype=pl.UInt32))

    def whole(self, size: int, below: int) -> pl.Series:
        """Whole numbers from 0, each as likely as another."""
        return pl.Series(self._rng.integers(0, below, size))

    def pseudonyms(self, size: int) -> pl.Series:
        """Texts of 64 hexadecimal digits, as keys of people are."""
        digits = self._rng.bytes(32 * size).hex().encode()
        return pl.Series(np.frombuffer(digits, dtype="S64").astype("U64") if size else [], dtype=pl.String)


def instant(day: date) -> datetime:
    """The start of a day, UTC."""
    return datetime.combine(day, time(), UTC)


def hours(count: pl.Series | pl.Expr) -> pl.Expr:
    """A duration, to the second."""
    given = pl.lit(count) if isinstance(count, pl.Series) else count
    return pl.duration(seconds=(given * 3600).cast(pl.Int64))


def days_since_start(day: str) -> pl.Expr:
    """The day that a number of days after `START` is."""
    return pl.lit(START) + pl.duration(days=pl.col(day))


def offset() -> pl.Expr:
    """Hours that the region of a row is behind UTC."""
    return pl.col("region").replace_strict(dict(enumerate(OFFSETS)), return_dtype=pl.Int64)


def facility_of(region: str, code: str | pl.Expr) -> pl.Expr:
    """Id of a facility: its region's number and its code."""
    return pl.format("R{}-{}", region, code)


def npi_of(region: str, number: str) -> pl.Expr:
    """NPI of a hospital, by its number in its region."""
    return (NPI + pl.col(region) * 100 + pl.col(number)).cast(pl.String)


def numbered(prefix: str, digits: int) -> pl.Expr:
    """Ids that count the rows of a frame."""
    return pl.format(f"{prefix}{{}}", pl.int_range(pl.len()).cast(pl.String).str.zfill(digits))


def one_of(names: Sequence[str], number: pl.Series) -> pl.Series:
    """The name of each number."""
    return pl.Series(list(names)).gather(number % len(names))
