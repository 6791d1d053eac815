"""Scenarios: named, dated overlays that create and destroy supply, read from `scenarios/<name>.toml`.

A scenario is a list of effects. Several run at once: factors multiply, shares and counts add up. An effect that
is not in force changes nothing, not even a random draw.
"""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from datagen.days import date_of, number_of
from datagen.plan import PlanError

FOLDER = Path(__file__).with_name("scenarios")
NEEDED = {
    "admissions": {"factor"},
    "donations": {"factor"},
    "newcomers": {"factor"},
    "young_newcomers": {"factor"},
    "casualties": {"count"},
    "closed_site": set(),
    "cold_store": {"share"},
    "deferrals": {"share"},
    "kit_recall": {"marker", "back_days"},
}
"""What each kind of effect must say besides its days."""


@dataclass(frozen=True)
class Effect:
    """What is different from the first to the last of `days`, counted from the scenario's date.

    `factor` goes from its first to its second value in that time; `share` and `count` stay.
    """

    kind: str
    days: tuple[int, int]
    factor: tuple[float, float] = (1.0, 1.0)
    share: float = 0.0
    count: int = 0
    marker: str = ""
    back_days: int = 0

    def factor_on(self, day: int) -> float:
        """The factor so many days after the scenario's date."""
        first, last = self.days
        way = (day - first) / (last - first) if last > first else 0.0
        return self.factor[0] + (self.factor[1] - self.factor[0]) * way


@dataclass(frozen=True)
class Dated:
    """A scenario that begins on a day (since 1970-01-01)."""

    name: str
    on: int
    effects: tuple[Effect, ...]

    @property
    def said(self) -> str:
        """As it is asked for: NAME@DATE."""
        return f"{self.name}@{date_of(self.on)}"


class Course:
    """The scenarios of a world, and what they make different on a day."""

    def __init__(self, scenarios: Iterable[Dated] = ()) -> None:
        self.scenarios = tuple(scenarios)

    def effects(self, kind: str, day: int) -> list[tuple[Effect, int]]:
        """The effects of a kind that are in force, each with the days since its scenario's date."""
        since = [(effect, day - dated.on) for dated in self.scenarios for effect in dated.effects]
        return [(e, days) for e, days in since if e.kind == kind and e.days[0] <= days <= e.days[1]]

    def factor(self, kind: str, day: int) -> float:
        """The product of the factors in force."""
        product = 1.0
        for effect, since in self.effects(kind, day):
            product *= effect.factor_on(since)
        return product

    def share(self, kind: str, day: int) -> float:
        """The sum of the shares in force, at most 1."""
        return min(1.0, sum(effect.share for effect, _ in self.effects(kind, day)))

    def facts(self) -> list[dict[str, Any]]:
        """As it is saved with a world."""
        return [asdict(dated) for dated in self.scenarios]

    @classmethod
    def of(cls, facts: Sequence[dict[str, Any]]) -> "Course":
        """As it was saved."""
        return cls(Dated(f["name"], f["on"], tuple(_effect(f["name"], raw) for raw in f["effects"])) for f in facts)


def load_scenario(asked: str, *, folder: Path = FOLDER) -> Dated:
    """The scenario NAME@DATE.

    Raises:
        PlanError: the name is unknown (the known ones are named), the date is none, or the file contradicts itself.
    """
    name, mark, on = asked.partition("@")
    known = sorted(path.stem for path in folder.glob("*.toml"))
    if not mark or name not in known:
        raise PlanError(f"found scenario {asked!r}; wanted NAME@YYYY-MM-DD with one of {', '.join(known)}")
    try:
        day = number_of(date.fromisoformat(on))
    except ValueError:
        raise PlanError(f"found scenario {asked!r}; {on!r} is no day YYYY-MM-DD") from None
    raw = tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))
    return Dated(name, day, tuple(_effect(name, effect) for effect in raw["effects"]))


def _effect(name: str, raw: dict[str, Any]) -> Effect:
    unknown = set(raw) - set(Effect.__dataclass_fields__)
    kind = raw.get("kind")
    if unknown or kind not in NEEDED:
        raise PlanError(
            f"scenario {name}: an effect of kind {kind!r} says {sorted(unknown)}; kinds are {', '.join(sorted(NEEDED))}"
        )
    missing = (NEEDED[kind] | {"days"}) - set(raw)
    if missing:
        raise PlanError(f"scenario {name}: {kind} lacks {', '.join(sorted(missing))}")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}
    return Effect(**values)
