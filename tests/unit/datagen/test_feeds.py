"""Every record is one that its feed declares, of the declared types; no feed is missing."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from world_files import Records

from lakehouse.domain.check_character import check_character
from lakehouse.l1.feeds import FEEDS
from lakehouse.table import DATE, FLAG, INSTANT, INT, LONG, NUMBER, TEXT


def _is_instant(value: Any) -> bool:
    return isinstance(value, str) and value.endswith("Z") and datetime.fromisoformat(value).tzinfo is not None


FITS: dict[Any, Callable[[Any], bool]] = {
    TEXT: lambda value: isinstance(value, str) and value != "",
    FLAG: lambda value: isinstance(value, bool),
    INT: lambda value: type(value) is int,
    LONG: lambda value: type(value) is int,
    NUMBER: lambda value: type(value) in (int, float),
    DATE: lambda value: len(value) == 10 and date.fromisoformat(value) is not None,
    INSTANT: _is_instant,
}
NEVER_SENT = {
    "donations": set(),
    "patients": {"bag_id"},
    "test_results": {"bag_id"},
    "components": {"bag_id"},
    "distribution": {"bag_id"},
    "unit_events": {"request_id"},
    "blood_requests": {"replaces_request_id"},
    "dispositions": {"replaces_disposition_id"},
    "donors": set(),
}


@pytest.mark.parametrize("feed", sorted(FEEDS))
def test_records__fit_their_feed(feed: str, records: Records) -> None:
    declared = {field.name: FITS[field.type] for field in FEEDS[feed].source_fields}
    assert records[feed]
    for record in records[feed]:
        unfit = {name: value for name, value in record.items() if name not in declared or not declared[name](value)}
        assert not unfit
        assert set(FEEDS[feed].required) <= set(record)


@pytest.mark.parametrize("feed", sorted(FEEDS))
def test_fields__all_sent_somewhere_but_those_left_to_others(feed: str, records: Records) -> None:
    sent = {name for record in records[feed] for name in record}
    declared = {field.name for field in FEEDS[feed].source_fields} - {"is_void"}
    rare = {"died_on", "deceased_on"}
    assert declared - sent - rare == NEVER_SENT.get(feed, set())


@pytest.mark.parametrize("feed", sorted(FEEDS))
def test_happenings__are_recorded_after_they_happened(feed: str, records: Records) -> None:
    name = FEEDS[feed].happens_at
    if name is None:
        assert all(record["recorded_at"] for record in records[feed])
    else:
        assert all(str(record[name]) <= record["recorded_at"] for record in records[feed] if name in record)


def test_keys__of_feeds_that_send_once_are_unique(records: Records) -> None:
    twice = {"donors", "donations", "patients", "blood_requests", "distribution"}
    for feed in set(FEEDS) - twice:
        keys = [tuple(record.get(name) for name in FEEDS[feed].key) for record in records[feed]]
        assert len(keys) == len(set(keys)), feed


def test_donation_numbers__carry_their_check_character(records: Records) -> None:
    numbers = [record["din"] for record in records["donations"]]
    numbers += [record["unit_id"].split("-")[0] for record in records["components"]]
    assert all(len(number) == 14 and check_character(number[:13]) == number[13] for number in numbers)
    assert check_character("G123498654321") == "H"
