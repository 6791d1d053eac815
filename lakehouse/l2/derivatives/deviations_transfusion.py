"""Deviations at transfusion: out of date, or of a group that the patient should not have had."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import local_date
from lakehouse.domain.blood_groups import abo, is_plasma_compatible, is_red_cell_abo_compatible, is_rhd_positive
from lakehouse.l2.derivatives.deviations_found import CRITICAL, DEVIATION, INFO, WARNING, found, said
from lakehouse.l2.derivatives.units_donations import UTC

LATE_HOURS = 4  # a transfusion takes up to so long: it may have been started in date
CHANGED_DAYS = 30
CHILDBEARING_YEARS = 50
RED_CELLS = ("red_cells", "whole_blood")
PLASMA = ("plasma", "whole_blood")


def expired(given: DataFrame) -> DataFrame:
    """Transfused after expiry. A bare date on the last day passes; up to `LATE_HOURS` late is information."""
    zone = F.coalesce("zone", F.lit(UTC))
    is_late_day = F.col("on") > local_date(F.col("expires_at"), zone)
    is_late = F.when(F.col("is_date_only"), is_late_day).otherwise(F.col("at") > F.col("expires_at"))
    within = F.col("at") <= F.col("expires_at") + F.make_dt_interval(hours=F.lit(LATE_HOURS))
    severity = F.when(within & ~F.col("is_date_only"), INFO).otherwise(DEVIATION)
    detail = said("transfused after its expiry at ", F.col("expires_at"))
    return found(given.where(is_late), "units.transfused_after_expiry", severity, detail)


def with_patient(given: DataFrame, patients: DataFrame) -> DataFrame:
    """Add the patient's group, sex and birth_year as known on the day, and whether the group changed around it.

    Known is the last admission up to the day that tells a group; `is_group_changed` when one within
    `CHANGED_DAYS` of it tells another.
    """
    uses = given.where(F.col("patient_key").isNotNull())
    admissions = patients.select("patient_key", "admitted_on", "admission_key", "abo_rhd", "sex", "birth_year")
    told = admissions.withColumnRenamed("abo_rhd", "patient_abo_rhd")
    pairs = uses.select("unit_id", "at", "on", "patient_key").distinct().join(told, on="patient_key", how="left")
    is_past = F.col("admitted_on") <= F.col("on")
    known = is_past & F.col("patient_abo_rhd").isNotNull()
    latest = F.struct("admitted_on", "admission_key")
    is_near = F.abs(F.datediff("admitted_on", "on")) <= CHANGED_DAYS
    of_patient = pairs.groupBy("unit_id", "at", "patient_key").agg(
        F.max_by("patient_abo_rhd", F.when(known, latest)).alias("patient_abo_rhd"),
        F.max_by("sex", F.when(F.col("sex").isNotNull(), latest)).alias("sex"),
        F.max("birth_year").alias("birth_year"),
        (F.count_distinct(F.when(is_near, F.col("patient_abo_rhd"))) > 1).alias("is_group_changed"),
    )
    return uses.join(of_patient, on=["unit_id", "at", "patient_key"], how="inner")


def of_groups(given: DataFrame, emergencies: DataFrame) -> list[DataFrame]:
    """Every rule on the unit's group against the patient's, over `with_patient`."""
    marked = given.join(emergencies.withColumn("is_rush", F.lit(True)), on="unit_id", how="left")
    unit, patient = F.col("abo_rhd"), F.col("patient_abo_rhd")
    groups = said("unit ", unit, ", patient ", patient)
    is_red = F.col("component").isin(*RED_CELLS)
    wrong_abo = marked.where(is_red & ~is_red_cell_abo_compatible(unit, patient))
    wrong_rhd = marked.where(is_red & is_rhd_positive(unit) & ~is_rhd_positive(patient))
    wrong_plasma = marked.where(F.col("component").isin(*PLASMA) & ~is_plasma_compatible(unit, patient))
    other_platelets = marked.where((F.col("component") == "platelets") & (abo(unit) != abo(patient)))
    unknown = marked.where(patient.isNull())
    changed = marked.where(F.col("is_group_changed"))
    return [
        found(wrong_abo, "transfusions.red_cells.abo_incompatible", CRITICAL, groups),
        found(wrong_rhd, "transfusions.red_cells.rhd_positive_to_negative", _rhd_severity(), groups),
        found(wrong_plasma, "transfusions.plasma.out_of_group", _plasma_severity(), groups),
        found(other_platelets, "transfusions.platelets.out_of_group", INFO, groups),
        found(unknown, "transfusions.patient.group_unknown", INFO, groups),
        found(changed, "transfusions.patient.group_changed", INFO, said("judged on the group then known: ", patient)),
    ]


def _rhd_severity() -> Column:
    """A warning for a female up to 50, for whom anti-D matters most; so too where her age is unknown."""
    age = F.year("on") - F.col("birth_year")
    could_bear = (F.col("sex") == "Female") & (age.isNull() | (age <= CHILDBEARING_YEARS))
    return F.when(could_bear, WARNING).otherwise(INFO)


def _plasma_severity() -> Column:
    """Group A plasma and group O whole blood are what is given in an emergency, before the group is known."""
    usual = ((F.col("component") == "plasma") & (abo(F.col("abo_rhd")) == "A")) | (
        (F.col("component") == "whole_blood") & (abo(F.col("abo_rhd")) == "O")
    )
    return F.when(usual & F.col("is_rush"), INFO).otherwise(WARNING)
