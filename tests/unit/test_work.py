"""What a run sees to before it writes, who decides about held batches, and what its last line says of a promote.

None of it needs Spark.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lakehouse import cli, work
from lakehouse.cli import Run
from lakehouse.config import load_config
from lakehouse.decisions import day_of, decide
from lakehouse.errors import LeaseTakenError, UsageError
from lakehouse.gates.holds import HOLDS, Hold, hold_rows
from lakehouse.l1.ledger import FILES, FileEvent, event_rows
from lakehouse.l2.pseudonym import key_id
from lakehouse.promote import Promoted, batchwork, places
from lakehouse.release import RELEASES, Release, current_release, publish
from lakehouse.storage.lake import Lake
from lakehouse.storage.leases import Lease
from tests.support.lakes import KEY, Ended, land, now, run

AT, AS_OF = datetime(2024, 3, 1, 12, tzinfo=UTC), date(2024, 3, 1)
WHO = ("--by", "a test", "--why", "to see it")
DECIDED = (("donors", 17), ("donations", 17))


def no_session() -> None:
    raise AssertionError("a wrong call must not start Spark")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lake with a release, two batches that the gate holds, one that a roll back left, and a file to take in."""
    monkeypatch.setenv("LAKEHOUSE_KEY", KEY)
    monkeypatch.setattr(cli, "build_session", lambda *_: no_session())
    lake = Lake(no_session, str(tmp_path), run_id="test")  # type: ignore[arg-type]
    for table in (RELEASES, HOLDS):
        lake.create(table)
    about: dict[str, Any] = {"suites_sha": "", "params_sha": "", "code_sha": "", "run_id": "test", "published_at": AT}
    publish(lake, Release(1, AS_OF, {}, {"donors": [1]}, {"patients": [3]}, key_id=key_id(KEY.encode()), **about))
    held = [Hold(feed, batch, "held", "too many") for feed, batch in DECIDED]
    lake.append_rows(HOLDS, hold_rows(held, "test", AT))
    land(tmp_path / "landing", "donors", [{"donor_id": "d1"}], name="a.json")
    return tmp_path


def written(root: Path) -> list[tuple[str, int]]:
    return sorted((str(path), path.stat().st_mtime_ns) for path in root.rglob("*"))


@pytest.fixture
def refused(root: Path) -> Callable[..., Ended]:
    """Run a job whose call is wrong, and see that it wrote nothing."""

    def ask(job: str, *options: str) -> Ended:
        before = written(root)
        ended = run(job, root, *options)
        assert (ended.code, ended.line["verdict"]) == (2, "usage"), ended
        assert written(root) == before
        return ended

    return ask


@pytest.mark.parametrize("job", ["run", "promote"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--as-of", "2024-02-29"), "--as-of 2024-02-29 is before the current release's 2024-03-01; add --full"),
        (("--accept", "b000017"), "--accept and --discard need --by and --why"),
        (
            ("--discard", "donors/b000018", *WHO),
            "batch 'donors/b000018' is not held or waiting to be judged; these are: donations/b000017, "
            "donors/b000017, patients/b000003",
        ),
        (("--accept", "seventeen", *WHO), "batch 'seventeen' is not held; these are: "),
    ],
)
def test_run__of_a_wrong_call_writes_nothing(
    refused: Callable[..., Ended], job: str, options: tuple[str, ...], message: str
) -> None:
    assert refused(job, *options).line["message"].startswith(message)


def test_run__with_another_key_writes_nothing(refused: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_KEY", "another key of sixteen characters")
    assert "the lake's pseudonyms are of key" in refused("run").line["message"]


def test_run__that_leaves_out_what_the_report_needs_writes_nothing(
    refused: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load_config("local", {"pipeline": {"leave_out": ["units"]}})
    monkeypatch.setattr(cli, "load_config", lambda _: config)
    assert "leave_out names ['units']" in refused("run").line["message"]


def deciding(root: Path, *options: str) -> Run:
    """A run with these options."""
    parser = argparse.ArgumentParser()
    work.run_options(parser)
    args = parser.parse_args([*options, *WHO])
    args.lake = str(root)
    return Run("run", args, load_config("local"), now, "a run")


def decisions(lake: Lake) -> set[tuple[str, int, str, str, str]]:
    """What was decided, and by whom."""
    rows = [row for row in lake.journals.rows(HOLDS) if row["event"] != "held"]
    return {(row["feed"], row["batch_seq"], row["event"], row["by"], row["reason"]) for row in rows}


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("donors/b000017", DECIDED[:1]),
        ("donors/17", DECIDED[:1]),
        ("b000017", DECIDED),
        ("17", DECIDED),
    ],
)
def test_decide__takes_a_batch_by_its_name_or_number(
    root: Path, name: str, places: tuple[tuple[str, int], ...]
) -> None:
    asked = deciding(root, "--accept", name)
    decide(asked)
    assert decisions(asked.lake) == {(*place, "accepted", "a test", "too many") for place in places}


def test_decide__discards_what_was_not_judged_yet(root: Path) -> None:
    asked = deciding(root, "--discard", "donors/b000018")
    loaded = FileEvent("donors", "donors/b.json", "loaded", 18, 18, "sha", 9, "etag", lines=1)
    asked.lake.create(FILES)
    asked.lake.append_rows(FILES, event_rows([loaded], "test", AT))
    assert batchwork(asked.lake, current_release(asked.lake)).pending == {"donors": [18]}
    decide(asked)
    assert decisions(asked.lake) == {("donors", 18, "discarded", "a test", None)}
    assert batchwork(asked.lake, current_release(asked.lake)).pending == {}
    with pytest.raises(UsageError, match="batch 'donors/b000018' is not held; these are"):
        decide(deciding(root, "--accept", "donors/b000018"))


@pytest.mark.parametrize(("hours", "waits"), [(-1, True), (1, False)])
def test_batchwork__asks_again_about_what_a_roll_back_took_away_after_it_was_accepted(
    root: Path, hours: int, waits: bool
) -> None:
    lake = deciding(root, "--accept", "b000017").lake
    accepted = Hold("patients", 3, "accepted", None, "a test", "to see it")
    lake.append_rows(HOLDS, hold_rows([accepted], "test", AT + timedelta(hours=hours)))
    found = batchwork(lake, current_release(lake))
    assert (("patients", 3) in places(found.held), ("patients", 3) in found.accepted) == (waits, not waits)


def test_batchwork__of_a_hold_that_nobody_was_told_of_is_new_to_the_release(root: Path) -> None:
    lake = deciding(root).lake
    release = current_release(lake)
    assert release is not None
    assert batchwork(lake, release).is_new_to(release)
    told = replace(release, held={"donations": [17], "donors": [17], "patients": [3]})
    assert not batchwork(lake, told).is_new_to(told)


@pytest.mark.parametrize(
    ("options", "day"),
    [
        (("--accept", "b000017"), AS_OF),
        (("--discard", "b000017"), AS_OF),
        (("--accept", "b000017", "--as-of", "2024-03-09"), date(2024, 3, 9)),
        ((), now().date()),
    ],
)
def test_day__of_a_decision_is_that_of_the_release(root: Path, options: tuple[str, ...], day: date) -> None:
    asked = deciding(root, *options)
    asked.clock = lambda: datetime.combine(now().date(), AT.timetz())
    assert day_of(asked) == day


def test_run__of_a_landing_that_is_not_there_writes_nothing(refused: Callable[..., Ended], tmp_path: Path) -> None:
    message = refused("run", "--landing", str(tmp_path / "typo")).line["message"]
    assert message == f"found --landing {tmp_path / 'typo'}; wanted a folder that is there"


def test_decide__takes_what_a_roll_back_holds(root: Path) -> None:
    asked = deciding(root, "--discard", "patients/b000003")
    decide(asked)
    (decided,) = decisions(asked.lake)
    assert decided[:3] == ("patients", 3, "discarded")
    assert places(batchwork(asked.lake, current_release(asked.lake)).held) == set(DECIDED)


def test_decide__waits_for_a_run_that_promotes(root: Path) -> None:
    other, asked = Lake(no_session, str(root), run_id="other"), deciding(root, "--accept", "b000017")  # type: ignore[arg-type]
    with Lease(other, "promote", load_config("local").lease, now), pytest.raises(LeaseTakenError):
        decide(asked)
    assert decisions(asked.lake) == set()


def test_line__says_all_that_is_held_and_why_the_audit_refused() -> None:
    promoted = Promoted(
        None, data_docs="lake/reports/refused-r/data-docs/index.html", standing=[*DECIDED], failures=["a law: 1 <> 2"]
    )
    facts = work._promote_facts(promoted)
    assert facts["held"] == ["donors/b000017", "donations/b000017"]
    assert (facts["failures"], facts["data_docs"]) == (["a law: 1 <> 2"], promoted.data_docs)
    assert work._verdict(promoted) == "refused"
