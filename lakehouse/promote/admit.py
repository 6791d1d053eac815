"""The gate of a promote: each feed's new batches are judged, split, and merged into its conformed table."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from lakehouse.gates.audit import Audit
from lakehouse.gates.gate import Judged, Verdict, judge_feed, vouch, weigh
from lakehouse.gates.holds import Hold
from lakehouse.gates.quarantine import QUARANTINE, refusals
from lakehouse.gates.results import result_rows
from lakehouse.gates.suite import Suite
from lakehouse.l2.conformed import CONFORMED, ConformedTable, Pseudonym, newest
from lakehouse.l2.conformed.order import ORDER
from lakehouse.storage.lake import Lake
from lakehouse.table import Feed

# Great Expectations' engine keeps one active batch: judgements take turns.
_JUDGING = threading.Lock()
_QUARANTINING = threading.Lock()


@dataclass
class Admission:
    """What the gate made of the pending batches of one feed."""

    feed: str
    batches: list[int] = field(default_factory=list)  # let through
    accepted: int = 0
    refused: int = 0
    holds: list[Hold] = field(default_factory=list)
    exit_code: int = 0
    audits: list[Audit] = field(default_factory=list)
    results: list[tuple[Any, ...]] = field(default_factory=list)  # rows of GATE_RESULTS


@dataclass(frozen=True)
class Gatekeeper:
    """What every feed's gate needs; `overruled` are the held batches that a person has accepted."""

    lake: Lake
    suites: dict[str, Suite]
    pseudonym: Pseudonym
    clock: Callable[[], datetime]
    overruled: frozenset[tuple[str, int]]

    def admit_all(self, feeds: dict[str, Feed], pending: dict[str, list[int]], threads: int) -> list[Admission]:
        """Gate every feed that has pending batches, side by side."""
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(lambda item: self.admit(feeds[item[0]], item[1]), pending.items()))

    def admit(self, feed: Feed, batches: list[int]) -> Admission:
        """Judge the batches of one feed; quarantine what is refused, then merge what is accepted."""
        suite, conformed = self.suites[feed.name], CONFORMED[feed.name]
        rows = self.lake.read(feed.l1).where(F.col("_batch_seq").isin(batches))
        judged = judge_feed(rows, feed, suite)
        judged = Judged(feed, suite, judged.frame.persist(StorageLevel.MEMORY_AND_DISK))
        try:
            verdict = self._verdict(judged, suite)
            self._split(judged, conformed, verdict.held)
        finally:
            judged.frame.unpersist()
        return self._admission(feed, suite, batches, verdict)

    def _verdict(self, judged: Judged, suite: Suite) -> Verdict:
        """The verdict of the suite; batches that people have accepted are not held by batch rules."""
        with _JUDGING:
            weighed = weigh(judged)
            held = frozenset(batch for batch in weighed.held if (judged.feed.name, batch) not in self.overruled)
            return vouch(replace(weighed, held=held), judged.accepted(held), suite)

    def _split(self, judged: Judged, conformed: ConformedTable, held: frozenset[int]) -> None:
        """Write the split once: quarantine first, then the good."""
        going_on = judged.frame.where(~F.col("_batch_seq").isin(*held)) if held else judged.frame
        with _QUARANTINING:
            self.lake.insert_missing(QUARANTINE, refusals(going_on, judged.feed, judged.suite, self.clock()))
        rows = conformed.build(judged.accepted(held), pseudonym=self.pseudonym)
        self._merge(conformed, newest(rows, conformed.table))

    def _merge(self, conformed: ConformedTable, rows: DataFrame) -> None:
        table = conformed.table
        if self.lake.version(table) == 0:
            self.lake.append(table, rows)
            return
        order = {side: F.struct(*[F.col(f"{side}.{name}") for name in ORDER]) for side in ("old", "new")}
        self.lake.merge(table, rows, newer=order["new"] > order["old"])

    def _admission(self, feed: Feed, suite: Suite, batches: list[int], verdict: Verdict) -> Admission:
        held = verdict.held
        days = [day for day in verdict.profile if day["_batch_seq"] not in held]
        audits = [(audit, [batch]) for batch, audit in verdict.batches.items()]
        audits += [(verdict.vouched, sorted(set(batches) - held))] if verdict.vouched else []
        at = self.clock()
        return Admission(
            feed=feed.name,
            batches=sorted(set(batches) - held),
            accepted=sum(day["rows"] - day["refused"] for day in days),
            refused=sum(day["refused"] for day in days),
            holds=[
                Hold(feed.name, batch, "held", "; ".join(verdict.messages.get(batch, ()))) for batch in sorted(held)
            ],
            exit_code=verdict.exit_code,
            audits=[audit for audit, _ in audits],
            results=[
                row
                for audit, of in audits
                for row in result_rows(
                    audit, suite, tier="l1", run_id=self.lake.run_id, rows=verdict.rows, at=at, batch_seqs=of
                )
            ],
        )
