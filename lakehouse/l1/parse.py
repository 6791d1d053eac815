"""Parsing: a block of landing lines becomes an Arrow batch of typed records, line by line accounted for.

A block whose every line is one object of the declared fields and types goes through Arrow's JSON
reader (the fast path); any other block is read line by line (the exact path). Both give the same rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from lakehouse import table as t
from lakehouse.l1.codec import BOM
from lakehouse.l1.values import CONVERTERS, DATE_LENGTH, LossyError, MisfitError

ARROW = {
    t.TEXT: pa.string(),
    t.FLAG: pa.bool_(),
    t.INT: pa.int32(),
    t.LONG: pa.int64(),
    t.NUMBER: pa.float64(),
    t.DATE: pa.date32(),
    t.INSTANT: pa.timestamp("us", tz="UTC"),
}
NAIVE = pa.timestamp("us")
NOT_FINITE = (b"NaN", b"Inf")


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

    def parse(self, block: bytes, first_line: int) -> pa.RecordBatch:
        """Parse whole lines; blank ones give no row, every other line gives exactly one.

        Args:
            block: bytes that begin at the start of a line.
            first_line: number of the first line in its file.
        """
        block = block.removeprefix(BOM) if first_line == 1 else block
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
        return self._fast(block, first_line) or self._exact(block, first_line)

    def _fast(self, block: bytes, first_line: int) -> pa.RecordBatch | None:
        """Arrow's reader, where it is certain that it sees one plain record a line; else None."""
        lines = block.count(b"\n") + (not block.endswith(b"\n"))
        # Between two records, and nowhere else in valid JSON, stands "}\n{".
        is_line_per_record = block.count(b"}\n{") == lines - 1 and block[:1] == b"{"
        if not is_line_per_record or any(mark in block for mark in NOT_FINITE):
            return None
        try:
            block.decode("utf-8")
            table = _read_json(block, self._as_written)
            columns = [_typed(table.column(f.name).combine_chunks(), f.type) for f in self.fields]
        except (pa.ArrowInvalid, UnicodeDecodeError, _NotPlainError):
            return None
        if table.num_rows != lines:
            return None
        nothing = pa.nulls(lines, pa.string())
        rescued = self._unknown(block, table) if table.num_columns > len(self.fields) else nothing
        numbers = pa.array(range(first_line, first_line + lines), pa.int64())
        return pa.RecordBatch.from_arrays([numbers, rescued, nothing, *columns], schema=self.schema)

    def _unknown(self, block: bytes, table: pa.Table) -> pa.Array:
        """The unknown fields of each record, as written."""
        known = {field.name for field in self.fields}
        records = (orjson.loads(line) for line in block.split(b"\n") if line)
        extras = ({key: value for key, value in record.items() if key not in known} for record in records)
        return pa.array([_as_json(extra) for extra in extras], pa.string())

    def _exact(self, block: bytes, first_line: int) -> pa.RecordBatch:
        """Line by line."""
        rows = [
            self._row(line, number) for number, line in enumerate(block.split(b"\n"), start=first_line) if line.strip()
        ]
        columns = list(zip(*rows, strict=True)) or [()] * len(self.schema)
        arrays = [pa.array(column, kind) for column, kind in zip(columns, self.schema.types, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _row(self, line: bytes, number: int) -> Sequence[Any]:
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            record = None
        if not isinstance(record, dict):
            return [number, None, line.decode("utf-8", "backslashreplace"), *[None] * len(self.fields)]
        rescued: dict[str, Any] = {}
        values = [self._value(field, record.pop(field.name, None), rescued) for field in self.fields]
        return [number, _as_json(rescued | record), None, *values]

    @staticmethod
    def _value(field: t.Field, value: Any, rescued: dict[str, Any]) -> Any:
        if value is None:
            return None
        try:
            return CONVERTERS[field.type](value)
        except MisfitError:
            rescued[field.name] = value
            return None
        except LossyError as lossy:
            rescued[field.name] = value
            return lossy.value


class _NotPlainError(ValueError):
    """A column needs the exact path."""


def _read_json(block: bytes, schema: pa.Schema) -> pa.Table:
    return pj.read_json(
        pa.BufferReader(block),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(block) + 1),
        parse_options=pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer"),
    )


def _typed(column: pa.Array, kind: Any) -> pa.Array:
    if kind == t.DATE:
        return column.cast(pa.date32())
    if kind != t.INSTANT:
        return column
    shortest = pc.min(pc.binary_length(column)).as_py()
    if shortest is not None and shortest <= DATE_LENGTH:
        raise _NotPlainError
    try:
        return column.cast(ARROW[t.INSTANT])
    except pa.ArrowInvalid:
        return column.cast(NAIVE).cast(ARROW[t.INSTANT])


def _as_json(value: dict[str, Any]) -> str | None:
    return orjson.dumps(value).decode() if value else None
