"""Columns that are computed from a record before its rules judge it: what no single field says.

They are pure, begin with `_is_`, `_has_`, `_hours_` or `_years_` (or name fields: `_rescued_names`, `_misfits`,
`_unknown_fields`), and are never stored.
"""

import string
import zoneinfo
from collections.abc import Callable, Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.table import Feed

GROUPS = tuple(f"{abo} {sign}" for abo in ("O", "A", "B", "AB") for sign in ("positive", "negative"))
OUTCOMES = ("non_reactive", "reactive", "inconclusive")

# A day of delivery is local to its sender, whose zone the gate does not know: it is over when it is over in the
# westernmost zone, UTC-12. Without this every evening event west of Greenwich would look ahead of its arrival.
HOURS_WEST = 12

# Where a feed says when it happened in a second way.
ELSE_HAPPENED = {"donations": "donation_date"}

# A withdrawal needs no more than its key; where a feed has an alternative key, this column is all of it.
WHOLE_KEY = {"donations": "din", "patients": "admission_id"}

# Hours from the second instant to the first, by feed; negative where they are the wrong way round.
SPANS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "donors": {"_hours_first_to_last_donation": ("last_donation_date", "first_donation_date")},
    "patients": {
        "_hours_to_discharge": ("discharged_on", "admission_date"),
        "_hours_to_death": ("died_on", "admission_date"),
    },
    "donation_events": {"_hours_open": ("end_datetime", "start_datetime")},
    "donor_visits": {"_hours_deferred": ("deferred_until", "visited_at")},
    "donations": {
        "_hours_to_test": ("test_date", "donation_date"),
        "_hours_into_donation_date": ("collected_at", "donation_date"),
    },
    "components": {
        "_hours_to_preparation": ("prepared_at", "collected_at"),
        "_hours_to_expiry": ("expires_at", "prepared_at"),
        "_hours_to_irradiation": ("irradiated_at", "collected_at"),
    },
    "blood_requests": {
        "_hours_to_need": ("needed_at", "request_datetime"),
        "_hours_to_close": ("closed_at", "request_datetime"),
    },
    "distribution": {"_hours_in_transit": ("received_at", "shipped_at")},
    "dispositions": {"_hours_to_end": ("ended_at", "happened_at")},
}


def with_checks(rows: DataFrame, feed: Feed) -> DataFrame:
    """L1 rows of `feed` and the computed columns that its rules judge."""
    # By itself first: what was rescued is parsed once a row, whoever asks for its names.
    named = rows.select("*", F.json_object_keys("_rescued").alias("_rescued_names"))
    return named.select("*", *[check.alias(name) for name, check in checks(feed).items()])


def checks(feed: Feed) -> dict[str, Column]:
    """The computed columns of a feed, by name."""
    return _general(feed) | _presence(feed) | _spans(feed) | _special(feed)


def _general(feed: Feed) -> dict[str, Column]:
    names = [field.name for field in feed.source_fields]
    found = {
        "_is_record": F.col("_raw").isNull(),
        "_unreadable": misfits([name for name in names if name in vital_fields(feed)]),
        "_misfits": misfits([name for name in names if name not in vital_fields(feed)]),
        "_unknown_fields": unknown_fields(feed),
        "_hours_recorded_ahead": hours_between(F.col("recorded_at"), arrived_at()),
    }
    if feed.happens_at:
        found["_hours_ahead"] = hours_between(happened_at(feed), arrived_at())
    return found


def happened_at(feed: Feed) -> Column:
    """When the event happened; a bare date is its midnight."""
    candidates = [F.col(str(feed.happens_at)).cast("timestamp")]
    if feed.name in ELSE_HAPPENED:
        candidates.append(F.col(ELSE_HAPPENED[feed.name]).cast("timestamp"))
    return F.coalesce(*candidates)


def arrived_at() -> Column:
    """The latest that a record can have arrived: the end of its day of delivery anywhere, else its ingest."""
    day_after = F.date_add(F.col("_delivered_on"), 1).cast("timestamp")
    return F.coalesce(day_after + F.expr(f"INTERVAL {HOURS_WEST} HOURS"), F.col("_ingested_at"))


def hours_between(later: Column, earlier: Column) -> Column:
    """Hours from `earlier` to `later`, with fractions."""
    return (F.unix_micros(later.cast("timestamp")) - F.unix_micros(earlier.cast("timestamp"))) / F.lit(3.6e9)


def vital_fields(feed: Feed) -> set[str]:
    """Fields that place a record: if one can't be read, the record can't be placed (key, order, time, withdrawal)."""
    times = {feed.happens_at, ELSE_HAPPENED.get(feed.name)} - {None}
    return {*feed.key, *(str(name) for name in times), "recorded_at", "is_void"}


def misfits(names: Sequence[str]) -> Column:
    """Those of the fields `names` whose value did not fit its type, or NULL.

    A bare date where an instant is due is in `_rescued` too, but has its value: it is no misfit.
    """
    empty = F.array(*[F.when(F.col(name).isNull(), F.lit(name)) for name in names])
    return _listed(F.array_intersect("_rescued_names", empty))


def unknown_fields(feed: Feed) -> Column:
    """Names of the fields that the feed does not declare, or NULL."""
    declared = F.array(*[F.lit(field.name) for field in feed.source_fields])
    return _listed(F.array_except("_rescued_names", declared))


def _listed(names: Column) -> Column:
    """Names as one text, NULL for none; computed only where something was rescued."""
    return F.when(F.col("_rescued").isNotNull(), F.nullif(F.array_join(F.sort_array(names), ", "), F.lit("")))


def _presence(feed: Feed) -> dict[str, Column]:
    """`_has_<field>` of required fields that a withdrawal may leave out."""
    whole_key = WHOLE_KEY.get(feed.name)
    spared = [name for name in feed.required if whole_key or name not in feed.key]
    withdraws = F.coalesce(F.col("is_void"), F.lit(False))
    key_enough = withdraws & F.col(whole_key).isNotNull() if whole_key else withdraws
    return {f"_has_{name}": F.col(name).isNotNull() | key_enough for name in spared}


def _spans(feed: Feed) -> dict[str, Column]:
    spans = SPANS.get(feed.name, {})
    return {name: hours_between(F.col(later), F.col(earlier)) for name, (later, earlier) in spans.items()}


def _special(feed: Feed) -> dict[str, Column]:
    found = _SPECIAL[feed.name]() if feed.name in _SPECIAL else {}
    if any(field.name == "din" for field in feed.fields):
        found["_is_din_checked"] = is_din_checked(F.col("din"))
    return found


def is_din_checked(din: Column) -> Column:
    """Whether a donation number ends in the check character of ISO 7064 mod 37-2; NULL for NULL.

    Doubling after every character makes the weight of the i-th of 13 characters 2^(14-i) mod 37, so the
    recurrence is a plain sum, which Spark compiles; it costs no loop a row.
    """
    weighted = [_character_value(F.substring(din, i, 1)) * F.lit(pow(2, 14 - i, 37)) for i in range(1, 14)]
    total = weighted[0]
    for term in weighted[1:]:
        total = total + term
    expected = (F.lit(38) - total % F.lit(37)) % F.lit(37)
    is_formed = din.rlike("^[0-9A-Z]{13}[0-9A-Z*]$")
    return is_formed & (_character_value(F.substring(din, 14, 1)) == expected)


def _character_value(character: Column) -> Column:
    """Value of a character of 0-9A-Z*, where 0-9 are 0 to 9, A-Z 10 to 35 and * 36."""
    code = F.ascii(character)
    first_letter = ord(string.ascii_uppercase[0])
    return (
        F.when(code >= first_letter, code - first_letter + 10)
        .when(code == ord("*"), F.lit(36))
        .when(code >= ord("0"), code - ord("0"))
    )


def _of_donors() -> dict[str, Column]:
    return {"_years_old": F.months_between(arrived_at(), F.col("birthdate").cast("timestamp")) / F.lit(12)}


def _of_patients() -> dict[str, Column]:
    years = F.year("admission_date") - F.col("birth_year")
    return {"_years_old": years, "_has_hospital": _has_any("hospital", "NPI")}


def _of_facilities() -> dict[str, Column]:
    return {"_is_iana_zone": F.col("timezone").isin(*sorted(zoneinfo.available_timezones()))}


def _of_test_results() -> dict[str, Column]:
    """Typing gives a group, every other marker a reaction; NULL where either is missing."""
    result = F.col("result")
    reaction = result.isin(*OUTCOMES)
    group = result.isin(*GROUPS) | (result == "inconclusive")
    fits = F.when(F.col("marker") == "abo_rhd", group).when(F.col("marker") != "abo_rhd", reaction)
    return {"_has_donation": _has_any("din", "bag_id"), "_is_result_of_marker": fits}


def _of_unit_parents() -> dict[str, Column]:
    return {"_is_other_unit": F.col("unit_id") != F.col("parent_unit_id")}


def _of_blood_requests() -> dict[str, Column]:
    return {"_units_left": F.col("units_requested") - F.col("units_cancelled")}


def _of_distribution() -> dict[str, Column]:
    """An original record has no kind: it is an issue to a hospital."""
    elsewhere = F.coalesce("kind", F.lit("issue")) != "issue"
    return {
        "_has_unit_or_bag": _has_any("bag_id", "unit_id"),
        "_has_destination": elsewhere | _has_any("NPI", "to_facility_id"),
    }


def _of_dispositions() -> dict[str, Column]:
    """NULL where the kind is missing."""
    return {"_has_patient": (F.col("kind") != "transfused") | _has_any("patient_id", "admission_id")}


def _has_any(*names: str) -> Column:
    """Whether a record names at least one of `names`, or is a withdrawal."""
    given = F.coalesce(F.col("is_void"), F.lit(False))
    for name in names:
        given = given | F.col(name).isNotNull()
    return given


_SPECIAL: Mapping[str, Callable[[], dict[str, Column]]] = {
    "donors": _of_donors,
    "patients": _of_patients,
    "facilities": _of_facilities,
    "test_results": _of_test_results,
    "unit_parents": _of_unit_parents,
    "blood_requests": _of_blood_requests,
    "distribution": _of_distribution,
    "dispositions": _of_dispositions,
}
