"""A row is a record about a unit that can't be placed (yet): it waits, or it can't be a fact."""

from lakehouse.table import DATE, INSTANT, INT, TEXT, Field, Table

REASONS = ("waiting", "before_collection", "ambiguous_bag")

TABLE = Table(
    tier="l2",
    name="refused_events",
    grain="a record that happened by the end of the as-of day and can't be placed on a unit or donation",
    key=("feed", "record_key"),
    fields=(
        Field("feed", TEXT, "the conformed table that holds the record", required=True),
        Field("record_key", TEXT, "its key there; of two columns, joined by |", required=True),
        Field("unit_id", TEXT, "the unit that it names"),
        Field(
            "reason",
            TEXT,
            "waiting: its unit, donation or parent is not here; before_collection: more than 24 h before "
            "the collection; ambiguous_bag: the bag names several units",
            required=True,
        ),
        Field("happened_at", INSTANT, "when it happened"),
        Field("waiting_since", DATE, "day of its recording or arrival (UTC)", required=True),
        Field("days_waiting", INT, "days from then to the as-of day, never below 0", required=True),
        Field("as_of", DATE, "the day that the judgement speaks about", required=True),
    ),
    law="per feed, records in by the as-of day = records placed + records here (components are placed and may wait)",
)
