"""Holds: batches of a feed that a gate refused as a whole. A row of `ops/holds` is a step in a hold's life."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import DataFrame, SparkSession

from lakehouse.table import INSTANT, LONG, TEXT, Field, Table

HOLDS = Table(
    tier="ops",
    name="holds",
    grain="a step (held, accepted, discarded) in the life of a held batch of one feed",
    key=("feed", "batch_seq", "event", "happened_at"),
    fields=(
        Field("feed", TEXT, "the feed", required=True),
        Field("batch_seq", LONG, "the batch", required=True),
        Field("event", TEXT, "held, accepted or discarded", required=True),
        Field("reason", TEXT, "what the gate found and wanted"),
        Field("by", TEXT, "who decided"),
        Field("why", TEXT, "why"),
        Field("run_id", TEXT, "the run", required=True),
        Field("happened_at", INSTANT, "when (UTC)", required=True),
    ),
    law="a batch that is held is in no release until it is accepted, and never once it is discarded",
)


@dataclass(frozen=True)
class Hold:
    """One row of `HOLDS`."""

    feed: str
    batch_seq: int
    event: str
    reason: str | None = None
    by: str | None = None
    why: str | None = None


def hold_rows(spark: SparkSession, holds: Iterable[Hold], run_id: str, at: datetime) -> DataFrame:
    """The holds as rows of `HOLDS`."""
    rows = [(h.feed, h.batch_seq, h.event, h.reason, h.by, h.why, run_id, at) for h in holds]
    return spark.createDataFrame(rows, HOLDS.schema)


def standing(rows: DataFrame) -> dict[tuple[str, int], Hold]:
    """The last step of each held batch, by (feed, batch)."""
    steps = rows.orderBy("happened_at").collect()
    names = Hold.__dataclass_fields__
    return {(row.feed, row.batch_seq): Hold(**{name: row[name] for name in names}) for row in steps}
