"""A small lake with one feed in L1, and its gate: what a promote does before anything is derived."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from lakehouse.config import HOME
from lakehouse.gates.quarantine import QUARANTINE
from lakehouse.gates.suite import Suite, read_suite
from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.conformed import CONFORMED
from lakehouse.promote.admit import Admission, Gatekeeper
from lakehouse.promote.again import Again
from lakehouse.storage.lake import Lake, Probe, no_probe
from lakehouse.table import Feed
from tests.support.rows import frame
from tests.unit.gates.clean import CLEAN, PLACE

NAME = "dispositions"
FEED = FEEDS[NAME]
FEW = ("record.is_record", "disposition_id.required", "kind.known_value", "patient_id.of_transfusion")
WHOLE_SUITE = read_suite(Path(HOME) / "expectations" / "l1" / f"{NAME}.json")
LENIENT = replace(FEED, refused_share_max=1.0)
GOOD = {name: value for name, value in (PLACE | CLEAN[NAME]).items() if name != "disposition_id"}
BATCH = PLACE["_batch_seq"]


def only(suite: Suite, *rules: str) -> Suite:
    """The suite with no more than these rules, named without their feed."""
    kept = tuple(rule for rule in suite.rules if rule.id.partition(".")[2] in rules)
    assert len(kept) == len(rules), f"of {rules} there are {kept}"
    return replace(suite, rules=kept, sha256=f"{suite.sha256[:8]} with {rules}")


# What the tests are about needs no more rules than these, and each costs time.
SUITE = only(WHOLE_SUITE, *FEW, "batch.refused_share")


@dataclass
class Clock:
    """Each look at it is a minute later."""

    at: datetime = field(default_factory=lambda: datetime(2024, 3, 6, 3, tzinfo=UTC))

    def __call__(self) -> datetime:
        self.at += timedelta(minutes=1)
        return self.at


@dataclass
class Doorway:
    """The gate of the dispositions in a lake of its own; each `run` is a run that published."""

    spark: SparkSession
    root: Path
    suite: Suite = SUITE
    feed: Feed = LENIENT
    clock: Clock = field(default_factory=Clock)
    published: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for table in (self.feed.l1, CONFORMED[NAME].table, QUARANTINE):
            self.lake().create(table)

    def lake(self, probe: Probe = no_probe) -> Lake:
        return Lake(self.spark, str(self.root), run_id=f"run {len(self.published) + 1}", probe=probe)

    def land(self, *records: Mapping[str, Any], batch: int = BATCH) -> None:
        """Put records into L1, on lines 1, 2, … of a file of their batch; each is a disposition of its own."""
        placed = {"_batch_seq": batch, "_file_id": batch * 100}
        rows = [
            {"disposition_id": f"z{batch}-{line}"} | dict(record) | placed | {"_line": line}
            for line, record in enumerate(records, 1)
        ]
        self.lake().append(self.feed.l1, frame(self.spark, self.feed.l1, rows))

    def gate(self, lake: Lake) -> Gatekeeper:
        number = len(self.published) + 1
        suites, behind = {NAME: self.suite}, frozenset(self.published)
        return Gatekeeper(lake, suites, lambda ids: ids, self.clock, frozenset(), f"r{number:06d}", behind)

    def run(self, *batches: int, probe: Probe = no_probe) -> Admission:
        """Gate these batches, and publish."""
        (admission,) = self.gate(self.lake(probe)).admit_all({NAME: self.feed}, {NAME: list(batches)}, 1)
        self.publish()
        return admission

    def again(self, again: Again, *batches: int) -> list[Admission]:
        """Send records of these batches through again, and publish."""
        admissions = again.admit(self.gate(self.lake()), {NAME: self.feed}, {NAME: list(batches)})
        self.publish()
        return admissions

    def publish(self) -> None:
        self.published.append(f"run {len(self.published) + 1}")

    def conformed(self) -> dict[tuple[int, int], list[str]]:
        """Place of every conformed row -> its warnings."""
        rows = self.lake().read(CONFORMED[NAME].table).collect()
        return {(row["_batch_seq"], row["_line"]): row["warnings"] for row in rows}

    def events(self) -> list[tuple[int, int, str]]:
        """(batch, line, event) of everything in quarantine, whichever run wrote it; in order."""
        rows = self.lake().read(QUARANTINE).orderBy("happened_at", "_batch_seq", "_line").collect()
        return [(row["_batch_seq"], row["_line"], row["event"]) for row in rows]

    def standing(self) -> dict[tuple[int, int], str]:
        """Place of every refused record -> how it stands now."""
        rows = self.gate(self.lake()).standing(range(100)).collect()
        return {(row["_batch_seq"], row["_line"]): row["stands"] for row in rows}


def without(suite: Suite, *rules: str) -> Suite:
    """The suite without these rules."""
    kept = tuple(rule for rule in suite.rules if rule.id not in rules)
    assert len(kept) == len(suite.rules) - len(rules), f"no such rules: {rules}"
    return replace(suite, rules=kept, sha256=f"{suite.sha256[:8]} without {rules}")
