"""Which units of one region and component to move, so that the least is lost and missing: a small integer program.

A hospital's shelf loses what oldest-first use will not reach before it expires (the rule of `expiry_outlook`), and
lacks what it needs within the cover days beyond its stock and what the region's centres can issue to it; both are means
over the demands that may come, so that a unit stays where it is about as likely to be used as elsewhere. Units may go
to another hospital, or back to a centre. What a hospital is given it does not order: a centre's demand falls by it.
"""

import heapq
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lakehouse.l2.derivatives.transfer_suggestions_program import Program, Solution
from lakehouse.l2.derivatives.transfer_suggestions_shelves import (
    Move,
    Rules,
    Shelf,
    cost_of,
    days_needed,
    days_there,
    may_meet,
)

Hours = Mapping[tuple[str, str], float]
TARGETS = 4
"""Shelves of one day's units that a plan chooses from: more make it longer, and hardly better."""


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

    Returns:
        the plan; without moves, where none gains more than it costs or the solver found none within `NODES`.
    """
    now = Program(component, shelves, [], rules)
    unmoved = now.solved()
    moves = list(_moves(component, shelves, hours, rules, _lacking(now.issues, unmoved))) if unmoved else []
    moved = Program(component, shelves, moves, rules).solved() if moves else None
    if not (unmoved and moved):
        return Plan([], 0.0, 0.0)
    chosen = [(move, int(units)) for move, units in zip(moves, moved.units, strict=True) if units]
    changes = unmoved.lost - moved.lost, unmoved.missing - moved.missing
    plan = Plan(chosen, *[round(float(change.sum()), 6) for change in changes])
    cost = sum(units * cost_of(move, shelves, rules) for move, units in chosen)
    return plan if plan.gain(rules) > cost else Plan([], 0.0, 0.0)


def _lacking(issues: list[tuple[int, int]], unmoved: Solution) -> NDArray[np.float64]:
    """What each shelf lacks, or another lacks that could be issued what this one is issued."""
    lacking = unmoved.missing.copy()
    most: dict[int, float] = {}
    for centre, target in issues:
        most[centre] = max(most.get(centre, 0.0), float(unmoved.missing[target]))
    for (centre, target), units in zip(issues, unmoved.issued, strict=True):
        if units > 1e-6:
            lacking[target] = max(lacking[target], most[centre])
    return lacking


def _moves(
    component: str,
    shelves: list[Shelf],
    hours: Hours,
    rules: Rules,
    lacking: NDArray[np.float64],
) -> Iterator[Move]:
    """Moves of which a unit by itself could gain more than it costs, the best `TARGETS` of a batch.

    Never from a centre.
    """
    for number, source in enumerate(shelves):
        for left in () if source.is_centre else sorted(source.movable):
            saved = source.chance_of_loss(left, rules)
            found = []
            for target, there in enumerate(shelves):
                move = Move(number, left, target, hours.get((source.facility, there.facility), math.inf))
                gain = saved + rules.shortage_cost * min(1.0, lacking[target]) - cost_of(move, shelves, rules)
                # Asked in this order, for what is added takes the longest to tell.
                if gain <= 0 or not _may_go(component, move, shelves, rules):
                    continue
                gain -= there.added_loss(days_there(left, there, rules), rules)
                if gain > 0:
                    found.append((-gain, target, move))
            yield from (move for *_, move in heapq.nsmallest(TARGETS, found, key=lambda each: each[:2]))


def _may_go(component: str, move: Move, shelves: list[Shelf], rules: Rules) -> bool:
    source, target = shelves[move.source], shelves[move.target]
    is_in_time = move.hours <= rules.hours_max and move.days_left >= days_needed(move.hours, target, rules)
    return target.demand > 0 and is_in_time and may_meet(component, source.group, target.group)
