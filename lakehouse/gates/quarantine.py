"""Quarantine: a row is an event in the life of a record that a gate refused. It holds no payload: that is in L1.

A refusal at the gate is a fact of its own. What a later run decides (a replay, a waiver, another judgement) counts
once that run has published its release, and only for readers of that release and of those built on it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.gates.judge import VIOLATIONS, is_refused
from lakehouse.gates.suite import Suite
from lakehouse.table import INSTANT, LONG, TEXT, Feed, Field, Table

QUARANTINE = Table(
    tier="ops",
    name="quarantine",
    grain="an event (refused, replayed, waived) of one refused record",
    key=("feed", "_file_id", "_line", "event", "run_id"),
    fields=(
        Field("feed", TEXT, "the feed that the record came with", required=True),
        Field("_batch_seq", LONG, "batch that brought it", required=True),
        Field("_file_id", LONG, "file that brought it", required=True),
        Field("_line", LONG, "its line in the file, from 1", required=True),
        Field("violations", VIOLATIONS, "rules that it broke, with severities; at a replay, under that day's rules"),
        Field("suite_sha", TEXT, "SHA-256 of the suite that judged it", required=True),
        Field("event", TEXT, "refused, replayed (passes now) or waived (let pass by a person)", required=True),
        Field("by", TEXT, "who replayed or waived it"),
        Field("why", TEXT, "why"),
        Field(
            "release_id", TEXT, "the release that took it, or that left it out again; null for a refusal at the gate"
        ),
        Field("run_id", TEXT, "the run that made that release; the event counts once it is published"),
        Field("happened_at", INSTANT, "when (UTC)", required=True),
    ),
    law="per feed and batch: refused events of the gate = L1 rows - accepted rows at first judgement",
)
PLACE = ("feed", "_file_id", "_line")
WAITS = "waits"
"""How a record stands that was refused, and neither replayed nor waived since."""


def in_force(events: DataFrame, run_ids: Collection[str]) -> DataFrame:
    """The events that count for a release: refusals at the gate, and what the runs behind that release decided."""
    return events.where(F.col("run_id").isNull() | F.col("run_id").isin(*run_ids))


def standing(events: DataFrame) -> DataFrame:
    """How each refused record stands after its last event.

    Returns:
        feed, _file_id, _line, _batch_seq, violations (of its last refusal), refused_at (its first), stands (waits,
        replayed or waived), release_id (that took it; null while it waits).
    """
    newest = Window.partitionBy(*PLACE).orderBy(F.desc("happened_at"))
    oldest = F.min("happened_at").over(Window.partitionBy(*PLACE))
    last = events.withColumns(
        {
            "stands": F.when(F.first("event").over(newest) == "refused", WAITS).otherwise(
                F.first("event").over(newest)
            ),
            "release_id": F.first("release_id").over(newest),
            "refused_at": oldest,
        }
    ).where(F.col("event") == "refused")
    refusal = last.withColumn("_n", F.row_number().over(newest)).where(F.col("_n") == 1)
    taken_by = F.when(F.col("stands") != WAITS, F.col("release_id")).alias("release_id")
    return refusal.select(*PLACE, "_batch_seq", "violations", "refused_at", "stands", taken_by)


@dataclass(frozen=True)
class Decision:
    """Who let records through, or judged them again, why, and in which release of which run."""

    by: str | None = None
    why: str | None = None
    release_id: str | None = None
    run_id: str | None = None


AT_THE_GATE = Decision()


def refusals(judged: DataFrame, feed: Feed, suite: Suite, at: datetime) -> DataFrame:
    """A `refused` event for every judged row that breaks a critical rule.

    Args:
        judged: L1 rows with `_violations`.
        feed: the feed of the rows.
        suite: the suite that judged them.
        at: when, with its zone.
    """
    return events(judged.where(is_refused()), feed, suite, event="refused", at=at)


def events(
    rows: DataFrame,
    feed: Feed,
    suite: Suite,
    *,
    event: Column | str,
    at: datetime,
    decision: Decision = AT_THE_GATE,
) -> DataFrame:
    """The event of every one of `rows`, which carry their place in L1 and `_violations`."""
    return rows.select(
        F.lit(feed.name).alias("feed"),
        "_batch_seq",
        "_file_id",
        "_line",
        F.col("_violations").alias("violations"),
        F.lit(suite.sha256).alias("suite_sha"),
        (event if isinstance(event, Column) else F.lit(event)).alias("event"),
        *[F.lit(value).cast(TEXT).alias(name) for name, value in vars(decision).items()],
        F.lit(at).cast(INSTANT).alias("happened_at"),
    )
