"""The records of a feed as its declaration of today reads them: a row is a line of a landing file."""

import json
from collections.abc import Collection

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from lakehouse.l1.objects import as_exact_json
from lakehouse.l1.parse import RecordParser
from lakehouse.storage.lake import Lake
from lakehouse.table import TEXT, Feed, Field


def read_records(lake: Lake, feed: Feed, batches: Collection[int]) -> DataFrame:
    """The L1 rows of some batches.

    What a record says in a field that was declared after its ingest is in `_rescued`: it is read from there, as ingest
    would read it today, and what fits is no longer in `_rescued`. A name that a record repeats stays there, with all
    its values; so does what is nested too deep to be read again.
    """
    rows = lake.read(feed.l1).where(F.col("_batch_seq").isin(*batches))
    later = tuple(field for field in feed.source_fields if field.added_later)
    return _read_again(rows, later) if later else rows


def _read_again(rows: DataFrame, later: tuple[Field, ...]) -> DataFrame:
    names = {field.name for field in later}
    parser = RecordParser(later)
    schema = StructType([StructField("_rescued", TEXT), *[StructField(f.name, f.type) for f in later]])

    def taken(rescued):  # type: ignore[no-untyped-def]  # with types, Spark takes them for a hint of another kind
        """What is left in `_rescued`, and the fields' values; None where none of them was sent."""
        try:
            sent = json.loads(rescued) if rescued else {}
        except RecursionError:
            return None  # nested as deep as ingest takes it, and deeper than this reader can
        if not names & sent.keys():
            return None
        values, rest = parser.fitted(sent)
        return (as_exact_json(rest), *values)

    found = rows.withColumn("_taken", F.udf(taken, schema)("_rescued"))
    left = F.when(F.col("_taken").isNull(), F.col("_rescued")).otherwise(F.col("_taken._rescued"))
    values = {name: F.coalesce(name, f"_taken.{name}") for name in sorted(names)}
    return found.withColumns({"_rescued": left, **values}).drop("_taken")
