"""A row is something that happened against the rules, or a contradiction between records: accepted, and listed."""

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
