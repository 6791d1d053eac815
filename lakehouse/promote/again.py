"""Records that come to the gate again: refused ones that a person replays or waives, or all that a release holds.

Each is a release of its own, over the same batches as the one before. Its events in quarantine count once it is
published. A record keeps its file, its line and its first batch, and with them its place in the order of versions.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from lakehouse.errors import HeldError
from lakehouse.gates.audit import Audit, audit
from lakehouse.gates.gate import Judged, judge_feed
from lakehouse.gates.judge import as_warnings, is_refused
from lakehouse.gates.quarantine import PLACE, QUARANTINE, WAITS, events
from lakehouse.gates.results import result_rows
from lakehouse.l1.records import read_records
from lakehouse.l2.conformed import CONFORMED
from lakehouse.promote.admit import Admission, Gatekeeper
from lakehouse.table import Feed

log = logging.getLogger(__name__)
ROW = ("_file_id", "_line")
Batches = Mapping[str, list[int]]


@dataclass(frozen=True)
class Readmission:
    """Refused records of the batches that a release holds.

    Attributes:
        kind: replay takes those that pass today's rules; waive takes the others too, with what they break as warnings.
        wanted: which of them, as a condition on `standing`.
        by: who decided it.
        why: why.
    """

    kind: Literal["replay", "waive"]
    wanted: Column | str
    by: str | None = None
    why: str | None = None

    def admit(self, gate: Gatekeeper, feeds: Mapping[str, Feed], consumed: Batches) -> list[Admission]:
        """Judge the records again; those that still can't go on stay as they are, and nothing is refused twice."""
        waiting = (
            gate.waiting(_numbers(consumed))
            .where(self.wanted)
            .select(*PLACE, "_batch_seq")
            .persist(StorageLevel.MEMORY_AND_DISK)
        )
        try:
            by_feed = {row["feed"]: row["batches"] for row in _batches(waiting).collect()}
            released = {feed: sorted(set(found) & set(consumed.get(feed, ()))) for feed, found in by_feed.items()}
            return [
                self._readmit(gate, feeds[feed], waiting, found) for feed, found in sorted(released.items()) if found
            ]
        finally:
            waiting.unpersist()

    def _readmit(self, gate: Gatekeeper, feed: Feed, waiting: DataFrame, batches: list[int]) -> Admission:
        places = waiting.where((F.col("feed") == feed.name) & F.col("_batch_seq").isin(batches)).select(*ROW)
        rows = read_records(gate.lake, feed, batches)
        judged = judge_feed(rows.join(F.broadcast(places), list(ROW), "left_semi"), feed, gate.suites[feed.name])
        frame = judged.frame.persist(StorageLevel.MEMORY_AND_DISK)
        judged = Judged(feed, judged.suite, frame)
        try:
            vouched = _vouch(judged)
            taken = self._taken(gate, judged)
            count, wanted = taken.count(), frame.count()
            if count:
                gate.lake.append(QUARANTINE, self._events(gate, judged, taken))
                gate.merge(feed, taken)
        finally:
            frame.unpersist()
        log.info("%s: %d of %d refused records go on", feed.name, count, wanted)
        return _admission(gate, judged, vouched, batches, accepted=count, refused=wanted - count)

    def _taken(self, gate: Gatekeeper, judged: Judged) -> DataFrame:
        """The rows that go on. Without a whole key a record has no place, so nobody can let it pass."""
        candidates = judged.accepted() if self.kind == "replay" else _softened(judged.frame)
        key = CONFORMED[judged.feed.name].table.key
        has_key = F.lit(True)
        for name in key:
            has_key = has_key & F.col(name).isNotNull()
        placed = CONFORMED[judged.feed.name].build(candidates, pseudonym=gate.pseudonym).where(has_key)
        return candidates.join(F.broadcast(placed.select(*ROW)), list(ROW), "left_semi")

    def _events(self, gate: Gatekeeper, judged: Judged, taken: DataFrame) -> DataFrame:
        as_judged = judged.frame.join(F.broadcast(taken.select(*ROW)), list(ROW), "left_semi")
        event = F.when(is_refused(), "waived").otherwise("replayed")
        decision = gate.decision(self.by, self.why)
        return events(as_judged, judged.feed, judged.suite, event=event, at=gate.clock(), decision=decision)


@dataclass(frozen=True)
class Rejudgement:
    """Every record of the batches that a release holds, judged by today's row rules; waivers stand.

    Batch rules are not asked again: they judge a delivery against the days before it, when it comes.
    """

    by: str | None = None
    why: str | None = None
    kind: Literal["rejudge"] = "rejudge"

    def admit(self, gate: Gatekeeper, feeds: Mapping[str, Feed], consumed: Batches) -> list[Admission]:
        """Judge all again, and make the conformed tables anew from what passes."""
        stood = gate.standing(_numbers(consumed)).select(*PLACE, "stands").persist(StorageLevel.MEMORY_AND_DISK)
        try:
            return [self._rejudge(gate, feeds[feed], stood, found) for feed, found in sorted(consumed.items()) if found]
        finally:
            stood.unpersist()

    def _rejudge(self, gate: Gatekeeper, feed: Feed, stood: DataFrame, batches: list[int]) -> Admission:
        rows = read_records(gate.lake, feed, batches)
        judged = judge_feed(rows, feed, gate.suites[feed.name])
        frame = judged.frame.join(stood.where(F.col("feed") == feed.name).drop("feed"), list(ROW), "left")
        judged = Judged(feed, judged.suite, frame.persist(StorageLevel.MEMORY_AND_DISK))
        try:
            vouched = _vouch(judged)
            changed = judged.frame.withColumn("_event", _change()).where(F.col("_event").isNotNull())
            counts = {row["_event"]: row["count"] for row in changed.groupBy("_event").count().collect()}
            if counts:
                decided, at = gate.decision(self.by, self.why), gate.clock()
                rows = events(changed, feed, judged.suite, event=F.col("_event"), at=at, decision=decided)
                gate.lake.append(QUARANTINE, rows)
            goes_on = _softened(judged.frame).where(~F.col("_is_refused") | _stands("waived"))
            gate.replace(feed, goes_on)
        finally:
            judged.frame.unpersist()
        accepted, refused = counts.get("replayed", 0), counts.get("refused", 0)
        log.info("%s: %d refused that were accepted, %d accepted that were refused", feed.name, refused, accepted)
        admission = _admission(gate, judged, vouched, batches, accepted=accepted, refused=refused)
        admission.is_written = True
        return admission


Again = Readmission | Rejudgement
"""What a person has decided to send to the gate again; `kind` names the release that comes of it."""


def _numbers(consumed: Batches) -> set[int]:
    return {batch for batches in consumed.values() for batch in batches}


def _batches(places: DataFrame) -> DataFrame:
    return places.groupBy("feed").agg(F.collect_set("_batch_seq").alias("batches"))


def _stands(how: str) -> Column:
    return F.coalesce(F.col("stands") == how, F.lit(False))


def _change() -> Column:
    """The event of a record whose verdict is another than it was; NULL where it is the same."""
    was_refused = _stands(WAITS)
    newly_refused = is_refused() & ~was_refused & ~_stands("waived")
    return F.when(newly_refused, "refused").when(~is_refused() & was_refused, "replayed")


def _softened(judged: DataFrame) -> DataFrame:
    """Judged rows that go on whatever they break: it travels with them as warnings, as the rules' names."""
    return judged.select("*", is_refused().alias("_is_refused")).withColumn("_violations", as_warnings())


def _vouch(judged: Judged) -> Audit:
    """Great Expectations' word on the rows that pass.

    Raises:
        HeldError: it finds among them what the split should have refused.
    """
    vouched = audit(judged.accepted(), judged.suite, "row")
    if vouched.holds:
        raise HeldError("; ".join(result.message for result in vouched.broken))
    return vouched


def _admission(
    gate: Gatekeeper, judged: Judged, vouched: Audit, batches: list[int], *, accepted: int, refused: int
) -> Admission:
    results = result_rows(
        vouched,
        judged.suite,
        tier="l1",
        run_id=gate.lake.run_id,
        rows=max((result.element_count or 0 for result in vouched.results), default=0),
        at=gate.clock(),
        batch_seqs=batches,
    )
    return Admission(
        feed=judged.feed.name,
        accepted=accepted,
        refused=refused,
        is_written=accepted > 0,
        audits=[vouched],
        results=results,
    )
