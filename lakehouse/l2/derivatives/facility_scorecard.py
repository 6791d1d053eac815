"""A row is a month of a facility for one component: what it ordered, got, used, lost and gave back, and the rates.

The rates of a row follow from its sums. Sums may be added up over months, facilities and components, rates not:
work them out anew from the sums added up. A month is a calendar month of the facility's own local days.

Slice: a local month. A record touches the months in which it happened at either end (a movement leaves and
arrives), the month in which a request was needed, for all that arrives on it, and those in which the unit that it
tells of was made, moved, crossmatched and ended. A patient's group touches the months of their transfusions.
"""

from collections.abc import Mapping
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.derivatives.collected import with_origin
from lakehouse.l2.derivatives.facility_scorecard_counts import (
    AGES,
    COUNTS,
    PLACE,
    QUANTITIES,
    SECONDS_A_DAY,
    crossmatched,
    made_and_ended,
    moved,
    o_neg_transfused,
    requested,
)
from lakehouse.l2.derivatives.facility_scorecard_rates import RATES, rates
from lakehouse.l2.derivatives.placed_moves import OF_UNIT, UNKNOWN, named_places
from lakehouse.l2.kept import kept
from lakehouse.table import DATE, DOSES, FLAG, INT, NUMBER, TEXT, Field, Table

UNIT_COLUMNS = (
    *OF_UNIT,
    "unit_id",
    "donation_key",
    "state",
    "is_imported",
    "is_assumed",
    "made_at_facility_id",
    "ended_at_facility_id",
    "patient_key",
    "prepared_on",
    "released_at",
    "issued_at",
    "received_at",
    "ended_at",
    "ended_on",
)

_OF_REQUESTS = {
    "requests": "orders of the hospital for units needed (else ordered) in the month",
    "requests_with_urgency": "of them, orders that say how urgent they are",
    "urgent_requests": "of them, urgent or emergency",
    "requested_patient": "units ordered for patients",
    "cancelled_patient": "of them, cancelled",
    "filled_patient": "of the rest, received by the time needed",
    "filled_exact_patient": "of them, of the group ordered",
    "requested_stock": "units ordered for the hospital's stock",
    "cancelled_stock": "of them, cancelled",
    "filled_stock": "of the rest, received by the time needed",
    "filled_exact_stock": "of them, of the group ordered",
    "filled_late": "units that filled orders of either kind, but came late",
}
_OF_UNITS = {
    "collected": "units made of donations by the facility; imports and what was made of other units apart",
    "received": "arrived at the facility, returns apart",
    "issued": "left the facility for hospitals",
    "returned": "left the facility as a return",
    "came_back": "arrived at the facility as a return",
    "transfused": "transfused there, by the day they began; those without a date are of no month",
    "outdated": "came to the end of their dating untransfused, presumed ones too",
    "presumed_outdated": "of them, without a report of their end",
    "wasted": "mishandled",
    "discarded": "discarded for a test or for quality",
    "discarded_after_release": "of them, when they were stock: released, issued or imported",
    "transfused_o_neg": "of transfused, O-negative",
    "o_neg_to_others": "of them, to patients known to be of another group",
    "o_neg_to_unknown": "of them, to patients of unknown group",
}
TABLE = Table(
    tier="l2",
    name="facility_scorecard",
    grain="a local month, facility and component with anything to count, from the first record to the as-of day",
    key=("month_on", "facility_id", "component"),
    fields=(
        Field("month_on", DATE, "first day of the month", required=True),
        Field("facility_id", TEXT, "the facility, listed or not; 'unknown' where no record tells", required=True),
        Field("component", TEXT, "component; 'unknown' where the unit is not here", required=True),
        Field("facility_name", TEXT, "its name; null where it is not listed"),
        Field("facility_kind", TEXT, "collection, processing, hub, hospital or external; null likewise"),
        Field("region", TEXT, "its region; 'unknown' where no record tells", required=True),
        Field("is_complete", FLAG, "the month had ended by the end of the as-of day", required=True),
        *(Field(name, INT, doc, required=True) for name, doc in _OF_REQUESTS.items()),
        *(Field(name, DOSES, f"{doc} (adult doses of platelets, else units)", True) for name, doc in _OF_UNITS.items()),
        Field("transfused_units", INT, "transfused, in units whatever the component", required=True),
        Field("crossmatched_units", INT, "reservations with a crossmatch, one a unit and time", required=True),
        Field("aged_receipts", INT, "arrivals of units whose collection is known, returns apart", required=True),
        Field("receipt_age_days", NUMBER, "sum of their ages at arrival, days since collection", required=True),
        Field("aged_transfusions", INT, "transfusions of units whose collection is known", required=True),
        Field("transfusion_age_days", NUMBER, "sum of their ages at transfusion, days", required=True),
        *(Field(name, NUMBER, f"{doc}; null where the divisor is 0") for name, doc in RATES.items()),
    ),
    law="the sum of transfused_units = dated transfusions of units",
)


def build(  # noqa: PLR0913 -- an argument is a table
    units: DataFrame,
    unit_parents: DataFrame,
    unit_events: DataFrame,
    moves: DataFrame,
    blood_requests: DataFrame,
    patients: DataFrame,
    places: DataFrame,
    *,
    as_of: date,
    params: Mapping[str, Any],
) -> DataFrame:
    """Scorecards of every month up to that of `as_of`.

    Args:
        units: the units' state at `as_of`.
        unit_parents: tells what was made of other units, and so was not collected as it is.
        unit_events: reservations with their crossmatch.
        moves: `placed_moves`: movements of units.
        blood_requests: orders of hospitals.
        patients: admissions that tell a patient's group.
        places: `all_facilities`: time zones, regions, kinds and names.
        as_of: last local day that counts.
        params: crossmatch_methods (what counts as a crossmatch).
    """
    known = kept(with_origin(units.select(*UNIT_COLUMNS), unit_parents))
    methods = tuple(params["crossmatch_methods"])
    found = [
        made_and_ended(known),
        o_neg_transfused(known, patients),
        moved(moves),
        crossmatched(unit_events, known, places, methods),
        requested(blood_requests, moves, places, as_of=as_of),
    ]
    counted = _summed(reduce(lambda rows, more: rows.unionByName(more, allowMissingColumns=True), found), as_of)
    named = counted.join(F.broadcast(named_places(places)), "facility_id", how="left")
    return (
        named.withColumn("region", F.coalesce("region", F.lit(UNKNOWN)))
        .withColumn("is_complete", F.last_day("month_on") <= F.lit(as_of))
        .withColumns(rates())
        .select(*TABLE.columns)
    )


def _summed(rows: DataFrame, as_of: date) -> DataFrame:
    kinds = dict.fromkeys(COUNTS, "int") | dict.fromkeys(QUANTITIES, DOSES)
    sums = [F.coalesce(F.sum(name), F.lit(0)).cast(kind).alias(name) for name, kind in kinds.items()]
    sums += [(F.coalesce(F.sum(seconds), F.lit(0)) / SECONDS_A_DAY).alias(days) for days, seconds in AGES.items()]
    facility_id, component, on = PLACE
    dated = rows.where(F.col(on) <= F.lit(as_of)).withColumn("month_on", F.trunc(on, "month"))
    return dated.groupBy("month_on", facility_id, component).agg(*sums)
