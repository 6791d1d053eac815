"""The integer program behind a plan of transfers."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lakehouse.l2.derivatives.transfer_suggestions_shelves import Move, Rules, Shelf, may_meet

SUBSTITUTION_COST = 0.2
NODES = 20_000
"""The solver stops after so many steps, with the best plan by then; after some time it would not be the same twice."""
ISSUE_COST = 0.001
"""What a centre can issue at all counts as issued before anything is moved for it."""


class Program:
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

    def solved(self) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
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
            options={"node_limit": NODES},
        )
        if found.x is None:
            return None
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
