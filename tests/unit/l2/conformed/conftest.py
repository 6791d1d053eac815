"""L1 rows for the tests of conformed tables: accepted rows of one feed, with the gate's violations."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.conformed import CONFORMED
from tests.support.rows import frame

VIOLATIONS = ArrayType(StructType([StructField("rule", StringType()), StructField("severity", StringType())]))
Rows = Callable[..., DataFrame]


def mask(raw: Column) -> Column:
    """A pseudonym that a person can check: the id in angle brackets."""
    return F.concat(F.lit("<"), raw, F.lit(">"))


@pytest.fixture
def l1(spark: SparkSession) -> Rows:
    """Make accepted L1 rows: l1(feed, {column: value, …}, …)."""

    def make(feed: str, *rows: Mapping[str, Any]) -> DataFrame:
        schema = FEEDS[feed].l1.schema.add("_violations", VIOLATIONS)
        placed = {"_batch_seq": 1, "_file_id": 7, "_delivered_on": "2024-03-01", "_ingested_at": "2024-03-02 06:00"}
        return frame(spark, schema, [{**placed, "_line": line, **row} for line, row in enumerate(rows, 1)])

    return make


@pytest.fixture
def conformed(l1: Rows) -> Rows:
    """Build a conformed table from L1 rows, with `mask` for pseudonyms."""

    def make(feed: str, *rows: Mapping[str, Any]) -> DataFrame:
        return CONFORMED[feed].build(l1(feed, *rows), pseudonym=mask)

    return make
