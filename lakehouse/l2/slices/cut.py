"""Tables cut down to what touched units are told from; a row that is left out tells nothing about them."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.conformed.changes import DONATION, PATIENT, UNIT
from lakehouse.l2.kept import kept
from lakehouse.l2.slices.families import Family

NAMED_BY: dict[str, tuple[tuple[str, str], ...]] = {
    "components": ((UNIT, "unit_id"),),
    "donations": ((DONATION, "donation_key"),),
    "unit_parents": ((UNIT, "unit_id"), (UNIT, "parent_unit_id")),
    "unit_events": ((UNIT, "unit_id"),),
    "dispositions": ((UNIT, "unit_id"),),
    "distribution": ((UNIT, "unit_id"), ("", "bag_id")),
    "test_results": ((UNIT, "unit_id"), ("", "din"), ("", "bag_id")),
    "patients": ((PATIENT, "patient_key"), ("", "bag_id")),
    "units": ((UNIT, "unit_id"),),
}
"""Table -> what its rows are told by: a unit, donation, patient, or (no kind) a din or bag; others stay whole."""


ALSO: dict[str, str] = {"dispositions": "replaces_disposition_id IS NOT NULL"}
"""Table -> rows that stay whatever they are told by: an end that replaces another may name no unit."""


def cut(name: str, rows: DataFrame, family: Family) -> DataFrame:
    """The rows of a table that tell of a family."""
    if name not in NAMED_BY:
        return rows
    found = F.expr(ALSO.get(name, "false"))
    for number, (kind, column) in enumerate(NAMED_BY[name]):
        few = family.ids(kind, column) if kind else family.names.withColumnRenamed("reference", column)
        mark = f"_in_{number}"
        rows = rows.join(F.broadcast(few.withColumn(mark, F.lit(True))), column, "left")
        found |= F.coalesce(F.col(mark), F.lit(False))
    return kept(rows.where(found).drop(*[f"_in_{number}" for number in range(len(NAMED_BY[name]))]))
