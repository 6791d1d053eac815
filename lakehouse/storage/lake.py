"""The lake's tables: create, read at a version, append once, merge, replace, restore.

Every write goes through here, carries the run's id in its commit, and passes the probe before and
after it, which is how the tests break a run at any write.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

from delta.exceptions import (
    ConcurrentAppendException,
    ConcurrentTransactionException,
    ConcurrentWriteException,
    DeltaConcurrentModificationException,
    MetadataChangedException,
    ProtocolChangedException,
)
from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.errors import LakeError, SchemaMismatchError, StorageError
from lakehouse.storage.commits import Commit, commits_after, create_table, latest_version, properties_of, read_commit
from lakehouse.storage.files import Files, files_at
from lakehouse.storage.journal import Journals, Row
from lakehouse.table import Table

LOST_RACE = (
    ConcurrentAppendException,
    ConcurrentTransactionException,
    ConcurrentWriteException,
    DeltaConcurrentModificationException,
    MetadataChangedException,
    ProtocolChangedException,
)
"""What Delta raises in the writer that came second."""

Probe = Callable[[str], None]
NOTE = "spark.databricks.delta.commitInfo.userMetadata"
SKIPPING = "spark.databricks.delta.stats.skipping"


def no_probe(moment: str) -> None:
    """The probe of a real run: nothing."""


def no_guard() -> None:
    """The guard of a writer that needs no lease."""


class Lake:
    """The tables below one root.

    Args:
        session: the session, or what starts it where a table is first read or written by Spark.
        root: a path or an s3a:// URI.
        run_id: written into every commit.
        window_days: how long old versions stay readable.
        probe: called with the name of each write, before and after it.
    """

    def __init__(
        self,
        session: SparkSession | Callable[[], SparkSession],
        root: str,
        *,
        run_id: str,
        window_days: int = 400,
        probe: Probe = no_probe,
    ) -> None:
        self._session = session
        self.files: Files = files_at(root)
        self.journals = Journals(self.files)
        self.root = self.files.root
        self.run_id = run_id
        self.window_days = window_days
        self.probe = probe
        self.guard: Callable[[], None] = no_guard

    @cached_property
    def spark(self) -> SparkSession:
        """The session."""
        return self._session if isinstance(self._session, SparkSession) else self._session()

    def start(self) -> SparkSession:
        """Start Spark, before anything is written: what can't start must leave no trace."""
        return self.spark

    def uri(self, table: Table) -> str:
        """Where a table is kept."""
        return f"{self.root}/{table.path}"

    def version(self, table: Table) -> int | None:
        """The table's newest version; None where it does not exist yet."""
        return latest_version(self.files, table.path)

    def commits_after(self, table: Table, version: int) -> list[Commit]:
        """The table's commits later than `version`, oldest first."""
        return commits_after(self.files, table.path, version)

    def create(self, table: Table) -> None:
        """Create a table ahead of its first write, so that no two writers race to create it."""
        if self.version(table) is not None:
            return
        with _Moment(self, table, "create"):
            # Where another was first, it has made the very same table.
            create_table(self.files, table, properties_of(table, self.window_days), self.run_id)

    def read(self, table: Table, version: int | None = None) -> DataFrame:
        """The table's rows, at its newest or a given version."""
        reader = self.spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        return reader.load(self.uri(table))

    @contextmanager
    def reading_whole(self) -> Iterator[None]:
        """Reads within it are of whole tables: to look for files to skip is a job for each scan, and skips none."""
        before = str(self.spark.conf.get(SKIPPING))
        self.spark.conf.set(SKIPPING, "false")
        try:
            yield
        finally:
            self.spark.conf.set(SKIPPING, before)

    def append_once(self, table: Table, rows: DataFrame, *, app_id: str, sequence: int) -> bool:
        """Append under a transaction id: whatever happens, `sequence` is written at most once.

        Sequences of one `app_id` must come in order: Delta keeps only the greatest.

        Returns:
            Whether this run made the commit; False where another run has made it.

        Raises:
            LakeError: Delta skipped the write, yet no commit holds it.
        """
        self._existing_version(table)
        with _Write(self, table, "append"):
            options = {"txnAppId": app_id, "txnVersion": str(sequence)}
            self._ordered(table, rows).write.format("delta").mode("append").options(**options).save(self.uri(table))
        commit = self._commit_of(table, app_id, sequence)
        if commit is None:
            raise LakeError(f"{table.path}: Delta skipped {app_id} {sequence}, but no commit holds it")
        return commit.note == self.run_id

    def append_rows(self, table: Table, rows: Iterable[Row], *, once: tuple[str, int] | None = None) -> None:
        """Append to a journal, without Spark: see `Journals.append`."""
        with _Moment(self, table, "append"):
            self.journals.append(table, rows, note=self.run_id, once=once)

    def rows_committed(self, table: Table, app_id: str, sequence: int) -> int | None:
        """How many rows the commit under a transaction id wrote; None where there is no such commit."""
        commit = self._commit_of(table, app_id, sequence)
        return commit.rows if commit else None

    def _commit_of(self, table: Table, app_id: str, sequence: int) -> Commit | None:
        """The commit under a transaction id, newest first; sequences rise, so an older one ends the search."""
        for version in range(self._existing_version(table), -1, -1):
            commit = read_commit(self.files, table.path, version)
            found = dict(commit.transactions).get(app_id)
            if found is not None and found <= sequence:
                return commit if found == sequence else None
        return None

    def append(self, table: Table, rows: DataFrame) -> None:
        """Append; for a writer who knows that the rows are not there."""
        with _Write(self, table, "append"):
            self._ordered(table, rows).write.format("delta").mode("append").save(self.uri(table))

    def replace(self, table: Table, rows: DataFrame) -> None:
        """Put these rows in the place of all rows."""
        with _Write(self, table, "replace"):
            self._ordered(table, rows).write.format("delta").mode("overwrite").save(self.uri(table))

    def merge(self, table: Table, rows: DataFrame, *, newer: Column | str) -> None:
        """Insert new keys, and update a row where `newer` holds (aliases `old` and `new`)."""
        on = " AND ".join(f"old.`{column}` <=> new.`{column}`" for column in table.key)
        with _Write(self, table, "merge"):
            merge = DeltaTable.forPath(self.spark, self.uri(table)).alias("old")
            (
                merge.merge(self._ordered(table, rows).alias("new"), on)
                .whenMatchedUpdateAll(condition=newer)
                .whenNotMatchedInsertAll()
                .execute()
            )

    def insert_missing(self, table: Table, rows: DataFrame) -> None:
        """Insert the rows whose key is not there yet; inserting twice adds nothing."""
        on = " AND ".join(f"old.`{column}` <=> new.`{column}`" for column in table.key)
        with _Write(self, table, "insert"):
            merge = DeltaTable.forPath(self.spark, self.uri(table)).alias("old")
            merge.merge(self._ordered(table, rows).alias("new"), on).whenNotMatchedInsertAll().execute()

    def restore(self, table: Table, version: int) -> None:
        """Bring a table back to a version."""
        with _Write(self, table, "restore"):
            DeltaTable.forPath(self.spark, self.uri(table)).restoreToVersion(version)

    def _existing_version(self, table: Table) -> int:
        version = self.version(table)
        if version is None:
            raise StorageError(f"there is no table {self.uri(table)}")
        return version

    def _ordered(self, table: Table, rows: DataFrame) -> DataFrame:
        """The declared columns, in order.

        Raises:
            SchemaMismatchError: the frame's columns or types are not the declared ones.
        """
        found = {field.name: field.dataType.simpleString() for field in rows.schema.fields}
        wanted = {field.name: field.type.simpleString() for field in table.fields}
        if found != wanted:
            raise SchemaMismatchError(_difference(table, found, wanted))
        return rows.select(*[F.col(f"`{column}`") for column in table.columns])


class _Moment:
    """One write: the guard and the probe before it, the probe after it."""

    def __init__(self, lake: Lake, table: Table, kind: str) -> None:
        self._lake, self._moment = lake, f"{table.path}:{kind}"

    def __enter__(self) -> None:
        self._lake.guard()
        self._lake.probe(f"{self._moment}:before")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._lake.probe(f"{self._moment}:after")


class _Write(_Moment):
    """One write by Spark, with the run's id in its commit."""

    def __enter__(self) -> None:
        super().__enter__()
        self._lake.spark.conf.set(NOTE, self._lake.run_id)


def _difference(table: Table, found: dict[str, str], wanted: dict[str, str]) -> str:
    missing = [f"{name} {kind}" for name, kind in wanted.items() if name not in found]
    extra = [name for name in found if name not in wanted]
    other = [f"{n} is {found[n]}, wanted {k}" for n, k in wanted.items() if n in found and found[n] != k]
    parts: Sequence[tuple[str, list[str]]] = (("missing", missing), ("unknown", extra), ("other type", other))
    return f"{table.path}: " + "; ".join(f"{what}: {', '.join(names)}" for what, names in parts if names)
