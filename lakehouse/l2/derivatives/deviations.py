"""A row is something that happened against the rules, or a contradiction between records: accepted, and listed.

A result that turns reactive after shipping is no deviation: it opens a look-back.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.conformed.changes import DONATION, UNIT
from lakehouse.l2.derivatives.deviations_donations import judged_donations
from lakehouse.l2.derivatives.deviations_rules import of_ends, of_issues, of_units
from lakehouse.l2.derivatives.deviations_transfusion import of_dating, of_groups
from lakehouse.l2.derivatives.deviations_uses import uses, with_patient, with_reactive
from lakehouse.l2.derivatives.units_steps import live_steps
from lakehouse.table import FLAG, INSTANT, TEXT, Field, Table

TABLE = Table(
    tier="l2",
    name="deviations",
    grain="a rule broken by a unit, a patient or a donor at an instant, as known at the release's as-of day",
    key=("rule", "unit_id", "happened_at", "patient_key"),
    fields=(
        Field("rule", TEXT, "id of the rule", required=True),
        Field("severity", TEXT, "critical (to quality), deviation, warning or info", required=True),
        Field("unit_id", TEXT, "the unit; where the rule is about a donation, its donation_key"),
        Field("patient_key", TEXT, "the patient's pseudonym, where one is concerned"),
        Field("facility_id", TEXT, "where it happened"),
        Field("happened_at", INSTANT, "when it happened"),
        Field("is_excused", FLAG, "the rule admits it in this case", required=True),
        Field("detail", TEXT, "what was found against what, without any identity", required=True),
    ),
    law="every row's unit_id is a unit of units, or a donation of donations",
)

TOLD_BY = (UNIT, DONATION)


def build(  # noqa: PLR0913 -- an argument is a table
    units: DataFrame,
    steps: DataFrame,
    dated: DataFrame,
    test_results: DataFrame,
    lineage: DataFrame,
    dispositions: DataFrame,
    patients: DataFrame,
    places: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """List what happened against the rules up to the end of the as-of day.

    Args:
        units: the units of the same as-of day; the other frames are current conformed rows.
        steps: `steps_of_units`: holds and emergencies, issues, transfusions and other ends.
        dated: `dated_donations`: type, day and bag of a donation.
        test_results: when a unit turned reactive.
        lineage: `lineage`: whose result a pool has.
        dispositions: which ends another one replaces.
        patients: group, sex and age of who received a unit.
        places: `all_facilities`: zones and kinds.
        as_of: the day that the judgement speaks about.
        params: none is read.
    """
    live = live_steps(steps, dispositions)
    used = with_reactive(uses(units, live, places, as_of), units, dated, test_results, lineage)
    rules = F.array(*of_units(), *of_issues(), *of_ends(), *of_dating(), *of_groups())
    use = F.col("use")
    of_units_found = with_patient(used, patients).withColumn("rules", rules)
    found = _found(of_units_found, F.col("unit_id"), use["patient_key"], use["facility_id"], use["at"])
    nobody = F.lit(None).cast("string")
    of_donations = judged_donations(dated, as_of)
    donated = _found(of_donations, F.col("donation_key"), nobody, F.col("facility_id"), F.col("at"))
    return _once(found.unionByName(donated)).select(*TABLE.columns)


def _found(judged: DataFrame, unit_id: Column, patient_key: Column, facility_id: Column, at: Column) -> DataFrame:
    """One row a rule broken, of rows that have `rules`."""
    broken = judged.select(
        unit_id.alias("unit_id"),
        patient_key.alias("patient_key"),
        facility_id.alias("facility_id"),
        at.alias("happened_at"),
        F.explode(F.array_compact("rules")).alias("found"),
    )
    return broken.select("unit_id", "patient_key", "facility_id", "happened_at", "found.*").withColumn(
        "happened_at", F.coalesce("at", "happened_at")
    )


def _once(listed: DataFrame) -> DataFrame:
    """One row a key: a movement that was sent under two ids is one deviation."""
    rest = ("severity", "facility_id", "is_excused", "detail")
    kept = listed.groupBy(*TABLE.key).agg(F.min(F.struct(*rest)).alias("first"))
    return kept.select(*TABLE.key, "first.*")
