"""The lake's tables: create, read at a version, append once, merge, replace, restore.

Every write goes through here, carries the run's id in its commit, and passes the probe before and
after it, which is how the tests break a run at any write.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property

from delta.tables import DeltaMergeBuilder, DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.errors import LakeError, StorageError
from lakehouse.storage.commits import Commit, commits_after, create_table, latest_version, properties_of, read_commit
from lakehouse.storage.files import Files, files_at
from lakehouse.storage.fit import lacking, require_fit, to_be_added
from lakehouse.storage.journal import Journals, Row, Size
from lakehouse.storage.writes import Guard, Moment, Probe, Write, no_guard, no_probe
from lakehouse.table import Table

FILES_MOST = 64
"""A table that grows by parts is compacted when it has so many files."""

SKIPPING = "spark.databricks.delta.stats.skipping"


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
        self.guard: Guard = no_guard
        self._fitting: set[str] = set()  # paths of tables that are known to have every declared column

    @cached_property
    def spark(self) -> SparkSession:
        """The session."""
        return self._session if isinstance(self._session, SparkSession) else self._session()

    def start(self) -> SparkSession:
        """Start Spark, before any record is written: what can't start must leave no trace of one."""
        return self.spark

    def uri(self, table: Table) -> str:
        """Where a table is kept."""
        return f"{self.root}/{table.path}"

    def version(self, table: Table) -> int | None:
        """The table's newest version; None where it does not exist yet."""
        return latest_version(self.files, table.path)

    def size(self, table: Table) -> Size:
        """How many files and rows a table has."""
        return self.journals.size(table)

    def commits_after(self, table: Table, version: int) -> list[Commit]:
        """The table's commits later than `version`, oldest first."""
        return commits_after(self.files, table.path, version)

    def create(self, table: Table) -> None:
        """Create a table ahead of its first write, so that no two writers race to create it."""
        if self.version(table) is not None:
            return
        with self._moment(table, "create"):
            # Where another was first, it has made the very same table.
            create_table(self.files, table, properties_of(table, self.window_days), self.run_id)

    def read(self, table: Table, version: int | None = None) -> DataFrame:
        """The table's rows, at its newest or a given version; a column that it did not have yet is NULL."""
        rows = self._stored(table, version)
        later = {field.name: F.lit(None).cast(field.type) for field in lacking(rows, table)}
        return rows.withColumns(later) if later else rows

    def rewritten(self, table: Table, since: int) -> tuple[DataFrame, DataFrame]:
        """The rows in files that the table has and did not have at a version, and in those that it had and has not.

        Whatever differs between the two is among them; so is what stood beside it.
        """
        now, before = self.journals.paths(table), self.journals.paths(table, since)
        return self._rows_in(table, now - before), self._rows_in(table, before - now)

    def _rows_in(self, table: Table, paths: frozenset[str]) -> DataFrame:
        if not paths:
            return self.spark.createDataFrame([], table.schema)
        return self.spark.read.schema(table.schema).parquet(*[f"{self.uri(table)}/{path}" for path in sorted(paths)])

    def _stored(self, table: Table, version: int | None = None) -> DataFrame:
        options = {} if version is None else {"versionAsOf": version}
        return self.spark.read.format("delta").options(**options).load(self.uri(table))

    def _widen(self, table: Table) -> None:
        """Give a table the columns that were declared after it was made, before it is written."""
        if table.path in self._fitting:
            return
        if later := to_be_added(self._stored(table), table):
            columns = ", ".join(f"`{field.name}` {field.type.simpleString()}" for field in later)
            place = self.uri(table).replace("`", "``")
            with self._write(table, "widen"):
                self.spark.sql(f"ALTER TABLE delta.`{place}` ADD COLUMNS ({columns})")
        self._fitting.add(table.path)

    @contextmanager
    def reading_whole(self) -> Iterator[None]:
        """Reads within it are of whole tables: to look for files to skip is a job for each scan, and skips none."""
        before = str(self.spark.conf.get(SKIPPING, "true"))
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
        with self._write(table, "append"):
            options = {"txnAppId": app_id, "txnVersion": str(sequence)}
            self._ordered(table, rows).write.format("delta").mode("append").options(**options).save(self.uri(table))
        commit = self._commit_of(table, app_id, sequence)
        if commit is None:
            raise LakeError(f"{table.path}: Delta skipped {app_id} {sequence}, but no commit holds it")
        return commit.note == self.run_id

    def append_rows(self, table: Table, rows: Iterable[Row], *, once: tuple[str, int] | None = None) -> None:
        """Append to a journal, without Spark: see `Journals.append`."""
        with self._moment(table, "append"):
            self.journals.append(table, rows, note=self.run_id, once=once)

    def rows_committed(self, table: Table, app_id: str, sequence: int) -> int | None:
        """How many rows the commit under a transaction id wrote; None where there is no such commit."""
        commit = self._commit_of(table, app_id, sequence)
        return commit.rows if commit else None

    def _commit_of(self, table: Table, app_id: str, sequence: int) -> Commit | None:
        """The commit under a transaction id, newest first; sequences rise, so an older one ends the search."""
        for version in range(self._existing_version(table), -1, -1):
            found = dict((commit := read_commit(self.files, table.path, version)).transactions).get(app_id)
            if found is not None and found <= sequence:
                return commit if found == sequence else None
        return None

    def append(self, table: Table, rows: DataFrame) -> None:
        """Append; for a writer who knows that the rows are not there."""
        with self._write(table, "append"):
            self._ordered(table, rows).write.format("delta").mode("append").save(self.uri(table))

    def replace(self, table: Table, rows: DataFrame) -> None:
        """Put these rows in the place of all rows."""
        with self._write(table, "replace"):
            self._ordered(table, rows).write.format("delta").mode("overwrite").save(self.uri(table))

    def refresh(self, table: Table, rows: DataFrame, *, gone: DataFrame, where: str) -> None:
        """Take away the rows (alias `old`) for which `gone` has one so that `where` holds, and add these.

        Files of which a row is taken away are written again without it; the others stay.
        """
        with self._write(table, "clear"):
            old = DeltaTable.forPath(self.spark, self.uri(table)).alias("old")
            old.merge(gone.alias("gone"), where).whenMatchedDelete().execute()
        self.append(table, rows)
        self._compact(table)

    def _compact(self, table: Table) -> None:
        """Write the files of a table as few, where it has come to `FILES_MOST`."""
        if self.size(table).files >= FILES_MOST:
            with self._write(table, "compact"):
                DeltaTable.forPath(self.spark, self.uri(table)).optimize().executeCompaction()

    def merge(self, table: Table, rows: DataFrame, *, newer: Column | str) -> None:
        """Insert new keys, and update a row where `newer` holds (aliases `old` and `new`).

        A table that grew to `FILES_MOST` files by it is compacted.
        """
        with self._write(table, "merge"):
            onto = self._onto(table, rows)
            onto.whenMatchedUpdateAll(condition=newer).whenNotMatchedInsertAll().execute()
        self._compact(table)

    def insert_missing(self, table: Table, rows: DataFrame) -> None:
        """Insert the rows whose key is not there yet; inserting twice adds nothing."""
        with self._write(table, "insert"):
            self._onto(table, rows).whenNotMatchedInsertAll().execute()
        self._compact(table)

    def _onto(self, table: Table, rows: DataFrame) -> DeltaMergeBuilder:
        """A merge of rows into the table by its key, as `new` and `old`."""
        on = " AND ".join(f"old.`{column}` <=> new.`{column}`" for column in table.key)
        new = self._ordered(table, rows).alias("new")
        return DeltaTable.forPath(self.spark, self.uri(table)).alias("old").merge(new, on)

    def restore(self, table: Table, version: int) -> None:
        """Bring a table back to a version."""
        with self._write(table, "restore"):
            DeltaTable.forPath(self.spark, self.uri(table)).restoreToVersion(version)
        self._fitting.discard(table.path)

    def _moment(self, table: Table, kind: str) -> Moment:
        return Moment(f"{table.path}:{kind}", self.guard, self.probe)

    def _write(self, table: Table, kind: str) -> Write:
        return Write(f"{table.path}:{kind}", self.guard, self.probe, self.spark, self.run_id)

    def _existing_version(self, table: Table) -> int:
        if (version := self.version(table)) is None:
            raise StorageError(f"there is no table {self.uri(table)}")
        return version

    def _ordered(self, table: Table, rows: DataFrame) -> DataFrame:
        """The declared columns, in order; the table has all of them from here on.

        Raises:
            SchemaMismatchError: the frame's columns or types are not the declared ones.
        """
        require_fit(rows, table)
        self._widen(table)
        return rows.select(*[F.col(f"`{column}`") for column in table.columns])
