"""Gate results: a row is what one rule said at one gate in one run."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lakehouse.gates.audit import Audit
from lakehouse.gates.suite import Suite
from lakehouse.table import FLAG, INSTANT, LONG, LONGS, TEXT, Field, Table

GATE_RESULTS = Table(
    tier="ops",
    name="gate_results",
    grain="what one rule said at one gate (a feed's batches, or a table's new version) in one run",
    key=("run_id", "tier", "feed_or_table", "batch_seqs", "scope", "rule"),
    fields=(
        Field("run_id", TEXT, "the run", required=True),
        Field("release_id", TEXT, "the release that the run made; null at a gate before it"),
        Field("tier", TEXT, "l1 (a feed's gate) or l2 (the audit of a release)", required=True),
        Field("feed_or_table", TEXT, "what was judged", required=True),
        Field("batch_seqs", LONGS, "batches that were judged together; empty at the audit", required=True),
        Field("rule", TEXT, "id of the rule", required=True),
        Field("type", TEXT, "its expectation", required=True),
        Field("severity", TEXT, "critical, warning or info", required=True),
        Field("scope", TEXT, "row, batch or table", required=True),
        Field("success", FLAG, "whether it was met", required=True),
        Field("observed", TEXT, "what was seen: counts, never a person's value"),
        Field("unexpected_count", LONG, "rows that broke it; null where it counts none"),
        Field("message", TEXT, "why it was not met; empty where it was"),
        Field("rows", LONG, "rows that were judged", required=True),
        Field("suite_sha", TEXT, "SHA-256 of the suite", required=True),
        Field("judged_at", INSTANT, "when (UTC)", required=True),
    ),
    law="per run, tier and table: rows = rules of the suite in the scopes that were judged",
)


def result_rows(
    audit: Audit,
    suite: Suite,
    *,
    tier: str,
    run_id: str,
    rows: int,
    at: datetime,
    batch_seqs: Sequence[int] = (),
    release_id: str | None = None,
) -> list[tuple[Any, ...]]:
    """The rows of `GATE_RESULTS` for one audit, in the order of its columns.

    Args:
        audit: the results.
        suite: the suite that judged.
        tier: "l1" or "l2".
        run_id: the run.
        rows: rows that were judged.
        at: when, with its zone.
        batch_seqs: batches that were judged together.
        release_id: the release, where there is one.
    """
    common = {
        "run_id": run_id,
        "release_id": release_id,
        "tier": tier,
        "feed_or_table": suite.name,
        "batch_seqs": sorted(batch_seqs),
        "rows": rows,
        "suite_sha": suite.sha256,
        "judged_at": at,
    }
    named = [common | vars(result) for result in audit.results]
    return [tuple(row[name] for name in GATE_RESULTS.columns) for row in named]
