"""Releases: consistent sets of table versions that passed the audit. Readers see nothing else.

A row of `ops/releases` is one release. The current one has the greatest sequence.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, MapType

from lakehouse.errors import LakeError, UsageError
from lakehouse.gates.quarantine import QUARANTINE, in_force
from lakehouse.storage.lake import Lake
from lakehouse.table import DATE, FLAG, INSTANT, LONG, LONG_BY_TEXT, TEXT, Field, Table

BATCHES = MapType(TEXT, ArrayType(LONG))
APP_ID = "ops/releases"

RELEASES = Table(
    tier="ops",
    name="releases",
    grain="a release: a set of table versions that readers see together",
    key=("release_id",),
    fields=(
        Field("release_id", TEXT, "r and the sequence", required=True),
        Field("sequence", LONG, "counts up; the greatest is current", required=True),
        Field("parent", TEXT, "the release that it was built on"),
        Field("kind", TEXT, "promote, replay, waive, rejudge or rollback", required=True),
        Field("restored", TEXT, "for a roll back: the release that it brought back"),
        Field("as_of", DATE, "the day that its as-of tables speak about", required=True),
        Field("tables", LONG_BY_TEXT, "path of a table -> its Delta version", required=True),
        Field("consumed", BATCHES, "feed -> the batches that it holds", required=True),
        Field("held", BATCHES, "feed -> the batches that wait for a decision"),
        Field("is_incomplete", FLAG, "true when a batch is held", required=True),
        Field("suites_sha", TEXT, "hash of the suites"),
        Field("params_sha", TEXT, "hash of the parameters"),
        Field("code_sha", TEXT, "hash of the code that builds"),
        Field("key_id", TEXT, "which pseudonym key"),
        Field("run_id", TEXT, "the run that published it", required=True),
        Field("published_at", INSTANT, "when (UTC)", required=True),
        Field("why", TEXT, "by whom and why, where a person decided"),
    ),
    law="every release names a version of each table that is readable within the release window",
)


@dataclass(frozen=True)
class Release:
    """One row of `RELEASES`."""

    sequence: int
    as_of: date
    tables: dict[str, int]
    consumed: dict[str, list[int]]
    held: dict[str, list[int]]
    suites_sha: str
    params_sha: str
    code_sha: str
    key_id: str
    run_id: str
    published_at: datetime
    parent: str | None = None
    kind: str = "promote"
    restored: str | None = None
    why: str | None = None

    @property
    def release_id(self) -> str:
        """The release's name."""
        return sequence_name(self.sequence)

    @property
    def is_incomplete(self) -> bool:
        """Whether a batch is held."""
        return any(self.held.values())

    def row(self) -> tuple[Any, ...]:
        """The release as a row of `RELEASES`."""
        return tuple(getattr(self, name) for name in RELEASES.columns)


def sequence_name(sequence: int) -> str:
    """The name of the release of a sequence."""
    return f"r{sequence:06d}"


def list_releases(lake: Lake) -> list[Release]:
    """Every release, oldest first; none where nothing was ever published."""
    if lake.version(RELEASES) is None:
        return []
    rows = sorted(lake.journals.rows(RELEASES), key=lambda row: row["sequence"])
    return [Release(**{name: row[name] for name in Release.__dataclass_fields__}) for row in rows]


def current_release(lake: Lake) -> Release | None:
    """The release that readers see."""
    releases = list_releases(lake)
    return releases[-1] if releases else None


def find_release(lake: Lake, release_id: str | None) -> Release:
    """A release by its name, or the current one.

    Raises:
        UsageError: there is none, or none of that name; the known ones are named.
    """
    releases = list_releases(lake)
    if not releases:
        raise UsageError(f"the lake {lake.root} has no release yet; run jobs/run.py first")
    if release_id is None:
        return releases[-1]
    found = [release for release in releases if release.release_id == release_id]
    if not found:
        known = ", ".join(release.release_id for release in releases[-5:])
        raise UsageError(f"there is no release {release_id!r}; the last ones are {known}")
    return found[0]


def lineage(releases: Iterable[Release], release: Release | None) -> list[Release]:
    """The releases whose decisions a release holds, itself first: its ancestors, those rolled back left out."""
    by_id, found = {known.release_id: known for known in releases}, []
    while release is not None:
        found.append(release)
        release = by_id.get(release.restored or release.parent or "")
    return found


def publish(lake: Lake, release: Release) -> None:
    """Append a release; of two racers one is refused.

    Raises:
        LeaseTakenError: another run published meanwhile; nothing of this run is seen.
    """
    lake.append_rows(RELEASES, [release.row()], once=(APP_ID, release.sequence))


def roll_back(lake: Lake, release_id: str, *, by: str, why: str, at: datetime) -> Release:
    """Publish an older release's versions again; what only the abandoned ones had is held.

    Raises:
        UsageError: no such release, or it is current already.
    """
    target, current = find_release(lake, release_id), find_release(lake, None)
    if target.tables == current.tables:
        raise UsageError(f"{release_id} is what readers see already")
    seen = {
        feed: {*current.consumed.get(feed, ()), *current.held.get(feed, ())} for feed in current.consumed | current.held
    }
    held = {feed: sorted(batches - set(target.consumed.get(feed, ()))) for feed, batches in seen.items()}
    release = replace(
        target,
        sequence=current.sequence + 1,
        parent=current.release_id,
        kind="rollback",
        restored=release_id,
        held={feed: batches for feed, batches in held.items() if batches},
        run_id=lake.run_id,
        published_at=at,
        why=f"{by}: {why}",
    )
    publish(lake, release)
    return release


def require_table(lake: Lake, table: Table, release: Release | None) -> None:
    """Refuse to go on without a table that a release names; to make it anew would lose what it held.

    Raises:
        LakeError: it is not there, or only in versions before the released one.
    """
    wanted = release.tables.get(table.path) if release else None
    if release is None or wanted is None:
        return
    found = lake.version(table)
    if found is None or found < wanted:
        what = "no table" if found is None else f"version {found}"
        raise LakeError(
            f"{lake.uri(table)}: found {what}, wanted version {wanted} of release {release.release_id}; "
            "bring the folder back from a backup"
        )


class ReleaseReader:
    """Reads tables as one release has them."""

    def __init__(self, lake: Lake, release: Release, tables: dict[str, Table]) -> None:
        self.lake, self.release = lake, release
        self.tables = {name: table for name, table in tables.items() if table.path in release.tables}

    def read(self, name: str) -> DataFrame:
        """A released table by its name; withdrawn records are hidden.

        Raises:
            UsageError: the release has no such table; the known ones are named.
            LakeError: the table is gone from where the lake keeps it.
        """
        table = self._released(name)
        try:
            rows = self.lake.read(table, self.release.tables[table.path])
        except (PySparkException, Py4JJavaError):
            require_table(self.lake, table, self.release)
            raise
        return live(table, rows)

    def _released(self, name: str) -> Table:
        if name not in self.tables:
            raise UsageError(f"release {self.release.release_id} has no table {name!r}; it has {sorted(self.tables)}")
        return self.tables[name]

    def find(self, name: str, column: str, values: Collection[str]) -> list[dict[str, Any]]:
        """The rows of a released table whose column has one of these values, without Spark; likewise.

        Raises:
            UsageError: as `read`.
        """
        table = self._released(name)
        rows = self.lake.journals.find(table, column, values, self.release.tables[table.path])
        return [row for row in rows if not row.get("is_void")]

    def quarantine(self) -> DataFrame:
        """The events of quarantine that count for the release: see `in_force`."""
        behind = lineage(list_releases(self.lake), self.release)
        return in_force(self.lake.read(QUARANTINE), [release.run_id for release in behind])


def live(table: Table, rows: DataFrame) -> DataFrame:
    """The rows that readers see: not those whose record was withdrawn."""
    return rows.where(~F.col("is_void")) if table.tier == "l2" and "is_void" in table.columns else rows
