"""Which units of one region and component to move, so that the least is lost and missing: a small integer program.

A hospital's shelf loses what oldest-first use will not reach before it expires (the rule of `expiry_outlook`), and
lacks what it needs within the cover days beyond its stock and what the region's centres can issue to it. Units may go
to another hospital, or back to a centre. What a hospital is given it does not order: a centre's demand falls by it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lakehouse.domain.blood_groups import GROUPS, plasma_groups, platelet_groups, red_cell_groups

RECEIVES = {"plasma": plasma_groups, "cryoprecipitate": plasma_groups, "platelets": platelet_groups}
"""Groups that a demand of a group may be met by, best first; red cells and whole blood go by the cells."""
Hours = Mapping[tuple[str, str], float]
SUBSTITUTION_COST = 0.2
ISSUE_COST = 0.001
"""What a centre can issue at all counts as issued before anything is moved for it."""


@dataclass(frozen=True)
class Rules:
    """What a move costs and may take; units of cost are units of blood lost.

    A unit that is given back to a centre must go out once more and wait its turn on another shelf: `centre_days` of its
    days left are gone by then.
    """

    outlook_days: int
    cover_days: int
    hours_max: float
    days_left_min: int
    centre_days: int
    shortage_cost: float
    move_cost: float


@dataclass
class Shelf:
    """A group at a facility: `stock` by days left (units that stay there too), `movable` the part that may go."""

    facility: str
    group: str
    is_centre: bool
    demand: float  # units within the outlook
    stock: dict[int, int] = field(default_factory=dict)
    movable: dict[int, int] = field(default_factory=dict)

    def due_by(self, day: int) -> int:
        """S(d)."""
        return sum(units for left, units in self.stock.items() if left <= day)

    def taken_by(self, day: int, rules: Rules) -> int:
        """D(d), demand spread evenly over the outlook."""
        return int(self.demand * day / rules.outlook_days + 1e-9)

    def loss(self, rules: Rules) -> int:
        """Units that are lost within the outlook when nothing is moved."""
        days = range(1, rules.outlook_days + 1)
        return max(0, *(self.due_by(day) - self.taken_by(day, rules) for day in days))


@dataclass(frozen=True)
class Move:
    """Units of a shelf with so many days left, to meet the demand of another."""

    source: int
    days_left: int
    target: int
    hours: float


@dataclass(frozen=True)
class Plan:
    """The moves to make, with their units, and what they save in all."""

    moves: list[tuple[Move, int]]
    outdates_avoided: float
    shortage_avoided: float

    def gain(self, rules: Rules) -> float:
        """In units lost; what it costs to move is not taken off."""
        return self.outdates_avoided + rules.shortage_cost * self.shortage_avoided


def planned(component: str, shelves: list[Shelf], hours: Hours, rules: Rules) -> Plan:
    """The best moves between shelves of one component and region.

    Args:
        component: decides which groups may replace which.
        shelves: all shelves with stock or demand.
        hours: (from, to) -> hours from leaving to being on the shelf.
        rules: costs and limits.
    """
    lost, missing = _Program(component, shelves, [], rules).solved()
    moves = list(_moves(component, shelves, hours, rules, set(np.flatnonzero(missing > 1e-6))))
    if not moves:
        return Plan([], 0.0, 0.0)
    program = _Program(component, shelves, moves, rules)
    then_lost, then_missing = program.solved()
    chosen = [(move, int(units)) for move, units in zip(moves, program.units, strict=True) if units]
    plan = Plan(chosen, round(lost.sum() - then_lost.sum(), 6), round(missing.sum() - then_missing.sum(), 6))
    return plan if plan.gain(rules) > 0 else Plan([], 0.0, 0.0)


def may_meet(component: str, unit: str, demand: str) -> bool:
    """Whether a unit of one group may meet the demand of another."""
    if unit == demand:
        return True
    return {unit, demand} <= set(GROUPS) and unit in RECEIVES.get(component, red_cell_groups)(demand)


def days_needed(hours: float, target: Shelf, rules: Rules) -> int:
    """Days left that a unit must have to be worth a move of so many hours."""
    return rules.days_left_min + int(hours // 24) + (rules.centre_days if target.is_centre else 0)


def _moves(
    component: str,
    shelves: list[Shelf],
    hours: Hours,
    rules: Rules,
    missing: set[int],
) -> Iterator[Move]:
    """Moves that could gain anything: from where units are lost, or to where they are missing; never from a centre."""
    for number, source in enumerate(shelves):
        is_losing = source.loss(rules) > 0
        for left, target in ((left, t) for left in source.movable for t in range(len(shelves))):
            there = shelves[target]
            took = hours.get((source.facility, there.facility))
            can_gain = (is_losing and left <= rules.outlook_days) or target in missing
            if took is None or source.is_centre or not can_gain or there.demand <= 0 or took > rules.hours_max:
                continue
            if left >= days_needed(took, there, rules) and may_meet(component, source.group, there.group):
                yield Move(number, left, target, took)


class _Program:
    """min lost + shortage_cost x missing + cost of moving.

    Variables: units of each move (whole), units issued by each centre's shelf to each hospital's (ordinary orders),
    units lost on each shelf, units missing on each.
    """

    def __init__(self, component: str, shelves: list[Shelf], moves: list[Move], rules: Rules) -> None:
        self.shelves, self.moves, self.rules = shelves, moves, rules
        self.issues = [
            (centre, target)
            for centre, source in enumerate(shelves)
            for target, there in enumerate(shelves)
            if source.is_centre and not there.is_centre and may_meet(component, source.group, there.group)
        ]
        self.first_issue = len(moves)
        self.first_loss = self.first_issue + len(self.issues)
        self.first_missing = self.first_loss + len(shelves)
        self.size = self.first_missing + len(shelves)
        self.units: NDArray[np.float64] = np.zeros(len(moves))

    def solved(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Solve; gives the units lost and missing of each shelf."""
        # Imported where it is needed: the driver, which only plans, never asks for it.
        from scipy.optimize import Bounds, LinearConstraint, milp  # noqa: PLC0415
        from scipy.sparse import csr_array  # noqa: PLC0415

        rows, low = self._rows()
        places = [(number, column, value) for number, row in enumerate(rows) for column, value in row.items()]
        numbers, columns, values = zip(*places, strict=True) if places else ((), (), ())
        matrix = csr_array((values, (numbers, columns)), shape=(len(rows), self.size))
        found = milp(
            self._costs(),
            constraints=LinearConstraint(matrix, lb=np.array(low)),
            integrality=np.r_[np.ones(self.first_issue), np.zeros(self.size - self.first_issue)],
            bounds=Bounds(0, np.inf),
            options={"time_limit": 60.0},
        )
        if found.x is None:
            raise RuntimeError(f"no plan was found: {found.message}")
        self.units = np.round(found.x[: self.first_issue])
        return found.x[self.first_loss : self.first_missing], found.x[self.first_missing :]

    def _costs(self) -> NDArray[np.float64]:
        moves = [
            self.rules.move_cost * (1 + move.hours / self.rules.hours_max)
            + SUBSTITUTION_COST * (self.shelves[move.source].group != self.shelves[move.target].group)
            for move in self.moves
        ]
        missing = [0.0 if shelf.is_centre else self.rules.shortage_cost for shelf in self.shelves]
        return np.array([*moves, *[ISSUE_COST] * len(self.issues), *[1.0] * len(self.shelves), *missing])

    def _rows(self) -> tuple[list[dict[int, float]], list[float]]:
        """Constraints as rows of column -> factor, each at least its bound."""
        found = [*self._movable(), *self._lost(), *self._missing(), *self._issued()]
        return [row for row, _ in found], [bound for _, bound in found]

    def _movable(self) -> Iterator[tuple[dict[int, float], float]]:
        batches: dict[tuple[int, int], dict[int, float]] = {}
        for column, move in enumerate(self.moves):
            batches.setdefault((move.source, move.days_left), {})[column] = -1.0
        for (source, left), row in batches.items():
            yield row, -float(self.shelves[source].movable[left])

    def _lost(self) -> Iterator[tuple[dict[int, float], float]]:
        """Lost >= S(d) - out + in - D(d) + what a centre is not asked for, on every day on which units are due."""
        for number, shelf in enumerate(self.shelves):
            for day in range(1, self.rules.outlook_days + 1):
                row = self._net(number, day, -1.0)
                if shelf.is_centre:
                    for column, share in self._spared(number):
                        row[column] = row.get(column, 0.0) - share * day / self.rules.outlook_days
                row[self.first_loss + number] = 1.0
                yield row, float(shelf.due_by(day) - shelf.taken_by(day, self.rules))

    def _missing(self) -> Iterator[tuple[dict[int, float], float]]:
        """Missing >= D(cover) - stock - in + out - issued."""
        for number, shelf in enumerate(self.shelves):
            row = self._net(number, None, 1.0)
            row |= {self.first_issue + n: 1.0 for n, (_, target) in enumerate(self.issues) if target == number}
            row[self.first_missing + number] = 1.0
            yield row, float(shelf.taken_by(self.rules.cover_days, self.rules) - sum(shelf.stock.values()))

    def _issued(self) -> Iterator[tuple[dict[int, float], float]]:
        for number, shelf in enumerate(self.shelves):
            row = {self.first_issue + n: -1.0 for n, (centre, _) in enumerate(self.issues) if centre == number}
            if row:
                yield row, -float(sum(shelf.stock.values()))

    def _net(self, number: int, due_by: int | None, sign: float) -> dict[int, float]:
        """Units that come less those that go, of those due by a day, times `sign`."""
        waits = self.rules.centre_days if self.shelves[number].is_centre else 0
        return {
            column: sign if move.target == number else -sign
            for column, move in enumerate(self.moves)
            if number in (move.source, move.target) and (due_by is None or move.days_left - waits <= due_by)
        }

    def _spared(self, centre: int) -> Iterator[tuple[int, float]]:
        """Moves to hospitals for the centre's group, with the part of each that this centre will not be asked for."""
        group = self.shelves[centre].group
        others = [s.demand for s in self.shelves if s.is_centre and s.group == group]
        share = self.shelves[centre].demand / sum(others) if sum(others) else 0.0
        for column, move in enumerate(self.moves):
            target = self.shelves[move.target]
            if not target.is_centre and target.group == group:
                yield column, share
