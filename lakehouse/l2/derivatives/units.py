"""A row is a unit: one blood component in one bag, in the state that it had at the end of the as-of day."""

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
        Field("is_reactive", FLAG, "a final infectious-marker result is reactive", required=True),
        Field("released_at", INSTANT, "first release to stock"),
        Field("issued_at", INSTANT, "first shipment to a hospital"),
        Field("received_at", INSTANT, "last receipt anywhere"),
        Field("reserved_at", INSTANT, "start of the reservation that holds"),
        Field("ended_at", INSTANT, "start of the disposition, or expires_at for a presumed end; null: undated or not ended"),
        Field("ended_on", DATE, "day of the end, local to the facility"),
        Field("ended_at_facility_id", TEXT, "where it ended"),
        Field("patient_key", TEXT, "who received it, else for whom it is reserved: the person's pseudonym"),
        Field("request_id", TEXT, "the last request that it was shipped or reserved for"),
        Field("warnings", TEXTS, "rule ids of the warnings on this unit, sorted", required=True),
        Field("as_of", DATE, "the day that the state speaks about", required=True),
    ),
    law="units prepared + imported + assumed = on hand + in transit + dispositions + presumed outdated + fate unknown",
)
