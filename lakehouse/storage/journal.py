"""Journals: the small `ops/` tables, which the driver reads and appends to row by row; and few rows of any table.

They are Delta tables like all others, but a Spark job for each row would cost seconds. Here they are read and
written by delta-rs, so that a lease costs milliseconds, a run that finds nothing to do never starts Spark, and who
asks for a donor's units has them before it would have started.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, QueryBuilder, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import MapType

from lakehouse.errors import LeaseTakenError, StorageError, full_disk
from lakehouse.storage.files import Files
from lakehouse.table import Table

SETTINGS = {"datafusion.execution.parquet.coerce_int96": "us"}
"""Spark's instants are read as they are; nanoseconds would reach from 1677 to 2262 alone."""
T = TypeVar("T")
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Size:
    """How many files a table has, and how many rows are in them."""

    files: int
    rows: int


@dataclass(frozen=True)
class Journals:
    """The journals below the root of a lake."""

    files: Files

    def rows(self, table: Table, **where: str | int) -> list[dict[str, Any]]:
        """The rows of a journal whose columns have these values; instants come with their zone.

        Raises:
            StorageError: there is no such table, or it is out of reach.
        """
        wanted = " AND ".join(f'"{column}" = {_literal(value)}' for column, value in where.items()) or "true"
        found = self._call(table, lambda delta: _query(delta, wanted))
        maps = [field.name for field in table.fields if isinstance(field.type, MapType)]
        return [row | {name: dict(row[name]) for name in maps if row[name] is not None} for row in found.to_pylist()]

    def find(self, table: Table, column: str, values: Collection[str], version: int) -> list[dict[str, Any]]:
        """The rows of any table whose column has one of these values; a column that it did not have yet is None.

        Raises:
            StorageError: there is no such table or version, or it is out of reach.
        """
        wanted = f'"{column}" IN ({", ".join(map(_literal, sorted(values)))})' if values else "false"

        def found(delta: DeltaTable) -> list[dict[str, Any]]:
            delta.load_as_version(version)
            has_column = column in {field.name for field in delta.schema().fields}
            rows: list[dict[str, Any]] = _query(delta, wanted).to_pylist() if has_column else []
            return rows

        return [dict.fromkeys(table.columns) | row for row in self._call(table, found)]

    def size(self, table: Table) -> Size:
        """How large any table is by its log; rows that no log counts are none.

        Raises:
            StorageError: there is no such table, or it is out of reach.
        """

        def measure(delta: DeltaTable) -> Size:
            counts = _of_files(delta, "num_records")
            return Size(len(counts), sum(count or 0 for count in counts))

        return self._call(table, measure)

    def paths(self, table: Table, version: int | None = None) -> frozenset[str]:
        """The data files of any table, below its root, at its newest or a given version.

        Raises:
            StorageError: there is no such table or version, or it is out of reach.
        """

        def listed(delta: DeltaTable) -> frozenset[str]:
            if version is not None:
                delta.load_as_version(version)
            return frozenset(_of_files(delta, "path"))

        return self._call(table, listed)

    def sequence(self, table: Table, app_id: str) -> int:
        """The greatest sequence that was appended under an id; 0 where there is none."""
        return self._call(table, lambda delta: delta.transaction_version(app_id)) or 0

    def append(self, table: Table, rows: Iterable[Row], *, note: str, once: tuple[str, int] | None = None) -> None:
        """Append rows, values in the order of the table's columns.

        Args:
            table: the journal.
            rows: its new rows.
            note: the run's id, for the commit.
            once: an id and a sequence: whatever happens, that sequence is written at most once.

        Raises:
            LeaseTakenError: another run has written this sequence, or a later one.
            StorageError: there is no such table, or it is out of reach.
        """
        data = _arrow(table, rows)
        transactions = [Transaction(*once)] if once else None
        properties = CommitProperties(custom_metadata={"userMetadata": note}, app_transactions=transactions)

        def write(delta: DeltaTable) -> None:
            if once and (delta.transaction_version(once[0]) or 0) >= once[1]:
                raise _lost(table)
            write_deltalake(delta, data, mode="append", commit_properties=properties)

        self._call(table, write)

    def _call(self, table: Table, work: Callable[[DeltaTable], T]) -> T:
        uri = f"{self.files.root}/{table.path}"
        try:
            return work(DeltaTable(uri, storage_options=self.files.delta_options()))
        except TableNotFoundError as error:
            raise StorageError(f"there is no table {uri}") from error
        except (DeltaError, OSError) as error:
            if full := full_disk(error):
                raise full from error
            if isinstance(error, CommitFailedError):
                raise _lost(table) from error
            raise StorageError(f"{uri} is out of reach: {error}") from error


def _of_files(delta: DeltaTable, column: str) -> list[Any]:
    """What the log says of each data file."""
    found: list[Any] = pa.table(delta.get_add_actions()).column(column).to_pylist()
    return found


def _lost(table: Table) -> LeaseTakenError:
    return LeaseTakenError(f"another run wrote {table.path} meanwhile; run again")


def _arrow(table: Table, rows: Iterable[Row]) -> pa.Table:
    schema = to_arrow_schema(table.schema)
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.table([pa.array(c, field.type) for c, field in zip(columns, schema, strict=True)], schema=schema)


def _query(delta: DeltaTable, where: str) -> pa.Table:
    found = QueryBuilder(SETTINGS).register("rows", delta).execute(f"SELECT * FROM rows WHERE {where}")
    try:
        return pa.table(found.read_all())
    except Exception as error:  # What the reader of files raises has no type of its own.
        raise OSError(str(error)) from error


def _literal(value: str | int) -> str:
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
