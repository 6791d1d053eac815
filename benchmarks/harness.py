"""What every benchmark shares: paired timing, slopes, and how figures are kept and shown."""

import json
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

BUILD = Path("build")
GIB, MIB = 2**30, 2**20


@dataclass(frozen=True)
class Measurement:
    """One figure: `goal` in words, `holds` whether it is met (None where there is no goal)."""

    name: str
    value: float
    unit: str
    goal: str = ""
    holds: bool | None = None
    peer: str = ""
    spread: str = ""


def at_most(name: str, values: Iterable[float], unit: str, limit: float | None, peer: str = "") -> Measurement:
    """The median of repeated figures, with their spread, held against an upper limit, where there is one."""
    middle, spread = _middle(values)
    if limit is None:
        return Measurement(name, middle, unit, peer=peer, spread=spread)
    return Measurement(name, middle, unit, f"<= {limit:g}", middle <= limit, peer, spread)


def at_least(name: str, values: Iterable[float], unit: str, limit: float | None, peer: str = "") -> Measurement:
    """The same, held against a lower limit."""
    middle, spread = _middle(values)
    if limit is None:
        return Measurement(name, middle, unit, peer=peer, spread=spread)
    return Measurement(name, middle, unit, f">= {limit:g}", middle >= limit, peer, spread)


def _middle(values: Iterable[float]) -> tuple[float, str]:
    ordered = sorted(values)
    return round(statistics.median(ordered), 3), f"{ordered[0]:.2f}-{ordered[-1]:.2f} of {len(ordered)}"


def seconds(work: Callable[[], object]) -> float:
    """How long the work takes, by the wall clock."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def slope(small: tuple[int, float], large: tuple[int, float]) -> float:
    """Microseconds a record, fixed cost apart, from two (records, seconds)."""
    return (large[1] - small[1]) / (large[0] - small[0]) * 1e6


def save(name: str, measurements: list[Measurement]) -> None:
    """Keep the figures in build/<name>.json."""
    BUILD.mkdir(exist_ok=True)
    (BUILD / f"{name}.json").write_text(json.dumps([asdict(m) for m in measurements], indent=2) + "\n")


def show(measurements: list[Measurement]) -> None:
    """Print the figures as a table."""
    width = max(len(m.name) for m in measurements)
    for m in measurements:
        verdict = {True: "holds", False: "MISSED", None: ""}[m.holds]
        print(f"{m.name:<{width}}  {m.value:>9.2f} {m.unit:<12} {m.goal:<9} {verdict:<7} {m.spread}", flush=True)
