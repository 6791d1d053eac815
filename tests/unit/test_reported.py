"""What the pages are told of files that a release leaves out: as it was when the release was published."""

import argparse
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from lakehouse.cli import Run
from lakehouse.config import load_config
from lakehouse.gates.holds import ROLLED_BACK, Hold
from lakehouse.l1.ledger import FILES, FileEvent, event_rows, read_ledger
from lakehouse.release import Release
from lakehouse.reported import _facts, _quality

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
    facts = _facts(run, released(published), read_ledger(run.lake, until=hour(published)), {})
    assert (facts.parked, facts.unread, facts.is_incomplete) == (parked, unread, False)


def released(published: int, **more: Any) -> Release:
    about = {"held": {}, "suites_sha": "", "params_sha": "", "code_sha": "", "key_id": "", "run_id": "r"}
    return Release(1, date(2024, 3, 1), {}, {"donors": [3, 4]}, published_at=hour(published), **(about | more))


def test_facts__name_what_a_person_left_out_and_why_a_batch_is_held(run: Run) -> None:
    held = {"patients": [5, 6], "donors": [6]}
    holds = {
        ("donors", 2): Hold("donors", 2, "discarded", "odd", "a test", "twice sent"),
        ("donors", 6): Hold("donors", 6, "held", "too many refused"),
        ("patients", 5): Hold("patients", 5, "held", ROLLED_BACK),
        ("patients", 6): Hold("patients", 6, "discarded", "odd", "a test", "not told yet"),
    }
    facts = _facts(run, released(15, held=held), read_ledger(run.lake), holds)
    assert facts.discarded == (
        ("donors", "b000002", "a test", "twice sent"),
        ("patients", "b000006", "a test", "not told yet"),
    )
    assert dict((batch, why) for _, batch, why in facts.held) == {
        "b000005": "only an abandoned release had it",
        "b000006": "too many refused",
    }


@pytest.mark.parametrize(("published", "batches"), [(11, []), (13, [3]), (15, [3, 4])])
def test_quality__knows_only_what_had_come_when_the_release_was_published(
    run: Run, published: int, batches: list[int]
) -> None:
    quality = _quality(released(published), read_ledger(run.lake, until=hour(published)), {})
    assert [delivery.batch for delivery in quality.deliveries] == batches


def test_facts__point_to_data_docs_only_where_they_are(run: Run) -> None:
    release = released(15)
    assert _facts(run, release, read_ledger(run.lake), {}).data_docs_href == ""
    run.lake.files.write(f"reports/{release.release_id}/data-docs/index.html", b"docs")
    assert _facts(run, release, read_ledger(run.lake), {}).data_docs_href == "data-docs/index.html"
