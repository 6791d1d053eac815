"""Living a tiny world and reading back what it wrote."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from datagen.cli import main
from datagen.days import date_of
from datagen.simulate import live_day
from datagen.world import World
from datagen.writer import FIELDS, Outbox
from lakehouse.l1.feeds import FEEDS
from lakehouse.table import FLAG, INT, LONG, NUMBER

Record = dict[str, Any]
Records = dict[str, list[Record]]
WRITTEN: dict[Any, Any] = {FLAG: pl.Boolean, INT: pl.Int64, LONG: pl.Int64, NUMBER: pl.Float64}
"""Types of fields that are not written as text."""
START, DAYS, DONORS = "2024-01-15", 60, 2000


def live(out: Path, *options: str, seed: int = 7, days: int = DAYS, donors: int = DONORS) -> Path:
    arguments = ["history", "--seed", str(seed), "--start", START, "--days", str(days), "--donors", str(donors)]
    assert main([*arguments, "--out", str(out), *options]) == 0
    return out


def lines_of(landing: Path) -> dict[str, list[bytes]]:
    """Every line of every feed, in the order of delivery."""
    lines: dict[str, list[bytes]] = {}
    for path in sorted(landing.glob("[!.]*/**/*.json")):
        lines.setdefault(path.relative_to(landing).parts[0], []).extend(path.read_bytes().splitlines())
    return lines


def files_of(landing: Path) -> dict[str, bytes]:
    """Every file, hidden ones too."""
    return {str(path.relative_to(landing)): path.read_bytes() for path in landing.rglob("*") if path.is_file()}


def current(records: list[Record], key: str) -> dict[str, Record]:
    """The last version of each record, by its key."""
    return {record[key]: record for record in sorted(records, key=lambda record: str(record["recorded_at"]))}


def delivered(world: World, days: int) -> dict[str, pl.DataFrame]:
    """Live so many days: every feed with all its fields, and the day on which each record was `delivered`."""
    outbox, counts = Outbox(), []
    first = world.next_day
    for _ in range(days):
        live_day(world, outbox)
        counts.append(dict(outbox.counts))
    frames = outbox.frames()
    return {feed: _whole(feed, frames.get(feed, pl.DataFrame()), first, [c[feed] for c in counts]) for feed in FIELDS}


def _whole(feed: str, frame: pl.DataFrame, first: int, counts: list[int]) -> pl.DataFrame:
    """The frame with what was never sent, and its days: after each of them, so many records had been sent."""
    on = [date_of(first + day) for day, count in enumerate(np.diff([0, *counts])) for _ in range(count)]
    absent = [
        pl.lit(None, WRITTEN.get(field.type, pl.String)).alias(field.name)
        for field in FEEDS[feed].source_fields
        if field.name not in frame.columns
    ]
    return frame.with_columns(pl.Series("delivered", on, pl.Date), *absent).select("delivered", *FIELDS[feed])
