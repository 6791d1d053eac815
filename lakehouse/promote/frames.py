"""The frames of one promote, by the names that builds and laws call them by."""

from collections.abc import Collection, Mapping
from threading import Lock

from pyspark.sql import DataFrame

from lakehouse.l2.conformed import CONFORMED
from lakehouse.l2.conformed.changes import NAMES, SCHEMA, changed_records
from lakehouse.l2.kept import kept_for_unions
from lakehouse.l2.pipeline import BEFORE, CAME, CHANGED_RECORDS, L2_TABLES, WENT, table_of
from lakehouse.l2.shared import Frames
from lakehouse.release import live
from lakehouse.storage.lake import Lake


def frames_of(lake: Lake, before: Mapping[str, int], anew: Collection[str] = ()) -> Frames:
    """Tables at their newest version without withdrawn rows, and the shared frames over them.

    Args:
        lake: the lake.
        before: path of a table -> the version that the run builds on, for `<table>_before` and what changed since.
        anew: tables whose `<table>_before` is empty, so that what they keep from release to release is decided anew.
    """
    found: dict[str, DataFrame] = {}
    finding = Lock()

    def of_table(name: str) -> DataFrame:
        if name == CHANGED_RECORDS:
            with finding:
                if name not in found:
                    found[name] = kept_for_unions(_changed_records(lake, before))
                return found[name]
        table = L2_TABLES[table_of(name)]
        if name.endswith((CAME, WENT)):
            came, went = lake.rewritten(table, before[table.path])
            return live(table, came if name.endswith(CAME) else went)
        if not name.endswith(BEFORE):
            return live(table, lake.read(table))
        if table.name in anew:
            return lake.spark.createDataFrame([], table.schema)
        return live(table, lake.read(table, before[table.path]))

    return Frames(of_table)


def _changed_records(lake: Lake, before: Mapping[str, int]) -> DataFrame:
    tables = {feed: CONFORMED[feed].table for feed in NAMES}
    if not any(before[table.path] for table in tables.values()):
        # No release before: all came with this one, and there is nothing that it could have changed.
        return lake.spark.createDataFrame([], SCHEMA)
    rewritten = {feed: lake.rewritten(table, before[table.path]) for feed, table in tables.items()}
    now = {feed: rows for feed, (rows, _) in rewritten.items()}
    return changed_records(now, {feed: rows for feed, (_, rows) in rewritten.items()})
