"""The feeds about supply and use: requests, distribution and dispositions."""

from lakehouse.table import FLAG, INSTANT, INT, TEXT, Feed, Field

BLOOD_REQUESTS = Feed(
    name="blood_requests",
    grain="an order of a hospital",
    key=("request_id",),
    fields=(
        Field("request_id", TEXT, "id of the request", required=True),
        Field("NPI", TEXT, "the hospital", required=True),
        Field("request_datetime", INSTANT, "when it was ordered", required=True),
        Field("units_requested", INT, "units ordered", required=True),
        Field("blood_type", TEXT, "group ordered, spelled out; also any, unknown", required=True),
        Field("status", TEXT, "open, filled, partial or cancelled"),
        Field("patient_id", TEXT, "the patient", pii=True),
        Field("order_kind", TEXT, "patient or stock"),
        Field("component", TEXT, "as in components; red_cells when absent"),
        Field("urgency", TEXT, "routine, urgent or emergency"),
        Field("needed_at", INSTANT, "when the units are needed"),
        Field("units_cancelled", INT, "units cancelled"),
        Field("closed_at", INSTANT, "when the request was closed"),
        Field("replaces_request_id", TEXT, "the request that this one replaces"),
        Field("needs_irradiated", FLAG, "irradiated units only"),
    ),
    happens_at="request_datetime",
    mix="blood_type",
)

DISTRIBUTION = Feed(
    name="distribution",
    grain="a movement of a unit between facilities",
    key=("distribution_id",),
    fields=(
        Field("distribution_id", TEXT, "id of the movement", required=True),
        Field("bag_id", TEXT, "the bag, where the donation has one unit; bag_id or unit_id is required"),
        Field("unit_id", TEXT, "the unit"),
        Field("NPI", TEXT, "the hospital; required when it goes to one"),
        Field("distribution_date", INSTANT, "when", required=True),
        Field("request_id", TEXT, "the request that it fills"),
        Field("from_facility_id", TEXT, "from where"),
        Field("to_facility_id", TEXT, "to where"),
        Field("kind", TEXT, "issue, transfer, return, import or export"),
        Field("shipped_at", INSTANT, "when it left"),
        Field("received_at", INSTANT, "when it arrived"),
    ),
    happens_at="distribution_date",
    mix="kind",
)

DISPOSITIONS = Feed(
    name="dispositions",
    grain="an end of a unit",
    key=("disposition_id",),
    fields=(
        Field("disposition_id", TEXT, "id of the disposition", required=True),
        Field("unit_id", TEXT, "the unit", required=True),
        Field(
            "kind",
            TEXT,
            "transfused, outdated, wasted, discarded, further_manufacture, consumed, exported, research or lost",
            required=True,
        ),
        Field("happened_at", INSTANT, "when it began", required=True),
        Field("ended_at", INSTANT, "when it ended"),
        Field("facility_id", TEXT, "where"),
        Field("patient_id", TEXT, "who received it", pii=True),
        Field("admission_id", TEXT, "in which admission", pii=True),
        Field("reason", TEXT, "why"),
        Field("replaces_disposition_id", TEXT, "the disposition that this one corrects"),
    ),
    happens_at="happened_at",
    mix="kind",
)

SUPPLY = (BLOOD_REQUESTS, DISTRIBUTION, DISPOSITIONS)
