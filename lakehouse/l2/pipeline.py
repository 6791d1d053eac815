"""The wiring of L2: every derivative, and which frames its build reads.

A build's parameters name tables, or frames that several builds share and that are no table. `<table>_before` is the
table as the release has it that a run builds on, empty for the first: how a build keeps what was decided once.
`<table>_came` and `<table>_went` are the rows in files that the table has and did not have then, and the other way
round: all that differs between the two is among them. `changed_records` are the records that came since that release.
"""

import inspect
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from graphlib import TopologicalSorter
from types import ModuleType

from pyspark.sql import DataFrame

from lakehouse.errors import UsageError
from lakehouse.l2.conformed import CONFORMED
from lakehouse.l2.conformed.all_facilities import all_facilities
from lakehouse.l2.conformed.changes import NAMES
from lakehouse.l2.derivatives import (
    blood_drives,
    demand_forecast,
    deviations,
    dimensional,
    donor_cohorts,
    donor_retention,
    donor_return_calibration,
    expiry_outlook,
    facility_scorecard,
    forecast_quality,
    inventory_daily,
    inventory_daily_refresh,
    look_back_units,
    look_backs,
    process_quality,
    recall_list,
    refused_events,
    regional_demand,
    restatements,
    supply_forecast,
    transfer_suggestions,
    unit_moves,
    units,
)
from lakehouse.l2.derivatives.collected import collections
from lakehouse.l2.derivatives.donor_lives import donor_lives
from lakehouse.l2.derivatives.placed_moves import placed_moves
from lakehouse.l2.derivatives.units_donations import dated_donations
from lakehouse.l2.derivatives.units_identity import component_sources
from lakehouse.l2.derivatives.units_lineage import lineage
from lakehouse.l2.derivatives.units_reports import first_reports
from lakehouse.l2.derivatives.units_steps import steps_of_units
from lakehouse.l2.slices.refreshed import Refreshed
from lakehouse.table import Table


@dataclass(frozen=True)
class Derivative:
    """A derivative: its table, its pure build, and how it is refreshed where a run touches little of it.

    A table that is told by units, or by donations too (`told_by`), is built from those touched alone; `refresh` is
    another way of its own: `refresh(<frame>, …, *, touched, as_of, as_of_before, params)`. One that has neither is
    always built whole.
    """

    table: Table
    build: Callable[..., DataFrame]
    told_by: tuple[str, ...] = ()
    refresh: Callable[..., Refreshed] | None = None

    @property
    def is_sliced(self) -> bool:
        """Whether it can be refreshed by slices."""
        return bool(self.told_by) or self.refresh is not None

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the build's parameters name."""
        return parameters(self.build)

    @property
    def sources(self) -> tuple[str, ...]:
        """The tables that its rows come from, sorted."""
        return tuple(sorted(tables_behind(self.inputs)))


def parameters(build: Callable[..., object]) -> tuple[str, ...]:
    """Names of the frames that a build takes, in order."""
    found = inspect.signature(build).parameters.values()
    return tuple(parameter.name for parameter in found if parameter.kind is not parameter.KEYWORD_ONLY)


SHARED: dict[str, Callable[..., DataFrame]] = {
    "places": all_facilities,
    "reports": first_reports,
    "component_sources": component_sources,
    "dated": dated_donations,
    "lineage": lineage,
    "collections": collections,
    "donor_lives": donor_lives,
    "steps": steps_of_units,
    "moves": placed_moves,
}
"""Frames that several builds and laws take, by the name of the parameter: made once, of tables and each other."""
UNCUT: frozenset[str] = frozenset({"places", "reports", "component_sources"})
"""Shared frames about all facilities and sources, whatever part of the units a build is given."""
BEFORE, CAME, WENT = "_before", "_came", "_went"
"""Ends of names of a table in the release before, of its rows that are new since, and of those that are gone."""
PAST = (BEFORE, WENT)
"""What no first release has."""
CHANGED_RECORDS = "changed_records"
"""Names `changes.changed_records` over what was rewritten of the tables of `changes.NAMES`."""


def table_of(name: str) -> str:
    """The table that a frame's name is about: `units` of `units_before`."""
    return name.removesuffix(BEFORE).removesuffix(CAME).removesuffix(WENT)


def tables_behind(names: Iterable[str]) -> set[str]:
    """The tables among these frames, and those that the shared ones are made of."""
    names = {table_of(name) for name in names if not name.endswith(BEFORE)}
    shared = {source for name in names & SHARED.keys() for source in parameters(SHARED[name])}
    shared |= NAMES.keys() if CHANGED_RECORDS in names else set()
    return (names - SHARED.keys() - {CHANGED_RECORDS}) | (tables_behind(shared) if shared else set())


def derivative(module: ModuleType) -> Derivative:
    """The derivative of a module: `TABLE`, and `build(<frame>, …, *, as_of, params)`.

    It may say `TOLD_BY`: kinds of `changes` that its column unit_id names.
    """
    return Derivative(module.TABLE, module.build, getattr(module, "TOLD_BY", ()), _REFRESHES.get(module.TABLE.name))


_REFRESHES = {inventory_daily.TABLE.name: inventory_daily_refresh.refresh}
# What the report is made of, and what a service may leave out.
_REPORTED = (
    units,
    refused_events,
    deviations,
    regional_demand,
    forecast_quality,
    demand_forecast,
    supply_forecast,
    expiry_outlook,
    donor_retention,
)
_OPTIONAL = (
    unit_moves,
    inventory_daily,
    transfer_suggestions,
    donor_return_calibration,
    donor_cohorts,
    recall_list,
    look_backs,
    look_back_units,
    facility_scorecard,
    process_quality,
    restatements,
    blood_drives,
    *dimensional.MODULES,
)
RESELECTED: frozenset[str] = frozenset({forecast_quality.TABLE.name})
"""Tables whose `_before` is empty where what was chosen once is to be chosen anew."""
OPTIONAL: frozenset[str] = frozenset(module.TABLE.name for module in _OPTIONAL)
DERIVATIVES: tuple[Derivative, ...] = tuple(map(derivative, (*_REPORTED, *_OPTIONAL)))
CONFORMED_TABLES: tuple[Table, ...] = tuple(table for conformed in CONFORMED.values() for table in conformed.tables)
L2_TABLES: dict[str, Table] = {
    table.name: table for table in (*CONFORMED_TABLES, *[step.table for step in DERIVATIVES])
}


@dataclass(frozen=True)
class Wiring:
    """The derivatives that a lake builds: all, or those that its settings don't leave out."""

    derivatives: tuple[Derivative, ...] = DERIVATIVES

    @classmethod
    def without(cls, left_out: Collection[str]) -> "Wiring":
        """All derivatives but these.

        Raises:
            UsageError: one of them does not exist, is in the report, or is what a derivative that stays is made of.
        """
        if unknown := set(left_out) - OPTIONAL:
            raise UsageError(f"leave_out names {sorted(unknown)}; what may be left out is {sorted(OPTIONAL)}")
        kept = tuple(step for step in DERIVATIVES if step.table.name not in left_out)
        for step in kept:
            if missing := set(step.sources) & set(left_out):
                raise UsageError(
                    f"leave_out names {sorted(missing)}, which {step.table.name} is made of; name that, too"
                    if step.table.name in OPTIONAL
                    else f"leave_out names {sorted(missing)}, which {step.table.name} is made of, and that stays"
                )
        return cls(kept)

    @property
    def tables(self) -> list[Table]:
        """Every L2 table of the lake."""
        return [*CONFORMED_TABLES, *[step.table for step in self.derivatives]]

    def has(self, names: Iterable[str]) -> bool:
        """Whether all these frames can be made."""
        return tables_behind(names) <= {table.name for table in self.tables}

    def affected(self, changed: Collection[str]) -> list[Derivative]:
        """The derivatives that must be built anew when these tables changed."""
        names, steps = set(changed), []
        for step in in_order(self.derivatives):
            if names & set(step.sources):
                names.add(step.table.name)
                steps.append(step)
        return steps


def graph(derivatives: Collection[Derivative]) -> TopologicalSorter[str]:
    """Which of the derivatives, by name, needs which others.

    Raises:
        graphlib.CycleError: two need each other; as soon as the graph is asked for an order.
    """
    names = {step.table.name for step in derivatives}
    return TopologicalSorter({step.table.name: names & set(step.sources) for step in derivatives})


def in_order(derivatives: Collection[Derivative]) -> list[Derivative]:
    """The derivatives, each after what it is made of."""
    by_name = {step.table.name: step for step in derivatives}
    return [by_name[name] for name in graph(derivatives).static_order()]
