"""The ledger of landing files. A row of `ops/files` is an event in the life of one file.

A file is (path below landing, SHA-256). Its state is that of its last event:
planned -> loaded | duplicate | parked, or failed (tried again), or unchanged (same bytes, touched). What could not be
taken in, and is in landing no more, is gone.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from pyspark.sql.types import ArrayType, StructField, StructType

from lakehouse.columns import BATCH
from lakehouse.l1.inspect import Segment
from lakehouse.storage.lake import Lake
from lakehouse.table import DATE, FLAG, INSTANT, INT, LONG, TEXT, Field, Table

SEGMENTS = ArrayType(StructType([StructField(n, LONG) for n in ("offset", "length", "first_line", "crc32")]))

FILES = Table(
    tier="ops",
    name="files",
    grain="an event in the life of a landing file",
    key=("event_id",),
    fields=(
        Field("event_id", TEXT, "<batch>/<file id>/<event>/<attempt>", required=True),
        Field("feed", TEXT, "the feed", required=True),
        Field("path", TEXT, "path below landing", required=True),
        Field("event", TEXT, "planned, loaded, duplicate, failed, parked, gone or unchanged", required=True),
        Field("batch_seq", LONG, "the batch that took it in", required=True),
        Field("file_id", LONG, "hash of path and SHA-256", required=True),
        Field("sha256", TEXT, "SHA-256 of the file's bytes", required=True),
        Field("size", LONG, "bytes"),
        Field("etag", TEXT, "the store's own mark of this version"),
        Field("delivered_on", DATE, "day of delivery, from the path"),
        Field("lines", LONG, "lines, blank ones too"),
        Field("blank_lines", LONG, "lines that hold nothing but white space"),
        Field("is_compressed", FLAG, "gzip or zstd"),
        Field("segments", SEGMENTS, "stretches of whole lines, as they are read"),
        Field("attempt", INT, "how often it was tried"),
        Field("message", TEXT, "why, in a sentence"),
        Field("run_id", TEXT, "the run", required=True),
        Field("happened_at", INSTANT, "when", required=True),
    ),
    law="lines of loaded files - blank lines = rows in L1, per feed and batch",
)

FINAL = ("loaded", "duplicate", "parked")


def batch_id(batch_seq: int) -> str:
    """The name of a batch."""
    return BATCH % batch_seq


def batch_number(name: str) -> int | None:
    """The number of a batch by its name, or by the number alone; None for any other text."""
    found = re.fullmatch(r"b?([0-9]+)", name)
    return int(found[1]) if found else None


@dataclass(frozen=True)
class FileEvent:
    """One row of the ledger; `FILES` says what each field means."""

    feed: str
    path: str
    event: str
    batch_seq: int
    file_id: int
    sha256: str
    size: int
    etag: str
    delivered_on: date | None = None
    lines: int = 0
    blank_lines: int = 0
    is_compressed: bool = False
    segments: tuple[Segment, ...] = ()
    attempt: int = 1
    message: str = ""

    @property
    def records(self) -> int:
        """Lines that hold something."""
        return self.lines - self.blank_lines


@dataclass
class Ledger:
    """The state of every file that the lake has seen."""

    last: dict[tuple[str, str], FileEvent] = field(default_factory=dict)  # by (path, SHA-256)
    batch_seq: int = 0

    def take(self, events: Iterable[FileEvent]) -> None:
        """Let events happen, in order."""
        for event in events:
            place = event.path, event.sha256
            # A touched file stays what it was; only the store's mark of it is new.
            before = self.last.pop(place, None)
            is_same = event.event == "unchanged" and before is not None
            # Put in anew, so that the last event of a path is the last of its versions here.
            self.last[place] = replace(before, etag=event.etag) if is_same and before else event
            self.batch_seq = max(self.batch_seq, event.batch_seq)

    @property
    def unfinished(self) -> list[FileEvent]:
        """Files planned by a run that did not finish; all of one batch."""
        return [event for event in self.last.values() if event.event == "planned"]

    def known(self) -> dict[str, FileEvent]:
        """The last version seen of each path."""
        return {path: event for (path, _), event in self.last.items()}

    def left_out(self) -> list[FileEvent]:
        """The files that are parked or to be tried again, but for what came since: repaired, or under another name."""
        taken = self.contents()
        waiting = [event for event in self.known().values() if event.event in ("parked", "failed")]
        return [event for event in waiting if (event.feed, event.sha256) not in taken]

    def named(self, text: str) -> str:
        """A text with the paths of the files that it calls by their ids, as the gate does."""
        paths = {str(event.file_id): event.path for event in self.last.values()}
        return re.sub(r"file (\d+)", lambda found: f"file {paths.get(found[1], found[1])}", text)

    def contents(self) -> dict[tuple[str, str], str]:
        """(feed, SHA-256) of what is loaded or about to be -> its path; empty files are all alike and left out."""
        taken = (e for e in self.last.values() if e.event in ("loaded", "planned") and e.size)
        return {(event.feed, event.sha256): event.path for event in taken}


def read_ledger(lake: Lake, until: datetime | None = None) -> Ledger:
    """Read the ledger as it is, or was; a few hundred bytes a file, so it fits the driver for millions of files.

    Where nothing was ever taken in, it is empty.
    """
    ledger = Ledger()
    if lake.version(FILES) is None:
        return ledger
    # In a batch a file is planned, and then at most one thing more happens to it.
    rows = sorted(lake.journals.rows(FILES), key=lambda row: (row["batch_seq"], row["event"] != "planned"))
    ledger.take(_event(row) for row in rows if until is None or row["happened_at"] <= until)
    return ledger


def _event(row: dict[str, Any]) -> FileEvent:
    values = row | {"segments": tuple(Segment(**segment) for segment in row["segments"] or ())}
    return FileEvent(**{name: values[name] for name in FileEvent.__dataclass_fields__})


def event_rows(events: Iterable[FileEvent], run_id: str, at: datetime) -> list[tuple[Any, ...]]:
    """The events as rows of `FILES`."""
    rows = []
    for event in events:
        values = {name: getattr(event, name) for name in FileEvent.__dataclass_fields__}
        values["segments"] = [vars(segment) for segment in event.segments]
        event_id = f"{event.batch_seq}/{event.file_id}/{event.event}/{event.attempt}"
        values |= {"event_id": event_id, "run_id": run_id, "happened_at": at}
        rows.append(tuple(values[name] for name in FILES.columns))
    return rows
