"""Holds: batches of a feed that a gate refused as a whole. A row of `ops/holds` is a step in a hold's life."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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

ROLLED_BACK = "only an abandoned release had it"


@dataclass(frozen=True)
class Hold:
    """One row of `HOLDS`."""

    feed: str
    batch_seq: int
    event: str
    reason: str | None = None
    by: str | None = None
    why: str | None = None


def hold_rows(holds: Iterable[Hold], run_id: str, at: datetime) -> list[tuple[Any, ...]]:
    """The holds as rows of `HOLDS`."""
    return [(h.feed, h.batch_seq, h.event, h.reason, h.by, h.why, run_id, at) for h in holds]


def standing_under(
    rows: Collection[Mapping[str, Any]], held: Iterable[tuple[str, int]], since: datetime
) -> dict[tuple[str, int], Hold]:
    """The last step of each held batch, where a release that was published at `since` holds the batches `held`.

    What nobody had held, or what was accepted before a roll back took it away, waits again, until it is decided anew.
    """
    found, decided = standing(rows), standing(row for row in rows if row["happened_at"] > since)
    for place in set(held) - set(decided):
        if place not in found or found[place].event == "accepted":
            found[place] = Hold(*place, event="held", reason=ROLLED_BACK)
    return found


def standing(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], Hold]:
    """The last step of each held batch, by (feed, batch), of the rows of `HOLDS`."""
    names = Hold.__dataclass_fields__
    steps = sorted(rows, key=lambda row: row["happened_at"])
    return {(row["feed"], row["batch_seq"]): Hold(**{name: row[name] for name in names}) for row in steps}
