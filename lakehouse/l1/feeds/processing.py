"""The feeds about the laboratory: test results, components, their parents and their events."""

from lakehouse.table import FLAG, INSTANT, NUMBER, TEXT, Feed, Field

TEST_RESULTS = Feed(
    name="test_results",
    grain="a result of one test on a donation or a unit",
    key=("test_id",),
    fields=(
        Field("test_id", TEXT, "id of the test", required=True),
        Field("din", TEXT, "the donation; din or bag_id is required"),
        Field("bag_id", TEXT, "the donation's bag"),
        Field("unit_id", TEXT, "the unit, for cultures"),
        Field(
            "marker",
            TEXT,
            "abo_rhd, hiv, hbv, hcv, htlv, syphilis, wnv, t_cruzi, babesia, malaria, bacterial, antibody_screen or cmv",
            required=True,
        ),
        Field("stage", TEXT, "screen, repeat or supplemental"),
        Field("method", TEXT, "serology, nat_pool, nat_single, culture or typing"),
        Field("result", TEXT, "non_reactive, reactive, inconclusive, or the group", required=True),
        Field("resulted_at", INSTANT, "when the result was out", required=True),
        Field("is_final", FLAG, "true when no further stage follows"),
        Field("kit_lot", TEXT, "lot of the test kit"),
    ),
    happens_at="resulted_at",
    mix="marker",
)

COMPONENTS = Feed(
    name="components",
    grain="a unit: one blood component in one bag",
    key=("unit_id",),
    fields=(
        Field("unit_id", TEXT, "id of the unit", required=True),
        Field("din", TEXT, "the donation; null for a pool"),
        Field("bag_id", TEXT, "the donation's bag; null for a pool"),
        Field("component", TEXT, "red_cells, platelets, plasma, cryoprecipitate or whole_blood", required=True),
        Field("product_code", TEXT, "code of our own product list"),
        Field("blood_type", TEXT, "ABO/RhD on the label, spelled out"),
        Field("anticoagulant", TEXT, "acd, cpd, cp2d or cpda1"),
        Field("additive", TEXT, "none, as1, as3, as5, as7, pas or other"),
        Field("storage", TEXT, "refrigerated, frozen, room, thawed or liquid"),
        Field("plasma_kind", TEXT, "ffp, pf24, pf24rt24 or cryo_reduced"),
        Field("is_leukoreduced", FLAG, "white cells removed"),
        Field("is_irradiated", FLAG, "irradiated"),
        Field("irradiated_at", INSTANT, "when it was irradiated"),
        Field("is_pathogen_reduced", FLAG, "pathogen-reduced"),
        Field("is_washed", FLAG, "washed"),
        Field("doses", NUMBER, "adult doses; null for red cells"),
        Field("volume_ml", NUMBER, "volume, mL"),
        Field("collected_at", INSTANT, "when the (oldest) donation was collected"),
        Field("prepared_at", INSTANT, "when the unit was made", required=True),
        Field("expires_at", INSTANT, "expiry on the label"),
        Field("facility_id", TEXT, "the facility that made or imported it"),
        Field("is_imported", FLAG, "true for a unit from another service"),
    ),
    happens_at="prepared_at",
    mix="component",
)

UNIT_PARENTS = Feed(
    name="unit_parents",
    grain="a parent of a unit that was pooled, divided or modified",
    key=("unit_id", "parent_unit_id"),
    fields=(
        Field("unit_id", TEXT, "the new unit", required=True),
        Field("parent_unit_id", TEXT, "the unit that it was made of", required=True),
        Field("kind", TEXT, "pooled, divided or modified", required=True),
        Field("made_at", INSTANT, "when the new unit was made", required=True),
        Field("facility_id", TEXT, "where"),
    ),
    happens_at="made_at",
)

UNIT_EVENTS = Feed(
    name="unit_events",
    grain="an event in the life of a unit",
    key=("unit_event_id",),
    fields=(
        Field("unit_event_id", TEXT, "id of the event", required=True),
        Field("unit_id", TEXT, "the unit", required=True),
        Field(
            "kind",
            TEXT,
            "released, quarantined, quarantine_lifted, reserved, unreserved, received or recalled",
            required=True,
        ),
        Field("happened_at", INSTANT, "when", required=True),
        Field("facility_id", TEXT, "where"),
        Field("patient_id", TEXT, "for whom, when reserved", pii=True),
        Field("request_id", TEXT, "for which request"),
        Field("method", TEXT, "crossmatch: serologic, electronic or none"),
        Field("reason", TEXT, "why"),
        Field("is_emergency", FLAG, "emergency release"),
    ),
    happens_at="happened_at",
    mix="kind",
)

PROCESSING = (TEST_RESULTS, COMPONENTS, UNIT_PARENTS, UNIT_EVENTS)

__all__ = ["COMPONENTS", "PROCESSING", "TEST_RESULTS", "UNIT_EVENTS", "UNIT_PARENTS"]
