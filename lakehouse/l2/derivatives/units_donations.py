"""Donations as a unit needs them: dated, placed, tested. A row is a donation."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from lakehouse.columns import local_date, start_of_day
from lakehouse.domain.intervals import EXEMPT_TYPES

UTC = "UTC"
REFUSABLE_HOURS = 24  # an event more than this before collection can't be a fact
INFECTIOUS = ("hiv", "hbv", "hcv", "htlv", "syphilis", "wnv", "t_cruzi", "babesia", "malaria", "bacterial")
MARKERS = ("abo_rhd", *INFECTIOUS, "antibody_screen", "cmv")


def dated_donations(donations: DataFrame, donation_events: DataFrame, places: DataFrame) -> DataFrame:
    """Give each donation its day, its instant, its facility and that facility's zone.

    The day is the one sent, else that of the instant sent, else the day on which its session began (both local to the
    session's facility), else what conforming assumed. The instant is the one sent, else the start of the session
    (where only that dates it), else the start of the day.
    """
    sessions = donation_events.select("event_id", "starts_at", "facility_id")
    zones = F.broadcast(places.select("facility_id", F.col("timezone").alias("zone")))
    located = donations.join(sessions, on="event_id", how="left").join(zones, on="facility_id", how="left")
    zoned = located.withColumn("zone", F.coalesce("zone", F.lit(UTC)))
    is_unsaid = F.col("is_assumed_date") | F.col("donated_on").isNull()
    by_instant = F.when(is_unsaid, F.coalesce("collected_at", "starts_at"))
    days = zoned.withColumn("by_instant", by_instant).withColumn(
        "donated_on", F.coalesce(local_date(F.col("by_instant"), F.col("zone")), F.col("donated_on"))
    )
    begun = F.coalesce("collected_at", "by_instant", start_of_day(F.col("donated_on"), F.col("zone")))
    # Without a bag each is by itself, so that they don't come together in one task.
    same_bag = Window.partitionBy("bag_id", F.when(F.col("bag_id").isNull(), F.col("donation_key")))
    return days.select(
        "donation_key",
        "din",
        "bag_id",
        (F.count("*").over(same_bag) > 1).alias("is_shared_bag"),
        "donor_key",
        "event_id",
        "visit_id",
        "donated_on",
        begun.alias("collected_at"),
        "facility_id",
        "zone",
        "procedure",
        "platelet_doses",
        "donation_type",
        "outcome",
        "reject_reason",
        F.lower("status").alias("status"),
        "test_result",
        F.when(F.col("test_result").isNotNull(), F.coalesce("tested_on", F.date_add("donated_on", 1))).alias(
            "tested_on"
        ),
        "bag_lot",
        F.col("_order_at").alias("recorded_at"),
        F.coalesce("source_system", F.lit("")).alias("source_system"),
    )


def has_failed() -> Column:
    """Whether nothing was collected."""
    return F.coalesce(F.col("outcome") == "failed", F.lit(False))


def is_exempt() -> Column:
    """Whether a donation was none for others (autologous, therapeutic): intervals don't bind it."""
    return F.coalesce(F.col("donation_type").isin(*EXEMPT_TYPES), F.lit(False))


def by_reference(dated: DataFrame, *columns: str, with_shared_bags: bool = False) -> DataFrame:
    """The donations, once for each name that other records may call them by: `reference` is a din or a bag_id.

    A bag that names two donations says nothing about which is meant: it is left out, unless `with_shared_bags`.
    """
    bag = F.col("bag_id") if with_shared_bags else F.when(~F.col("is_shared_bag"), F.col("bag_id"))
    names = F.array_compact(F.array_distinct(F.array(F.col("din"), bag)))
    return dated.select(F.explode(names).alias("reference"), "donation_key", *columns)


def reference() -> Column:
    """What a record calls its donation: the din, else the bag_id."""
    return F.coalesce("din", "bag_id")


def is_before_collection(latest_at: Column, collected_at: Column) -> Column:
    """Whether something lies more than `REFUSABLE_HOURS` before collection; no when either instant is unknown."""
    earliest = collected_at - F.make_dt_interval(hours=F.lit(REFUSABLE_HOURS))
    return F.coalesce(latest_at < earliest, F.lit(False))


def is_final() -> Column:
    """Whether no further stage follows; where the source does not say, a screen that asks for a repeat is not."""
    asks_repeat = (F.col("stage") == "screen") & F.col("result").isin("reactive", "inconclusive")
    return F.coalesce(F.col("is_final"), ~F.coalesce(asks_repeat, F.lit(False)))


def is_reactive() -> Column:
    """Whether a result is final, infectious and reactive."""
    return is_final() & F.col("marker").isin(*INFECTIOUS) & (F.col("result") == "reactive")


def results_of_donations(test_results: DataFrame, dated: DataFrame, as_of: date) -> DataFrame:
    """Results out by the end of the as-of day, with the donation_key each is about; cultures of a unit are not here.

    A result that calls its donation by a shared bag is held against each donation of that bag.
    """
    names = by_reference(dated, "zone", "collected_at", with_shared_bags=True)
    of_donation = test_results.where(F.col("unit_id").isNull()).withColumn("reference", reference())
    is_out = local_date(F.col("resulted_at"), F.col("zone")) <= F.lit(as_of)
    found = of_donation.join(names, on="reference", how="inner")
    return found.where(is_out & ~is_before_collection(F.col("resulted_at"), F.col("collected_at")))


def _tested_at(required: tuple[str, ...]) -> Column:
    """When the last marker had its first final result; NULL while one is pending."""
    final_at = {name: F.min(F.when(F.col("marker") == name, F.col("final_at"))) for name in MARKERS}
    is_done = F.lit(True)
    for name, at in final_at.items():
        was_begun = F.lit(True) if name in required else F.max(F.col("marker") == name)
        is_done = is_done & (at.isNotNull() | ~was_begun)
    return F.when(is_done, F.greatest(*final_at.values()))


def tests_by_donation(test_results: DataFrame, dated: DataFrame, as_of: date, params: Mapping[str, Any]) -> DataFrame:
    """One row a donation that has results: when it was tested, when it turned reactive, the group found."""
    required = tuple(params["required_markers"])
    results = results_of_donations(test_results, dated, as_of)
    finals = results.withColumn("final_at", F.when(is_final(), F.col("resulted_at"))).withColumn(
        "reactive_at", F.when(is_reactive(), F.col("final_at"))
    )
    by_time = F.when(F.col("abo_rhd").isNotNull() & F.col("final_at").isNotNull(), F.struct("final_at", "test_id"))
    return finals.groupBy("donation_key").agg(
        _tested_at(required).alias("tests_done_at"),
        F.min("reactive_at").alias("tests_reactive_at"),
        F.max_by("abo_rhd", by_time).alias("typed_abo_rhd"),
        F.max(by_time)["final_at"].alias("typed_at"),
        F.lit(True).alias("has_tests"),
    )


def reactive_of_units(test_results: DataFrame) -> DataFrame:
    """The reactive results that name a unit, such as a culture's: unit_id and resulted_at."""
    return test_results.where(F.col("unit_id").isNotNull() & is_reactive()).select("unit_id", "resulted_at")


def reactive_cultures(reactive: DataFrame, units: DataFrame) -> DataFrame:
    """One row a unit that a culture found reactive: unit_id, and when first (cultured_at).

    Args:
        reactive: `reactive_of_units`; one too long before its unit's collection tells nothing.
        units: unit_id and collected_at.
    """
    of_units = units.select("unit_id", "collected_at").join(F.broadcast(reactive), on="unit_id", how="inner")
    is_fact = ~is_before_collection(F.col("resulted_at"), F.col("collected_at"))
    return of_units.where(is_fact).groupBy("unit_id").agg(F.min("resulted_at").alias("cultured_at"))


def donation_facts(dated: DataFrame, tests: DataFrame, donors: DataFrame, as_of: date) -> DataFrame:
    """One row a donation: what its units take from it. CrimsonCache's `test_result` counts where no result exists."""
    groups = donors.select("donor_key", F.col("abo_rhd").alias("donor_abo_rhd"))
    joined = dated.join(tests, on="donation_key", how="left").join(groups, on="donor_key", how="left")
    by_flag = F.col("has_tests").isNull() & (F.col("tested_on") <= F.lit(as_of))
    flagged_at = F.when(by_flag, start_of_day(F.col("tested_on"), F.col("zone")))
    return joined.select(
        "donation_key",
        "donor_key",
        F.col("collected_at").alias("donated_at"),
        F.coalesce("tests_done_at", flagged_at).alias("tested_at"),
        F.coalesce("tests_reactive_at", F.when(~F.col("test_result"), flagged_at)).alias("reactive_at"),
        "typed_abo_rhd",
        "typed_at",
        "donor_abo_rhd",
    )
