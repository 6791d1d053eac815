"""What the pages are told of files that a release leaves out: as it was when the release was published."""

import argparse
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from lakehouse.cli import Run
from lakehouse.config import load_config
from lakehouse.l1.ledger import FILES, FileEvent, event_rows, read_ledger
from lakehouse.release import Release
from lakehouse.reported import _facts

PARKED, UNREAD = ("donors/a.json", "an array"), ("donors/b.json.gz", "can't be read (try 1 of 3)")


def hour(number: int) -> datetime:
    return datetime(2024, 3, 1, number, tzinfo=UTC)


def event(name: str, place: tuple[str, str], batch: int, sha: str) -> FileEvent:
    path, message = place
    return FileEvent("donors", path, name, batch, batch, sha, 9, sha, lines=1, message=message)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A file is parked, another can't be read; then the first comes repaired, and the second can be read."""
    run = Run("report", argparse.Namespace(lake=str(tmp_path)), load_config("local"), lambda: hour(20), "r")
    run.lake.create(FILES)
    steps: list[tuple[int, Any]] = [
        (8, event("parked", PARKED, 1, "array")),
        (10, event("failed", UNREAD, 2, "unread")),
        (12, event("loaded", (PARKED[0], ""), 3, "repaired")),
        (14, event("loaded", (UNREAD[0], ""), 4, "whole")),
    ]
    for number, step in steps:
        run.lake.append_rows(FILES, event_rows([step], "r", hour(number)))
    return run


@pytest.mark.parametrize(
    ("published", "parked", "unread"),
    [(7, (), ()), (9, (PARKED,), ()), (11, (PARKED,), (UNREAD,)), (13, (), (UNREAD,)), (15, (), ())],
)
def test_facts__tell_of_the_files_that_were_left_out_then(run: Run, published: int, parked: Any, unread: Any) -> None:
    about = {"held": {}, "suites_sha": "", "params_sha": "", "code_sha": "", "key_id": "", "run_id": "r"}
    release = Release(1, date(2024, 3, 1), {}, {"donors": [3, 4]}, published_at=hour(published), **about)  # type: ignore[arg-type]
    facts = _facts(run, release, list(read_ledger(run.lake).last.values()), {})
    assert (facts.parked, facts.unread, facts.is_incomplete) == (parked, unread, False)
