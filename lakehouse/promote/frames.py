"""The frames of one promote, by the names that builds and laws call them by."""

from collections.abc import Mapping

from pyspark.sql import DataFrame

from lakehouse.l2.pipeline import BEFORE, L2_TABLES
from lakehouse.l2.shared import Frames
from lakehouse.release import live
from lakehouse.storage.lake import Lake


def frames_of(lake: Lake, before: Mapping[str, int] | None = None) -> Frames:
    """Tables at their newest version without withdrawn rows, and the shared frames over them.

    Args:
        lake: the lake.
        before: path of a table -> the version that the run builds on, for `<table>_before`; without it those are
            empty, so that what builds keep from release to release is decided anew.
    """

    def of_table(name: str) -> DataFrame:
        table = L2_TABLES[name.removesuffix(BEFORE)]
        if not name.endswith(BEFORE):
            return live(table, lake.read(table))
        if before is None:
            return lake.spark.createDataFrame([], table.schema)
        return live(table, lake.read(table, before[table.path]))

    return Frames(of_table)
