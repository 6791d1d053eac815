"""A made-up region as CrimsonCache's database: its tables, whole references, bags with the fate of their units."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from world_files import Records, files_of, live

from datagen.cli import main
from datagen.crimsoncache_export import COLUMNS


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return live(tmp_path_factory.mktemp("crimson") / "region.sqlite3", "--format", "crimsoncache")


@pytest.fixture
def asked(path: Path) -> Iterator[Any]:
    with closing(sqlite3.connect(path)) as connection:
        yield lambda sql: connection.execute(sql).fetchall()


def test_export__has_crimsoncaches_tables_and_nothing_else(asked: Any, path: Path) -> None:
    tables = {name for (name,) in asked("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == set(COLUMNS)
    for table, columns in COLUMNS.items():
        assert tuple(row[1] for row in asked(f"PRAGMA table_info({table})")) == columns
        assert asked(f"SELECT count(*) FROM {table}")[0][0] > 0, table
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_export__holds_the_records_of_the_same_world(asked: Any, records: Records) -> None:
    for table in ("donors", "employees", "hospitals", "donation_events", "blood_requests"):
        key = COLUMNS[table][0]
        found = {row[0] for row in asked(f"SELECT {key} FROM {table}")}
        assert found == {record[key] for record in records[table]}
    assert asked("SELECT count(*) FROM donations")[0][0] == len({record["din"] for record in records["donations"]})


@pytest.mark.parametrize(
    ("table", "column", "parent"),
    [
        ("donations", "donor_id", "donors"),
        ("donations", "event_id", "donation_events"),
        ("patients", "bag_id", "donations"),
        ("distribution", "bag_id", "donations"),
        ("distribution", "request_id", "blood_requests"),
        ("event_employees", "employee_id", "employees"),
        ("blood_requests", "NPI", "hospitals"),
    ],
)
def test_export__points_at_what_is_there(asked: Any, table: str, column: str, parent: str) -> None:
    lost = f"SELECT count(*) FROM {table} WHERE {column} NOT IN (SELECT {column} FROM {parent})"
    assert asked(lost) == [(0,)]


def test_export__says_what_became_of_a_bag(asked: Any, records: Records) -> None:
    statuses = dict(asked("SELECT status, count(*) FROM donations GROUP BY 1"))
    assert set(statuses) == {"available", "used", "discarded"}
    bags = {record["din"]: record["bag_id"] for record in records["donations"]}
    used = {
        bags[record["unit_id"][:14]]
        for record in records["dispositions"]
        if record["kind"] == "transfused" and record["unit_id"][-2:] in ("01", "51", "03", "53")
        if record["unit_id"][:14] in bags
    }
    assert {bag for (bag,) in asked("SELECT bag_id FROM donations WHERE status = 'used'")} == used
    assert asked("SELECT count(*) FROM patients JOIN donations USING (bag_id) WHERE status <> 'used'") == [(0,)]


def test_export__comes_back_as_landing_files(path: Path, tmp_path: Path, asked: Any) -> None:
    assert main(["import", str(path), "--out", str(tmp_path / "landing"), "--date", "2024-03-14"]) == 0
    landed = {name.split("/")[0]: content.count(b"\n") for name, content in files_of(tmp_path / "landing").items()}
    assert landed == {table: asked(f"SELECT count(*) FROM {table}")[0][0] for table in COLUMNS}


def test_export__over_a_file_or_of_two_regions(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = path.read_bytes()
    arguments = ["history", "--start", "2024-01-15", "--days", "2", "--format", "crimsoncache"]
    assert main([*arguments, "--out", str(path)]) == 2
    assert f"there is a file at {path} already" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert main([*arguments, "--out", str(tmp_path / "all.db"), "--regions", "all"]) == 2
    assert "one region and no planted faults; found north_river, lake_plain" in capsys.readouterr().err
