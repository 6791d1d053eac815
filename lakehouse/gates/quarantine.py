"""Quarantine: a row is an event in the life of a record that a gate refused. It holds no payload: that is in L1."""

from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.gates.judge import VIOLATIONS, is_refused
from lakehouse.gates.suite import Suite
from lakehouse.table import INSTANT, LONG, TEXT, Feed, Field, Table

QUARANTINE = Table(
    tier="ops",
    name="quarantine",
    grain="an event (refused, replayed, waived) of one refused record",
    key=("feed", "_file_id", "_line", "event"),
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
        Field("happened_at", INSTANT, "when (UTC)", required=True),
    ),
    law="per feed and batch: refused events = L1 rows - accepted rows at first judgement",
)


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
    event: str,
    at: datetime,
    by: str | None = None,
    why: str | None = None,
) -> DataFrame:
    """The same event for every one of `rows`, which carry their place in L1 and `_violations`."""
    return rows.select(
        F.lit(feed.name).alias("feed"),
        "_batch_seq",
        "_file_id",
        "_line",
        F.col("_violations").alias("violations"),
        F.lit(suite.sha256).alias("suite_sha"),
        F.lit(event).alias("event"),
        F.lit(by).cast(TEXT).alias("by"),
        F.lit(why).cast(TEXT).alias("why"),
        F.lit(at).cast(INSTANT).alias("happened_at"),
    )
