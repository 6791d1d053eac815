"""Rows of released tables by the values of one column."""

from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lakehouse.release import ReleaseReader

Row = dict[str, Any]
Asked = tuple[str, str, Collection[str]]
"""A table, one of its columns, and the values wanted there."""


class Finder:
    """Looks rows up in one release.

    Args:
        reader: the release.
        threads: how many look-ups may run side by side.
    """

    def __init__(self, reader: ReleaseReader, threads: int) -> None:
        self.reader, self.threads = reader, threads

    def rows(self, table: str, column: str, values: Iterable[str | None]) -> list[Row]:
        """The rows whose `column` is one of `values`, by the names of their columns; instants are in UTC."""
        wanted = {value for value in values if value is not None}
        return self.reader.find(table, column, wanted) if wanted else []

    def all_of(self, *asked: Asked) -> list[list[Row]]:
        """The rows of several look-ups, made side by side."""
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(lambda one: self.rows(*one), asked))
