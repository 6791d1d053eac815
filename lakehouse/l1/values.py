"""Single values of a record: what fits a declared type, and what must be rescued.

The slow, exact path. A value that fits nothing becomes NULL, and its original is rescued; a bare date
sent for an instant (or an instant for a date) is taken and its original is rescued as well, because
the lake must still know that no time (or more than a day) was said.
"""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from pyspark.sql.types import DataType

from lakehouse import table as t

DATE_LENGTH = 10
INT_BITS, LONG_BITS = 31, 63


class MisfitError(ValueError):
    """The value does not fit the declared type."""


class LossyError(ValueError):
    """The value fits, but its original says more or less: `value` is kept and the original rescued."""

    def __init__(self, value: Any) -> None:
        super().__init__(value)
        self.value = value


def to_text(value: Any) -> str:
    """Text as it is; an integer as its decimal text."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise MisfitError


def to_flag(value: Any) -> bool:
    """true, false, 1 or 0."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise MisfitError


def to_integer(value: Any, bits: int) -> int:
    """A whole number that fits in the bits."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and -(1 << bits) <= value < 1 << bits:
        return value
    raise MisfitError


def to_number(value: Any) -> float:
    """A finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise MisfitError
    try:
        number = float(value)
    except OverflowError:
        raise MisfitError from None
    if math.isfinite(number):
        return number
    raise MisfitError


def to_date(value: Any) -> date:
    """A date YYYY-MM-DD; of an instant or another way to write a date, the date as written."""
    found = _from_iso(value).date()
    if found.isoformat() != value:
        raise LossyError(found)
    return found


def to_instant(value: Any) -> datetime:
    """An ISO 8601 instant to the microsecond, in UTC; without offset it is UTC; of a bare date, its midnight."""
    found = _from_iso(value)
    try:
        instant = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError:
        raise MisfitError from None
    if len(value) <= DATE_LENGTH:
        raise LossyError(instant)
    return instant


def _from_iso(value: Any) -> datetime:
    """A date or an instant; between its day and its time stands a T or a blank.

    Python takes any character there, and so "2024-03-01-05:00", a day with an offset, for five in the morning.
    """
    if not isinstance(value, str) or (len(value) > DATE_LENGTH and not any(mark in value for mark in "Tt ")):
        raise MisfitError
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise MisfitError from None


CONVERTERS: dict[DataType, Callable[[Any], Any]] = {
    t.TEXT: to_text,
    t.FLAG: to_flag,
    t.INT: lambda value: to_integer(value, INT_BITS),
    t.LONG: lambda value: to_integer(value, LONG_BITS),
    t.NUMBER: to_number,
    t.DATE: to_date,
    t.INSTANT: to_instant,
}
