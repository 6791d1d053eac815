"""Planning an ingest: which landing files are new, and what each one's inspection says to do with it."""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date

from lakehouse.config import IngestConf
from lakehouse.errors import UsageError
from lakehouse.l1.inspect import Inspection, inspect
from lakehouse.l1.ledger import FINAL, FileEvent, Ledger
from lakehouse.storage.files import FileInfo, Files

HIDDEN = (".", "_")
DELIVERY_DAY = re.compile(r"/(\d{4})/(\d{2})/(\d{2})/")
INSPECTORS = 2


@dataclass(frozen=True)
class Plan:
    """What one ingest run will do: an event for every file it looked into, and how many must wait."""

    events: tuple[FileEvent, ...]
    waiting: int = 0

    @property
    def planned(self) -> tuple[FileEvent, ...]:
        """The files to load."""
        return tuple(event for event in self.events if event.event == "planned")


def list_landing(landing: Files, feeds: Iterable[str]) -> list[FileInfo]:
    """Every visible file below landing.

    Raises:
        UsageError: folders that are no feed's, all of them named.
    """
    wanted = set(feeds)
    found = [name for name in landing.names() if not name.startswith(HIDDEN)]
    unknown = [name for name in found if name not in wanted]
    if unknown:
        raise UsageError(f"landing holds {', '.join(unknown)}; the feeds are {', '.join(sorted(wanted))}")
    visible = [info for info in landing.walk() if not any(part.startswith(HIDDEN) for part in info.path.split("/"))]
    # One order whatever the store, because of files with the same bytes the first is the one that loads.
    return sorted(visible, key=lambda info: info.path)


def make_plan(landing: Files, infos: list[FileInfo], ledger: Ledger, conf: IngestConf, now: float) -> Plan:
    """Inspect what is new and say what becomes of it.

    Args:
        landing: where the files are.
        infos: the files, as listed.
        ledger: what the lake has seen.
        conf: sizes and limits.
        now: epoch seconds; files younger than `settle_seconds` wait.
    """
    known, contents = ledger.known(), ledger.contents()
    new = [info for info in infos if not _is_settled_case(info, known.get(shown(info.path)), contents)]
    # A time in the future says nothing about age, unless clocks differ by a little.
    old_enough = [info for info in new if abs(now - info.modified_at) >= conf.settle_seconds]
    with ThreadPoolExecutor(INSPECTORS) as pool:
        seen = list(pool.map(lambda info: _inspect(landing, info, conf), old_enough))
    events = []
    for info, inspection in zip(old_enough, seen, strict=True):
        if inspection is None:
            continue
        event = _event(info, inspection, ledger, contents, conf)
        if event.event == "planned" and event.size:
            contents[event.feed, event.sha256] = event.path
        events.append(event)
    gone = _gone(known, {shown(info.path) for info in infos}, ledger.batch_seq + 1)
    return Plan((*events, *gone), len(new) - len(events))


def _gone(known: Mapping[str, FileEvent], found: Collection[str], batch_seq: int) -> list[FileEvent]:
    """What could not be taken in and is not in landing any more: nothing will come of it."""
    left = [event for path, event in known.items() if event.event in ("parked", "failed") and path not in found]
    return [replace(event, event="gone", batch_seq=batch_seq, message="no longer in landing") for event in left]


def _is_settled_case(info: FileInfo, last: FileEvent | None, contents: Mapping[tuple[str, str], str]) -> bool:
    """Whether the ledger has said its last word on this very version of the file."""
    if last is None or (last.size, last.etag) != (info.size, info.etag):
        return False
    if last.event == "duplicate":
        # Unless what it is a duplicate of changed before it could be loaded.
        return (last.feed, last.sha256) in contents
    return last.event in FINAL


def _inspect(landing: Files, info: FileInfo, conf: IngestConf) -> Inspection | None:
    """Inspect one file; None where it moved while it was read."""
    if shown(info.path) != info.path:
        return Inspection(info.size, _unread(info), problem="its name is not UTF-8; rename it")
    try:
        with landing.open(info.path) as stream:
            found = inspect(info.path, stream, segment_bytes=conf.segment_bytes, max_line_bytes=conf.max_line_bytes)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Inspection(info.size, _unread(info), failure=f"can't be read: {error}")
    after = landing.stat(info.path)
    if after is None or (after.size, after.etag) != (info.size, info.etag):
        return None
    if found.failure and found.size != info.size:
        return Inspection(info.size, _unread(info), failure=found.failure)
    return found if found.size == info.size else None


def _unread(info: FileInfo) -> str:
    """A stand-in for the hash of a file that can't be read to its end, so that its tries can be counted."""
    return f"unread-{info.etag}"


def _event(
    info: FileInfo, seen: Inspection, ledger: Ledger, contents: dict[tuple[str, str], str], conf: IngestConf
) -> FileEvent:
    feed, path = info.path.split("/", 1)[0], shown(info.path)
    before = ledger.last.get((path, seen.sha256))
    attempt = before.attempt + 1 if before and before.event == "failed" else 1
    kind, message = _fate(path, seen, before, contents.get((feed, seen.sha256)), attempt, conf)
    return FileEvent(
        feed=feed,
        path=path,
        event=kind,
        batch_seq=ledger.batch_seq + 1,
        file_id=file_id(path, seen.sha256),
        sha256=seen.sha256,
        size=info.size,
        etag=info.etag,
        delivered_on=delivered_on(path),
        lines=seen.lines,
        blank_lines=seen.blank_lines,
        is_compressed=seen.is_compressed,
        segments=seen.segments if kind == "planned" else (),
        attempt=attempt,
        message=message,
    )


def _fate(
    path: str, seen: Inspection, before: FileEvent | None, twin: str | None, attempt: int, conf: IngestConf
) -> tuple[str, str]:
    """The event of an inspected file, and why."""
    if before is not None and before.event == "loaded":
        return "unchanged", "touched, but the same bytes as when it was loaded"
    if twin is not None and twin != path:
        return "duplicate", f"the same bytes as {twin}"
    if seen.problem:
        return "parked", seen.problem
    if seen.failure:
        kind = "failed" if attempt < conf.attempts else "parked"
        return kind, f"{seen.failure} (try {attempt} of {conf.attempts})"
    return "planned", ""


def shown(path: str) -> str:
    """The path as text; a local name that is not UTF-8 has its odd bytes spelled out."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def file_id(path: str, sha256: str) -> int:
    """A file's id: 63 bits of a hash of (path below landing, SHA-256)."""
    digest = hashlib.sha256(f"{path}\0{sha256}".encode()).digest()
    return int.from_bytes(digest[:8]) >> 1


def delivered_on(path: str) -> date | None:
    """The day that a path's <yyyy>/<mm>/<dd> names."""
    match = DELIVERY_DAY.search(path)
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None
