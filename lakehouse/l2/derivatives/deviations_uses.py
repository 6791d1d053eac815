"""Uses of units, with all that a rule needs to judge them. A row is a unit and one use of it.

A use is an issue to a hospital (`issued`), a live disposition (`ended`), or the unit's own row (`unit`), where rules
on its records as a whole find their place. Everything is gathered in one pass: the rules only read columns.
"""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import end_of_day, start_of_day
from lakehouse.l2.derivatives.units_donations import (
    UTC,
    by_reference,
    is_before_collection,
    is_reactive,
    reactive_cultures,
    reactive_of_units,
    reference,
)
from lakehouse.l2.derivatives.units_states import HOLDS, step_rank

EXCUSED_TYPES = ("autologous", "research")
CHANGED_DAYS = 30


def uses(units: DataFrame, steps: DataFrame, places: DataFrame, as_of: date) -> DataFrame:
    """One row a unit and use: the unit's columns, `use`, `ends` (live dispositions), `is_rush` and `held_by`.

    Args:
        units: units of the as-of day.
        steps: steps with live dispositions only.
        places: zones, for units whose end only a status tells of.
        as_of: later steps are not seen.
    """
    zones = F.broadcast(places.select("facility_id", F.col("timezone").alias("zone")))
    lives = units.join(timelines(steps), on="unit_id", how="left").join(zones, on="facility_id", how="left")
    seen = lives.withColumn("steps", F.filter("all_steps", lambda step: _is_fact(step, as_of)))
    known = seen.withColumns(
        {
            "ends": _of("ended"),
            "holds": F.filter("steps", lambda step: step["what"].isin(*HOLDS)),
            "is_rush": F.coalesce(F.exists("steps", lambda step: step["is_emergency"]), F.lit(False)),
            "culture_at": F.array_min(F.transform(_of("reactive"), lambda step: step["at"])),
        }
    )
    return known.withColumn("use", F.explode(_uses())).withColumn("held_by", _last_hold()).drop("steps", "all_steps")


def timelines(steps: DataFrame) -> DataFrame:
    """One row a unit: its steps as one array, sorted by time, then rank, then record."""
    fields = ("record_key", "what", "latest_at", "on", "zone", "is_date_only", "facility_id", "kind", "patient_key")
    step = F.struct("at", step_rank(), *fields, "is_issue", "is_emergency")
    named = steps.where(F.col("unit_id").isNotNull())
    return named.groupBy("unit_id").agg(F.sort_array(F.collect_list(step)).alias("all_steps"))


def with_reactive(
    used: DataFrame,
    units: DataFrame,
    dated: DataFrame,
    test_results: DataFrame,
    lineage: DataFrame,
) -> DataFrame:
    """Add `reactive_at`, when the unit's first final reactive result was out, and whether its type excuses an issue.

    Which units are reactive is known; only theirs, and those of what a unit was made of, are looked up.
    """
    own = units.where(F.col("is_reactive")).select("unit_id", "donation_key")
    roots = units.select(F.col("unit_id").alias("ancestor_id"), "donation_key")
    family = lineage.select("unit_id", "ancestor_id")
    pairs = family.join(roots, on="ancestor_id", how="inner")
    inherited = pairs.join(own.select("unit_id"), on="unit_id", how="left_semi").select("unit_id", "donation_key")
    donated = _reactive_donations(dated, test_results)
    found = own.unionByName(inherited).join(donated, on="donation_key", how="inner")
    reactive = found.groupBy("unit_id").agg(
        F.min("result_at").alias("result_at"),
        F.min("flagged_at").alias("flagged_at"),
        F.max(F.col("donation_type").isin(*EXCUSED_TYPES)).alias("is_excused_type"),
    )
    cultures = reactive_cultures(reactive_of_units(test_results), units).withColumnRenamed("unit_id", "ancestor_id")
    of_makers = (
        family.join(F.broadcast(cultures), "ancestor_id")
        .groupBy("unit_id")
        .agg(F.min("cultured_at").alias("made_of_at"))
    )
    joined = used.join(reactive, on="unit_id", how="left").join(of_makers, on="unit_id", how="left")
    first = F.coalesce(F.least("result_at", "culture_at", "made_of_at"), "flagged_at")
    return joined.withColumn("reactive_at", F.when(F.col("is_reactive"), first))


def with_patient(used: DataFrame, patients: DataFrame) -> DataFrame:
    """Add the patient's group, sex and birth_year as known on the day of use, and whether the group changed.

    Known is the last admission up to the day that tells a group. `near_groups` are those that admissions within
    `CHANGED_DAYS` of it tell.
    """
    admission = F.struct("admitted_on", "admission_key", "abo_rhd", "sex", "birth_year")
    by_patient = patients.groupBy("patient_key").agg(F.sort_array(F.collect_list(admission)).alias("admissions"))
    keyed = used.withColumn("use_patient_key", F.col("use")["patient_key"])
    joined = keyed.join(by_patient.withColumnRenamed("patient_key", "use_patient_key"), "use_patient_key", how="left")
    on = F.col("use")["on"]
    told = F.filter("admissions", lambda stay: stay["abo_rhd"].isNotNull())
    then = F.try_element_at(F.filter(told, lambda stay: stay["admitted_on"] <= on), F.lit(-1))
    near = F.filter(told, lambda stay: F.abs(F.datediff(stay["admitted_on"], on)) <= CHANGED_DAYS)
    return joined.withColumns(
        {
            "patient_abo_rhd": then["abo_rhd"],
            "near_groups": F.size(F.array_distinct(F.transform(near, lambda stay: stay["abo_rhd"]))),
            "sex": F.array_max(F.transform("admissions", lambda stay: stay["sex"])),
            "birth_year": F.array_max(F.transform("admissions", lambda stay: stay["birth_year"])),
        }
    )


def _is_fact(step: Column, as_of: date) -> Column:
    return (step["on"] <= F.lit(as_of)) & ~is_before_collection(step["latest_at"], F.col("collected_at"))


def _of(what: str) -> Column:
    return F.filter("steps", lambda step: step["what"] == what)


def _uses() -> Column:
    """The unit itself, its issues and its ends; an assumed unit may have its transfusion from its status."""
    issued = F.transform(F.filter("steps", lambda step: step["is_issue"]), lambda step: _use(step, "issued"))
    ended = F.transform("ends", lambda step: _use(step, "ended"))
    own = F.array(_use_of_unit(), _use_by_status())
    return F.array_compact(F.flatten(F.array_compact(F.array(own, issued, ended))))


def _use(step: Column, what: str) -> Column:
    fields = ("kind", "at", "latest_at", "on", "zone", "is_date_only", "facility_id", "patient_key")
    return F.struct(F.lit(what).alias("what"), *[step[name].alias(name) for name in fields])


def _use_of_unit() -> Column:
    """Stands for the unit: what its rules say happened when it was prepared, where it was made."""
    return F.struct(
        F.lit("unit").alias("what"),
        F.lit(None).cast("string").alias("kind"),
        F.col("prepared_at").alias("at"),
        F.col("prepared_at").alias("latest_at"),
        F.col("prepared_on").alias("on"),
        F.col("zone"),
        F.lit(False).alias("is_date_only"),
        F.col("made_at_facility_id").alias("facility_id"),
        F.lit(None).cast("string").alias("patient_key"),
    )


def _use_by_status() -> Column:
    """A transfusion that no disposition records; NULL where there is none, or no day."""
    is_recorded = F.coalesce(F.size("ends") > 0, F.lit(False))
    is_told = F.col("is_assumed") & (F.col("state") == "transfused") & F.col("ended_on").isNotNull()
    zone = F.coalesce("zone", F.lit(UTC))
    use = F.struct(
        F.lit("ended").alias("what"),
        F.lit("transfused").alias("kind"),
        start_of_day(F.col("ended_on"), zone).alias("at"),
        end_of_day(F.col("ended_on"), zone).alias("latest_at"),
        F.col("ended_on").alias("on"),
        F.col("zone"),
        F.lit(True).alias("is_date_only"),
        F.col("facility_id"),
        F.col("patient_key"),
    )
    return F.when(is_told & ~is_recorded, use)


def _last_hold() -> Column:
    """The last hold before the use. One lifted on the day of a bare date was lifted in time."""

    def is_known(hold: Column) -> Column:
        by = F.when(hold["what"] == "quarantine_lifted", F.col("use")["latest_at"]).otherwise(F.col("use")["at"])
        return hold["at"] <= by

    return F.try_element_at(F.filter("holds", is_known), F.lit(-1))


def _reactive_donations(dated: DataFrame, test_results: DataFrame) -> DataFrame:
    """One row a donation: when a final reactive result was out, or when its flag says that it failed."""
    reactive = test_results.where(is_reactive() & F.col("unit_id").isNull()).withColumn("reference", reference())
    results = reactive.groupBy("reference").agg(F.min("resulted_at").alias("result_at"))
    named = by_reference(dated, with_shared_bags=True).join(results, on="reference", how="inner")
    first = named.groupBy("donation_key").agg(F.min("result_at").alias("result_at"))
    flagged_at = F.when(~F.col("test_result"), start_of_day(F.col("tested_on"), F.col("zone")))
    return dated.join(first, on="donation_key", how="left").select(
        "donation_key", "donation_type", "result_at", flagged_at.alias("flagged_at")
    )
