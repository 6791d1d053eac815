"""Steps in the lives of units: a row is a record of any feed that says that something happened to a unit.

`at` is the instant; a bare date counts from the start of its local day, and `latest_at` is that day's end. `on` is
the day, local to the facility of the record (UTC where it names none that we know).
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import end_of_day, event_date, local_date, start_of_day
from lakehouse.l2.conformed.order import ORDER
from lakehouse.l2.derivatives.units_donations import UTC, is_reactive
from lakehouse.table import FLAG, INSTANT, TEXT

ISSUED_TO = "hospital"

# Order of steps at one instant: cautious for holds, natural for movements.
RANK = {
    "released": 1,
    "quarantine_lifted": 1,
    "unreserved": 1,
    "quarantined": 2,
    "recalled": 2,
    "reserved": 2,
    "shipped": 3,
    "received": 4,
    "cultured": 4,
    "reactive": 4,
    "admitted": 5,
    "consumed": 6,
    "ended": 7,
}
COLUMNS = (
    "feed",
    "record_key",
    "unit_id",
    "what",
    "at",
    "latest_at",
    "on",
    "zone",
    "is_date_only",
    "facility_id",
    "to_facility_id",
    "arrived_at",
    "arrived_on",
    "is_issue",
    "is_emergency",
    "kind",
    "patient_key",
    "request_id",
    "is_ambiguous_bag",
    "recorded",
)


def units_of_bags(units: DataFrame) -> DataFrame:
    """One row a bag: the unit that it means, NULL when it means several.

    Args:
        units: unit_id and bag_id of the units' donations.
    """
    counted = units.where(F.col("bag_id").isNotNull()).groupBy("bag_id")
    bags = counted.agg(F.min("unit_id").alias("one"), F.count("*").alias("unit_count"))
    is_ambiguous = F.col("unit_count") > 1
    return bags.select(
        "bag_id", F.when(~is_ambiguous, F.col("one")).alias("bag_unit_id"), is_ambiguous.alias("is_many")
    )


def unit_event_steps(unit_events: DataFrame, places: DataFrame) -> DataFrame:
    """Steps of `unit_events`: what happened is their kind."""
    named = unit_events.withColumns({"record_key": F.col("unit_event_id"), "what": F.col("kind")})
    return _steps("unit_events", _timed(_zoned(named, places), "happened_at"))


def disposition_steps(dispositions: DataFrame, places: DataFrame) -> DataFrame:
    """Steps of `dispositions`: `ended`, with the kind of the end."""
    named = dispositions.withColumns({"record_key": F.col("disposition_id"), "what": F.lit("ended")})
    return _steps("dispositions", _timed(_zoned(named, places), "happened_at"))


def parent_steps(unit_parents: DataFrame, places: DataFrame) -> DataFrame:
    """Steps of `unit_parents`: the parent was `consumed`."""
    named = unit_parents.select(
        F.concat_ws("|", "unit_id", "parent_unit_id").alias("record_key"),
        F.col("parent_unit_id").alias("unit_id"),
        F.lit("consumed").alias("what"),
        F.col("made_at"),
        "facility_id",
        "kind",
        *ORDER,
    )
    return _steps("unit_parents", _timed(_zoned(named, places), "made_at"))


def culture_steps(test_results: DataFrame) -> DataFrame:
    """Steps of `test_results` that name a unit: it was `reactive`, or only `cultured`."""
    named = test_results.where(F.col("unit_id").isNotNull()).select(
        F.col("test_id").alias("record_key"),
        "unit_id",
        F.when(is_reactive(), "reactive").otherwise("cultured").alias("what"),
        "resulted_at",
        F.lit(None).cast(TEXT).alias("facility_id"),
        F.lit(None).cast(TEXT).alias("zone"),
        *ORDER,
    )
    return _steps("test_results", _timed(named, "resulted_at"))


def movement_steps(distribution: DataFrame, bags: DataFrame, places: DataFrame) -> DataFrame:
    """Steps of `distribution`: `shipped`, from where, to where, and when it arrived.

    A hospital may be named by its NPI alone; a bag stands for its unit where it has one.
    """
    by_npi = places.where(F.col("npi").isNotNull()).select("npi", F.col("facility_id").alias("npi_facility_id"))
    hospitals = F.broadcast(by_npi.groupBy("npi").agg(F.min("npi_facility_id").alias("npi_facility_id")))
    is_return = F.coalesce(F.col("kind") == "return", F.lit(False))
    to_hospital = F.when(~is_return, F.coalesce("npi_facility_id", "npi"))
    placed = distribution.join(hospitals, on="npi", how="left").withColumn(
        "to_facility_id", F.coalesce("to_facility_id", to_hospital)
    )
    ends = _ends_of_movements(placed, places)
    found = _with_unit(ends, bags)
    is_issue = ~is_return & ((F.col("to_kind") == ISSUED_TO) | (F.col("kind") == "issue") | F.col("npi").isNotNull())
    named = found.withColumns(
        {
            "record_key": F.col("distribution_id"),
            "what": F.lit("shipped"),
            "facility_id": F.col("from_facility_id"),
            "moved_at": F.coalesce("shipped_at", "distributed_at"),
            "is_date_only": F.col("is_date_only") & F.col("shipped_at").isNull(),
            "arrived_at": F.col("received_at"),
            "arrived_on": local_date(F.col("received_at"), F.coalesce("to_zone", "zone", F.lit(UTC))),
            "zone": F.coalesce("zone", "to_zone"),
            "is_issue": F.coalesce(is_issue, F.lit(False)),
        }
    )
    return _steps("distribution", _timed(named, "moved_at"))


def admission_steps(patients: DataFrame, bags: DataFrame, places: DataFrame) -> DataFrame:
    """Steps of `patients` that name a bag, as CrimsonCache does: the unit's patient was `admitted` on a day."""
    by_npi = places.select(F.coalesce("npi", "facility_id").alias("npi"), "facility_id")
    hospitals = F.broadcast(by_npi.groupBy("npi").agg(F.min("facility_id").alias("facility_id")))
    with_bag = patients.where(F.col("bag_id").isNotNull()).withColumns(
        {"npi": F.coalesce("npi", "hospital"), "unit_id": F.lit(None).cast(TEXT)}
    )
    placed = with_bag.join(hospitals, on="npi", how="left")
    named = _with_unit(placed, bags).withColumns(
        {
            "record_key": F.col("admission_key"),
            "what": F.lit("admitted"),
            "is_date_only": F.lit(True),
            "happened_at": F.col("admitted_on").cast("timestamp"),
        }
    )
    return _steps("patients", _timed(_zoned(named, places), "happened_at"))


def live_dispositions(dispositions: DataFrame) -> DataFrame:
    """Dispositions that no other one replaces. Two that replace each other are both live."""
    replacers = dispositions.where(F.col("replaces_disposition_id").isNotNull()).select(
        F.col("disposition_id").alias("by_id"), F.col("replaces_disposition_id").alias("replaced_id")
    )
    is_replaced = (
        (F.col("disposition_id") == F.col("replaced_id"))
        & (F.col("disposition_id") != F.col("by_id"))
        & ~F.col("replaces_disposition_id").eqNullSafe(F.col("by_id"))
    )
    return dispositions.join(replacers, on=is_replaced, how="left_anti")


def _zoned(records: DataFrame, places: DataFrame) -> DataFrame:
    zones = F.broadcast(places.select("facility_id", F.col("timezone").alias("zone")))
    return records.join(zones, on="facility_id", how="left")


def _ends_of_movements(movements: DataFrame, places: DataFrame) -> DataFrame:
    origins = places.select(F.col("facility_id").alias("from_facility_id"), F.col("timezone").alias("zone"))
    goals = places.select(
        F.col("facility_id").alias("to_facility_id"), F.col("timezone").alias("to_zone"), F.col("kind").alias("to_kind")
    )
    from_known = movements.join(F.broadcast(origins), on="from_facility_id", how="left")
    return from_known.join(F.broadcast(goals), on="to_facility_id", how="left")


def _with_unit(records: DataFrame, bags: DataFrame) -> DataFrame:
    """Find the unit of records that name a bag alone; only those are joined."""
    named = records.where(F.col("unit_id").isNotNull()).withColumn("is_ambiguous_bag", F.lit(False))
    by_bag = records.where(F.col("unit_id").isNull()).join(bags, on="bag_id", how="left")
    resolved = by_bag.withColumns(
        {"unit_id": F.col("bag_unit_id"), "is_ambiguous_bag": F.coalesce("is_many", F.lit(False))}
    )
    return named.unionByName(resolved.drop("bag_unit_id", "is_many"))


def _timed(records: DataFrame, instant: str) -> DataFrame:
    """Add `at`, `latest_at` and `on` from an instant that may be a bare date (`is_date_only`, where there is one)."""
    moment = F.col(instant)
    zone = F.coalesce("zone", F.lit(UTC))
    bare = F.coalesce("is_date_only", F.lit(False)) if "is_date_only" in records.columns else F.lit(False)
    days = records.withColumn("is_date_only", bare).withColumn("on", event_date(moment, F.col("is_date_only"), zone))
    return days.withColumns(
        {
            "at": F.when(F.col("is_date_only"), start_of_day(F.col("on"), zone)).otherwise(moment),
            "latest_at": F.when(F.col("is_date_only"), end_of_day(F.col("on"), zone)).otherwise(moment),
        }
    )


def _steps(feed: str, records: DataFrame) -> DataFrame:
    """Select `COLUMNS`; what a feed does not say is NULL."""
    optional = {
        "to_facility_id": TEXT,
        "arrived_at": INSTANT,
        "arrived_on": "date",
        "is_issue": FLAG,
        "is_emergency": FLAG,
        "kind": TEXT,
        "patient_key": TEXT,
        "request_id": TEXT,
        "is_ambiguous_bag": FLAG,
    }
    absent = {name: F.lit(None).cast(kind) for name, kind in optional.items() if name not in records.columns}  # type: ignore[arg-type]
    known = {"feed": F.lit(feed), "recorded": F.struct(*ORDER)}
    return records.withColumns({**absent, **known}).select(*COLUMNS)
