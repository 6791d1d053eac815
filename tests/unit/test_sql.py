"""SQL on a release without Spark: what there is to ask."""

import io
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

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
