"""The gate of a promote: each feed's new batches are judged, split, and merged into its conformed table."""

from collections.abc import Callable, Iterable, Mapping
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
from lakehouse.gates.quarantine import PLACE, QUARANTINE, WAITS, Decision, events, in_force, refusals, standing
from lakehouse.gates.results import result_rows
from lakehouse.gates.streams import NO_PAST, Past
from lakehouse.gates.suite import Suite
from lakehouse.l1.ledger import read_ledger
from lakehouse.l1.records import read_records
from lakehouse.l2.conformed import CONFORMED, Pseudonym, newest
from lakehouse.l2.conformed.order import ORDER
from lakehouse.storage.lake import Lake
from lakehouse.table import Feed


@dataclass
class Admission:
    """What the gate made of the pending batches of one feed, or of records that came to it again."""

    feed: str
    batches: list[int] = field(default_factory=list)  # let through
    accepted: int = 0
    refused: int = 0
    is_written: bool = False  # its conformed table has a new version
    holds: list[Hold] = field(default_factory=list)
    exit_code: int = 0
    audits: list[Audit] = field(default_factory=list)
    results: list[tuple[Any, ...]] = field(default_factory=list)  # rows of GATE_RESULTS
    profile: list[tuple[Any, ...]] = field(default_factory=list)  # rows of PROFILE

    @property
    def written(self) -> list[str]:
        """Names of the tables that have a new version."""
        return [table.name for table in CONFORMED[self.feed].tables] if self.is_written else []


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
    """What every feed's gate needs.

    Attributes:
        lake: the lake.
        suites: the suite of every feed.
        pseudonym: makes a person's key of a raw id.
        clock: the time of day.
        overruled: the held batches that a person has accepted.
        release_id: the release that is being made.
        run_ids: the runs whose decisions the release before it holds.
        past: of each feed, what was delivered before.
    """

    lake: Lake
    suites: dict[str, Suite]
    pseudonym: Pseudonym
    clock: Callable[[], datetime]
    overruled: frozenset[tuple[str, int]]
    release_id: str
    run_ids: frozenset[str]
    past: Mapping[str, Past] = field(default_factory=dict)

    def admit_all(self, feeds: dict[str, Feed], pending: dict[str, list[int]], threads: int) -> list[Admission]:
        """Gate every feed that has pending batches: judge all, quarantine what is refused, then merge the good."""
        with ThreadPoolExecutor(threads) as pool:
            judgements = list(pool.map(lambda item: self._judge(feeds[item[0]], item[1]), pending.items()))
            going_on = [judgement for judgement in judgements if judgement.accepted]
            self._take_back(going_on)
            self._quarantine([judgement for judgement in judgements if judgement.refused])
            list(pool.map(self._merge, going_on))
        for judgement in judgements:
            judgement.judged.frame.unpersist()
        return [self._admission(judgement) for judgement in judgements]

    def _judge(self, feed: Feed, batches: list[int]) -> Judgement:
        suite = self.suites[feed.name]
        judged = judge_feed(read_records(self.lake, feed, batches), feed, suite)
        # Read four times from here on: judged once, kept, on disk where memory is short.
        judged = replace(judged, frame=judged.frame.persist(StorageLevel.MEMORY_AND_DISK))
        return Judgement(judged, batches, self._verdict(judged, suite))

    def _verdict(self, judged: Judged, suite: Suite) -> Verdict:
        """The verdict of the suite; batches that people have accepted are not held by batch rules."""
        weighed = weigh(judged, self.past.get(judged.feed.name, NO_PAST))
        held = frozenset(batch for batch in weighed.held if (judged.feed.name, batch) not in self.overruled)
        return vouch(replace(weighed, held=held), judged.accepted(held), suite)

    def _quarantine(self, judgements: list[Judgement]) -> None:
        """Every feed's refusals in one write, before any of the good is written."""
        if not judgements:
            return
        at = self.clock()
        rows = [refusals(j.going_on, j.judged.feed, j.judged.suite, at) for j in judgements]
        self.lake.insert_missing(QUARANTINE, reduce(DataFrame.unionByName, rows))

    def _take_back(self, judgements: list[Judgement]) -> None:
        """Note which of the good rows were refused by a run that ended before its release, under other rules."""
        batches = sorted({batch for judgement in judgements for batch in judgement.batches})
        if not batches:
            return
        waiting = self.waiting(batches).select(*PLACE)
        if waiting.isEmpty():
            return
        rows = reduce(DataFrame.unionByName, [self._taken_back(judgement) for judgement in judgements])
        taken = rows.join(F.broadcast(waiting), list(PLACE), "left_semi")
        if not taken.isEmpty():
            self.lake.append(QUARANTINE, taken)

    def _taken_back(self, judgement: Judgement) -> DataFrame:
        accepted, decision = (
            judgement.judged.accepted(judgement.verdict.held),
            self.decision(why="passes today's rules"),
        )
        feed, suite = judgement.judged.feed, judgement.judged.suite
        return events(accepted, feed, suite, event="replayed", at=self.clock(), decision=decision)

    def waiting(self, batches: Iterable[int]) -> DataFrame:
        """The refused records of some batches that wait, as the release before this one has them: see `standing`."""
        return self.standing(batches).where(F.col("stands") == WAITS)

    def standing(self, batches: Iterable[int]) -> DataFrame:
        """How the refused records of some batches stand, as the release before this one has them."""
        of_batches = self.lake.read(QUARANTINE).where(F.col("_batch_seq").isin(*batches))
        return standing(in_force(of_batches, self.run_ids))

    def decision(self, by: str | None = None, why: str | None = None) -> Decision:
        """What an event of this run says about who decided it."""
        return Decision(by, why, self.release_id, self.lake.run_id)

    def _merge(self, judgement: Judgement) -> None:
        self.merge(judgement.judged.feed, judgement.judged.accepted(judgement.verdict.held))

    def merge(self, feed: Feed, accepted: DataFrame) -> None:
        """Bring judged rows into the feed's tables.

        In the conformed one an older version never replaces a newer one; where versions are kept, each is there once.
        """
        conformed = CONFORMED[feed.name]
        rows = conformed.build(accepted, pseudonym=self.pseudonym)
        current = newest(rows, conformed.table)
        if self.lake.version(conformed.table) == 0:
            self.lake.append(conformed.table, current)
        else:
            order = {side: F.struct(*[F.col(f"{side}.{name}") for name in ORDER]) for side in ("old", "new")}
            self.lake.merge(conformed.table, current, newer=order["new"] > order["old"])
        if conformed.versions is not None:
            self.lake.insert_missing(conformed.versions, rows)

    def replace(self, feed: Feed, accepted: DataFrame) -> None:
        """Make the feed's tables anew, from all judged rows that are to be in them."""
        conformed = CONFORMED[feed.name]
        rows = conformed.build(accepted, pseudonym=self.pseudonym)
        self.lake.replace(conformed.table, newest(rows, conformed.table))
        if conformed.versions is not None:
            self.lake.replace(conformed.versions, rows)

    def _holds(self, feed: Feed, verdict: Verdict) -> list[Hold]:
        """The held batches, each with its reason, which names files by their paths."""
        if not verdict.held:
            return []
        ledger = read_ledger(self.lake)
        reasons = ((batch, "; ".join(verdict.messages.get(batch, ()))) for batch in sorted(verdict.held))
        return [Hold(feed.name, batch, "held", ledger.named(reason)) for batch, reason in reasons]

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
            is_written=judgement.accepted > 0,
            holds=self._holds(feed, verdict),
            exit_code=verdict.exit_code,
            audits=[audit for audit, _ in audits],
            profile=[tuple((day | {"run_id": self.lake.run_id}).values()) for day in verdict.profile],
            results=[
                row
                for audit, of in audits
                for row in result_rows(
                    audit, suite, tier="l1", run_id=self.lake.run_id, rows=verdict.rows, at=at, batch_seqs=of
                )
            ],
        )
