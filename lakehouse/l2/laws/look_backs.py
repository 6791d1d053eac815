"""Laws of look-back: no trigger is passed over, and no unit of a donation in doubt."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import end_of_day, event_date, local_date
from lakehouse.l2.derivatives.look_backs_calls import CALL, REACTIVE, RECALL, is_call
from lakehouse.l2.derivatives.look_backs_results import DONOR_RULES, UNKNOWN, is_culture, is_culture_marker, opens
from lakehouse.l2.derivatives.units_donations import UTC, by_reference, is_before_collection, reference
from lakehouse.l2.laws.law import Law, added, counted, sides


def reactive_results_open_cases(
    test_results: DataFrame, dated: DataFrame, look_backs: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """Each donation and marker that a result or, where there is none at all, a flag calls reactive is one case."""
    names = by_reference(dated, "zone", "collected_at", with_shared_bags=True)
    results = test_results.where(F.col("unit_id").isNull() | ~is_culture()).withColumn("reference", reference())
    placed = results.join(names, on="reference", how="inner").where(
        (local_date(F.col("resulted_at"), F.col("zone")) <= F.lit(as_of))
        & ~is_before_collection(F.col("resulted_at"), F.col("collected_at"))
    )
    by_result = placed.where(opens() & ~is_culture_marker()).select("donation_key", "marker").distinct()
    failed = dated.where(~F.col("test_result") & (F.col("tested_on") <= F.lit(as_of))).select("donation_key")
    untested = failed.join(placed.select("donation_key"), on="donation_key", how="left_anti")
    by_flag = untested.withColumn("marker", F.lit(UNKNOWN))
    cases = look_backs.where((F.col("trigger") == REACTIVE) & F.col("window_rule").isin(*DONOR_RULES))
    both = counted(by_result, left=False).unionByName(counted(by_flag, left=False))
    return added("look_backs.reactive", both.unionByName(counted(cases, left=True)))


def calls_and_recalls_open_cases(
    unit_events: DataFrame,
    units: DataFrame,
    dated: DataFrame,
    places: DataFrame,
    look_backs: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Each donation (a unit, where it has none) that was recalled, or whose donor called back, is one case of each."""
    zones = F.broadcast(places.select("facility_id", "timezone"))
    known = units.select("unit_id", "collected_at", F.coalesce("donation_key", "unit_id").alias("subject"))
    said = unit_events.where((F.col("kind") == RECALL) | is_call())
    zone, is_day = F.coalesce("timezone", F.lit(UTC)), F.col("is_date_only")
    on = event_date(F.col("happened_at"), is_day, zone)
    latest_at = F.when(is_day, end_of_day(on, zone)).otherwise(F.col("happened_at"))
    placed = said.join(known, on="unit_id", how="inner").join(zones, on="facility_id", how="left")
    events = placed.where((on <= F.lit(as_of)) & ~is_before_collection(latest_at, F.col("collected_at")))
    is_known = local_date(F.col("recorded_at"), F.col("zone")) <= F.lit(as_of)
    rejected = dated.where((F.col("reject_reason") == CALL) & is_known)
    found = events.select("subject", is_call().alias("is_call")).unionByName(
        rejected.select(F.col("donation_key").alias("subject"), F.lit(True).alias("is_call"))
    )
    cases = look_backs.where(F.col("trigger").isin(CALL, RECALL))
    both = counted(cases, left=True).unionByName(counted(found.distinct(), left=False))
    return added("look_backs.called", both)


def listed_units_are_units(
    look_back_units: DataFrame, units: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """Every unit of a look-back is a unit of the release."""
    known = units.select("unit_id", F.lit(True).alias("is_unit"))
    found = look_back_units.select("unit_id").join(known, on="unit_id", how="left")
    return found.agg(*sides("look_back_units.known", F.count("*"), F.count("is_unit")))


def index_donations_are_listed_whole(
    look_backs: DataFrame, units: DataFrame, look_back_units: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """The units of donations that opened a case are the rows with `is_index`."""
    opened = look_backs.select("donation_key").join(units.select("donation_key"), on="donation_key", how="inner")
    both = counted(opened, left=True).unionByName(counted(look_back_units.where(F.col("is_index")), left=False))
    return added("look_back_units.index", both)


def reactive_units_are_listed(
    units: DataFrame, look_back_units: DataFrame, *, as_of: date, params: Mapping[str, Any]
) -> DataFrame:
    """Every unit that its state calls reactive is in some look-back."""
    listed = look_back_units.select("unit_id", F.lit(True).alias("is_listed")).distinct()
    found = units.where(F.col("is_reactive")).select("unit_id").join(listed, on="unit_id", how="left")
    return found.agg(*sides("look_back_units.reactive", F.count("*"), F.count("is_listed")))


LAWS = (
    Law(
        "look_backs.reactive",
        "cases of a reactive donor = donations and markers with a result that opens one + donations failed by a flag",
        reactive_results_open_cases,
    ),
    Law(
        "look_backs.called",
        "cases of calls and recalls = donations, and units without one, that were called back or recalled",
        calls_and_recalls_open_cases,
    ),
    Law("look_back_units.known", "units listed by look-backs = those of them in units", listed_units_are_units),
    Law(
        "look_back_units.index",
        "units of the donations that opened a case = units listed as of such a donation",
        index_donations_are_listed_whole,
    ),
    Law(
        "look_back_units.reactive", "reactive units = reactive units that a look-back lists", reactive_units_are_listed
    ),
)
