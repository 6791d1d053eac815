"""The integer program behind a plan of transfers."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lakehouse.l2.derivatives.transfer_suggestions_shelves import Move, Rules, Shelf, cost_of, days_there, may_meet

GAP = 0.005
GAP_UNITS = 0.5
"""The solver stops with a plan that costs at most so much more than the best, as a share of its cost.

A smaller share where it would be more than so many of the units that the shelves in question lose unmoved.
"""
NODES = 200
"""It stops after so many steps, too, with the best plan by then; after some time it would not be the same twice."""
ISSUE_COST = 0.001
"""What a centre can issue at all counts as issued before anything is moved for it."""

Row = tuple[dict[int, float], float]
"""A constraint: column -> factor, and what their sum must be at least."""


@dataclass(frozen=True)
class Solution:
    """Units of each move and of each ordinary issue, and what each shelf loses and lacks then on average."""

    units: NDArray[np.int64]
    issued: NDArray[np.float64]
    lost: NDArray[np.float64]
    missing: NDArray[np.float64]


class Program:
    """min lost + shortage_cost x missing + cost of moving.

    Variables: units of each move (whole), units issued by each centre's shelf to each hospital's (ordinary orders),
    units lost on each shelf, units missing on each; and the stock that these are told from.
    """

    def __init__(self, component: str, shelves: list[Shelf], moves: list[Move], rules: Rules) -> None:
        self.shelves, self.moves, self.rules = shelves, moves, rules
        self.issues = [
            (centre, target)
            for centre, source in enumerate(shelves)
            for target, there in enumerate(shelves)
            if source.is_centre and not there.is_centre and may_meet(component, source.group, there.group)
        ]
        self.of_shelf: dict[int, list[int]] = {}
        for column, move in enumerate(moves):
            self.of_shelf.setdefault(move.source, []).append(column)
            self.of_shelf.setdefault(move.target, []).append(column)
        self.first_issue = len(moves)
        self.first_loss = self.first_issue + len(self.issues)
        self.first_missing = self.first_loss + len(shelves)
        self.size = self.first_missing + len(shelves)
        self.spared = {n: dict(self._spared(n)) for n, shelf in enumerate(shelves) if shelf.is_centre}

    def solved(self) -> Solution | None:
        """The best that was found; None, where nothing was."""
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
            options={"node_limit": NODES, "mip_rel_gap": min(GAP, GAP_UNITS / self._unmoved_loss())},
        )
        if found.x is None:
            return None
        return self._told(np.r_[np.round(found.x[: self.first_issue]), found.x[self.first_issue : self.first_loss]])

    def _told(self, units: NDArray[np.float64]) -> Solution:
        """What is lost and missing then, of units moved and issued, without what the lines leave out."""
        lost, missing = np.zeros((2, len(self.shelves)))
        for number, shelf in enumerate(self.shelves):
            for day in self._days(number):
                stock = shelf.due_by(day) + _added(self._due(number, day), units)
                lost[number] = max(lost[number], shelf.taken_by(day, self.rules).lost(round(stock, 6)))
            if not shelf.is_centre:
                stock = sum(shelf.stock.values()) + _added(self._supplied(number), units)
                missing[number] = shelf.taken_by(self.rules.cover_days, self.rules).missing(round(stock, 6))
        return Solution(units[: self.first_issue].astype(int), units[self.first_issue :], lost, missing)

    def _unmoved_loss(self) -> float:
        """Of the shelves that moves may change; at least 1."""
        changed = [shelf for number, shelf in enumerate(self.shelves) if self._changes(number)]
        return max(1.0, sum(shelf.loss(self.rules) for shelf in changed))

    def _changes(self, number: int) -> bool:
        """Whether any move changes what a shelf loses."""
        return bool(self.of_shelf.get(number) or self.spared.get(number))

    def _days(self, number: int) -> list[int]:
        """Days on which units of a shelf are due, or would be."""
        return sorted({*self.shelves[number].due_days(self.rules), *self._arriving(number)})

    def _costs(self) -> NDArray[np.float64]:
        moves = [cost_of(move, self.shelves, self.rules) for move in self.moves]
        issues, lost = [ISSUE_COST] * len(self.issues), [1.0] * len(self.shelves)
        missing = [self.rules.shortage_cost] * len(self.shelves)
        named = [*moves, *issues, *lost, *missing]
        return np.array([*named, *[0.0] * (self.size - len(named))])

    def _rows(self) -> tuple[list[dict[int, float]], list[float]]:
        """Constraints as rows of column -> factor, each at least its bound."""
        found = [*self._movable(), *self._lost(), *self._missing(), *self._issued()]
        return [row for row, _ in found], [bound for _, bound in found]

    def _movable(self) -> Iterator[Row]:
        batches: dict[tuple[int, int], dict[int, float]] = {}
        for column, move in enumerate(self.moves):
            batches.setdefault((move.source, move.days_left), {})[column] = -1.0
        for (source, left), row in batches.items():
            yield row, -float(self.shelves[source].movable[left])

    def _lost(self) -> Iterator[Row]:
        """Lost >= mean of max(0, S(d) - out + in + what a centre is not asked for - D(d)), on every day with units due.

        The mean is convex in the units, and so the highest of its lines.
        """
        for number, shelf in enumerate(self.shelves):
            row: dict[int, float] = {}
            net: dict[int, float] = {}
            stock = 0
            for day in self._days(number) if self._changes(number) else ():
                net_before, stock_before, net, stock = net, stock, self._due(number, day), shelf.due_by(day)
                change = {c: then - value for c, value in net.items() if (then := net_before.get(c, 0.0)) != value}
                stocked = self._new_column()
                yield row | change | {stocked: 1.0}, float(stock - stock_before)
                row = {stocked: -1.0}
                for slope, height in shelf.taken_by(day, self.rules).lines_lost(*self._reach(stock, net)):
                    yield {self.first_loss + number: 1.0, stocked: -slope}, height

    def _missing(self) -> Iterator[Row]:
        """Missing >= mean of max(0, D(cover) - stock - in + out - issued)."""
        for number, shelf in enumerate(self.shelves):
            if shelf.is_centre:
                continue
            stocked = self._new_column()
            yield self._supplied(number) | {stocked: -1.0}, -float(sum(shelf.stock.values()))
            demand = shelf.taken_by(self.rules.cover_days, self.rules)
            for slope, height in demand.lines_missing(self.rules.shortage_cost):
                yield {self.first_missing + number: 1.0, stocked: -slope}, height

    def _new_column(self) -> int:
        self.size += 1
        return self.size - 1

    def _reach(self, stock: int, net: dict[int, float]) -> tuple[int, int]:
        """The least and the most units of a stock, by the moves that change it."""
        goes: dict[tuple[int, int], float] = {}
        comes: dict[tuple[int, int], float] = {}
        for column, value in net.items():
            batch = (move := self.moves[column]).source, move.days_left
            change = comes if value > 0 else goes
            units = abs(value) * self.shelves[move.source].movable[move.days_left]
            change[batch] = max(units, change.get(batch, 0.0))
        return stock - math.ceil(sum(goes.values())), stock + math.ceil(sum(comes.values()))

    def _arriving(self, number: int) -> set[int]:
        """Days of the outlook on which units are due that moves would bring."""
        moves = [self.moves[column] for column in self.of_shelf.get(number, ())]
        due = {self._days_there(move) for move in moves if move.target == number}
        return {day for day in due if day <= self.rules.outlook_days}

    def _days_there(self, move: Move) -> int:
        """Within how many days a moved unit must be taken where it goes to."""
        return days_there(move.days_left, self.shelves[move.target], self.rules)

    def _issued(self) -> Iterator[Row]:
        for number, shelf in enumerate(self.shelves):
            row = {self.first_issue + n: -1.0 for n, (centre, _) in enumerate(self.issues) if centre == number}
            if row:
                yield row, -float(sum(shelf.stock.values()))

    def _due(self, number: int, day: int) -> dict[int, float]:
        """Units that come less those that go, due by a day, and what a centre is not asked for by then."""
        net = self._net(number, day)
        for column, share in self.spared.get(number, {}).items():
            net[column] = net.get(column, 0.0) + share * day / self.rules.outlook_days
        return net

    def _supplied(self, number: int) -> dict[int, float]:
        """Units that come less those that go, and what centres issue."""
        issued = {self.first_issue + n: 1.0 for n, (_, target) in enumerate(self.issues) if target == number}
        return self._net(number, None) | issued

    def _net(self, number: int, due_by: int | None) -> dict[int, float]:
        """Units that come less those that go, of those due by a day."""
        found = {}
        for column in self.of_shelf.get(number, ()):
            move = self.moves[column]
            comes = move.target == number
            if due_by is None or (self._days_there(move) if comes else move.days_left) <= due_by:
                found[column] = 1.0 if comes else -1.0
        return found

    def _spared(self, centre: int) -> Iterator[tuple[int, float]]:
        """Moves to hospitals for the centre's group, with the part of each that this centre will not be asked for.

        That is its part of what centres issue; or of what hospitals use, where that is more, so that no centre is
        spared more than it issues.
        """
        same = [shelf for shelf in self.shelves if shelf.group == self.shelves[centre].group]
        most = max(sum(shelf.demand for shelf in same if shelf.is_centre is of) for of in (True, False))
        share = self.shelves[centre].demand / most if most else 0.0
        for column, move in enumerate(self.moves):
            target = self.shelves[move.target]
            if share and not target.is_centre and target.group == self.shelves[centre].group:
                yield column, share


def _added(net: dict[int, float], units: NDArray[np.float64]) -> float:
    """What units, by column, change a stock by."""
    return float(sum(value * units[column] for column, value in net.items()))
