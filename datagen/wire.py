"""How columns of numbers become text: the simulation works on integers, and encodes a month of records at once.

A `Column` is numbers with the codec that writes them. Records are kept so until they are written.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from datagen.ids import ALPHABET, Array, Ints, check_values

DAY_SECONDS = 86_400
_FIRST_DAY, _LAST_DAY = -25_567, 47_482  # 1900-01-01, 2100-01-01


@dataclass(frozen=True)
class Codec:
    """A way to write numbers: `kind` names it, `arguments` are what it needs besides the numbers."""

    kind: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Column:
    """Equally many numbers for each part of a value, the codec that joins them, and where there is a value at all."""

    codec: Codec
    parts: tuple[Array, ...]
    is_present: Array | None = None

    def __len__(self) -> int:
        return len(self.parts[0])

    def __getitem__(self, rows: Array) -> "Column":
        """The values of some rows, by number or mask."""
        is_present = None if self.is_present is None else self.is_present[rows]
        return replace(self, parts=tuple(part[rows] for part in self.parts), is_present=is_present)


def plain(values: Array | Sequence[Any]) -> Column:
    """Numbers, booleans or texts, as they are."""
    return Column(Codec("plain"), (np.asarray(values),))


def numbered(prefix: str, numbers: Array, width: int = 10, suffix: str = "") -> Column:
    """Ids such as `V0100000042`: `numbers` padded with zeros to `width` digits."""
    return Column(Codec("numbered", (prefix, width, suffix)), (np.asarray(numbers),))


def donation_numbers(dins: Ints, suffix: str = "") -> Column:
    """Donation numbers as printed: 13 characters and the check character."""
    return Column(Codec("donation", (suffix,)), (dins,))


def unit_numbers(units: Ints, prefix: str = "", suffix: str = "") -> Column:
    """Unit ids: the donation number, a hyphen, the unit's place in the donation."""
    return Column(Codec("unit", (prefix, suffix)), (units,))


def chosen(options: Sequence[Any], index: Array) -> Column:
    """One of a few values; null where the index is negative."""
    return Column(Codec("chosen", tuple(options)), (np.asarray(index, np.int64),))


def dates(days: Ints) -> Column:
    """Days as dates; null where negative (births before 1970 are written with `birth_dates`)."""
    return Column(Codec("date"), (days,), days >= 0)


def birth_dates(days: Ints) -> Column:
    """Days as dates, before 1970 too."""
    return Column(Codec("date"), (days,))


def instants(seconds: Ints) -> Column:
    """Seconds as instants (UTC); null where negative."""
    return Column(Codec("instant"), (seconds,), seconds >= 0)


def hexadecimal(numbers: Ints) -> Column:
    """Eight hex digits a number."""
    return Column(Codec("hex"), (numbers,))


def joined(*parts: "Column | str") -> Column:
    """Texts of several columns and constants, one after the other."""
    codecs = tuple(part if isinstance(part, str) else part.codec for part in parts)
    arrays = tuple(array for part in parts if isinstance(part, Column) for array in part.parts)
    return Column(Codec("joined", codecs), arrays)


def optional(values: Column | str | bool, is_present: Array) -> Column:
    """The values (or one value) where `is_present`, null elsewhere."""
    if not isinstance(values, Column):
        return chosen((values,), np.where(is_present, 0, -1))
    both = is_present if values.is_present is None else values.is_present & is_present
    return replace(values, is_present=np.asarray(both, bool))


def encoded(column: Column) -> pl.Series:
    """The column as it is written."""
    series = _ENCODERS[column.codec.kind](column.codec.arguments, column.parts)
    if column.is_present is None or column.is_present.all():
        return series
    return pl.select(pl.when(pl.Series(column.is_present)).then(series)).to_series()


@lru_cache(maxsize=1)
def _fours() -> pl.Series:
    return pl.Series([f"{number:04d}" for number in range(10_000)])


@lru_cache(maxsize=1)
def _hex_fours() -> pl.Series:
    return pl.Series([f"{number:04x}" for number in range(65_536)])


@lru_cache(maxsize=1)
def _days() -> pl.Series:
    return pl.Series(range(_FIRST_DAY, _LAST_DAY)).cast(pl.Int32).cast(pl.Date).cast(pl.String)


@lru_cache(maxsize=1)
def _times() -> pl.Series:
    return (pl.Series(range(DAY_SECONDS)) * 1_000_000).cast(pl.Datetime("us")).dt.strftime("T%H:%M:%SZ")


def _padded(numbers: Array, width: int) -> pl.Series:
    """Numbers padded with zeros, four digits at a time."""
    text = None
    while width > 0:
        four = _fours().gather(numbers % 10_000) if width >= 4 else _fewer(width).gather(numbers % 10**width)
        text = four if text is None else four + text
        numbers, width = numbers // 10_000, width - 4
    assert text is not None
    return text


@lru_cache(maxsize=3)
def _fewer(width: int) -> pl.Series:
    return pl.Series([f"{number:0{width}d}" for number in range(10**width)])


def _plain(_: tuple[Any, ...], parts: tuple[Array, ...]) -> pl.Series:
    (values,) = parts
    return pl.Series(values.tolist() if values.dtype == object else values)


def _numbered(arguments: tuple[Any, ...], parts: tuple[Array, ...]) -> pl.Series:
    prefix, width, suffix = arguments
    return _wrapped(prefix, _padded(parts[0], width), suffix)


def _donation(arguments: tuple[Any, ...], parts: tuple[Array, ...]) -> pl.Series:
    return _wrapped("X", _padded(parts[0], 12), "") + _wrapped("", _checks(parts[0]), arguments[0])


def _unit(arguments: tuple[Any, ...], parts: tuple[Array, ...]) -> pl.Series:
    prefix, suffix = arguments
    din, place = parts[0] // 100, parts[0] % 100
    body = _wrapped(f"{prefix}X", _padded(din, 12), "") + _checks(din)
    return body + _wrapped("-", _padded(place, 2), suffix)


def _checks(dins: Array) -> pl.Series:
    return pl.Series(list(ALPHABET)).gather(check_values(dins))


def _wrapped(prefix: str, text: pl.Series, suffix: str) -> pl.Series:
    text = prefix + text if prefix else text
    return text + suffix if suffix else text


def _chosen(options: tuple[Any, ...], parts: tuple[Array, ...]) -> pl.Series:
    # The last of the table is null, which is where a negative index points.
    return pl.Series([*options, None]).gather(np.where(parts[0] < 0, len(options), parts[0]))


def _date(_: tuple[Any, ...], parts: tuple[Array, ...]) -> pl.Series:
    return _days().gather(parts[0] - _FIRST_DAY)


def _instant(_: tuple[Any, ...], parts: tuple[Array, ...]) -> pl.Series:
    return _days().gather(parts[0] // DAY_SECONDS - _FIRST_DAY) + _times().gather(parts[0] % DAY_SECONDS)


def _hex(_: tuple[Any, ...], parts: tuple[Array, ...]) -> pl.Series:
    return _hex_fours().gather(parts[0] >> 16) + _hex_fours().gather(parts[0] & 0xFFFF)


def _joined(codecs: tuple[Any, ...], parts: tuple[Array, ...]) -> pl.Series:
    text, left = pl.repeat("", len(parts[0]), eager=True), list(parts)
    for codec in codecs:
        if isinstance(codec, str):
            text = text + codec
        else:
            text = text + _ENCODERS[codec.kind](codec.arguments, (left.pop(0),)).cast(pl.String)
    return text


_ENCODERS = {
    "plain": _plain,
    "numbered": _numbered,
    "donation": _donation,
    "unit": _unit,
    "chosen": _chosen,
    "date": _date,
    "instant": _instant,
    "hex": _hex,
    "joined": _joined,
}
