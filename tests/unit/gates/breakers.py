"""For a rule of a suite, a change to a clean record that breaks it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from lakehouse.gates.checks import SPANS
from lakehouse.gates.suite import Rule
from lakehouse.table import DATE, INT, Feed
from tests.unit.gates.clean import CLEAN

ARRIVED = datetime(2024, 3, 6, 12, tzinfo=UTC)  # the end of 2024-03-05 in the westernmost zone
Changes = dict[str, Any]

BY_COLUMN: dict[tuple[str, str], Changes] = {
    ("donors", "_years_old"): {"birthdate": "2024-03-08"},
    ("patients", "_years_old"): {"birth_year": 2025},
    ("patients", "_has_hospital"): {"NPI": None},
    ("facilities", "_is_iana_zone"): {"timezone": "Europe/Atlantis"},
    ("test_results", "_has_donation"): {"din": None},
    ("test_results", "_is_result_of_marker"): {"result": "reactive"},
    ("unit_parents", "_is_other_unit"): {"parent_unit_id": "u2"},
    ("blood_requests", "_units_left"): {"units_cancelled": 5},
    ("distribution", "_has_unit_or_bag"): {"unit_id": None},
    ("distribution", "_has_destination"): {"NPI": None},
    ("dispositions", "_has_patient"): {"patient_id": None},
}
ANY_FEED: dict[str, Changes] = {
    "_is_record": {"_raw": "not json"},
    "_unreadable": {"_rescued": '{"recorded_at": "soon"}'},
    "_misfits": {"_rescued": '{"source_system": {"a": 1}}'},
    "_unknown_fields": {"_rescued": '{"shoe_size": 42}'},
    "_is_din_checked": {"din": "W0000240000010"},
}


BY_RULE: dict[str, Changes] = {
    "test_results.marker.known_value": {"marker": "no such marker", "result": "reactive"},
    "donation_events.start_datetime.too_early": {
        "start_datetime": "1979-12-31T08:00",
        "end_datetime": "1979-12-31T16:00",
    },
}


def breaker(rule: Rule, feed: Feed) -> Changes:
    """What to change in the clean record of `feed` so that it breaks `rule`, and nothing else."""
    return _alone(BY_RULE.get(rule.id) or _change(rule, feed), rule, feed)


def _alone(changes: Changes, rule: Rule, feed: Feed) -> Changes:
    """Also drop the instants that a moved one is measured against by another rule."""
    dropped: Changes = {}
    for span, ends in SPANS.get(feed.name, {}).items():
        if span != rule.kwargs["column"] and set(ends) & set(changes):
            dropped |= {end: None for end in ends if end not in changes and end not in feed.required}
    return dropped | changes


def _change(rule: Rule, feed: Feed) -> Changes:
    column = rule.kwargs["column"]
    if (feed.name, column) in BY_COLUMN:
        return BY_COLUMN[feed.name, column]
    if column in ANY_FEED:
        return ANY_FEED[column]
    if column.startswith("_has_"):
        return {column.removeprefix("_has_"): None}
    if column in ("_hours_ahead", "_hours_recorded_ahead"):
        return _ahead(rule, feed, column)
    if column in SPANS.get(feed.name, {}):
        return _span(rule, feed, column)
    return {column: _value(rule, _type(feed, column))}


def _ahead(rule: Rule, feed: Feed, column: str) -> Changes:
    field = "recorded_at" if column == "_hours_recorded_ahead" else str(feed.happens_at)
    moment = ARRIVED + timedelta(hours=rule.kwargs["max_value"] + 13)
    return {field: _as(_type(feed, field), moment if rule.severity == "critical" else ARRIVED + timedelta(hours=13))}


def _span(rule: Rule, feed: Feed, column: str) -> Changes:
    """The later instant put just outside the bound; a date by whole days. What else dates the record gives way."""
    later, earlier = SPANS[feed.name][column]
    start = datetime.fromisoformat(CLEAN[feed.name][earlier]).replace(tzinfo=UTC)
    low, high = rule.kwargs.get("min_value"), rule.kwargs.get("max_value")
    hours = low - (24 if _type(feed, later) == DATE else 0.5) if low is not None else high + 1
    return {later: _as(_type(feed, later), start + timedelta(hours=hours))}


def _as(kind: Any, moment: datetime) -> Any:
    return moment.date() if kind == DATE else moment


def _type(feed: Feed, column: str) -> Any:
    return next(field.type for field in feed.source_fields if field.name == column)


def _value(rule: Rule, kind: Any) -> Any:
    """A value of the column's own type that breaks a rule on values."""
    kwargs = rule.kwargs
    if rule.type == "expect_column_values_to_not_be_null":
        return None
    if rule.type == "expect_column_values_to_be_in_set":
        return "no such value"
    if rule.type == "expect_column_values_to_match_regex":
        return "no such form"
    if rule.type == "expect_column_values_to_be_between":
        return _outside(kwargs, kind)
    raise KeyError(f"{rule.id}: no breaker for {rule.type}")


def _outside(kwargs: dict[str, Any], kind: Any) -> Any:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if isinstance(low, str):
        return _as(kind, datetime.fromisoformat(low).replace(tzinfo=UTC) - timedelta(days=1))
    if high is not None:
        return high + (1 if kind == INT else 0.5)
    return low - (1 if kind == INT else 0.5)
