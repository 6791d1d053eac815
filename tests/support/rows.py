"""Small frames for tests: name the columns that matter, the rest is NULL."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import DataType, DateType, DecimalType, DoubleType, StructType, TimestampType

from lakehouse.table import Table


def frame(spark: SparkSession, table: Table | StructType, rows: Iterable[Mapping[str, Any]]) -> DataFrame:
    """A frame with the schema of `table`, in which columns not named are NULL.

    Dates and instants may be written as text: "2024-02-29", "2024-02-29 23:59" (UTC),
    "2024-02-29T23:59-05:00". Doses may be written as numbers.

    Raises:
        KeyError: a row names a column that the table does not have.
    """
    schema = table.schema if isinstance(table, Table) else table
    listed = [_row(schema, row) for row in rows]
    return spark.createDataFrame(listed, schema)


def _row(schema: StructType, row: Mapping[str, Any]) -> tuple[Any, ...]:
    unknown = sorted(set(row) - set(schema.fieldNames()))
    if unknown:
        raise KeyError(f"no columns {unknown}; known are {schema.fieldNames()}")
    return tuple(_value(field.dataType, row.get(field.name)) for field in schema.fields)


def _value(kind: DataType, value: Any) -> Any:
    convert = _CONVERT.get(type(kind))
    return value if value is None or convert is None else convert(value)


def _date(value: Any) -> Any:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _instant(value: Any) -> Any:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


_CONVERT: dict[type[DataType], Callable[[Any], Any]] = {
    DateType: _date,
    TimestampType: _instant,
    DecimalType: lambda value: Decimal(str(value)),
    DoubleType: float,
}
