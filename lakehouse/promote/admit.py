"""The gate of a promote: each feed's new batches are judged, split, and merged into its conformed table."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
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
from lakehouse.l2.conformed import CONFORMED, Pseudonym, newest
from lakehouse.l2.conformed.order import ORDER
from lakehouse.storage.lake import Lake
from lakehouse.table import Feed


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
class Judgement:
    """The pending batches of one feed, judged, and what the gate says of them."""

    judged: Judged
    batches: list[int]
    verdict: Verdict

    @property
    def going_on(self) -> DataFrame:
        """The judged rows without the batches that are held."""
        held = self.verdict.held
        return self.judged.frame.where(~F.col("_batch_seq").isin(*held)) if held else self.judged.frame

    @property
    def refused(self) -> int:
        """How many rows of the batches that go on are refused."""
        return sum(int(day["refused"]) for day in self._days)

    @property
    def accepted(self) -> int:
        """How many rows of the batches that go on are accepted."""
        return sum(int(day["rows"]) for day in self._days) - self.refused

    @property
    def _days(self) -> list[dict[str, Any]]:
        return [day for day in self.verdict.profile if day["_batch_seq"] not in self.verdict.held]


@dataclass(frozen=True)
class Gatekeeper:
    """What every feed's gate needs; `overruled` are the held batches that a person has accepted."""

    lake: Lake
    suites: dict[str, Suite]
    pseudonym: Pseudonym
    clock: Callable[[], datetime]
    overruled: frozenset[tuple[str, int]]

    def admit_all(self, feeds: dict[str, Feed], pending: dict[str, list[int]], threads: int) -> list[Admission]:
        """Gate every feed that has pending batches: judge all, quarantine what is refused, then merge the good."""
        with ThreadPoolExecutor(threads) as pool:
            judgements = list(pool.map(lambda item: self._judge(feeds[item[0]], item[1]), pending.items()))
            self._quarantine([judgement for judgement in judgements if judgement.refused])
            list(pool.map(self._merge, [judgement for judgement in judgements if judgement.accepted]))
        for judgement in judgements:
            judgement.judged.frame.unpersist()
        return [self._admission(judgement) for judgement in judgements]

    def _judge(self, feed: Feed, batches: list[int]) -> Judgement:
        suite = self.suites[feed.name]
        judged = judge_feed(self.lake.read(feed.l1).where(F.col("_batch_seq").isin(batches)), feed, suite)
        # Read four times from here on: judged once, kept, on disk where memory is short.
        judged = replace(judged, frame=judged.frame.persist(StorageLevel.MEMORY_AND_DISK))
        return Judgement(judged, batches, self._verdict(judged, suite))

    def _verdict(self, judged: Judged, suite: Suite) -> Verdict:
        """The verdict of the suite; batches that people have accepted are not held by batch rules."""
        weighed = weigh(judged)
        held = frozenset(batch for batch in weighed.held if (judged.feed.name, batch) not in self.overruled)
        return vouch(replace(weighed, held=held), judged.accepted(held), suite)

    def _quarantine(self, judgements: list[Judgement]) -> None:
        """Every feed's refusals in one write, before any of the good is written."""
        if not judgements:
            return
        at = self.clock()
        rows = [refusals(j.going_on, j.judged.feed, j.judged.suite, at) for j in judgements]
        self.lake.insert_missing(QUARANTINE, reduce(DataFrame.unionByName, rows))

    def _merge(self, judgement: Judgement) -> None:
        """Bring the accepted rows into the conformed table; an older version never replaces a newer one."""
        conformed = CONFORMED[judgement.judged.feed.name]
        accepted = judgement.judged.accepted(judgement.verdict.held)
        rows = newest(conformed.build(accepted, pseudonym=self.pseudonym), conformed.table)
        if self.lake.version(conformed.table) == 0:
            self.lake.append(conformed.table, rows)
            return
        order = {side: F.struct(*[F.col(f"{side}.{name}") for name in ORDER]) for side in ("old", "new")}
        self.lake.merge(conformed.table, rows, newer=order["new"] > order["old"])

    def _admission(self, judgement: Judgement) -> Admission:
        feed, suite = judgement.judged.feed, judgement.judged.suite
        batches, verdict = judgement.batches, judgement.verdict
        held = verdict.held
        audits = [(audit, [batch]) for batch, audit in verdict.batches.items()]
        audits += [(verdict.vouched, sorted(set(batches) - held))] if verdict.vouched else []
        at = self.clock()
        return Admission(
            feed=feed.name,
            batches=sorted(set(batches) - held),
            accepted=judgement.accepted,
            refused=judgement.refused,
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
