"""A row is something that happened against the rules, or a contradiction between records: accepted, and listed.

A result that turns reactive after shipping is no deviation: it opens a look-back.
"""

from collections.abc import Mapping
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.conformed.all_facilities import all_facilities
from lakehouse.l2.derivatives.deviations_found import FOUND, issues, live_ends, placed_steps, transfusions
from lakehouse.l2.derivatives.deviations_issue import (
    issued_before_tests,
    issued_reactive,
    reactive_units,
    used_under_hold,
)
from lakehouse.l2.derivatives.deviations_records import ended_before_prepared, labels, of_donations, several_ends
from lakehouse.l2.derivatives.deviations_transfusion import expired, of_groups, with_patient
from lakehouse.l2.derivatives.refused_events import steps_of_units
from lakehouse.l2.derivatives.units_donations import dated_donations
from lakehouse.table import DATE, FLAG, INSTANT, TEXT, Field, Table

TABLE = Table(
    tier="l2",
    name="deviations",
    grain="a rule broken by a unit, a patient or a donor at an instant, as known at the as-of day",
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
        Field("as_of", DATE, "the day that the judgement speaks about", required=True),
    ),
    law="every row's unit_id is a unit of units, or a donation of donations",
)


def build(  # noqa: PLR0913, PLR0917 -- an argument is a table
    units: DataFrame,
    donations: DataFrame,
    donation_events: DataFrame,
    test_results: DataFrame,
    unit_parents: DataFrame,
    unit_events: DataFrame,
    distribution: DataFrame,
    dispositions: DataFrame,
    patients: DataFrame,
    facilities: DataFrame,
    hospitals: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """List what happened against the rules up to the end of the as-of day.

    Args:
        units: the units of the same as-of day; the other frames are current conformed rows.
        donations: type, day and bag of a donation.
        donation_events: day and place of a donation.
        test_results: when a unit turned reactive.
        unit_parents: whose result a pool has.
        unit_events: holds, and emergencies.
        distribution: issues.
        dispositions: transfusions and other ends.
        patients: group, sex and age of who received a unit.
        facilities: zones and kinds.
        hospitals: those without a record in `facilities`.
        as_of: the day that the judgement speaks about.
        params: none is read.
    """
    places = all_facilities(facilities, hospitals)
    dated = dated_donations(donations, donation_events, places)
    steps = steps_of_units(
        units, donations, unit_events, distribution, dispositions, unit_parents, test_results, places
    )
    placed = placed_steps(steps, units, as_of)
    issued, ends = issues(placed), live_ends(placed, dispositions)
    given = transfusions(ends, units, places)
    emergencies = unit_events.where(F.col("is_emergency")).select("unit_id").distinct()
    reactive = reactive_units(units, placed, test_results, dated, unit_parents, as_of)
    used = ("unit_id", "at", "latest_at", "facility_id", "patient_key", "use")
    uses = issued.withColumn("use", F.lit("issued")).select(*used)
    uses = uses.unionByName(given.withColumn("use", F.lit("transfused")).select(*used))
    rules = [
        issued_before_tests(issued, emergencies),
        issued_reactive(issued, reactive, donations.select("donation_key", "donation_type")),
        used_under_hold(uses, placed),
        expired(given),
        *of_groups(with_patient(given, patients), emergencies),
        *several_ends(ends),
        ended_before_prepared(ends),
        *labels(units),
        *of_donations(dated, as_of),
    ]
    return _once(reduce(DataFrame.unionByName, rules)).withColumn("as_of", F.lit(as_of)).select(*TABLE.columns)


def _once(listed: DataFrame) -> DataFrame:
    """One row a key: a movement that was sent under two ids is one deviation."""
    rest = [name for name in FOUND if name not in TABLE.key]
    kept = listed.groupBy(*TABLE.key).agg(F.min(F.struct(*rest)).alias("first"))
    return kept.select(*TABLE.key, "first.*")
