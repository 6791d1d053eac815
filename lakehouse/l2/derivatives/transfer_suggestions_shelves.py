"""Shelves of one region and component, and the moves that may be made between them."""

from dataclasses import dataclass, field

from lakehouse.domain.blood_groups import GROUPS, plasma_groups, platelet_groups, red_cell_groups
from lakehouse.l2.derivatives.transfer_suggestions_demand import Demand

SUBSTITUTION_COST = 0.2
"""Of a unit that meets the demand of another group, in units lost: its own group may want it later."""
RECEIVES = {"plasma": plasma_groups, "cryoprecipitate": plasma_groups, "platelets": platelet_groups}
"""Groups that a demand of a group may be met by, best first; red cells and whole blood go by the cells."""


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
    demand_spread: float


@dataclass
class Shelf:
    """A group at a facility: `stock` by days left (units that stay there too), `movable` the part that may go."""

    facility: str
    group: str
    is_centre: bool
    demand: float  # units within the outlook, on average
    stock: dict[int, int] = field(default_factory=dict)
    movable: dict[int, int] = field(default_factory=dict)

    def due_by(self, day: int) -> int:
        """S(d)."""
        return sum(units for left, units in self.stock.items() if left <= day)

    def due_days(self, rules: Rules) -> list[int]:
        """Days of the outlook on which units are due: between them only demand goes on."""
        return sorted(left for left, units in self.stock.items() if units and left <= rules.outlook_days)

    def taken_by(self, day: int, rules: Rules) -> Demand:
        """D(d), demand spread evenly over the outlook."""
        return Demand(self.demand * day / rules.outlook_days, rules.demand_spread)

    def loss(self, rules: Rules) -> float:
        """Units that are lost within the outlook on average, at least, when nothing is moved."""
        return max((self.taken_by(day, rules).lost(self.due_by(day)) for day in self.due_days(rules)), default=0.0)

    def added_loss(self, left: int, rules: Rules) -> float:
        """What one more unit with so many days left adds to the loss."""
        days = [day for day in {*self.due_days(rules), left} if left <= day <= rules.outlook_days]
        then = max((self.taken_by(day, rules).lost(self.due_by(day) + 1) for day in days), default=0.0)
        return max(then - self.loss(rules), 0.0)

    def chance_of_loss(self, left: int, rules: Rules) -> float:
        """What of a unit with so many days left is lost, at most, when it stays; it is the last that is taken."""
        due_days = [day for day in self.due_days(rules) if day >= left]
        return max((self.taken_by(day, rules).at_most(self.due_by(day) - 1) for day in due_days), default=0.0)


@dataclass(frozen=True)
class Move:
    """Units of a shelf with so many days left, to meet the demand of another."""

    source: int
    days_left: int
    target: int
    hours: float


def may_meet(component: str, unit: str, demand: str) -> bool:
    """Whether a unit of one group may meet the demand of another."""
    if unit == demand:
        return True
    return {unit, demand} <= set(GROUPS) and unit in RECEIVES.get(component, red_cell_groups)(demand)


def cost_of(move: Move, shelves: list[Shelf], rules: Rules) -> float:
    """Of each unit, in units lost: its way, and that it is of another group."""
    is_own = shelves[move.source].group == shelves[move.target].group
    return rules.move_cost * (1 + move.hours / rules.hours_max) + (0.0 if is_own else SUBSTITUTION_COST)


def days_there(left: int, target: Shelf, rules: Rules) -> int:
    """Days left within which a unit must be taken where it goes to."""
    return left - _days_waiting(target, rules)


def days_needed(hours: float, target: Shelf, rules: Rules) -> int:
    """Days left that a unit must have to be worth a move of so many hours."""
    return rules.days_left_min + int(hours // 24) + _days_waiting(target, rules)


def _days_waiting(target: Shelf, rules: Rules) -> int:
    return rules.centre_days if target.is_centre else 0
