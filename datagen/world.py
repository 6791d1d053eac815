"""The world: everything that the simulation of one region carries from day to day, and the day being lived."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from datagen.days import Zone
from datagen.draws import Draw, Draws
from datagen.ids import Array, Ints
from datagen.names import Names
from datagen.plan import Plan
from datagen.scenarios import Course
from datagen.tables import Columns
from datagen.writer import Outbox

# States of a unit. A unit that has ended leaves the table at the end of its day.
MADE, IN_TRANSIT, IN_STOCK, HELD, ENDED = range(5)

TABLES: dict[str, dict[str, str]] = {
    # One row a donor; the row number is the donor's number. Days are -1 where there is none.
    "donors": {
        **dict.fromkeys(("birth", "registered", "first_on", "last_on", "ready_on", "deferred_until"), "i8"),
        **dict.fromkeys(("first_name", "last_name", "street", "house", "city", "total", "died_on"), "i4"),
        **dict.fromkeys(("sex", "ethnicity", "group", "habit"), "i1"),
        **dict.fromkeys(("rate", "hemoglobin"), "f8"),
        **dict.fromkeys(("is_stopped", "is_contactable"), "?"),
    },
    # One row a donation that the laboratory has not reported yet.
    "pending": {
        **dict.fromkeys(("din", "donor", "visit", "event", "collected"), "i8"),
        **dict.fromkeys(("group", "habit", "outcome", "reason", "doses"), "i1"),
        **dict.fromkeys(("is_first", "is_group_known"), "?"),
        "volume": "f8",
    },
    # One row a supplemental test that is due.
    "supplements": {"due": "i8", "din": "i8", "marker": "i1", "is_confirmed": "?"},
    # One row a unit that has not ended; `born` is the day of collection, `ready` when it can be used where it is.
    "units": {
        **dict.fromkeys(("unit", "collected", "prepared", "expires", "ready", "born", "shipped"), "i8"),
        **dict.fromkeys(("product", "group", "place", "state"), "i1"),
        "movement": "i8",
    },
    # One row a person who has been a patient and may come again, in the order of the patients' numbers.
    "patients": {"patient": "i8", "birth_year": "i4", "until": "i8", "sex": "i1", "group": "i1", "place": "i1"},
    # One row a patient in hospital, in the order of the admission numbers.
    "admissions": {
        **dict.fromkeys(("admission", "patient", "admitted", "discharged"), "i8"),
        **dict.fromkeys(("service", "place"), "i1"),
        "dies": "?",
    },
    # One row a crossmatch or order that will be due; `request` and `asked` are -1 until it is ordered.
    "needs": {
        **dict.fromkeys(("need", "due", "admission", "request", "asked"), "i8"),
        **dict.fromkeys(("component", "units", "used"), "i1"),
        **dict.fromkeys(("is_emergency", "is_irradiated"), "?"),
    },
}
PLATELET_DEMAND, PLASMA_DEMAND, CRYO_DEMAND = 8, 9, 10
ONE = np.zeros(1, np.int64)
"""The region itself, as what something is drawn for."""
REGION_IDS = 10**8
"""Ids of one region; its number stands before them."""


def empty_tables() -> dict[str, Columns]:
    """All tables of a world, without rows."""
    return {name: Columns(dtypes) for name, dtypes in TABLES.items()}


@dataclass
class World:
    """One region: its plan, its draws, and its state before day `next_day`.

    `demand` is the centre's own estimate of what it issues a day: red cells by group, then platelets,
    plasma and cryoprecipitate in units.
    """

    seed: int
    start: int
    next_day: int
    size: int
    plan: Plan
    demand: npt.NDArray[np.float64]
    tables: dict[str, Columns] = field(default_factory=empty_tables)
    counters: dict[str, int] = field(default_factory=dict)
    course: Course = field(default_factory=Course)

    def __post_init__(self) -> None:
        self.draws = Draws(self.seed, self.plan.service.region)
        self.zone = Zone(self.plan.service.timezone)
        self.names = Names(self.plan, self.seed)

    def __getitem__(self, table: str) -> Columns:
        return self.tables[table]

    @property
    def first_id(self) -> int:
        """What the numbers of this region's ids begin above."""
        return self.plan.service.number * REGION_IDS

    def numbers(self, counter: str, count: int) -> Ints:
        """The next `count` numbers of a counter, from 1."""
        first = self.counters.get(counter, 1)
        self.counters[counter] = first + count
        return np.arange(first, first + count, dtype=np.int64)

    def ids(self, counter: str, count: int) -> Ints:
        """The next `count` ids of a counter: numbers that no other region has."""
        return self.first_id + self.numbers(counter, count)


@dataclass
class Day:
    """One day of a world: its number, its clock, and where its records go."""

    world: World
    number: int
    outbox: Outbox
    issued: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(11))

    def draw(self, purpose: str) -> Draw:
        """The day's random numbers for one purpose."""
        return self.world.draws.at(purpose, self.number)

    def at(self, minutes: Array | float) -> Ints:
        """Instants (UTC seconds) of local minutes of the day."""
        return self.world.zone.instants(self.number, minutes)

    @cached_property
    def _midnight(self) -> int:
        return self.world.zone.instant(self.number, 0)

    def instant(self, minute: float) -> int:
        """One instant of the day."""
        return self._midnight + int(minute * 60)

    def times(self, minute: float, count: int) -> Ints:
        """One instant of the day, `count` times."""
        return np.full(count, self.instant(minute))

    def factor(self, kind: str) -> float:
        """What the scenarios of the world make of a rate today."""
        return self.world.course.factor(kind, self.number)

    @property
    def ramp(self) -> float:
        """Demand grows to its full size while the shelves fill for the first time."""
        return min(1.0, (self.number - self.world.start + 1) / self.world.plan.hospitals.ramp_days)
