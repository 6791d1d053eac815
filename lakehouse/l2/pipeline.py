"""The wiring of L2: every derivative, and which frames its build reads.

A build's parameters name tables, or frames that several builds share and that are no table.
"""

import inspect
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from types import ModuleType

from pyspark.sql import DataFrame

from lakehouse.l2.conformed import CONFORMED
from lakehouse.l2.conformed.all_facilities import all_facilities
from lakehouse.l2.derivatives import (
    deviations,
    donor_retention,
    expiry_outlook,
    refused_events,
    regional_demand,
    units,
)
from lakehouse.l2.derivatives.units_donations import dated_donations
from lakehouse.table import Table


@dataclass(frozen=True)
class Derivative:
    """A derivative: its table and its pure build."""

    table: Table
    build: Callable[..., DataFrame]

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the build's parameters name."""
        return parameters(self.build)

    @property
    def sources(self) -> tuple[str, ...]:
        """The tables that its rows come from, sorted."""
        return tuple(sorted(tables_behind(self.inputs)))


def parameters(build: Callable[..., DataFrame]) -> tuple[str, ...]:
    """Names of the frames that a build takes, in order."""
    found = inspect.signature(build).parameters.values()
    return tuple(parameter.name for parameter in found if parameter.kind is not parameter.KEYWORD_ONLY)


SHARED: dict[str, Callable[..., DataFrame]] = {"places": all_facilities, "dated": dated_donations}
"""Frames that several builds and laws take, by the name of the parameter; each is made of those before it."""


def tables_behind(names: Iterable[str]) -> set[str]:
    """The tables among these frames, and those that the shared ones are made of."""
    names = set(names)
    shared = {source for name in names & SHARED.keys() for source in parameters(SHARED[name])}
    return (names - SHARED.keys()) | (tables_behind(shared) if shared else set())


def derivative(module: ModuleType) -> Derivative:
    """The derivative of a module: `TABLE`, and `build(<frame>, …, *, as_of, params)`."""
    return Derivative(module.TABLE, module.build)


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
        if names & set(step.sources):
            names.add(step.table.name)
            steps.append(step)
    return steps
