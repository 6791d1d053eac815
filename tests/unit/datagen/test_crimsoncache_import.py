"""Any database with CrimsonCache's tables becomes landing files, as dirty as it is."""

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from world_files import files_of

from datagen import crimsoncache
from datagen.cli import main

DONORS = "CREATE TABLE Donors (donor_id TEXT PRIMARY KEY, name TEXT, birthdate TEXT, age INTEGER, total_donations)"
HOSPITALS = "CREATE TABLE hospitals (npi INTEGER, address TEXT, tel TEXT, poc TEXT)"


def database(path: Path, *statements: str, rows: dict[str, Iterable[tuple[Any, ...]]] | None = None) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
        for table, values in (rows or {}).items():
            for value in values:
                connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(value))})", value)
    return path


def imported(path: Path, out: Path, *options: str) -> dict[str, list[dict[str, Any]]]:
    assert main(["import", str(path), "--out", str(out), *options]) == 0
    return {
        feed.name: [
            orjson.loads(line) for file in sorted(feed.rglob("*.json")) for line in file.read_bytes().splitlines()
        ]
        for feed in sorted(out.iterdir())
    }


def test_import__takes_rows_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    phones = ("(701) 555-0100", "701.555.0101", "+1 701 555 0102", "7015550103")
    path = database(
        tmp_path / "export.sqlite3",
        DONORS,
        HOSPITALS,
        "CREATE TABLE donation_events (event_id TEXT, start_datetime TEXT)",
        "CREATE TABLE audit_log (at TEXT)",
        rows={
            "Donors": [("d1", "A B", "1980-02-29", 12, "three"), ("d2", None, "02/03/1980", None, 99)],
            "hospitals": [(1000000000 + n, "1 Main St", phone, None) for n, phone in enumerate(phones)],
        },
    )
    found = imported(path, tmp_path / "landing", "--date", "2024-03-01")
    assert found == {
        "donation_events": [],
        "donors": [
            {"donor_id": "d1", "name": "A B", "birthdate": "1980-02-29", "age": 12, "total_donations": "three"},
            {"donor_id": "d2", "birthdate": "02/03/1980", "total_donations": 99},
        ],
        "hospitals": [{"NPI": 1000000000 + n, "address": "1 Main St", "tel": phone} for n, phone in enumerate(phones)],
    }
    said = capsys.readouterr()
    assert said.err == "audit_log is no table of CrimsonCache: left out\n"
    assert orjson.loads(said.out) == {"donors": 2, "hospitals": 4, "donation_events": 0}
    assert set(files_of(tmp_path / "landing")) == {
        f"{feed}/2024/03/01/{feed}-export-0001.json" for feed in ("donation_events", "donors", "hospitals")
    }


def test_import__is_delivered_when_the_file_was_written(tmp_path: Path) -> None:
    path = database(tmp_path / "e.db", DONORS, rows={"Donors": [("d1", None, None, None, None)]})
    os.utime(path, (1_709_251_199, 1_709_251_199))
    before = path.read_bytes()
    imported(path, tmp_path / "landing")
    assert set(files_of(tmp_path / "landing")) == {"donors/2024/02/29/donors-e-0001.json"}
    assert path.read_bytes() == before


def test_import__keeps_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = database(tmp_path / "e.db", DONORS)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO Donors VALUES ('d1', CAST(x'41FF' AS TEXT), x'00FF', 1.5, NULL)")
    assert main(["import", str(path), "--out", str(tmp_path / "landing"), "--date", "2024-03-01"]) == 0
    (content,) = files_of(tmp_path / "landing").values()
    assert content == b'{"donor_id": "d1", "name": "A\xff", "birthdate": "00ff", "age": 1.5}\n'


def test_import__of_many_rows_makes_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crimsoncache, "ROWS_A_FILE", 2)
    path = database(tmp_path / "e.db", DONORS, rows={"Donors": [(f"d{n}", None, None, n, None) for n in range(5)]})
    found = imported(path, tmp_path / "landing", "--date", "2024-03-01")
    assert [donor["age"] for donor in found["donors"]] == list(range(5))
    assert len(files_of(tmp_path / "landing")) == 3


@pytest.mark.parametrize("kind", ["nothing", "no database", "other tables"])
def test_import__of_something_else(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "e.db", tmp_path / "landing"
    if kind == "no database":
        path.write_text("donor_id,name\n" * 200)
    if kind == "other tables":
        database(path, "CREATE TABLE cars (id TEXT)")
    assert main(["import", str(path), "--out", str(out)]) == 2
    said = {
        "nothing": f"there is no database at {path}",
        "no database": f"{path} is no SQLite database that can be read",
        "other tables": f"{path} has none of the tables donors, employees",
    }
    assert capsys.readouterr().err.startswith(said[kind])
    assert not out.exists() and (kind != "nothing" or not path.exists())
