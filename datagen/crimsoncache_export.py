"""A made-up region as CrimsonCache's SQLite database: one bag a donation, whose status says what became of it.

CrimsonCache knows no components: the bag stands for the red cells of a donation, or for the first platelets of an
apheresis. Patients carry one bag each; what else they got is used without a patient.
"""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

import polars as pl

from datagen.state import StateError

COLUMNS = {
    "donors": (
        *("donor_id", "unique_id", "name", "birthdate", "age", "sex", "ethnicity", "blood_type"),
        *("first_donation_date", "last_donation_date", "total_donations"),
    ),
    "employees": ("employee_id", "name", "hire_date"),
    "hospitals": ("NPI", "address", "tel", "POC"),
    "donation_events": (
        *("event_id", "start_datetime", "end_datetime", "total_units"),
        *("a_pos", "a_neg", "b_pos", "b_neg", "o_pos", "o_neg", "ab_pos", "ab_neg"),
    ),
    "event_employees": ("event_id", "employee_id"),
    "donations": ("bag_id", "donor_id", "event_id", "donation_date", "test_date", "test_result", "status"),
    "patients": ("patient_id", "admission_date", "bag_id"),
    "blood_requests": (
        "request_id",
        "NPI",
        "request_datetime",
        "units_requested",
        "blood_type",
        "status",
        "patient_id",
    ),
    "distribution": ("distribution_id", "bag_id", "NPI", "distribution_date", "request_id"),
}
"""CrimsonCache's tables and their columns; the first column is the key, but for those with two."""
KEYS = {"event_employees": ("event_id", "employee_id"), "patients": ("patient_id", "admission_date")}

_DIN_LENGTH = 14
_OF_A_BAG = ("01", "51", "03", "53")
"""Places in a donation of the unit that its bag stands for, as collected and as irradiated."""

# What is not CrimsonCache's, and is gone when the database is finished.
_STAGED = """
CREATE TABLE staged_bags (din TEXT PRIMARY KEY, bag_id TEXT);
CREATE TABLE staged_issues
    (din TEXT, distribution_id TEXT PRIMARY KEY, NPI TEXT, distribution_date TEXT, request_id TEXT);
CREATE TABLE staged_ends (din TEXT, kind TEXT, patient_id TEXT, admission_id TEXT);
CREATE TABLE staged_admissions (admission_id TEXT PRIMARY KEY, patient_id TEXT, admission_date TEXT);
"""
_FINISHED = """
INSERT INTO distribution SELECT distribution_id, bag_id, NPI, distribution_date, request_id
    FROM staged_issues JOIN staged_bags USING (din) ORDER BY distribution_id;
UPDATE donations SET status = 'available' WHERE status IS NULL;
UPDATE donations SET status = 'used' WHERE bag_id IN
    (SELECT bag_id FROM staged_ends JOIN staged_bags USING (din) WHERE kind = 'transfused');
UPDATE donations SET status = 'discarded' WHERE bag_id IN
    (SELECT bag_id FROM staged_ends JOIN staged_bags USING (din) WHERE kind NOT IN ('transfused', 'consumed'));
INSERT OR IGNORE INTO patients SELECT e.patient_id, admission_date, bag_id
    FROM staged_ends AS e JOIN staged_bags USING (din) JOIN staged_admissions USING (admission_id)
    WHERE kind = 'transfused' ORDER BY admission_id, bag_id;
DROP TABLE staged_bags;
DROP TABLE staged_issues;
DROP TABLE staged_ends;
DROP TABLE staged_admissions;
"""


@contextmanager
def database_at(path: Path) -> Iterator["Database"]:
    """A CrimsonCache database in the making: hidden until the block ends, and gone where it fails.

    Raises:
        StateError: there is a file already.
        OSError: it can't be written.
    """
    if path.exists():
        raise StateError(f"there is a file at {path} already: take another name")
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name(f".{path.name}.tmp")
    hidden.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(hidden)) as connection:
            database = Database(connection)
            yield database
            database.finish()
        hidden.replace(path)
    except sqlite3.OperationalError as problem:
        raise OSError(errno.EIO, str(problem)) from problem
    finally:
        hidden.unlink(missing_ok=True)


class Database:
    """A new CrimsonCache database on an open connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        for table, columns in COLUMNS.items():
            key = ", ".join(KEYS.get(table, columns[:1]))
            self._connection.execute(f"CREATE TABLE {table} ({', '.join(columns)}, PRIMARY KEY ({key}))")
        self._connection.executescript(_STAGED)

    def take(self, frames: dict[str, pl.DataFrame], *, first: date, last: date) -> None:
        """Put in the records of some days; a later version takes the place of an earlier one."""
        for table in ("donors", "employees", "hospitals", "donation_events", "event_employees", "blood_requests"):
            self._put(table, frames.get(table), COLUMNS[table])
        self._put("donations", frames.get("donations"), COLUMNS["donations"])
        self._put("staged_bags", frames.get("donations"), ("din", "bag_id"))
        self._put("staged_admissions", frames.get("patients"), ("admission_id", "patient_id", "admission_date"))
        moved = _of_bags(frames.get("distribution"))
        if moved is not None:
            issued = moved.filter((pl.col("kind") == "issue") & pl.col("NPI").is_not_null())
            self._put("staged_issues", issued, ("din", "distribution_id", "NPI", "distribution_date", "request_id"))
        self._put("staged_ends", _of_bags(frames.get("dispositions")), ("din", "kind", "patient_id", "admission_id"))

    def finish(self) -> None:
        """Work out what became of the bags."""
        self._connection.executescript(_FINISHED)
        self._connection.commit()

    def _put(self, table: str, frame: pl.DataFrame | None, columns: tuple[str, ...]) -> None:
        if frame is None:
            return
        missing = [pl.lit(None).alias(name) for name in columns if name not in frame.columns]
        rows = frame.with_columns(missing).select(columns).rows()
        marks = ", ".join("?" * len(columns))
        self._connection.executemany(f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)


def _of_bags(frame: pl.DataFrame | None) -> pl.DataFrame | None:
    """The rows about the unit that a bag stands for, with its donation number."""
    if frame is None:
        return None
    rows = frame.filter(pl.col("unit_id").str.slice(-2).is_in(_OF_A_BAG))
    return rows.with_columns(pl.col("unit_id").str.slice(0, _DIN_LENGTH).alias("din"))
