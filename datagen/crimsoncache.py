"""CrimsonCache's SQLite tables: any such database becomes landing files.

CrimsonCache calls its tables and columns as the feeds do. Values go on as they are, wrong ones too: the lake's gates
judge them, and no export is clean. Tables that no feed knows are named and left where they are.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson

from datagen.landing import Store
from datagen.state import StateError

FEEDS_THERE = (
    *("donors", "employees", "hospitals", "donation_events", "event_employees"),
    *("donations", "patients", "blood_requests", "distribution"),
)
ROWS_A_FILE = 200_000


@dataclass
class Imported:
    """Records per feed, and the tables that were left out."""

    counts: Counter[str] = field(default_factory=Counter)
    left_out: list[str] = field(default_factory=list)


def exported_on(database: Path) -> date:
    """The day that a database file was last written (UTC)."""
    return datetime.fromtimestamp(database.stat().st_mtime, UTC).date()


def import_database(database: Path, store: Store, delivered_on: date) -> Imported:
    """Turn a database into landing files, delivered on a day.

    Raises:
        StateError: the file is no SQLite database, or has none of CrimsonCache's tables.
    """
    if not database.is_file():
        raise StateError(f"there is no database at {database}")
    found = Imported()
    try:
        # Read only: an import must not change what it reads, nor make what is not there.
        with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            connection.text_factory = lambda content: content.decode("utf-8", "surrogateescape")
            tables = _tables(connection)
            found.left_out = sorted(table for table, feed in tables.items() if feed is None)
            for table, feed in tables.items():
                if feed:
                    found.counts[feed] += _write(connection, table, feed, database.stem, store, delivered_on)
    except sqlite3.DatabaseError as error:
        raise StateError(f"{database} is no SQLite database that can be read: {error}") from error
    if not found.counts:
        raise StateError(
            f"{database} has none of the tables {', '.join(FEEDS_THERE)}; it has {found.left_out or 'none'}"
        )
    return found


def _tables(connection: sqlite3.Connection) -> dict[str, str | None]:
    """The database's tables, each with the feed that it is."""
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {name: name.lower() if name.lower() in FEEDS_THERE else None for (name,) in names}


def _write(connection: sqlite3.Connection, table: str, feed: str, stem: str, store: Store, delivered_on: date) -> int:
    """Write one table as files of a feed; how many records they hold. An empty table is an empty file."""
    quoted = table.replace('"', '""')
    cursor = connection.execute(f'SELECT * FROM "{quoted}"')
    names = [_column(described[0]) for described in cursor.description]
    count = 0
    for number, rows in enumerate(_batches(cursor), 1):
        lines = b"".join(_line(names, row) for row in rows)
        store.write(f"{feed}/{delivered_on:%Y/%m/%d}/{feed}-{stem}-{number:04d}.json", lines)
        count += len(rows)
    return count


def _batches(cursor: sqlite3.Cursor) -> Iterator[list[tuple[Any, ...]]]:
    rows = cursor.fetchmany(ROWS_A_FILE)
    while True:
        yield rows
        rows = cursor.fetchmany(ROWS_A_FILE)
        if not rows:
            return


def _column(name: str) -> str:
    """A column's name as the feeds write it; SQLite does not mind its case."""
    return name.upper() if name.upper() in ("NPI", "POC") else name.lower()


def _line(names: list[str], row: tuple[Any, ...]) -> bytes:
    """A row as a line; what is not UTF-8 stays as it is, for the lake to see."""
    record = {name: value.hex() if isinstance(value, bytes) else value for name, value in zip(names, row, strict=True)}
    present = {name: value for name, value in record.items() if value is not None}
    try:
        return orjson.dumps(present, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        return json.dumps(present, ensure_ascii=False).encode("utf-8", "surrogateescape") + b"\n"
