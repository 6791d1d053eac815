"""Records about units in one shape, whatever their feed. A row is a record; nothing is joined or judged yet.

`moment` is the instant as sent, midnight UTC of a bare date (`is_date_only`). A unit may be named by its bag alone.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import is_said_by_day
from lakehouse.l2.conformed.order import ORDER
from lakehouse.l2.derivatives.units_donations import is_reactive
from lakehouse.table import FLAG, INSTANT, TEXT

_OPTIONAL = {
    "bag_id": TEXT,
    "npi": TEXT,
    "is_date_only": FLAG,
    "facility_id": TEXT,
    "to_facility_id": TEXT,
    "arrived_at": INSTANT,
    "is_arrival_date_only": FLAG,
    "is_emergency": FLAG,
    "kind": TEXT,
    "patient_key": TEXT,
    "request_id": TEXT,
}


def unit_event_records(unit_events: DataFrame) -> DataFrame:
    """What happened is the event's kind."""
    return _records("unit_events", unit_events, key="unit_event_id", what=F.col("kind"), moment="happened_at")


def disposition_records(dispositions: DataFrame) -> DataFrame:
    """The unit `ended`; `kind` says how."""
    return _records("dispositions", dispositions, key="disposition_id", what=F.lit("ended"), moment="happened_at")


def parent_records(unit_parents: DataFrame) -> DataFrame:
    """The parent was `consumed`."""
    keyed = unit_parents.withColumn("pair", F.concat_ws("|", "unit_id", "parent_unit_id"))
    of_parent = keyed.withColumn("unit_id", F.col("parent_unit_id"))
    return _records("unit_parents", of_parent, key="pair", what=F.lit("consumed"), moment="made_at")


def culture_records(test_results: DataFrame) -> DataFrame:
    """A result that names a unit: it was `reactive`, or only `cultured`."""
    cultures = test_results.where(F.col("unit_id").isNotNull()).drop("bag_id")
    what = F.when(is_reactive(), "reactive").otherwise("cultured")
    return _records("test_results", cultures, key="test_id", what=what, moment="resulted_at")


def movement_records(distribution: DataFrame) -> DataFrame:
    """The unit was `shipped`, from `facility_id`; one without `shipped_at` left when it was distributed."""
    moved = distribution.withColumns(
        {
            "facility_id": F.col("from_facility_id"),
            "arrived_at": F.col("received_at"),
            "is_arrival_date_only": is_said_by_day("received_at"),
            "moment": F.coalesce("shipped_at", "distributed_at"),
            "is_date_only": F.when(F.col("shipped_at").isNull(), F.col("is_date_only")).otherwise(
                is_said_by_day("shipped_at")
            ),
        }
    )
    return _records("distribution", moved, key="distribution_id", what=F.lit("shipped"), moment="moment")


def admission_records(patients: DataFrame) -> DataFrame:
    """The patient who got a bag, as CrimsonCache tells it, was `admitted` on a day."""
    admitted = patients.where(F.col("bag_id").isNotNull()).withColumns(
        {
            "unit_id": F.lit(None).cast(TEXT),
            "npi": F.coalesce("npi", "hospital"),
            "is_date_only": F.lit(True),
            "moment": F.col("admitted_on").cast("timestamp"),
        }
    )
    return _records("patients", admitted, key="admission_key", what=F.lit("admitted"), moment="moment")


def _records(feed: str, rows: DataFrame, *, key: str, what: Column, moment: str) -> DataFrame:
    """The common columns; what a feed does not say is NULL."""
    known = {
        "feed": F.lit(feed),
        "record_key": F.col(key),
        "unit_id": F.col("unit_id"),
        "what": what,
        "moment": F.col(moment),
        "recorded": F.struct(*ORDER),
    }
    said = {name: F.col(name) if name in rows.columns else F.lit(None).cast(kind) for name, kind in _OPTIONAL.items()}
    return rows.select(*[column.alias(name) for name, column in {**known, **said}.items()])
