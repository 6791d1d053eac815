"""The audit of a release: the suites of the tables that a run wrote, and the conservation laws over all."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lakehouse.gates.audit import Audit, audit
from lakehouse.gates.results import result_rows
from lakehouse.gates.suite import Suite
from lakehouse.l2.pipeline import L2_TABLES
from lakehouse.release import live
from lakehouse.storage.lake import Lake


@dataclass
class ReleaseAudit:
    """What the audit found: `failures` refuse the release."""

    failures: list[str] = field(default_factory=list)
    audits: list[Audit] = field(default_factory=list)
    results: list[tuple[Any, ...]] = field(default_factory=list)  # rows of GATE_RESULTS


def audit_release(
    lake: Lake, suites: Mapping[str, Suite], written: Collection[str], clock: Callable[[], datetime]
) -> ReleaseAudit:
    """Let Great Expectations judge every table that this run wrote.

    Args:
        lake: the lake, at this run's versions.
        suites: the suite of each table.
        written: names of the tables that the run wrote.
        clock: the time of day, for the results.
    """
    found = ReleaseAudit()
    for name in written:
        table, suite = L2_TABLES[name], suites[name]
        rows = live(table, lake.read(table))
        judged = audit(rows, suite, *{rule.scope for rule in suite.rules})
        found.audits.append(judged)
        found.failures += [result.message for result in judged.broken]
        found.results += result_rows(judged, suite, tier="l2", run_id=lake.run_id, rows=_rows(judged), at=clock())
    return found


def _rows(judged: Audit) -> int:
    """How many rows were judged, as the rules counted them."""
    counts = [result.observed.split(" of ")[1] for result in judged.results if " of " in (result.observed or "")]
    return max((int(count.removesuffix(" rows")) for count in counts if count[:1].isdigit()), default=0)
