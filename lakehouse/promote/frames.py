"""The frames of one promote, by the names that builds and laws call them by."""

from collections.abc import Iterable

from pyspark.sql import DataFrame

from lakehouse.l2.kept import kept
from lakehouse.l2.pipeline import L2_TABLES, SHARED, parameters
from lakehouse.release import live
from lakehouse.storage.lake import Lake


class Frames:
    """Tables at their newest version without withdrawn rows, and the shared frames over them.

    Make it when the conformed tables are written: shared frames are made here, once.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._shared: dict[str, DataFrame] = {}
        for name, build in SHARED.items():
            self._shared[name] = kept(build(*self.of(parameters(build))))

    def of(self, names: Iterable[str]) -> list[DataFrame]:
        """The frames of these names."""
        return [self._shared[name] if name in self._shared else self._table(name) for name in names]

    def _table(self, name: str) -> DataFrame:
        return live(L2_TABLES[name], self._lake.read(L2_TABLES[name]))
