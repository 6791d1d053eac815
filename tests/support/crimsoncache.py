"""A database as the original CrimsonCache project writes it: no field of ours, integer NPIs, results as 0 and 1.

It is as dirty as real exports are: ages that are no longer true, dates out of order, a donor who gave too soon,
four ways to write a telephone number, a hospital without an address.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from datagen.crimsoncache import import_database
from datagen.landing import Folder
from tests.support.lakes import LAST_DAY, settle

Record = dict[str, Any]
GROUPS = ("O positive", "A positive", "B negative", "AB negative")
PHONES = ("(701) 555-0100", "701.555.0101", "+1 701 555 0102", "7015550103")
NPIS = tuple(1000000001 + number for number in range(len(PHONES)))
DONORS = 100
DIRTY = {
    "an age that is no longer true": {"birthdate": "1950-02-28", "age": 7},
    "last before first": {"first_donation_date": "2023-05-01", "last_donation_date": "2021-05-01"},
    "more than anyone can give": {"first_donation_date": "2023-12-01", "total_donations": 400},
    "no first, no last": {"first_donation_date": None, "last_donation_date": None, "total_donations": 0},
}
"""What donors of a real export have wrong, by number from 0 on."""
TOO_SOON = "O positive-ffffffff"
"""The bag of a donation five days after the donor's last."""


@dataclass(frozen=True)
class Story:
    """A donation as CrimsonCache tells it, and the unit that must come of it on `LAST_DAY`."""

    name: str
    days_ago: int
    status: str
    state: str
    ended_days_ago: int | None = None
    is_passed: bool | None = True
    admitted_days_ago: int | None = None
    distributed_days_ago: int | None = None


STORIES = (
    Story("fresh", 5, "available", "available"),
    Story("kept for someone", 10, "reserved", "reserved"),
    Story("last day", 34, "available", "available"),
    Story("past its dating", 36, "available", "outdated", ended_days_ago=1),
    Story("thrown away", 20, "discarded", "discarded", ended_days_ago=19),
    Story("used by a patient", 15, "used", "transfused", ended_days_ago=6, admitted_days_ago=6),
    Story("used at a hospital", 15, "used", "transfused", ended_days_ago=8, distributed_days_ago=8),
    Story("used somewhere", 15, "used", "transfused"),
    Story("sent, then used", 18, "used", "transfused", ended_days_ago=3, admitted_days_ago=3, distributed_days_ago=9),
    Story("failed its test", 7, "available", "quarantined", is_passed=False),
    Story("not tested yet", 0, "available", "available", is_passed=None),
)


def bag_of(story: Story) -> str:
    """The bag of a story's donation."""
    return f"O positive-{STORIES.index(story):08x}"


def donors() -> Iterator[Record]:
    dirty = list(DIRTY.values())
    for number in range(DONORS):
        donor = {
            "donor_id": f"donor-{number}",
            "unique_id": f"u-{number}",
            "name": f"Donor {number}",
            "birthdate": f"19{50 + number % 50}-03-04",
            "age": 40,
            "sex": "Female" if number % 2 else "Male",
            "ethnicity": "unknown",
            "blood_type": GROUPS[number % len(GROUPS)],
            "first_donation_date": "2020-01-01",
            "last_donation_date": "2024-01-01",
            "total_donations": 3,
        }
        yield donor | (dirty[number] if number < len(dirty) else {})


def land_world(landing: Path) -> None:
    """Land donors, hospitals, sessions, donations, patients, requests and movements, from a database of them."""
    database = landing.parent / "export.sqlite3"
    with closing(sqlite3.connect(database)) as connection, connection:
        for table, records in _tables().items():
            _insert(connection, table, records)
    import_database(database, Folder(landing), LAST_DAY)
    settle(landing)


def _tables() -> dict[str, Sequence[Record]]:
    session = {"event_id": "e1", "start_datetime": "2024-01-01T09:00:00", "end_datetime": "2024-01-01T15:00:00"}
    request = {
        "request_id": "q1",
        "NPI": NPIS[0],
        "request_datetime": f"{LAST_DAY}T08:00:00",
        "units_requested": 4,
        "blood_type": "A positive",
        "status": "open",
    }
    too_soon = _donation(STORIES[0]) | {"bag_id": TOO_SOON, "donation_date": str(LAST_DAY), "status": "discarded"}
    return {
        "donors": list(donors()),
        "hospitals": [
            {"NPI": npi, "address": "1 Main St" if number else None, "tel": PHONES[number], "POC": "the desk"}
            for number, npi in enumerate(NPIS)
        ],
        "donation_events": [session | {"total_units": len(STORIES) + 1, "a_pos": 2}],
        "donations": [*map(_donation, STORIES), too_soon | {"test_date": None, "test_result": None}],
        "patients": list(_patients()),
        "blood_requests": [request],
        "distribution": list(_movements()),
    }


def _insert(connection: sqlite3.Connection, table: str, records: Sequence[Record]) -> None:
    names = list(records[0])
    connection.execute(f"CREATE TABLE {table} ({', '.join(names)})")
    places = ", ".join("?" * len(names))
    connection.executemany(f"INSERT INTO {table} VALUES ({places})", [tuple(r[n] for n in names) for r in records])


def _donation(story: Story) -> Record:
    given_on = _day(story.days_ago)
    return {
        "bag_id": bag_of(story),
        "donor_id": f"donor-{4 * STORIES.index(story)}",
        "event_id": "e1",
        "donation_date": str(given_on),
        "test_date": None if story.is_passed is None else str(given_on + timedelta(days=1)),
        "test_result": None if story.is_passed is None else int(story.is_passed),
        "status": story.status,
    }


def _patients() -> Iterator[Record]:
    for story in STORIES:
        if story.admitted_days_ago is not None:
            admitted_on = str(_day(story.admitted_days_ago))
            yield {"patient_id": f"p {story.name}", "admission_date": admitted_on, "bag_id": bag_of(story)}


def _movements() -> Iterator[Record]:
    for number, story in enumerate(STORIES):
        if story.distributed_days_ago is not None:
            yield {
                "distribution_id": f"m{number}",
                "bag_id": bag_of(story),
                "NPI": NPIS[number % len(NPIS)],
                "distribution_date": str(_day(story.distributed_days_ago)),
                "request_id": "q1",
            }


def _day(days_ago: int) -> date:
    return LAST_DAY - timedelta(days=days_ago)
