"""Two releases, one after the other, as frames in memory: what each feed held then, and what it holds now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.l2.conformed import CONFORMED
from lakehouse.l2.conformed.changes import NAMES, changed_records
from lakehouse.l2.kept import kept
from lakehouse.l2.pipeline import CHANGED_RECORDS, L2_TABLES, PAST, Derivative, table_of
from lakehouse.l2.shared import Frames
from lakehouse.promote.slices import slices_of
from lakehouse.release import live
from tests.support.lives import FACILITIES, Rows, conformed

World = Mapping[str, Rows]


@dataclass
class Release:
    """What one release holds: conformed rows as sent, withdrawn ones too, and derivatives as they are built."""

    spark: SparkSession
    world: World
    as_of: date
    tables: dict[str, DataFrame] = field(default_factory=dict)
    before: "Release | None" = None

    def frames(self) -> Frames:
        """The frames of builds, by name."""
        return Frames(self._frame)

    def _frame(self, name: str) -> DataFrame:
        if name == CHANGED_RECORDS:
            assert self.before is not None
            return changed_records(self._stored(NAMES), self.before._stored(NAMES))
        if name.endswith(PAST):
            assert self.before is not None
            return self.before._frame(table_of(name))
        name = table_of(name)
        return live(L2_TABLES[name], self._stored([name])[name])

    def _stored(self, names: Any) -> dict[str, DataFrame]:
        for name in names:
            if name not in self.tables:
                rows = {"facilities": FACILITIES, **self.world}.get(name, ())
                assert name in CONFORMED, f"{name} is not built yet"
                self.tables[name] = kept(conformed(self.spark, name, rows))
        return {name: self.tables[name] for name in names}

    def build(self, step: Derivative, params: Mapping[str, Any]) -> DataFrame:
        """Build a derivative whole."""
        self.tables[step.table.name] = kept(step.build(*self.frames().of(step.inputs), as_of=self.as_of, params=params))
        return self.tables[step.table.name]

    def refresh(self, steps: list[Derivative], params: Mapping[str, Any]) -> None:
        """Build derivatives in order, by slices where that can be."""
        assert self.before is not None
        frames = self.frames()
        slices = slices_of(frames, list(CONFORMED), self.as_of, self.before.as_of)
        for step in steps:
            if slices is None:
                self.build(step, params)
                continue
            told, name = slices.refreshed(step, params), step.table.name
            old = self.before.tables[name].alias("old")
            left = old.join(told.gone.alias("gone"), F.expr(told.where), "left_anti")
            self.tables[name] = kept(left.unionByName(told.rows.select(*step.table.columns)))
