"""Ingest: landing files become L1 rows, each file once, every line accounted for.

The order of writes makes it safe to die anywhere: plan (ledger) -> one append per feed, under a
transaction id -> done (ledger). A run first finishes, exactly as planned, what an earlier one left.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime

from pyspark.errors import PythonException
from pyspark.sql import functions as F

from lakehouse.config import Config
from lakehouse.errors import LakeError, LandingChangedError, LeaseTakenError, StorageError
from lakehouse.l1.feeds import FEEDS
from lakehouse.l1.ledger import FILES, FileEvent, batch_id, event_rows, read_ledger
from lakehouse.l1.load import load, with_batch
from lakehouse.l1.plan import list_landing, make_plan
from lakehouse.storage.files import Files
from lakehouse.storage.lake import Lake
from lakehouse.storage.writes import LOST_RACE
from lakehouse.table import Feed

Clock = Callable[[], datetime]
OTHER_RUN = "another run took in files meanwhile; run again"


@dataclass
class IngestResult:
    """What one ingest run did."""

    batch_id: str | None = None
    files: Counter[str] = field(default_factory=Counter)  # by event
    rows: Counter[str] = field(default_factory=Counter)  # by feed
    messages: list[str] = field(default_factory=list)
    waiting: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether every file ended as loaded or duplicate."""
        return not (self.files["failed"] or self.files["parked"])

    @property
    def did_nothing(self) -> bool:
        """Whether no file was new."""
        return not self.files


def ingest(lake: Lake, landing: Files, config: Config, clock: Clock, feeds: dict[str, Feed] = FEEDS) -> IngestResult:
    """Take in every new landing file.

    Args:
        lake: where to; its L1 tables are created here when they are missing.
        landing: where from.
        config: settings.
        clock: the time of day, for the ledger and for files that must settle.
        feeds: the feeds that may land.

    Raises:
        UsageError: landing holds a folder that is no feed's; nothing was written.
        LandingChangedError: a file is not what its inspection saw; nothing of its feed was appended.
    """
    infos = list_landing(landing, feeds)
    lake.create(FILES)
    run = _Ingest(lake, landing, config, clock, feeds, clock())
    ledger = read_ledger(lake)
    if ledger.unfinished:
        run.finish(ledger.unfinished)
        ledger = read_ledger(lake)
    plan = make_plan(landing, infos, ledger, config.ingest, clock().timestamp())
    run.result.waiting = plan.waiting
    if plan.events:
        lake.start()
        run.record(plan.events)
        run.finish(plan.planned)
    return run.result


@dataclass
class _Ingest:
    lake: Lake
    landing: Files
    config: Config
    clock: Clock
    feeds: dict[str, Feed]
    started_at: datetime
    result: IngestResult = field(default_factory=IngestResult)

    def record(self, events: Iterable[FileEvent]) -> None:
        """Write the plan, and with it what is settled already, in one commit."""
        events = list(events)
        self._write_ledger(events, "plan")
        for event in events:
            if event.event != "planned":
                self.result.files[event.event] += 1
                self.result.messages.append(f"{event.path}: {event.event}, {event.message}")

    def finish(self, planned: Iterable[FileEvent]) -> None:
        """Load the planned files of one batch, each feed in one commit, and say so in the ledger."""
        planned = list(planned)
        if not planned:
            return
        by_feed: dict[str, list[FileEvent]] = defaultdict(list)
        for event in planned:
            by_feed[event.feed].append(event)
        with ThreadPoolExecutor(self.config.pipeline.threads) as pool:
            ends = list(pool.map(lambda item: self._load_feed(*item), by_feed.items()))
        events = [event for end in ends for event in end]
        self._write_ledger(events, "done")
        self.result.batch_id = batch_id(planned[0].batch_seq)
        self.result.files.update(event.event for event in events)
        self.result.messages += [f"{e.path}: {e.event}, {e.message}" for e in events if e.message]

    def _write_ledger(self, events: list[FileEvent], step: str) -> None:
        rows = event_rows(events, self.lake.run_id, self.clock())
        self.lake.append_rows(FILES, rows, once=(f"{FILES.path}/{step}", events[0].batch_seq))

    def _load_feed(self, name: str, events: list[FileEvent]) -> list[FileEvent]:
        """Append the files of one feed; a file that changed since its inspection is left out and tried anew."""
        feed, batch_seq = self.feeds[name], events[0].batch_seq
        appended = self._appended(feed, batch_seq)
        if appended is None:
            chosen = [event for event in events if not self._is_changed(event)]
            if any(event.records for event in chosen):
                self.lake.create(feed.l1)
                self._append(feed, chosen, batch_seq)
        else:
            # A run that died after its append has chosen already; the files may be gone by now.
            chosen = [event for event in events if event.file_id in appended or not event.records]
        loaded = {event.file_id for event in chosen}
        wanted = sum(event.records for event in chosen)
        self._require_rows(feed, batch_seq, wanted)
        self.result.rows[name] += wanted
        return [_ended(event, is_loaded=event.file_id in loaded) for event in events]

    def _appended(self, feed: Feed, batch_seq: int) -> set[int] | None:
        """The files that this batch has in L1 already; None where it was not appended yet."""
        if self.lake.version(feed.l1) is None or self._rows_of(feed, batch_seq) is None:
            return None
        rows = self.lake.read(feed.l1).where(F.col("_batch_seq") == batch_seq)
        return {row["_file_id"] for row in rows.select("_file_id").distinct().collect()}

    def _rows_of(self, feed: Feed, batch_seq: int) -> int | None:
        return self.lake.rows_committed(feed.l1, feed.l1.path, batch_seq)

    def _require_rows(self, feed: Feed, batch_seq: int, wanted: int) -> None:
        written = self._rows_of(feed, batch_seq) if wanted else 0
        if written != wanted:
            raise LakeError(f"{feed.l1.path}: {written} rows were appended, {wanted} lines were inspected")

    def _is_changed(self, event: FileEvent) -> bool:
        now = self.landing.stat(event.path)
        return now is None or (now.size, now.etag) != (event.size, event.etag)

    def _append(self, feed: Feed, events: list[FileEvent], batch_seq: int) -> None:
        spark, max_line_bytes = self.lake.spark, self.config.ingest.max_line_bytes
        tasks = spark.sparkContext.defaultParallelism
        rows = load(spark, feed, self.landing, events, max_line_bytes=max_line_bytes, tasks=tasks)
        rows = with_batch(rows, feed, batch_seq, self.started_at)
        try:
            self.lake.append_once(feed.l1, rows, app_id=feed.l1.path, sequence=batch_seq)
        except LOST_RACE as error:
            raise LeaseTakenError(OTHER_RUN) from error
        except PythonException as error:
            # A worker's error comes as text.
            if LandingChangedError.__name__ in str(error):
                message = f"{feed.name}: a landing file changed while it was read; run again"
                raise LandingChangedError(message) from error
            if StorageError.__name__ in str(error):
                raise StorageError(f"{feed.name}: landing went out of reach while it was read") from error
            raise


def _ended(event: FileEvent, *, is_loaded: bool) -> FileEvent:
    """How a planned file ended."""
    if is_loaded:
        return replace(event, event="loaded", segments=())
    return replace(event, event="failed", segments=(), message="changed after its inspection")
