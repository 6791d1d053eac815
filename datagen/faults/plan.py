"""Which faults are planted, how often and where, read from a TOML file: one section a fault."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from datagen.faults.kinds import FILE_FAULTS, RECORD_FAULTS, WATCHED_FAULTS
from datagen.plan import PlanError

FAULTS_PATH = Path(__file__).with_name("faults.toml")
ELIGIBLE: Mapping[str, tuple[str, ...] | None] = {
    **{name: kind.feeds for name, kind in RECORD_FAULTS.items()},
    **{name: ("components",) for name in WATCHED_FAULTS},
    **{name: None for name in FILE_FAULTS},
}
"""Fault -> the feeds that can carry it; None: any."""


@dataclass(frozen=True)
class Fault:
    """One kind of fault: chance of each eligible record or file, the feeds, and days where the kind needs them."""

    name: str
    rate: float
    feeds: tuple[str, ...]
    days: tuple[int, int] = (1, 1)


Faults = tuple[Fault, ...]


def load_faults(path: Path) -> Faults:
    """Read and check a fault plan.

    Raises:
        PlanError: names every problem of the file.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as problem:
        raise PlanError(f"fault plan {path}: {problem}") from None
    problems = [problem for name, section in raw.items() for problem in _problems(name, section)]
    if problems:
        raise PlanError(f"fault plan {path}: " + "; ".join(problems))
    return faults_of(raw)


def faults_of(raw: Mapping[str, Mapping[str, Any]]) -> Faults:
    """The faults of a checked plan, in the order of its file."""
    tuples = {"feeds", "days"}
    sections: dict[str, dict[str, Any]] = {
        name: {key: tuple(value) if key in tuples else value for key, value in section.items()}
        for name, section in raw.items()
    }
    return tuple(Fault(name=name, **section) for name, section in sections.items())


def facts_of(faults: Faults) -> dict[str, Any]:
    """As a plan is written: what `faults_of` reads."""
    return {fault.name: {key: value for key, value in asdict(fault).items() if key != "name"} for fault in faults}


def _problems(name: str, section: Any) -> Iterator[str]:
    if name not in ELIGIBLE:
        yield f"found fault {name}; known are {', '.join(sorted(ELIGIBLE))}"
        return
    if not isinstance(section, dict):
        yield f"{name} = {section!r}; wanted a section [{name}]"
        return
    known = {field.name for field in fields(Fault)} - {"name"}
    yield from (f"{name}.{key} is unknown" for key in sorted(set(section) - known))
    yield from (f"{name}.{key} is missing" for key in ("rate", "feeds") if key not in section)
    rate = section.get("rate", 0)
    if not isinstance(rate, int | float) or not 0 <= rate <= 1:
        yield f"{name}.rate is {rate!r}; wanted 0 to 1"
    yield from _unfit(name, section)


def _unfit(name: str, section: Mapping[str, Any]) -> Iterator[str]:
    eligible = ELIGIBLE[name]
    wrong = [feed for feed in section.get("feeds", ()) if eligible is not None and feed not in eligible]
    if wrong:
        yield f"{name}.feeds has {', '.join(wrong)}; it can be planted in {', '.join(eligible or ())}"
    days = section.get("days", [1, 1])
    if not (isinstance(days, list) and len(days) == 2 and 1 <= days[0] <= days[1]):
        yield f"{name}.days is {days!r}; wanted the fewest and the most days, from 1 on"
