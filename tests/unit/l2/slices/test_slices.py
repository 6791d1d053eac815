"""Refreshed by slices is what building whole gives, whatever records came late, twice, corrected or withdrawn."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from lakehouse.l2.pipeline import DERIVATIVES, Derivative
from tests.support.lakes import content
from tests.support.lives import PARAMS as LIVES
from tests.support.releases import Release
from tests.unit.l2.derivatives.test_deviations import FEEDS as DEVIATING
from tests.unit.l2.derivatives.test_unit_moves import FEEDS as MOVED
from tests.unit.l2.derivatives.test_units import FEEDS as UNITS
from tests.unit.l2.derivatives.test_units_assumed import FEEDS as ASSUMED

NAMES = ("units", "unit_moves", "inventory_daily", "deviations")
SLICED: list[Derivative] = [step for name in NAMES for step in DERIVATIVES if step.table.name == name]
OWN = (
    "unit_event_id",
    "distribution_id",
    "disposition_id",
    "test_id",
    "admission_key",
    "donation_key",
)
IDS = (
    *OWN,
    "unit_id",
    "parent_unit_id",
    "din",
    "bag_id",
    "donor_key",
    "event_id",
    "request_id",
    "replaces_disposition_id",
)
DAYS = (
    "happened_at",
    "shipped_at",
    "received_at",
    "distributed_at",
    "resulted_at",
    "prepared_at",
    "made_at",
    "collected_at",
    "donated_on",
    "tested_on",
    "admitted_on",
    "expires_at",
)
FIRST_DAY = date(2024, 3, 2)
PARAMS = LIVES | {"inventory_history_days": 10}
# A source that delivers components no more: its donation stands for no unit, though nothing of it is open.
DRY: Mapping[str, list[dict[str, Any]]] = {
    "components": [{"unit_id": "last", "din": "last", "prepared_at": "2024-01-02", "source_system": "dry",
                    "expires_at": "2024-02-02"}],
    "donations": [
        {"donation_key": "last", "din": "last", "donor_key": "d", "donated_on": "2024-01-01", "source_system": "dry"},
        {"donation_key": "unmade", "din": "unmade", "donor_key": "d", "donated_on": "2024-01-01",
         "source_system": "dry"},
    ],
    "dispositions": [{"disposition_id": "last", "unit_id": "last", "kind": "wasted", "happened_at": "2024-01-05"}],
}  # fmt: skip
Record = dict[str, Any]


def _records() -> dict[str, list[Record]]:
    """The worlds of four tests and one of ours side by side, told apart by a letter before each id."""
    feeds: dict[str, list[Record]] = {}
    for letter, world in (("m", MOVED), ("u", UNITS), ("a", ASSUMED), ("d", DRY), ("v", DEVIATING)):
        for feed, rows in world.items():
            renamed = [
                {k: f"{letter}.{v}" if k in IDS and v is not None else v for k, v in row.items()} for row in rows
            ]
            # Each world is a source of its own: units are assumed where a source has no components.
            feeds.setdefault(feed, []).extend({"source_system": letter, **row} for row in renamed)
    return {feed: [{**row, "_line": line} for line, row in enumerate(rows, 1)] for feed, rows in feeds.items()}


RECORDS = _records()
CHOICES = [(feed, number) for feed, rows in RECORDS.items() for number in range(len(rows))]
FATES = ("came", "withdrawn", "corrected", "redated", "renamed", "resent")


def _was(record: Record, fate: str, other: Record, days: int) -> tuple[list[Record], Record]:
    """The versions of a record in the release before (none or one), and the one of now."""
    now = {**record, "_file_id": 2, "_batch_seq": 2}
    if fate == "came":
        return [], now
    if fate == "withdrawn":
        return [record], {**now, "is_void": True}
    if fate == "redated":
        return [{**record, **{name: _moved(record[name], days) for name in DAYS if record.get(name)}}], now
    if fate == "renamed":
        named = {
            name: other.get(name)
            for name in ("unit_id", "din", "bag_id")
            if name in record and name not in _key(record)
        }
        return [{**record, **named}], now
    if fate == "corrected":
        said = {name: value for name, value in other.items() if name not in IDS and not name.startswith("_")}
        return [{**record, **said}], now
    return [record], now


def _key(record: Record) -> tuple[str, ...]:
    """What must not change, for it is the record's key."""
    return () if any(name in record for name in OWN) else ("unit_id",)


def _moved(moment: str, days: int) -> str:
    parsed = datetime.fromisoformat(moment)
    return (
        str((parsed + timedelta(days=days)).date())
        if len(moment) == 10
        else (parsed + timedelta(days=days)).isoformat()
    )


def _of(feed: str, key: str, fate: str) -> tuple[Any, ...]:
    """A change of the record that has this key."""
    number = next(number for number, row in enumerate(RECORDS[feed]) if key in row.values())
    return (feed, number), fate, 0, -1


shifts = st.sampled_from([-9, -2, -1, 1, 2, 9])
change = st.tuples(st.sampled_from(CHOICES), st.sampled_from(FATES), st.integers(0, 99), shifts)
changes = st.lists(change, max_size=14, unique_by=lambda change: change[0])


@pytest.mark.parametrize(
    ("changes", "day", "days"),
    [
        ([], 35, 2),  # the dating of units passes whose end has no day
        ([_of("donations", "d.unmade", "resent")], 20, 1),
        ([_of("dispositions", "m.whole_life transfused", "redated")], 13, 0),  # on the first day that is told of
        ([], 33, 15),  # longer than the inventory reaches back
        # A group that judges an earlier transfusion, and a donation that came too shortly before another.
        ([_of("patients", "woman", "came"), _of("donations", "v.D5", "came")], 20, 0),
    ],
)
def test_refreshed__is_what_is_built_whole_too_where(
    spark: SparkSession, changes: list[Any], day: int, days: int
) -> None:
    _require_same(spark, changes, day, days)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=changes, day=st.integers(0, 45), days=st.integers(0, 12))
def test_refreshed__is_what_is_built_whole(spark: SparkSession, changes: list[Any], day: int, days: int) -> None:
    _require_same(spark, changes, day, days)


def _require_same(spark: SparkSession, changes: list[Any], day: int, days: int) -> None:
    worlds = _worlds(changes)
    as_of = FIRST_DAY + timedelta(days=day)
    before = Release(spark, worlds[0], as_of - timedelta(days=days))
    refreshed, whole = Release(spark, worlds[1], as_of, before=before), Release(spark, worlds[1], as_of)
    for step in SLICED:
        before.build(step, PARAMS)
    refreshed.refresh(SLICED, PARAMS)
    for step in SLICED:
        wanted = content(whole.build(step, PARAMS), step.table)
        assert content(refreshed.tables[step.table.name], step.table) == wanted, step.table.name


def _worlds(changes: list[Any]) -> tuple[Mapping[str, list[Record]], Mapping[str, list[Record]]]:
    fates = {choice: rest for choice, *rest in changes}
    before: dict[str, list[Record]] = {feed: [] for feed in RECORDS}
    now: dict[str, list[Record]] = {feed: [] for feed in RECORDS}
    for feed, rows in RECORDS.items():
        for number, row in enumerate(rows):
            if (feed, number) not in fates:
                before[feed].append(row)
                now[feed].append(row)
                continue
            fate, other, days = fates[feed, number]
            was, is_now = _was(row, fate, rows[other % len(rows)], days)
            before[feed] += was
            now[feed].append(is_now)
    return before, now
