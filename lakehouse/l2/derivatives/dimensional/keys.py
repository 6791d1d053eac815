"""Surrogate keys, and the member that stands for what is not known.

A surrogate key is xxhash64 of the kind of thing and its natural key (of a donor's version: with its first day), so a
rebuild gives the same key, on whatever machine and in whatever order. Eight bytes join and compress better than a
text of 128 bits. Two of n members share one with probability n² / 2^65 (10 million: 3 in a million); then the suite's
rule that keys are unique refuses the release, so no figure is ever mixed up, and a change of `SALT` gives new keys.
"""

from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.table import INT, LONG, TEXT, Field, Table

SALT = "1"
UNKNOWN_SK = -1
UNKNOWN = "unknown"
FIRST_DAY = date(1900, 1, 1)  # older days are taken for errors: they have no date_sk
LAST_DAY = date(9999, 12, 31)  # the end of what has no end yet


def own_sk(name: str) -> Field:
    """The field of a dimension's own key."""
    return Field(name, LONG, "surrogate key; -1 is the unknown member", required=True)


def sk(name: str, dimension: str, what: str) -> Field:
    """A field that points to a dimension."""
    return Field(name, LONG, f"{what}: the key in {dimension}; -1 where it is not known", required=True)


def day_sk(name: str, what: str) -> Field:
    """A field that points to dim_date."""
    return Field(name, INT, f"{what}: yyyymmdd, the key in dim_date; -1 where it is not known", required=True)


def surrogate(kind: str, *natural: Column) -> Column:
    """The surrogate key of a natural key: -1 where no part of it is known. A source may say 'unknown' itself.

    `xxhash64` passes over NULL, so an unknown part is hashed as that word.
    """
    parts = [unknown_named(part.cast(TEXT)) for part in natural]
    is_known = reduce(Column.__or__, [part != UNKNOWN for part in parts])
    return F.when(is_known, F.xxhash64(F.lit(SALT), F.lit(kind), *parts)).otherwise(F.lit(UNKNOWN_SK).cast(LONG))


def unknown_named(text: Column) -> Column:
    """The text, with its absence called by its name: members of a dimension have no NULL in their names."""
    return F.coalesce(text, F.lit(UNKNOWN))


def found(key: str) -> Column:
    """A key that was looked up: -1 where the dimension has no such member."""
    return F.coalesce(F.col(key), F.lit(UNKNOWN_SK)).alias(key)


def known(dimension: DataFrame, key: str, *columns: str) -> DataFrame:
    """What a fact looks up in a dimension, the unknown member left out: some source might call a thing so."""
    return dimension.where(F.col(key) != UNKNOWN_SK).select(key, *columns)


def date_sk(day: Column) -> Column:
    """The key of a day in dim_date."""
    number = F.year(day) * 10000 + F.month(day) * 100 + F.dayofmonth(day)
    return F.when(day >= F.lit(FIRST_DAY), number).otherwise(F.lit(UNKNOWN_SK)).cast(INT)


def members(rows: DataFrame, table: Table, anything: DataFrame, **of_unknown: Any) -> DataFrame:
    """The rows of a dimension, the unknown member with them; no text of it is NULL but the key of a person.

    Args:
        rows: the known members.
        table: the dimension.
        anything: a small frame, empty or not: Spark needs one to make a row from.
        of_unknown: values of the unknown member, where they are not -1, 'unknown' or NULL.
    """
    known = rows.where(F.col(table.key[0]) != UNKNOWN_SK).select(*[_labelled(field) for field in table.fields])
    unknown = {field.name: of_unknown.get(field.name, _of_unknown(field)) for field in table.fields}
    one = anything.agg(*[F.lit(unknown[field.name]).cast(field.type).alias(field.name) for field in table.fields])
    return known.unionByName(one).select(*table.columns)


def _labelled(field: Field) -> Column:
    is_label = field.type == TEXT and not field.name.endswith("_key")
    return unknown_named(F.col(field.name)).alias(field.name) if is_label else F.col(field.name)


def _of_unknown(field: Field) -> Any:
    if field.name.endswith("_sk"):
        return UNKNOWN_SK
    return UNKNOWN if field.type == TEXT and not field.name.endswith("_key") else None
