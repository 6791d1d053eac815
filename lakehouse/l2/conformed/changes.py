"""What came since the release before: a row is a thing that a new, corrected or withdrawn record names, and its batch.

A record counts whatever brought it: a new batch, one that was held, or a replay. One that is only left out, because
today's rules refuse it, came with no batch and is not here.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from lakehouse.columns import batch_name
from lakehouse.l2.conformed import CONFORMED
from lakehouse.table import TEXT

UNIT, DONATION, REFERENCE, EVENT = "unit", "donation", "reference", "event"
DONOR, PATIENT, REQUEST = "donor", "patient", "request"
NAMES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "components": ((UNIT, "unit_id"),),
    "unit_parents": ((UNIT, "unit_id"), (UNIT, "parent_unit_id")),
    "unit_events": ((UNIT, "unit_id"),),
    "dispositions": ((UNIT, "unit_id"),),
    "distribution": ((UNIT, "unit_id"), (REFERENCE, "bag_id"), (REQUEST, "request_id")),
    "test_results": ((UNIT, "unit_id"), (REFERENCE, "din"), (REFERENCE, "bag_id")),
    "donations": ((DONATION, "donation_key"),),
    "donation_events": ((EVENT, "event_id"),),
    "donors": ((DONOR, "donor_key"),),
    "patients": ((PATIENT, "patient_key"), (REFERENCE, "bag_id")),
    "blood_requests": ((REQUEST, "request_id"), (REQUEST, "replaces_request_id")),
}
"""Feed -> what its records name, and in which column; a reference is a din or a bag_id."""
TIMES: Mapping[str, tuple[str, ...]] = {
    "components": ("prepared_at",),
    "unit_parents": ("made_at",),
    "unit_events": ("happened_at",),
    "dispositions": ("happened_at",),
    "distribution": ("shipped_at", "distributed_at", "received_at"),
    "test_results": ("resulted_at",),
    "donations": ("collected_at", "donated_on", "tested_on"),
    "donation_events": ("starts_at",),
    "patients": ("admitted_on",),
}
"""Feed -> the columns that say when what it tells of happened; it does not count before its day has come."""
DUE_DAYS = 2  # a local day may lie one day off UTC's at either end
SCHEMA = StructType([StructField(name, TEXT) for name in ("batch", "about", "name")])


def changed_records(now: Mapping[str, DataFrame], before: Mapping[str, DataFrame]) -> DataFrame:
    """What the records name that are not as they were, in their version now and in the one before.

    Args:
        now: feed of `NAMES` -> its conformed table, withdrawn rows too; rows that are in `before` too may be missing.
        before: the same in the release before; rows that are in `now` too may be missing, if they are in both.

    Returns:
        batch (the one that brought the version of now), about, name.
    """
    new, old = _versions(now), _versions(before)
    were = old.select("feed", "key", F.struct("_file_id", "_line").alias("was"), F.col("names").alias("names_before"))
    known = new.join(were, ["feed", "key"], how="left")
    changed = known.where(~F.col("was").eqNullSafe(F.struct("_file_id", "_line")))
    named = F.concat("names", F.coalesce("names_before", F.array().cast(new.schema["names"].dataType)))
    return changed.select("batch", F.inline(named)).where(F.col("name").isNotNull()).distinct()


def due_records(now: Mapping[str, DataFrame], as_of_before: date) -> DataFrame:
    """What records name that may not have counted at the end of a day, for they happened later: about, name.

    Args:
        now: feed of `TIMES` -> its current conformed rows.
        as_of_before: that day.
    """
    since = F.lit(as_of_before - timedelta(days=DUE_DAYS)).cast("timestamp")
    return reduce(DataFrame.union, [_due(feed, now[feed], since) for feed in TIMES]).distinct()


def _due(feed: str, rows: DataFrame, since: Column) -> DataFrame:
    is_due = reduce(Column.__or__, [F.coalesce(F.col(column) > since, F.lit(False)) for column in TIMES[feed]])
    named = F.inline(F.array(*[called(about, column) for about, column in NAMES[feed]]))
    return rows.where(is_due).select(named).where(F.col("name").isNotNull())


def _versions(tables: Mapping[str, DataFrame]) -> DataFrame:
    return reduce(DataFrame.unionByName, [_versions_of(feed, tables[feed]) for feed in NAMES])


def _versions_of(feed: str, rows: DataFrame) -> DataFrame:
    return rows.select(
        F.lit(feed).alias("feed"),
        F.to_json(F.array(*CONFORMED[feed].table.key)).alias("key"),
        batch_name(F.col("_batch_seq")).alias("batch"),
        "_file_id",
        "_line",
        F.array(*[called(about, column) for about, column in NAMES[feed]]).alias("names"),
    )


def called(about: str, column: str) -> Column:
    """What a column names, by its kind, as `changed_records` tell it."""
    return F.struct(F.lit(about).alias("about"), F.col(column).alias("name"))
