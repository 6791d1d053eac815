"""Parsing: a block of landing lines becomes an Arrow batch of typed records, line by line accounted for.

A block whose every line is one object of the declared types goes through Arrow's JSON reader (the fast
path). Any other is cut into smaller ones, and where that does not help, read line by line (the exact
path). Both give the same rows.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from lakehouse import table as t
from lakehouse.l1.codec import BLANK, BOM
from lakehouse.l1.objects import ROUNDED, AsSent, as_exact_json, as_json, object_of
from lakehouse.l1.values import CONVERTERS, DATE_LENGTH, LossyError, MisfitError

ARROW: dict[Any, pa.DataType] = {
    t.TEXT: pa.string(),
    t.FLAG: pa.bool_(),
    t.INT: pa.int32(),
    t.LONG: pa.int64(),
    t.NUMBER: pa.float64(),
    t.DATE: pa.date32(),
    t.INSTANT: pa.timestamp("us", tz="UTC"),
}
NAIVE = pa.timestamp("us")
PIECE_BYTES = 1 << 15
"""A block that is not plain as a whole is tried again in pieces of this size."""
DEPTH_MAX = 500
"""Arrow's reader recurses into nested values, and dies of a hundred thousand."""
PLAIN: dict[Any, type] = {t.TEXT: str, t.FLAG: bool, t.NUMBER: float}


@dataclass(frozen=True)
class RecordParser:
    """Parses the lines of one feed.

    A parsed batch has the columns `_line`, `_rescued`, `_raw` and then the feed's fields.
    """

    fields: tuple[t.Field, ...]

    @cached_property
    def schema(self) -> pa.Schema:
        """Arrow schema of a parsed batch."""
        technical = [("_line", pa.int64()), ("_rescued", pa.string()), ("_raw", pa.string())]
        return pa.schema(technical + [(field.name, ARROW[field.type]) for field in self.fields])

    @cached_property
    def _as_written(self) -> pa.Schema:
        """What Arrow's reader is asked for: dates and instants as text, to convert them afterwards."""
        text = {t.DATE, t.INSTANT}
        return pa.schema([(f.name, pa.string() if f.type in text else ARROW[f.type]) for f in self.fields])

    @cached_property
    def _converters(self) -> list[tuple[str, type | None, Callable[[Any], Any]]]:
        """Name of each field, the class whose values need no conversion, and the converter of all others."""
        return [(f.name, PLAIN.get(f.type), CONVERTERS[f.type]) for f in self.fields]

    def parse(self, block: bytes, first_line: int) -> pa.RecordBatch:
        """Parse whole lines; blank ones give no row, every other line gives exactly one.

        Args:
            block: bytes that begin at the start of a line.
            first_line: number of the first line in its file.
        """
        block = block.removeprefix(BOM) if first_line == 1 else block
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
        found = self._fast(block, first_line)
        if found is not None:
            return found
        return pa.concat_batches([self._piece(piece, line) for piece, line in _pieces(block, first_line)])

    def _piece(self, block: bytes, first_line: int) -> pa.RecordBatch:
        found = self._fast(block, first_line)
        return self._exact(block, first_line) if found is None else found

    def _fast(self, block: bytes, first_line: int) -> pa.RecordBatch | None:
        """Arrow's reader, where it is certain that it sees one plain record a line; else None."""
        lines = _records(block)
        if not lines:
            return None
        try:
            block.decode("utf-8")
            table = _read_json(block, self._as_written)
            columns = [_typed(table.column(f.name).combine_chunks(), f.type) for f in self.fields]
            unknown = table.column_names[len(self.fields) :]
            rescued = _unknown(block, unknown) if unknown else pa.nulls(lines, pa.string())
        except (pa.ArrowInvalid, UnicodeDecodeError, orjson.JSONDecodeError, _NotPlainError):
            return None
        if table.num_rows != lines:
            return None
        numbers = pa.array(np.arange(first_line, first_line + lines))
        return pa.RecordBatch.from_arrays(
            [numbers, rescued, pa.nulls(lines, pa.string()), *columns], schema=self.schema
        )

    def _exact(self, block: bytes, first_line: int) -> pa.RecordBatch:
        """Line by line."""
        numbered = enumerate(block.split(b"\n"), start=first_line)
        rows = [self._row(line, number) for number, line in numbered if line.strip(BLANK)]
        columns = list(zip(*rows, strict=True)) or [()] * len(self.schema)
        arrays = [pa.array(column, kind) for column, kind in zip(columns, self.schema.types, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _row(self, line: bytes, number: int) -> list[Any]:
        record = object_of(line)
        if record is None:
            return [number, None, line.decode("utf-8", "backslashreplace"), *[None] * len(self.fields)]
        # In a flat object each name is followed by a colon; where there are more, a name may be there twice.
        may_repeat = line.count(b'":') != len(record)
        values, rescued = self.fitted(record)
        text = as_json(rescued)
        if may_repeat or (text and ROUNDED.search(text)):
            values, text = self._as_sent(line, values, text)
        return [number, text, None, *values]

    def _as_sent(self, line: bytes, values: list[Any], text: str | None) -> tuple[list[Any], str | None]:
        """The values and the rescued text of a line whose numbers are too long for orjson, or names repeated."""
        sent = AsSent()
        try:
            every = json.loads(line, object_pairs_hook=sent.take)
        except RecursionError:
            return values, text
        if not sent.has_repeats and not (text and ROUNDED.search(text)):
            return values, text
        values, rescued = self.fitted(json.loads(line))
        names = sorted(sent.repeated | set(rescued))
        found = {name: every[name] for name in names}
        return values, as_exact_json(found)

    def fitted(self, record: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The values of the fields, and what is to be rescued: misfits, and what is unknown; `record` is used up."""
        rescued: dict[str, Any] = {}
        values = self._values(record, rescued)
        return values, dict(sorted((rescued | record).items())) if rescued or record else rescued

    def _values(self, record: dict[str, Any], rescued: dict[str, Any]) -> list[Any]:
        """The values of the fields, taken out of the record; what does not fit goes to `rescued`."""
        values = []
        for name, plain, convert in self._converters:
            value = record.pop(name, None)
            if value is not None and type(value) is not plain:
                try:
                    value = convert(value)
                except MisfitError:
                    rescued[name], value = value, None
                except LossyError as lossy:
                    rescued[name], value = value, lossy.value
            values.append(value)
        return values


class _NotPlainError(ValueError):
    """A column needs the exact path."""


def _pieces(block: bytes, first_line: int) -> Iterable[tuple[bytes, int]]:
    """The block in pieces of whole lines, each with the number of its first line."""
    start, line = 0, first_line
    while True:
        cut = block.find(b"\n", start + PIECE_BYTES) + 1 or len(block)
        yield block[start:cut], line
        if cut == len(block):
            return
        start, line = cut, line + block.count(b"\n", start, cut)


def _records(block: bytes) -> int:
    """How many records a block holds, if each looks like a line of its own and none nests too deep; else 0."""
    codes = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(codes[:-1] == ord("\n"))
    # Between two records, and nowhere else in valid JSON, stands "}\n{".
    is_plain = block[:1] == b"{" and (codes[ends - 1] == ord("}")).all() and (codes[ends + 1] == ord("{")).all()
    if not is_plain:
        return 0
    lines = len(ends) + 1
    # One bit tells "[" from "{".
    may_be_deep = np.count_nonzero((codes & 0xDF) == ord("[")) - lines > DEPTH_MAX
    if may_be_deep and any(line.count(b"[") + line.count(b"{") > DEPTH_MAX for line in block.split(b"\n")):
        return 0
    return lines


def _read_json(block: bytes, schema: pa.Schema) -> pa.Table:
    return pj.read_json(
        pa.BufferReader(block),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(block) + 1),
        parse_options=pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer"),
    )


def _typed(column: pa.Array, kind: Any) -> pa.Array:
    """A column of Arrow's reader in its declared type.

    Raises:
        _NotPlainError: a value means more or less than the type can say.
    """
    if kind == t.NUMBER and pc.all(pc.is_finite(column)).as_py() is False:
        raise _NotPlainError
    if kind == t.DATE:
        return _in_calendar(column.cast(pa.date32()))
    if kind != t.INSTANT:
        return column
    shortest = pc.min(pc.binary_length(column)).as_py()
    if shortest is not None and shortest <= DATE_LENGTH:
        raise _NotPlainError
    try:
        return _in_calendar(column.cast(ARROW[t.INSTANT]))
    except pa.ArrowInvalid:
        return _in_calendar(column.cast(NAIVE).cast(ARROW[t.INSTANT]))


def _in_calendar(column: pa.Array) -> pa.Array:
    """The column, if all its days are in the years 1 to 9999."""
    days = column.cast(pa.int64() if pa.types.is_timestamp(column.type) else pa.int32())
    first, last = (pa.scalar(day).cast(column.type).value for day in (date.min, date.max))
    found = pc.min_max(days).as_py()
    if found["min"] is not None and not (first <= found["min"] and found["max"] <= last):
        raise _NotPlainError
    return column


def _unknown(block: bytes, names: list[str]) -> pa.Array:
    """The fields of these names in each record, as JSON."""
    names = sorted(names)
    records = map(orjson.loads, block.rstrip(b"\n").split(b"\n"))
    found = ({name: record[name] for name in names if name in record} for record in records)
    texts = [as_json(extra) for extra in found]
    if any(text and ROUNDED.search(text) for text in texts):
        raise _NotPlainError
    return pa.array(texts, pa.string())
