"""The fidelity table: each row's measures over the seeds, their intervals, and whether they lie in the band."""

import math
import statistics
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy import stats

PUBLISHED = Path(__file__).with_name("published.toml")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class Interval:
    """A measure over the seeds: its mean, the 95 % t-interval, and the band in which it is accepted."""

    name: str
    mean: float
    low: float
    high: float
    accepted: tuple[float, float]

    @property
    def holds(self) -> bool:
        """Whether the whole interval lies in the band."""
        return self.accepted[0] <= self.low and self.high <= self.accepted[1]


@dataclass(frozen=True)
class Row:
    """One row of the table; `holds` is None where it can't be tested."""

    number: int
    kind: str
    metric: str
    published: str
    intervals: tuple[Interval, ...]
    holds: bool | None


def rows(found: Sequence[dict[str, float]], confirmed: int, donations: int, path: Path = PUBLISHED) -> list[Row]:
    """The table.

    Args:
        found: the measures, of each seed.
        confirmed: confirmed infections over all seeds.
        donations: donations over all seeds.
        path: the published rows.
    """
    published = tomllib.loads(path.read_text(encoding="utf-8"))["rows"]
    return [_row(raw, found, confirmed, donations) for raw in published]


def _row(raw: dict[str, Any], found: Sequence[dict[str, float]], confirmed: int, donations: int) -> Row:
    if "per_100k" in raw:
        return _counted(raw, confirmed, donations)
    bands = {name: tuple(band) for name, band in raw["measures"].items()}
    if "weekdays" in raw:
        bands = {
            f"{raw['weekdays']}_{day}": (around - raw["within"], around + raw["within"])
            for day, around in zip(WEEKDAYS, raw["around"], strict=True)
        }
    intervals = tuple(interval(name, [seed[name] for seed in found], band) for name, band in bands.items())
    tested = not any(math.isnan(i.mean) for i in intervals)
    return Row(*_said(raw), intervals, all(i.holds for i in intervals) if tested else None)


def _said(raw: dict[str, Any]) -> tuple[int, str, str, str]:
    return raw["number"], raw["kind"], raw["metric"], raw["published"]


def interval(name: str, values: Sequence[float], band: tuple[float, float]) -> Interval:
    """The mean of a measure and its 95 % t-interval; of one seed, the value alone."""
    mean = statistics.fmean(values)
    half = 0.0
    if len(values) > 1:
        half = float(stats.t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))
    return Interval(name, mean, mean - half, mean + half, band)


def _counted(raw: dict[str, Any], confirmed: int, donations: int) -> Row:
    """A count of rare events, held against the exact Poisson interval of the published rate."""
    expected = raw["per_100k"] * donations / 1e5
    low, high = float(stats.poisson.ppf(0.025, expected)), float(stats.poisson.ppf(0.975, expected))
    rate = 1e5 / max(donations, 1)
    ours = Interval("confirmed", confirmed * rate, confirmed * rate, confirmed * rate, (low * rate, high * rate))
    return Row(*_said(raw), (ours,), ours.holds if donations >= raw["least_donations"] else None)
