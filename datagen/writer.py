"""Records to landing files: NDJSON, whole or not at all.

Records are collected as columns, turned into lines at once, and kept until `flush` writes one file a feed.
A file is written under a hidden name beside its place and renamed, so that no reader meets half of one.
"""

import gzip
import os
from collections.abc import Iterable
from datetime import date
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from datagen.ids import Array

SOURCES = {
    "donors": "donor_register",
    "employees": "staff_register",
    "facilities": "site_register",
    "hospitals": "site_register",
    "donation_events": "donor_register",
    "event_employees": "staff_register",
    "donor_visits": "donor_register",
    "donations": "donor_register",
    "test_results": "laboratory",
    "components": "processing",
    "unit_parents": "processing",
    "unit_events": "inventory",
    "patients": "hospital_system",
    "blood_requests": "orders",
    "distribution": "inventory",
    "dispositions": "inventory",
}
_OPTIONS = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE


def _listed(column: Any) -> Iterable[Any]:
    """A column as Python values; datetime64 becomes date or datetime, so that orjson writes it."""
    if isinstance(column, np.ndarray):
        values: list[Any] = column.tolist()
        return values
    return column if isinstance(column, list) else repeat(column)


def _is_uneven(column: Any, rows: int) -> bool:
    return isinstance(column, np.ndarray | list) and len(column) != rows


class Outbox:
    """The records of the days since the last `flush`, as lines, per feed."""

    def __init__(self) -> None:
        self.lines: dict[str, list[bytes]] = {feed: [] for feed in SOURCES}
        self.counts: dict[str, int] = dict.fromkeys(SOURCES, 0)

    def emit(self, feed: str, *, recorded_at: Array, **fields: Any) -> None:
        """Add one record for each element of `recorded_at`; scalars are the same in all, null fields are left out.

        Raises:
            ValueError: when a column is of another length.
        """
        if len(recorded_at) == 0:
            return
        columns = {**fields, "recorded_at": recorded_at, "source_system": SOURCES[feed]}
        uneven = [name for name, column in columns.items() if _is_uneven(column, len(recorded_at))]
        if uneven:
            raise ValueError(f"{feed}: {uneven} are not {len(recorded_at)} long")
        names = tuple(columns)
        lines = self.lines[feed]
        for values in zip(*(_listed(column) for column in columns.values()), strict=False):
            record = {name: value for name, value in zip(names, values, strict=True) if value is not None}
            lines.append(orjson.dumps(record, option=_OPTIONS))
        self.counts[feed] += len(recorded_at)

    def flush(self, landing: Path, *, first: date, last: date, is_gzip: bool) -> None:
        """Write what has been collected as the files of `first`..`last`, below the day `last`."""
        span = f"{first:%Y%m%d}" if first == last else f"{first:%Y%m%d}-{last:%Y%m%d}"
        for feed, lines in self.lines.items():
            if lines:
                name = f"{feed}-{span}.json" + (".gz" if is_gzip else "")
                write_whole(landing / feed / f"{last:%Y/%m/%d}" / name, _packed(lines, is_gzip))
                lines.clear()


def _packed(lines: list[bytes], is_gzip: bool) -> bytes:
    body = b"".join(lines)
    return gzip.compress(body, compresslevel=6, mtime=0) if is_gzip else body


def write_whole(path: Path, content: bytes) -> None:
    """Write `path` so that it is either absent or complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name(f".{path.name}.tmp")
    with hidden.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    hidden.replace(path)
