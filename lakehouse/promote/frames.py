"""The frames of one promote, by the names that builds and laws call them by."""

from collections.abc import Collection, Iterable, Mapping

from pyspark.sql import DataFrame

from lakehouse.l2.conformed import CONFORMED
from lakehouse.l2.conformed.changes import NAMES, SCHEMA, changed_records
from lakehouse.l2.kept import kept
from lakehouse.l2.pipeline import BEFORE, CHANGED_RECORDS, L2_TABLES, SHARED, parameters
from lakehouse.release import live
from lakehouse.storage.lake import Lake


class Frames:
    """Tables at their newest version without withdrawn rows, and the shared frames over them.

    Make it when the conformed tables are written: shared frames are made here, once.

    Args:
        lake: the lake.
        before: path of a table -> the version that the run builds on, for `<table>_before`.
        anew: tables whose `<table>_before` is empty, so that what they keep from release to release is decided anew.
    """

    def __init__(self, lake: Lake, before: Mapping[str, int], anew: Collection[str] = ()) -> None:
        self._lake, self._before, self._anew = lake, before, anew
        self._shared: dict[str, DataFrame] = {}
        for name, build in SHARED.items():
            self._shared[name] = kept(build(*self.of(parameters(build))))

    def of(self, names: Iterable[str]) -> list[DataFrame]:
        """The frames of these names."""
        return [self._shared[name] if name in self._shared else self._table(name) for name in names]

    def _table(self, name: str) -> DataFrame:
        if name == CHANGED_RECORDS:
            return self._changed_records()
        table = L2_TABLES[name.removesuffix(BEFORE)]
        if not name.endswith(BEFORE):
            return live(table, self._lake.read(table))
        if table.name in self._anew:
            return self._lake.spark.createDataFrame([], table.schema)
        return live(table, self._lake.read(table, self._before[table.path]))

    def _changed_records(self) -> DataFrame:
        tables = {feed: CONFORMED[feed].table for feed in NAMES}
        if not any(self._before[table.path] for table in tables.values()):
            # No release before: all came with this one, and there is nothing that it could have changed.
            return self._lake.spark.createDataFrame([], SCHEMA)
        now = {feed: self._lake.read(table) for feed, table in tables.items()}
        before = {feed: self._lake.read(table, self._before[table.path]) for feed, table in tables.items()}
        return changed_records(now, before)
