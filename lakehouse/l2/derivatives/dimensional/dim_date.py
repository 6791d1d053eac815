"""A row is a day of the calendar, from the first year with a fact to the end of the as-of year.

Slice: the whole table, which is small.
"""

from collections.abc import Mapping
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.dimensional.keys import FIRST_DAY, date_sk, unknown_named
from lakehouse.table import DATE, FLAG, INT, TEXT, Field, Table

TABLE = Table(
    tier="l2",
    name="dim_date",
    grain="a day, or the unknown one",
    key=("date_sk",),
    fields=(
        Field("date_sk", INT, "yyyymmdd; -1 is the unknown day", required=True),
        Field("day", DATE, "the day; null for the unknown one"),
        Field("year", INT, "calendar year"),
        Field("quarter", INT, "1 to 4"),
        Field("month", INT, "1 to 12"),
        Field("month_name", TEXT, "January to December", required=True),
        Field("day_of_month", INT, "1 to 31"),
        Field("iso_year", INT, "year that the ISO week belongs to"),
        Field("iso_week", INT, "ISO 8601 week, 1 to 53"),
        Field("weekday", INT, "ISO 8601: Monday is 1"),
        Field("weekday_name", TEXT, "Monday to Sunday", required=True),
        Field("is_weekend", FLAG, "Saturday or Sunday"),
        Field("is_month_end", FLAG, "last day of its month"),
        Field("is_us_holiday", FLAG, "federal holiday of the United States, on the day on which it falls"),
    ),
    law="rows = days from the first to the last + 1",
)


def build(
    dated: DataFrame,
    distribution: DataFrame,
    donation_events: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """The days that facts may fall on.

    Args:
        dated: `dated_donations`.
        distribution: movements.
        donation_events: sessions.
        as_of: no fact is later.
        params: not used.
    """
    moved = F.least(*map(F.min, ("distributed_at", "shipped_at", "received_at")))
    firsts = (
        dated.agg(F.min("donated_on").alias("first_on")),
        distribution.agg(F.to_date(moved).alias("first_on")),
        donation_events.agg(F.to_date(F.min("starts_at")).alias("first_on")),
    )
    first = reduce(DataFrame.unionByName, firsts).agg(F.min("first_on").alias("first_on"))
    # A local day may be the one before that of UTC.
    local = F.when(F.col("first_on").isNotNull(), F.greatest(F.date_sub("first_on", 1), F.lit(FIRST_DAY)))
    begins = F.least(local, F.lit(as_of))
    calendar = F.sequence(F.trunc(begins, "year"), F.lit(date(as_of.year, 12, 31)), F.expr("INTERVAL 1 DAY"))
    unknown = F.array(F.lit(None).cast(DATE))
    days = first.select(F.explode(F.concat(unknown, calendar)).alias("day"))
    return days.withColumns(_facts(F.col("day"))).select(*TABLE.columns)


def _facts(day: Column) -> dict[str, Column]:
    return {
        "date_sk": date_sk(day),
        "year": F.year(day),
        "quarter": F.quarter(day),
        "month": F.month(day),
        "month_name": _name(day, "MMMM"),
        "day_of_month": F.dayofmonth(day),
        "iso_year": F.extract(F.lit("YEAROFWEEK"), day).cast(INT),
        "iso_week": F.weekofyear(day),
        "weekday": F.weekday(day) + 1,
        "weekday_name": _name(day, "EEEE"),
        "is_weekend": F.weekday(day) >= 5,
        "is_month_end": day == F.last_day(day),
        "is_us_holiday": _is_us_holiday(day),
    }


def _name(day: Column, form: str) -> Column:
    return unknown_named(F.date_format(day, form))


def _is_us_holiday(day: Column) -> Column:
    """5 U.S.C. 6103, as it stands: the holidays are those of today, in earlier years too, but Juneteenth's."""
    month, number, weekday = F.month(day), F.dayofmonth(day), F.weekday(day)
    nth = F.floor((number - 1) / 7) + 1
    monday, thursday = weekday == 0, weekday == 3

    def on(of_month: int, of_day: int) -> Column:
        return (month == of_month) & (number == of_day)

    moving = (
        ((month == 1) & monday & (nth == 3))
        | ((month == 2) & monday & (nth == 3))
        | ((month == 5) & monday & (number > 24))
        | ((month == 9) & monday & (nth == 1))
        | ((month == 10) & monday & (nth == 2))
        | ((month == 11) & thursday & (nth == 4))
    )
    juneteenth = on(6, 19) & (F.year(day) >= 2021)
    return on(1, 1) | juneteenth | on(7, 4) | on(11, 11) | on(12, 25) | moving
