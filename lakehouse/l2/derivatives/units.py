"""A row is a unit: one blood component in one bag, in the state that it had at the end of the as-of day.

The state follows from the set of current records, whatever the order in which they arrived:

- which units there are: `units_identity`; what their donations give them: `units_donations`;
- what happened to them: `units_records`, `units_steps`; the state that follows: `units_states`.

A component whose donation is not here is a unit all the same, with a warning: its label governs. No row holds the
as-of day, which is the release's: a unit that has ended and that no record touches is written once.

Slice: a unit; what touches it, `slices.touched` says.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import local_date
from lakehouse.l2.conformed.changes import UNIT
from lakehouse.l2.derivatives.units_donations import UTC, donation_facts, tests_by_donation
from lakehouse.l2.derivatives.units_identity import identities, with_inheritance
from lakehouse.l2.derivatives.units_records import admission_records, movement_records
from lakehouse.l2.derivatives.units_reports import reporting
from lakehouse.l2.derivatives.units_states import with_end, with_place, with_state, with_steps
from lakehouse.l2.derivatives.units_steps import live_dispositions, records_of_units, steps_of
from lakehouse.l2.kept import kept
from lakehouse.table import DATE, DOSES, FLAG, INSTANT, TEXT, TEXTS, Field, Table

ON_HAND = ("in_process", "quarantined", "available", "reserved")
DISPOSITIONS = (
    "transfused",
    "outdated",
    "wasted",
    "discarded",
    "further_manufacture",
    "consumed",
    "exported",
    "research",
    "lost",
)
UNREPORTED = ("presumed_outdated", "fate_unknown")
STATES = (*ON_HAND, "in_transit", *DISPOSITIONS, *UNREPORTED)

TOLD_BY = (UNIT,)
TABLE = Table(
    tier="l2",
    name="units",
    grain="a unit that was prepared, imported or assumed by the end of the as-of day, in its state then",
    key=("unit_id",),
    fields=(
        Field("unit_id", TEXT, "the unit; for an assumed one its donation_key", required=True),
        Field("donation_key", TEXT, "the donation; null for a pool, an import, or a bag that names two donations"),
        Field("donor_key", TEXT, "the donor's pseudonym; null where the donation is not here"),
        Field("component", TEXT, "red_cells, platelets, plasma, cryoprecipitate or whole_blood", required=True),
        Field("abo_rhd", TEXT, "ABO/RhD: the label, else the donation's final test, else the donor's"),
        Field("product_code", TEXT, "code of our own product list"),
        Field("doses", DOSES, "adult doses; null for red cells and whole blood"),
        Field("is_imported", FLAG, "from another service", required=True),
        Field("is_assumed", FLAG, "whole blood assumed for a source that never delivered components", required=True),
        Field("is_pool", FLAG, "made of several parents by pooling", required=True),
        Field("parent_unit_ids", TEXTS, "the units that it was made of, sorted; none for a whole one", required=True),
        Field("collected_at", INSTANT, "when the (oldest) donation was collected"),
        Field("prepared_at", INSTANT, "when the unit was made; for an assumed one, collected", required=True),
        Field("prepared_on", DATE, "day of preparation, local to the making facility", required=True),
        Field("expires_at", INSTANT, "end of dating: the label governs, else computed"),
        Field("computed_expires_at", INSTANT, "end of dating by component, anticoagulant, additive and storage"),
        Field("made_at_facility_id", TEXT, "the facility that labelled or imported it"),
        Field("facility_id", TEXT, "where it is; where it was last, when in transit or ended"),
        Field("region", TEXT, "region of facility_id"),
        Field("facility_kind", TEXT, "collection, processing, hub, hospital or external"),
        Field("state", TEXT, "one of: " + ", ".join(STATES), required=True),
        Field("is_on_hand", FLAG, "in process, quarantined, available or reserved", required=True),
        Field("tested_at", INSTANT, "when every test of the donation was final; null until then"),
        Field(
            "is_reactive",
            FLAG,
            "a final infectious-marker result is reactive: of its donation, of a culture of it, or of a unit that it "
            "was made of",
            required=True,
        ),
        Field("reactive_at", INSTANT, "when the first of these was out"),
        Field("disputed_at", INSTANT, "when the final group that its label disagrees with was out; null if they agree"),
        Field("released_at", INSTANT, "first release to stock"),
        Field("issued_at", INSTANT, "first shipment to a hospital"),
        Field("received_at", INSTANT, "last receipt anywhere"),
        Field("reserved_at", INSTANT, "start of the reservation that holds"),
        Field("ended_at", INSTANT, "start of the disposition; expires_at for a presumed end; null if undated"),
        Field("ended_on", DATE, "day of the end, local to the facility"),
        Field("ended_at_facility_id", TEXT, "where it ended"),
        Field("patient_key", TEXT, "who received it, else for whom it is reserved: the person's pseudonym"),
        Field("request_id", TEXT, "the last request that it was shipped or reserved for"),
        Field("warnings", TEXTS, "rule ids of the warnings on this unit, sorted", required=True),
    ),
    law="units prepared + imported + assumed = on hand + in transit + dispositions + presumed outdated + fate unknown",
    looked_up_by=("unit_id", "donation_key", "patient_key"),
)

EXTENDED_PLATELET_DAYS = 7  # with large-volume delayed sampling or secondary testing (FDA guidance, 2020; recalled)
LABEL_TOO_LATE = "units.expires_at.later_than_dating"
LABEL_DISPUTED = "units.abo_rhd.label_disagrees_with_test"
DONATION_ABSENT = "units.donation_key.waiting"


def build(  # noqa: PLR0913, PLR0917 -- an argument is a table
    components: DataFrame,
    dated: DataFrame,
    donors: DataFrame,
    test_results: DataFrame,
    unit_parents: DataFrame,
    lineage: DataFrame,
    unit_events: DataFrame,
    distribution: DataFrame,
    dispositions: DataFrame,
    patients: DataFrame,
    places: DataFrame,
    reports: DataFrame,
    component_sources: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Build the units of one as-of day.

    Args:
        components: current conformed rows; so are all the other frames.
        dated: `dated_donations`: source of assumed units, and of what a unit takes from its donation.
        donors: group, where neither label nor test tells it.
        test_results: when a donation was tested, what was found.
        unit_parents: what pools, parts and modified units were made of.
        lineage: `lineage` of these.
        unit_events: releases, holds, reservations, receipts.
        distribution: movements.
        dispositions: ends.
        patients: admissions that name a bag, for assumed units.
        places: `all_facilities`: zones, regions and kinds.
        reports: `first_reports`: where a missing end tells that the unit outdated.
        component_sources: the sources whose donations stand for no unit.
        as_of: the state is that at the end of this day, local to each facility.
        params: `presumed_outdated_days`; `required_markers` (a donation without a final result of each is untested).
    """
    present = identities(components, dated, component_sources, places, as_of)
    tests = tests_by_donation(test_results, dated, as_of, params)
    facts = donation_facts(dated, tests, donors, as_of)
    known = kept(present.join(facts, on="donation_key", how="left"))
    # A culture names no place: its day is that of UTC, as a step's is.
    is_out = local_date(F.col("resulted_at"), F.lit(UTC)) <= F.lit(as_of)
    made = _made(known, lineage.where(was_made(as_of)), test_results.where(is_out))
    named = records_of_units(unit_events, live_dispositions(dispositions), unit_parents, test_results)
    bagged = [movement_records(distribution), admission_records(patients)]
    steps = steps_of(named, bagged, known.select("unit_id", "bag_id"), places)
    zones = places.select(F.col("facility_id").alias("place_id"), F.col("timezone").alias("place_zone"))
    at_end = with_place(with_steps(made, steps, as_of), F.lit(as_of))
    placed = at_end.join(F.broadcast(zones), on="place_id", how="left")
    known_ends = reporting(reports, as_of).withColumn("is_reporting", F.lit(True))
    reported = placed.join(F.broadcast(known_ends), on="place_id", how="left")
    ended = with_end(reported, as_of, params)
    return _selected(with_state(ended, as_of), places)


def was_made(as_of: date) -> Column:
    """Parentage known by the end of the as-of day; a day early or late changes no unit that is not there anyway."""
    return F.to_date("made_at") <= F.date_add(F.lit(as_of), 1)


def _made(units: DataFrame, lineage: DataFrame, results: DataFrame) -> DataFrame:
    """Add what follows from a unit's making: dating, group, tests, and the warnings on them."""
    collected = units.withColumn("collected_at", F.coalesce("collected_at", "donated_at"))
    inherited = with_inheritance(collected, lineage, results)
    is_disputed = F.coalesce(F.col("label_abo_rhd") != F.col("typed_abo_rhd"), F.lit(False))
    return inherited.withColumns(
        {
            "expires_at": F.coalesce("label_expires_at", "computed_expires_at"),
            "abo_rhd": F.coalesce("label_abo_rhd", "typed_abo_rhd", "donor_abo_rhd"),
            "is_label_disputed": is_disputed,
            "disputed_at": F.when(is_disputed, F.col("typed_at")),
            "warnings": _warnings(is_disputed),
        }
    )


def _warnings(is_disputed: Column) -> Column:
    zone = F.col("zone")
    is_extended = (F.col("component") == "platelets") & (
        local_date(F.col("label_expires_at"), zone)
        <= F.date_add(local_date(F.col("collected_at"), zone), EXTENDED_PLATELET_DAYS)
    )
    is_late = (F.col("label_expires_at") > F.col("computed_expires_at")) & ~F.coalesce(is_extended, F.lit(False))
    found = F.array_compact(
        F.array(
            F.when(is_late, LABEL_TOO_LATE),
            F.when(is_disputed, LABEL_DISPUTED),
            F.when(F.col("is_waiting"), DONATION_ABSENT),
        )
    )
    return F.array_sort(F.concat(F.coalesce("record_warnings", F.array().cast(TEXTS)), found))


def _selected(units: DataFrame, places: DataFrame) -> DataFrame:
    end, reservation = F.col("end"), F.col("live_reservation")
    where = units.withColumn("facility_id", F.coalesce(end["facility_id"], F.col("place_id")))
    kinds = places.select("facility_id", "region", F.col("kind").alias("facility_kind"))
    located = where.join(F.broadcast(kinds), on="facility_id", how="left")
    computed = {
        "is_on_hand": F.col("state").isin(*ON_HAND),
        "received_at": F.greatest("arrived_at", F.col("receipt")["at"]),
        "reserved_at": reservation["at"],
        "ended_at": end["at"],
        "ended_on": end["on"],
        "ended_at_facility_id": end["facility_id"],
        "patient_key": F.coalesce(end["patient_key"], reservation["patient_key"]),
        "request_id": F.col("order")["request_id"],
    }
    return located.withColumns(computed).select(*TABLE.columns)
