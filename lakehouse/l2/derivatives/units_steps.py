"""Steps in the lives of units: a row is a record of any feed that says that something happened to a unit.

`at` is the instant; a bare date counts from the start of its local day, and `latest_at` is that day's end. `on` is
the day, local to the facility of the record (UTC where it names none that we know).
"""

from collections.abc import Iterable
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import end_of_day, event_date, start_of_day
from lakehouse.l2.derivatives.units_donations import UTC
from lakehouse.l2.derivatives.units_records import (
    culture_records,
    disposition_records,
    movement_records,
    parent_records,
    unit_event_records,
)

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


def records_of_units(
    unit_events: DataFrame, dispositions: DataFrame, unit_parents: DataFrame, test_results: DataFrame
) -> list[DataFrame]:
    """The records that name a unit by its own id."""
    return [
        unit_event_records(unit_events),
        disposition_records(dispositions),
        parent_records(unit_parents),
        culture_records(test_results),
    ]


def steps_of(named: Iterable[DataFrame], bagged: Iterable[DataFrame], units: DataFrame, places: DataFrame) -> DataFrame:
    """Make records steps, with `COLUMNS`.

    Args:
        named: frames of records that name their unit.
        bagged: frames of records that may name a bag alone: the bag stands for its unit where it has one.
        units: unit_id and bag_id of the units' donations.
        places: all facilities.
    """
    in_bags = reduce(DataFrame.unionByName, bagged)
    # Mostly movements name their unit: then no bag is asked for, and none has to be counted.
    asked = in_bags.where(F.col("unit_id").isNull()).select("bag_id").distinct()
    bags = units_of_bags(units.join(asked, on="bag_id", how="left_semi"))
    records = [frame.withColumn("is_ambiguous_bag", F.lit(False)) for frame in named]
    found = reduce(DataFrame.unionByName, [*records, _with_unit(in_bags, bags)])
    return _timed(_placed(found, places)).select(*COLUMNS)


def steps_of_units(
    units: DataFrame,
    dated: DataFrame,
    unit_events: DataFrame,
    distribution: DataFrame,
    dispositions: DataFrame,
    unit_parents: DataFrame,
    test_results: DataFrame,
    places: DataFrame,
) -> DataFrame:
    """Every record that names a unit, as a step, whether it can be placed or not.

    Dispositions that another one replaces are among them (`live_steps` leaves those out); admissions that name a bag,
    as CrimsonCache has them, are not: they tell of assumed units alone, and `units` takes them itself.

    Args:
        units: the units' state; which unit a bag means.
        dated: `dated_donations`: bags of donations.
        unit_events: releases, holds, reservations, receipts.
        distribution: movements.
        dispositions: ends.
        unit_parents: makings.
        test_results: cultures of units.
        places: `all_facilities`: zones, and facilities by NPI.
    """
    in_bags = units.join(dated.select("donation_key", "bag_id"), on="donation_key", how="inner")
    named = records_of_units(unit_events, dispositions, unit_parents, test_results)
    return steps_of(named, [movement_records(distribution)], in_bags, places)


def movement_steps(steps: DataFrame) -> DataFrame:
    """The steps that `distribution` tells: `shipped`, from where, to where, and when it arrived."""
    return steps.where(F.col("feed") == "distribution")


def live_steps(steps: DataFrame, dispositions: DataFrame) -> DataFrame:
    """The steps without the ends that another disposition replaces."""
    is_end = F.col("feed") == "dispositions"
    live = live_dispositions(dispositions).select(F.col("disposition_id").alias("record_key"))
    return steps.where(~is_end).unionByName(steps.where(is_end).join(live, "record_key", how="left_semi"))


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


def _with_unit(records: DataFrame, bags: DataFrame) -> DataFrame:
    """Find the unit of records that name a bag alone; only those are joined."""
    named = records.where(F.col("unit_id").isNotNull()).withColumn("is_ambiguous_bag", F.lit(False))
    by_bag = records.where(F.col("unit_id").isNull()).join(bags, on="bag_id", how="left")
    resolved = by_bag.withColumns(
        {"unit_id": F.col("bag_unit_id"), "is_ambiguous_bag": F.coalesce("is_many", F.lit(False))}
    )
    return named.unionByName(resolved.drop("bag_unit_id", "is_many"))


def _placed(records: DataFrame, places: DataFrame) -> DataFrame:
    """Add zones, and the facility that an NPI names: where a patient was admitted, where a movement went.

    A return that names only its hospital comes from there, and goes back to we don't know where; an NPI without a
    facility is its own.
    """
    named = places.select(F.coalesce("npi", "facility_id").alias("npi"), "facility_id").groupBy("npi")
    hospitals = F.broadcast(named.agg(F.min("facility_id").alias("hospital_id")))
    is_return = F.coalesce(F.col("kind") == "return", F.lit(False))
    is_outward, is_back = ((F.col("what") == "shipped") & so for so in (~is_return, is_return))
    by_npi = F.coalesce("hospital_id", "npi")
    origin = F.coalesce("facility_id", F.when(is_back, by_npi))
    located = records.join(hospitals, on="npi", how="left").withColumns(
        {
            "facility_id": F.when(F.col("what") == "admitted", F.col("hospital_id")).otherwise(origin),
            "to_facility_id": F.coalesce("to_facility_id", F.when(is_outward, by_npi)),
        }
    )
    origins = places.select("facility_id", F.col("timezone").alias("from_zone"))
    goals = places.select(
        F.col("facility_id").alias("to_facility_id"), F.col("timezone").alias("to_zone"), F.col("kind").alias("to_kind")
    )
    known = located.join(F.broadcast(origins), "facility_id", how="left").join(
        F.broadcast(goals), "to_facility_id", how="left"
    )
    is_issue = is_outward & ((F.col("to_kind") == "hospital") | (F.col("kind") == "issue") | F.col("npi").isNotNull())
    return known.withColumns(
        {"zone": F.coalesce("from_zone", "to_zone"), "is_issue": F.coalesce(is_issue, F.lit(False))}
    )


def _timed(records: DataFrame) -> DataFrame:
    """Add `at`, `latest_at`, `on` and `arrived_on`; who arrived on a bare date was there from its start."""
    zone, moment, on = F.coalesce("zone", F.lit(UTC)), F.col("moment"), F.col("on")
    there, is_day_of_arrival = F.coalesce("to_zone", zone), F.coalesce("is_arrival_date_only", F.lit(False))
    known = records.withColumn("is_date_only", F.coalesce("is_date_only", F.lit(False)))
    days = known.withColumns(
        {
            "on": event_date(moment, F.col("is_date_only"), zone),
            "arrived_on": event_date(F.col("arrived_at"), is_day_of_arrival, there),
        }
    )
    return days.withColumns(
        {
            "at": F.when(F.col("is_date_only"), start_of_day(on, zone)).otherwise(moment),
            "latest_at": F.when(F.col("is_date_only"), end_of_day(on, zone)).otherwise(moment),
            "arrived_at": F.when(is_day_of_arrival, start_of_day(F.col("arrived_on"), there)).otherwise(
                F.col("arrived_at")
            ),
        }
    )
