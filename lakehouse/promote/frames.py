"""The frames of one promote, by the names that builds and laws call them by."""

from collections.abc import Iterable, Mapping

from pyspark.sql import DataFrame

from lakehouse.l2.kept import kept
from lakehouse.l2.pipeline import BEFORE, L2_TABLES, SHARED, parameters
from lakehouse.release import live
from lakehouse.storage.lake import Lake


class Frames:
    """Tables at their newest version without withdrawn rows, and the shared frames over them.

    Make it when the conformed tables are written: shared frames are made here, once.

    Args:
        lake: the lake.
        before: path of a table -> the version that the run builds on, for `<table>_before`; without it those are
            empty, so that what builds keep from release to release is decided anew.
    """

    def __init__(self, lake: Lake, before: Mapping[str, int] | None = None) -> None:
        self._lake, self._before = lake, before
        self._shared: dict[str, DataFrame] = {}
        for name, build in SHARED.items():
            self._shared[name] = kept(build(*self.of(parameters(build))))

    def of(self, names: Iterable[str]) -> list[DataFrame]:
        """The frames of these names."""
        return [self._shared[name] if name in self._shared else self._table(name) for name in names]

    def _table(self, name: str) -> DataFrame:
        table = L2_TABLES[name.removesuffix(BEFORE)]
        if not name.endswith(BEFORE):
            return live(table, self._lake.read(table))
        if self._before is None:
            return self._lake.spark.createDataFrame([], table.schema)
        return live(table, self._lake.read(table, self._before[table.path]))
