"""Records to NDJSON: collected as columns of numbers, and encoded feed by feed when a file is due."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from datagen.ids import Ints
from datagen.wire import Codec, Column, encoded, instants
from lakehouse.l1.feeds import FEEDS

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
FIELDS = {feed: tuple(field.name for field in FEEDS[feed].source_fields) for feed in SOURCES}
LOGGED_AFTER_SECONDS = 120
ROWS_AT_ONCE = 16_384
_NOUGHTS = np.zeros(1 << 16, np.int64)
"""The numbers of a field that is the same in all records."""


@dataclass(frozen=True)
class _Chunk:
    """Records that were sent together: their columns by field."""

    size: int
    columns: Mapping[str, Column]


class Outbox:
    """The records of the days since the last `flush`, per feed."""

    def __init__(self) -> None:
        self._chunks: dict[str, list[_Chunk]] = {feed: [] for feed in SOURCES}
        self.counts: dict[str, int] = dict.fromkeys(SOURCES, 0)

    def emit(self, feed: str, *, known_at: Ints, **fields: Any) -> None:
        """Add one record for each element of `known_at`, the instants at which what it says was known.

        A scalar is the same in all; null fields are left out.

        Raises:
            ValueError: when a column is of another length, or the feed has no such field.
        """
        size = len(known_at)
        if size == 0:
            return
        columns = {name: _column(value, size) for name, value in fields.items() if value is not None}
        columns["recorded_at"] = instants(known_at + LOGGED_AFTER_SECONDS)
        columns["source_system"] = _column(SOURCES[feed], size)
        wrong = [n for n, column in columns.items() if len(column) != size] + sorted(set(columns) - set(FIELDS[feed]))
        if wrong:
            raise ValueError(f"{feed}: {wrong} are not {size} long, or no fields of it")
        self._chunks[feed].append(_Chunk(size, columns))
        self.counts[feed] += size

    def frames(self) -> dict[str, pl.DataFrame]:
        """Give out the records as frames, fields in declared order, and forget them."""
        frames = {feed: _frame(feed, chunks) for feed, chunks in self._chunks.items() if chunks}
        self._chunks = {feed: [] for feed in SOURCES}
        return frames


def _column(value: Any, size: int) -> Column:
    if isinstance(value, Column):
        return value
    noughts = _NOUGHTS[:size] if size <= len(_NOUGHTS) else np.zeros(size, np.int64)
    return Column(Codec("chosen", (value,)), (noughts,))


def _frame(feed: str, chunks: Sequence[_Chunk]) -> pl.DataFrame:
    sent = {name for chunk in chunks for name in chunk.columns}
    return pl.DataFrame({name: _series(name, chunks) for name in FIELDS[feed] if name in sent})


def _series(name: str, chunks: Sequence[_Chunk]) -> pl.Series:
    """One field of all chunks: what is written alike is encoded at once, and put back in its order."""
    by_codec: dict[Codec | None, list[int]] = {}
    for number, chunk in enumerate(chunks):
        column = chunk.columns.get(name)
        by_codec.setdefault(column.codec if column else None, []).append(number)
    if all(codec is None or codec.kind == "chosen" for codec in by_codec):
        return _chosen_of_all(name, chunks)
    sizes = np.array([chunk.size for chunk in chunks])
    starts = np.cumsum(sizes) - sizes
    without = by_codec.pop(None, [])
    pieces = [_encoded([chunks[number].columns[name] for number in of]) for of in by_codec.values()]
    if without:
        pieces.append(pl.repeat(None, int(sizes[without].sum()), dtype=pieces[0].dtype, eager=True))
    if len(pieces) == 1:
        return pieces[0]
    numbers = [number for of in (*by_codec.values(), without) for number in of]
    order = np.concatenate([np.arange(starts[number], starts[number] + sizes[number]) for number in numbers])
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return pl.concat(pieces).gather(place)


def _chosen_of_all(name: str, chunks: Sequence[_Chunk]) -> pl.Series:
    """A field that every chunk chooses from a few values: one table of them all, and one choice."""
    places: dict[tuple[type, Any], int] = {}
    of_codec: dict[Codec, Ints] = {}
    index = []
    for chunk in chunks:
        column = chunk.columns.get(name)
        if column is None:
            index.append(np.full(chunk.size, -1))
            continue
        if column.codec not in of_codec:
            options = [places.setdefault((type(value), value), len(places)) for value in column.codec.arguments]
            # A negative number chooses the last, which is nothing.
            of_codec[column.codec] = np.array([*options, -1])
        chosen = of_codec[column.codec][np.maximum(column.parts[0], -1)]
        index.append(chosen if column.is_present is None else np.where(column.is_present, chosen, -1))
    values = tuple(value for _, value in places)
    return encoded(Column(Codec("chosen", values), (np.concatenate(index),)))


def _encoded(columns: Sequence[Column]) -> pl.Series:
    parts = tuple(np.concatenate(parts) for parts in zip(*(column.parts for column in columns), strict=True))
    if all(column.is_present is None for column in columns):
        return encoded(Column(columns[0].codec, parts))
    present = [np.ones(len(c), bool) if c.is_present is None else c.is_present for c in columns]
    return encoded(Column(columns[0].codec, parts, np.concatenate(present)))


def lines(frame: pl.DataFrame) -> bytes:
    """The frame as NDJSON, null fields left out. The last field must have no null."""
    nulls = [f'"{name}":null,'.encode() for name in frame.columns if frame[name].null_count()]
    # So many rows at a time that what is searched for nulls, field by field, stays in the processor's cache.
    return b"".join(
        _without(nulls, frame[first : first + ROWS_AT_ONCE]) for first in range(0, len(frame), ROWS_AT_ONCE)
    )


def _without(nulls: Sequence[bytes], frame: pl.DataFrame) -> bytes:
    written = io.BytesIO()
    frame.write_ndjson(written)
    body = written.getvalue()
    for null in nulls:
        body = body.replace(null, b"")
    return body
