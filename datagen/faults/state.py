"""What planted faults carry from one delivery to the next: `.faults/<region>/state-<day>.json`.

A state is named by the last day that was delivered, so that a day that is lived again after a kill finds the state
that it began with. The one before is kept until then.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any

import orjson

from datagen.faults.labels import FOLDER, Label
from datagen.faults.plan import Faults, facts_of, faults_of
from datagen.landing import Store

_PREFIX = "state-"


@dataclass(frozen=True)
class Due:
    """A line that is to be delivered on `on` (days since 1970-01-01) or in the first delivery after it."""

    feed: str
    on: int
    line: str
    label: Label


@dataclass
class FaultState:
    """The faults of one region: the plan, lines still due, watched units, and each feed's last sound file."""

    faults: Faults
    due: list[Due] = field(default_factory=list)
    watched: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Unit -> the fault that its later records get, and the component's instant that the fault starts from."""
    last_files: dict[str, str] = field(default_factory=dict)
    """Feed -> path of the file of the day before, where that was sound."""

    def facts(self) -> dict[str, Any]:
        """As it is saved."""
        return {
            "faults": facts_of(self.faults),
            "due": [asdict(due) for due in self.due],
            "watched": self.watched,
            "last_files": self.last_files,
        }

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "FaultState":
        """As it was saved."""
        due = [Due(**{**raw, "label": Label(**raw["label"])}) for raw in facts["due"]]
        watched = {unit: (fault, seen) for unit, (fault, seen) in facts["watched"].items()}
        return cls(faults_of(facts["faults"]), due, watched, dict(facts["last_files"]))


def save_faults(state: FaultState, store: Store, region: str, day: date) -> None:
    """Save the state after a day's delivery, and forget what is older than the day before."""
    folder, since = f"{FOLDER}/{region}", _name(day - timedelta(days=1))
    store.write(f"{folder}/{_name(day)}", orjson.dumps(state.facts()))
    for name in store.names(folder):
        if name.startswith(_PREFIX) and name < since:
            store.remove(f"{folder}/{name}")


def load_faults(store: Store, region: str, day: date) -> FaultState | None:
    """The state after a day's delivery; None where the region has no faults."""
    try:
        with store.open(f"{FOLDER}/{region}/{_name(day)}") as stream:
            return FaultState.of(orjson.loads(stream.read()))
    except FileNotFoundError:
        return None


def _name(day: date) -> str:
    return f"{_PREFIX}{day:%Y%m%d}.json"
