"""Rows of released tables by the values of one column."""

from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from lakehouse.release import ReleaseReader
from lakehouse.table import TEXT

Row = dict[str, Any]
Asked = tuple[str, str, Collection[str]]
"""A table, one of its columns, and the values wanted there."""

LITERALS_MAX = 2000
"""So many values are put into the query, where Delta skips files by them; more are sent along as a table."""


class Finder:
    """Looks rows up in one release.

    Args:
        reader: the release.
        threads: how many look-ups may run side by side.
    """

    def __init__(self, reader: ReleaseReader, threads: int) -> None:
        self.reader, self.threads = reader, threads
        self._tables: dict[str, DataFrame] = {}

    def rows(self, table: str, column: str, values: Iterable[str | None]) -> list[Row]:
        """The rows whose `column` is one of `values`, by the names of their columns; instants are in UTC."""
        wanted = sorted({value for value in values if value is not None})
        if not wanted:
            return []
        if table not in self._tables:
            self._tables[table] = self.reader.read(table)
        found: list[Row] = self._among(self._tables[table], column, wanted).toArrow().to_pylist()
        return found

    def all_of(self, *asked: Asked) -> list[list[Row]]:
        """The rows of several look-ups, made side by side."""
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(lambda one: self.rows(*one), asked))

    @staticmethod
    def _among(frame: DataFrame, column: str, values: list[str]) -> DataFrame:
        if len(values) <= LITERALS_MAX:
            return frame.where(F.col(column).isin(values))
        listed = frame.sparkSession.createDataFrame(
            [(value,) for value in values], StructType([StructField(column, TEXT)])
        )
        return frame.join(F.broadcast(listed), on=column, how="left_semi")
