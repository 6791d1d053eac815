"""Frames by the names that builds and laws call them by; those that several take are made once."""

from collections.abc import Callable, Iterable
from threading import RLock

from pyspark.sql import DataFrame

from lakehouse.l2.kept import kept
from lakehouse.l2.pipeline import SHARED, UNCUT, parameters


class Frames:
    """Tables, and the shared frames over them.

    A shared frame is made when it is first asked for, and stays as it was then: ask when the tables that it is made
    of are written.

    Args:
        table: the frame of a table, by its name.
        whole: where `table` gives parts of tables: the frames of the whole ones, for `UNCUT`.
    """

    def __init__(self, table: Callable[[str], DataFrame], whole: "Frames | None" = None) -> None:
        self._table, self._whole = table, whole
        self._shared: dict[str, DataFrame] = {}
        self._making = RLock()

    def of(self, names: Iterable[str]) -> list[DataFrame]:
        """The frames of these names."""
        return [self._shared_frame(name) if name in SHARED else self._table(name) for name in names]

    def _shared_frame(self, name: str) -> DataFrame:
        if self._whole is not None and name in UNCUT:
            return self._whole.of([name])[0]
        if name not in self._shared:
            with self._making:
                if name not in self._shared:
                    build = SHARED[name]
                    self._shared[name] = kept(build(*self.of(parameters(build))))
        return self._shared[name]
