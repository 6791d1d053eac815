"""The wiring of L2: every derivative, and which tables its build reads."""

import inspect
from collections.abc import Callable, Collection
from dataclasses import dataclass
from types import ModuleType

from pyspark.sql import DataFrame

from lakehouse.l2.conformed import CONFORMED
from lakehouse.l2.derivatives import (
    deviations,
    donor_retention,
    expiry_outlook,
    refused_events,
    regional_demand,
    units,
)
from lakehouse.table import Table


@dataclass(frozen=True)
class Derivative:
    """A derivative: its table, its pure build, and the tables that the build's parameters name."""

    table: Table
    build: Callable[..., DataFrame]
    inputs: tuple[str, ...]


def derivative(module: ModuleType) -> Derivative:
    """The derivative of a module: `TABLE`, and `build(<table>, …, *, as_of, params)`."""
    parameters = inspect.signature(module.build).parameters.values()
    inputs = tuple(parameter.name for parameter in parameters if parameter.kind is not parameter.KEYWORD_ONLY)
    return Derivative(module.TABLE, module.build, inputs)


DERIVATIVES: tuple[Derivative, ...] = tuple(
    map(derivative, (units, refused_events, deviations, expiry_outlook, regional_demand, donor_retention))
)
L2_TABLES: dict[str, Table] = {
    table.name: table for table in [c.table for c in CONFORMED.values()] + [d.table for d in DERIVATIVES]
}


def waves(derivatives: Collection[Derivative]) -> list[list[Derivative]]:
    """The derivatives in the order of their inputs; those of one wave don't need each other."""
    waiting, ordered = list(derivatives), []
    while waiting:
        names = {step.table.name for step in waiting}
        wave = [step for step in waiting if not names & set(step.inputs)]
        if not wave:
            raise ValueError(f"the derivatives {sorted(names)} need each other")
        ordered.append(wave)
        waiting = [step for step in waiting if step not in wave]
    return ordered


def affected(changed: Collection[str]) -> list[Derivative]:
    """The derivatives that must be built anew when these tables changed."""
    names, steps = set(changed), []
    for step in [step for wave in waves(DERIVATIVES) for step in wave]:
        if names & set(step.inputs):
            names.add(step.table.name)
            steps.append(step)
    return steps
