"""SQL on a release: what there is to ask, how many rows are printed, and that a file gets all."""

import io
import sys
from argparse import Namespace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse import sql
from lakehouse.gates.holds import HOLDS
from lakehouse.l1.ledger import FILES
from lakehouse.release import RELEASES, Release, publish
from lakehouse.storage.lake import Lake
from lakehouse.storage.leases import LEASES
from tests.support.lakes import run


def no_session() -> None:
    raise AssertionError("nothing is asked, so Spark need not start")


def test_sql__names_the_released_tables_and_the_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = Lake(no_session, str(tmp_path), run_id="test")  # type: ignore[arg-type]
    for table in (RELEASES, FILES, HOLDS, LEASES):
        lake.create(table)
    about = {"suites_sha": "", "params_sha": "", "code_sha": "", "key_id": "", "run_id": "test"}
    at = datetime(2024, 3, 1, tzinfo=UTC)
    publish(lake, Release(1, date(2024, 3, 1), {"l2/units": 4}, {}, {}, published_at=at, **about))
    monkeypatch.setattr(sys, "stdin", io.StringIO("quit;\n"))
    assert run("sql", tmp_path).code == 0
    said = capsys.readouterr().err
    assert "release r000001, as of 2024-03-01; tables: units\n" in said
    assert "logs: files, holds, releases\n" in said


def asked(**more: Any) -> Namespace:
    return Namespace(**{"format": "csv", "rows": 3, "out": None, **more})


def test_show__says_where_there_are_more_rows(spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    assert sql._show(spark.range(4), asked()) == 3
    said = capsys.readouterr()
    assert said.out.split() == ["id", "0", "1", "2"]
    assert said.err == "the first 3 rows; --rows N prints more, --out FILE writes all\n"
    assert sql._show(spark.range(3), asked()) == 3
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("csv", "n,t\n0,2024-02-29 12:00:00\n1,2024-02-29 12:00:00\n"),
        ("json", '{"n": 0, "t": "2024-02-29 12:00:00"}\n{"n": 1, "t": "2024-02-29 12:00:00"}\n'),
        ("table", "n  t\n-  -------------------\n0  2024-02-29 12:00:00\n1  2024-02-29 12:00:00\n"),
    ],
)
def test_write__puts_all_rows_into_a_file(spark: SparkSession, tmp_path: Path, form: str, written: str) -> None:
    frame = spark.range(2).selectExpr("id as n", "timestamp'2024-02-29 12:00:00' as t")
    out = tmp_path / "rows"
    assert sql._write(frame, asked(rows=1, out=str(out), format=form)) == 2
    assert out.read_text().replace("\r\n", "\n") == written


def test_sql__wants_a_statement_and_a_folder_for_its_file(tmp_path: Path) -> None:
    for options in (("--out", str(tmp_path / "none" / "rows.csv"), "-e", "select 1"), ("--out", "rows.csv")):
        ended = run("sql", tmp_path, *options)
        assert (ended.code, ended.line["verdict"]) == (2, "usage")
        assert "wanted a file in a folder that is there, and -e" in ended.line["message"]
