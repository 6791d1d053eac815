"""Deviations in issuing: before the tests were final, after one was reactive, while under quarantine."""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import start_of_day
from lakehouse.l2.derivatives.deviations_found import CRITICAL, DEVIATION, found, said
from lakehouse.l2.derivatives.units_donations import is_reactive, results_of_donations
from lakehouse.l2.derivatives.units_identity import ancestors
from lakehouse.l2.derivatives.units_states import HOLDS

EXCUSED_TYPES = ("autologous", "research")
EXCUSED_STATES = ("research", "further_manufacture")


def issued_before_tests(issued: DataFrame, emergencies: DataFrame) -> DataFrame:
    """Issued to a hospital before the final tests; excused in an emergency. Imports were tested elsewhere.

    A unit that waits for its donation is left out: its tests can't be known before the donation is.
    """
    marked = issued.join(emergencies.withColumn("is_rush", F.lit(True)), on="unit_id", how="left")
    has_tests = F.col("donation_key").isNotNull() | F.col("tested_at").isNotNull()
    is_untested = F.col("tested_at").isNull() | (F.col("tested_at") > F.col("latest_at"))
    rows = marked.where(~F.col("is_imported") & has_tests & is_untested)
    detail = said("issued before the final tests, which were out at ", F.col("tested_at"))
    return found(rows, "units.issued_before_final_tests", DEVIATION, detail, F.col("is_rush"))


def issued_reactive(issued: DataFrame, reactive: DataFrame, types: DataFrame) -> DataFrame:
    """Issued to a hospital after a final reactive result was out; excused by donation type or by use."""
    joined = issued.join(reactive, on="unit_id", how="inner").join(types, on="donation_key", how="left")
    rows = joined.where(F.col("reactive_at") <= F.col("at"))
    is_excused = F.coalesce(F.col("donation_type").isin(*EXCUSED_TYPES), F.lit(False)) | F.col("state").isin(
        *EXCUSED_STATES
    )
    detail = said("issued after a final reactive result of ", F.col("reactive_at"))
    return found(rows, "units.issued_after_reactive_result", CRITICAL, detail, is_excused)


def used_under_hold(uses: DataFrame, placed: DataFrame) -> DataFrame:
    """Issued or transfused while quarantined or recalled. A hold lifted on the day of a bare date is lifted in time.

    Args:
        uses: issues and transfusions: unit_id, at, latest_at, facility_id, patient_key, `use`.
        placed: the steps of units.
    """
    holds = placed.where(F.col("what").isin(*HOLDS)).select(
        "unit_id",
        F.col("at").alias("held_at"),
        F.col("what").alias("hold"),
        F.when(F.col("what") == "quarantine_lifted", 0).otherwise(1).alias("is_holding"),
    )
    known_by = F.when(F.col("is_holding") == 1, F.col("at")).otherwise(F.col("latest_at"))
    pairs = uses.join(holds, on="unit_id", how="inner").where(F.col("held_at") <= known_by)
    keys = ("unit_id", "at", "latest_at", "facility_id", "patient_key", "use")
    last = pairs.groupBy(*keys).agg(F.max(F.struct("held_at", "is_holding", "hold")).alias("last"))
    rows = last.where(F.col("last")["is_holding"] == 1)
    detail = said(F.col("use"), " while ", F.col("last")["hold"], " since ", F.col("last")["held_at"])
    return found(rows, "units.used_under_quarantine", DEVIATION, detail)


def reactive_units(
    units: DataFrame, placed: DataFrame, test_results: DataFrame, dated: DataFrame, unit_parents: DataFrame, as_of: date
) -> DataFrame:
    """One row a reactive unit: unit_id, and reactive_at, when the first final reactive result was out."""
    is_flagged = (F.col("test_result") == F.lit(False)) & (F.col("tested_on") <= F.lit(as_of))
    results = results_of_donations(test_results, dated, as_of)
    flagged = dated.where(is_flagged).join(results.select("donation_key"), on="donation_key", how="left_anti")
    donated = (
        results.where(is_reactive())
        .select("donation_key", F.col("resulted_at").alias("reactive_at"))
        .unionByName(flagged.select("donation_key", _flagged_at().alias("reactive_at")))
    )
    own = units.where(F.col("is_reactive")).select("unit_id", "donation_key")
    inherited = (
        ancestors(unit_parents)
        .select("unit_id", "ancestor_id")
        .join(own.select(F.col("unit_id").alias("ancestor_id"), "donation_key"), on="ancestor_id", how="inner")
        .select("unit_id", "donation_key")
    )
    of_donations = own.unionByName(inherited).join(donated, on="donation_key", how="inner")
    cultures = placed.where(F.col("what") == "reactive").select("unit_id", F.col("at").alias("reactive_at"))
    every = of_donations.select("unit_id", "reactive_at").unionByName(cultures)
    return every.groupBy("unit_id").agg(F.min("reactive_at").alias("reactive_at"))


def _flagged_at() -> Column:
    return start_of_day(F.col("tested_on"), F.col("zone"))
