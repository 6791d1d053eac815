"""The feeds about collection: donation events, visits and donations."""

from lakehouse.table import DATE, FLAG, INSTANT, INT, NUMBER, TEXT, Feed, Field

DONATION_EVENTS = Feed(
    name="donation_events",
    grain="a donation session at a site",
    key=("event_id",),
    fields=(
        Field("event_id", TEXT, "id of the session", required=True),
        Field("start_datetime", INSTANT, "start of the session", required=True),
        Field("end_datetime", INSTANT, "end of the session", required=True),
        Field("total_units", INT, "units collected"),
        *(
            Field(f"{abo}_{sign}", INT, f"units collected of group {abo.upper()} {word}")
            for abo in ("a", "b", "o", "ab")
            for sign, word in (("pos", "positive"), ("neg", "negative"))
        ),
        Field("facility_id", TEXT, "the collecting facility"),
        Field("site_name", TEXT, "name of the site"),
        Field("site_kind", TEXT, "fixed, mobile, school or workplace"),
        Field("region", TEXT, "region of the service"),
        Field("planned_units", INT, "units planned"),
        Field("appointments", INT, "appointments made"),
    ),
)

DONOR_VISITS = Feed(
    name="donor_visits",
    grain="a presentation of a donor",
    key=("visit_id",),
    fields=(
        Field("visit_id", TEXT, "id of the visit", required=True),
        Field("donor_id", TEXT, "the donor", required=True, pii=True),
        Field("event_id", TEXT, "the session", required=True),
        Field("visited_at", INSTANT, "when the donor came", required=True),
        Field("outcome", TEXT, "donated, deferred, failed, left or no_show", required=True),
        Field("deferral_code", TEXT, "code of the deferral"),
        Field("deferral_reason", TEXT, "reason in words"),
        Field("deferred_until", DATE, "last day of a temporary deferral"),
        Field("is_permanent", FLAG, "true for a permanent deferral"),
        Field("hemoglobin_g_dl", NUMBER, "haemoglobin, g/dL"),
        Field(
            "procedure",
            TEXT,
            "whole_blood, double_red_cells, apheresis_red_cells, apheresis_platelets, apheresis_multi or plasma",
        ),
    ),
    happens_at="visited_at",
    mix="outcome",
)

DONATIONS = Feed(
    name="donations",
    grain="a donation",
    key=("din", "bag_id", "donor_id", "donation_date"),
    fields=(
        Field("bag_id", TEXT, "<group>-<8 hex>; the prefix is never the unit's group", required=True),
        Field("donor_id", TEXT, "the donor", required=True, pii=True),
        Field("event_id", TEXT, "the session"),
        Field("donation_date", DATE, "day of collection, local to the site"),
        Field("test_date", DATE, "day of testing"),
        Field("test_result", FLAG, "true = passed; null = pending; not used when test_results exist"),
        Field("status", TEXT, "available, reserved, used or discarded"),
        Field("din", TEXT, "synthetic donation number: 13 characters and the ISO 7064 mod 37-2 check"),
        Field("visit_id", TEXT, "the visit that gave it"),
        Field("procedure", TEXT, "as in donor_visits"),
        Field("donation_type", TEXT, "allogeneic, autologous, directed, therapeutic or research"),
        Field("collected_at", INSTANT, "when the collection ended"),
        Field("volume_ml", NUMBER, "collected volume, mL"),
        Field("red_cell_units", INT, "red cell units collected"),
        Field("platelet_doses", NUMBER, "platelets collected, adult doses"),
        Field("plasma_units", INT, "plasma units collected"),
        Field("outcome", TEXT, "complete, short, over or failed"),
        Field("reject_reason", TEXT, "qns, reactive, hemolysis, donor_callback or other"),
        Field("bag_lot", TEXT, "lot of the bag"),
    ),
    happens_at="collected_at",
    mix="procedure",
)

COLLECTION = (DONATION_EVENTS, DONOR_VISITS, DONATIONS)
