"""Whether a run refreshes by slices, and what it then touches."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.conformed.all_facilities import COLUMNS, all_facilities
from lakehouse.l2.conformed.changes import TIMES, due_records
from lakehouse.l2.derivatives.units_identity import component_sources
from lakehouse.l2.kept import kept_for_unions
from lakehouse.l2.pipeline import BEFORE, CHANGED_RECORDS, Derivative, parameters
from lakehouse.l2.shared import Frames
from lakehouse.l2.slices.cut import cut
from lakehouse.l2.slices.refreshed import Refreshed
from lakehouse.l2.slices.touched import Touched, touched_units

log = logging.getLogger(__name__)
PLACES = ("facilities", "hospitals")
SOURCES = "components"


@dataclass(frozen=True)
class Slices:
    """What a run touches since the release before, and its tables cut down to that."""

    frames: Frames
    as_of: date
    as_of_before: date

    @cached_property
    def touched(self) -> Touched:
        """What is touched, and its family."""
        changed = self.frames.of([CHANGED_RECORDS])[0].select("about", "name")
        now = dict(zip(TIMES, self.frames.of(TIMES), strict=True))
        named = kept_for_unions(changed.union(due_records(now, self.as_of_before)).distinct())
        inputs = self.frames.of(parameters(touched_units)[1:])
        return touched_units(named, *inputs, as_of=self.as_of, as_of_before=self.as_of_before)

    @cached_property
    def cut(self) -> Frames:
        """The frames that touched units are told from."""
        family = self.touched.family
        return Frames(lambda name: cut(name, self.frames.of([name])[0], family), self.frames)

    def count(self) -> int:
        """How many units are touched; to be asked before builds ask for them side by side."""
        return self.touched.units.count()

    def refreshed(self, step: Derivative, params: Mapping[str, Any]) -> Refreshed:
        """The touched slices of a derivative."""
        if step.refresh:
            inputs = self.frames.of(parameters(step.refresh))
            days = {"as_of": self.as_of, "as_of_before": self.as_of_before}
            return step.refresh(*inputs, touched=self.touched.units, **days, params=params)
        told = self.touched.of(step.told_by)
        rows = step.build(*self.cut.of(step.inputs), as_of=self.as_of, params=params)
        return Refreshed(rows.join(F.broadcast(told), "unit_id", "left_semi"), told, "old.unit_id = gone.unit_id")


def slices_of(frames: Frames, written: Collection[str], as_of: date, as_of_before: date) -> Slices | None:
    """The slices of a run; None where all units may read otherwise, so that they must be built whole.

    Args:
        frames: the tables of the run, and those of the release before.
        written: names of the conformed tables that the run wrote.
        as_of: the day to speak about.
        as_of_before: the day that the release before speaks about.
    """
    why = "the day goes back" if as_of < as_of_before else _why_all(frames, written)
    if why:
        log.info("building whole: %s", why)
        return None
    return Slices(frames, as_of, as_of_before)


def _why_all(frames: Frames, written: Collection[str]) -> str:
    """Why the records that came touch every unit; empty where they don't."""
    if set(PLACES) & set(written):
        now, before = [all_facilities(*rows).select(*COLUMNS) for rows in _twice(frames, PLACES)]
        if _differ(now, before):
            return "facilities changed"
    if SOURCES in written:
        now, before = [component_sources(*rows) for rows in _twice(frames, (SOURCES,))]
        if _differ(now, before):
            return "the sources of components changed"
    return ""


def _twice(frames: Frames, names: tuple[str, ...]) -> tuple[list[DataFrame], list[DataFrame]]:
    """The tables, and as they were in the release before."""
    return frames.of(names), frames.of([f"{name}{BEFORE}" for name in names])


def _differ(now: DataFrame, before: DataFrame) -> bool:
    return not (now.exceptAll(before).isEmpty() and before.exceptAll(now).isEmpty())
