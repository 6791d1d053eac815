"""Ingest: landing files become L1 rows, each file once, every line accounted for.

The order of writes makes it safe to die anywhere: plan (ledger) -> one append per feed, under a
transaction id -> done (ledger). A run first finishes, exactly as planned, what an earlier one left.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime

from lakehouse.config import Config
from lakehouse.errors import LakeError, LandingChangedError
from lakehouse.l1.feeds import FEEDS
from lakehouse.l1.ledger import FILES, FileEvent, event_rows, read_ledger
from lakehouse.l1.load import load, with_batch
from lakehouse.l1.plan import list_landing, make_plan
from lakehouse.storage.files import Files
from lakehouse.storage.lake import Lake
from lakehouse.table import Feed

Clock = Callable[[], datetime]


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


def batch_id(batch_seq: int) -> str:
    """The name of a batch, everywhere."""
    return f"b{batch_seq:06d}"


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
    run = _Ingest(lake, landing, config, clock, feeds)
    ledger = read_ledger(lake)
    if ledger.unfinished:
        run.finish(ledger.unfinished)
        ledger = read_ledger(lake)
    plan = make_plan(landing, infos, ledger, config.ingest, clock().timestamp())
    run.result.waiting = plan.waiting
    if plan.events:
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
    result: IngestResult = field(default_factory=IngestResult)

    def record(self, events: Iterable[FileEvent]) -> None:
        """Write the plan, and with it what is settled already, in one commit."""
        events = list(events)
        rows = event_rows(self.lake.spark, events, self.lake.run_id, self.clock())
        self.lake.append_once(FILES, rows, app_id="ops/files/plan", sequence=events[0].batch_seq)
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
        rows = event_rows(self.lake.spark, events, self.lake.run_id, self.clock())
        self.lake.append_once(FILES, rows, app_id="ops/files/done", sequence=planned[0].batch_seq)
        self.result.batch_id = batch_id(planned[0].batch_seq)
        self.result.files.update(event.event for event in events)
        self.result.messages += [f"{e.path}: {e.event}, {e.message}" for e in events if e.message]

    def _load_feed(self, name: str, events: list[FileEvent]) -> list[FileEvent]:
        """Append the files of one feed; a file that changed since its inspection is left out and tried anew."""
        feed, batch_seq = self.feeds[name], events[0].batch_seq
        changed = [event for event in events if self._is_changed(event)]
        events = [event for event in events if event not in changed]
        wanted = sum(event.records for event in events)
        if wanted:
            self.lake.create(feed.l1)
            self._append(feed, events, batch_seq, wanted)
            self.result.rows[name] += wanted
        return [replace(event, event="loaded", segments=()) for event in events] + [
            replace(event, event="failed", segments=(), message="changed after its inspection") for event in changed
        ]

    def _is_changed(self, event: FileEvent) -> bool:
        now = self.landing.stat(event.path)
        return now is None or (now.size, now.etag) != (event.size, event.etag)

    def _append(self, feed: Feed, events: list[FileEvent], batch_seq: int, wanted: int) -> None:
        tasks = self.lake.spark.sparkContext.defaultParallelism
        rows = load(
            self.lake.spark,
            feed,
            self.landing,
            events,
            max_line_bytes=self.config.ingest.max_line_bytes,
            tasks=tasks,
        )
        rows = with_batch(rows, feed, batch_seq, self.clock())
        try:
            self.lake.append_once(feed.l1, rows, app_id=feed.l1.path, sequence=batch_seq)
        except Exception as error:
            if LandingChangedError.__name__ in str(error):
                raise LandingChangedError(
                    f"{feed.name}: a landing file changed while it was read; run again"
                ) from error
            raise
        written = self.lake.rows_committed(feed.l1, feed.l1.path, batch_seq)
        if written != wanted:
            raise LakeError(f"{feed.l1.path}: {written} rows were appended, {wanted} lines were inspected")
