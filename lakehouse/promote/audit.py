"""The audit of a release: the suites of the tables that a run wrote, and the conservation laws over all."""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame

from lakehouse.gates.audit import Audit, audit
from lakehouse.gates.results import GATE_RESULTS, result_rows
from lakehouse.gates.suite import Suite
from lakehouse.l2.laws import LAWS
from lakehouse.l2.pipeline import Wiring
from lakehouse.l2.shared import Frames


@dataclass
class ReleaseAudit:
    """What the audit found: `failures` refuse the release."""

    failures: list[str] = field(default_factory=list)
    audits: list[Audit] = field(default_factory=list)
    results: list[tuple[Any, ...]] = field(default_factory=list)  # rows of GATE_RESULTS


@dataclass(frozen=True)
class Auditor:
    """Judges the versions that a run made, before anybody sees them."""

    run_id: str
    frames: Frames
    suites: Mapping[str, Suite]
    wiring: Wiring
    clock: Callable[[], datetime]
    as_of: date
    params: Mapping[str, Any]
    threads: int

    def audit(self, written: Collection[str]) -> ReleaseAudit:
        """Judge the tables that the run wrote by their suites, and all of them by the laws."""
        found = ReleaseAudit()
        with ThreadPoolExecutor(self.threads) as pool:
            balances = pool.submit(self._balances)
            for name, judged in zip(written, pool.map(self._judge, written), strict=True):
                self._note(self.suites[name], judged, found)
            self._weigh(balances.result(), found)
        return found

    def _judge(self, name: str) -> Audit:
        suite = self.suites[name]
        return audit(self.frames.of([name])[0], suite, *{rule.scope for rule in suite.rules}, keep=True)

    def _note(self, suite: Suite, judged: Audit, found: ReleaseAudit) -> None:
        found.audits.append(judged)
        found.failures += [result.message for result in judged.broken]
        rows = max((result.element_count or 0 for result in judged.results), default=0)
        found.results += result_rows(judged, suite, tier="l2", run_id=self.run_id, rows=rows, at=self.clock())

    def _balances(self) -> list[tuple[str, int, int]]:
        """Both sides of every law: (law, left, right)."""
        laws = [law for law in LAWS if self.wiring.has(law.inputs)]
        checks = [law.check(*self.frames.of(law.inputs), as_of=self.as_of, params=self.params) for law in laws]
        both = reduce(DataFrame.unionByName, checks)
        return [(row["law"], row["left"], row["right"]) for row in both.collect()]

    def _weigh(self, balances: list[tuple[str, int, int]], found: ReleaseAudit) -> None:
        sentences = {law.name: law.sentence for law in LAWS}
        for name, left, right in balances:
            sentence = next((text for law, text in sentences.items() if name.startswith(law)), name)
            message = "" if left == right else f"{name}: {left} on the left, {right} on the right of: {sentence}"
            found.failures += [message] if message else []
            found.results.append(self._law_row(name, left, right, message))

    def _law_row(self, name: str, left: int, right: int, message: str) -> tuple[Any, ...]:
        row = {
            "run_id": self.run_id,
            "tier": "l2",
            "feed_or_table": name.partition(".")[0],
            "batch_seqs": [],
            "rule": f"law.{name}",
            "type": "conservation_law",
            "severity": "critical",
            "scope": "table",
            "success": not message,
            "observed": f"{left} = {right}" if not message else f"{left} <> {right}",
            "unexpected_count": abs(left - right),
            "message": message,
            "rows": max(left, right),
            "suite_sha": "",
            "judged_at": self.clock(),
        }
        return tuple(row.get(column) for column in GATE_RESULTS.columns)
