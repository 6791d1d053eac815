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
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise MisfitError


def to_date(value: Any) -> date:
    """A date YYYY-MM-DD; of an instant, its date as written."""
    if not isinstance(value, str):
        raise MisfitError
    try:
        if len(value) == DATE_LENGTH:
            return date.fromisoformat(value)
        datetime.fromisoformat(value)
    except ValueError:
        raise MisfitError from None
    raise LossyError(date.fromisoformat(value[:DATE_LENGTH]))


def to_instant(value: Any) -> datetime:
    """An ISO 8601 instant, in UTC; without offset it is UTC; of a bare date, its midnight."""
    if not isinstance(value, str):
        raise MisfitError
    try:
        instant = datetime.fromisoformat(value)
        instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise MisfitError from None
    if len(value) <= DATE_LENGTH:
        raise LossyError(instant)
    return instant


CONVERTERS: dict[DataType, Callable[[Any], Any]] = {
    t.TEXT: to_text,
    t.FLAG: to_flag,
    t.INT: lambda value: to_integer(value, INT_BITS),
    t.LONG: lambda value: to_integer(value, LONG_BITS),
    t.NUMBER: to_number,
    t.DATE: to_date,
    t.INSTANT: to_instant,
}
