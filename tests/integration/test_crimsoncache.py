"""A database of the original CrimsonCache project, and records that are wrong, from landing to a release.

Two runs start at once, as a scheduler and a person may: one does the work, the other says that it came second.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.gates.holds import HOLDS
from lakehouse.gates.quarantine import QUARANTINE
from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.pipeline import L2_TABLES
from lakehouse.release import current_release
from tests.support.crimsoncache import DIRTY, DONORS, NPIS, STORIES, TOO_SOON, Story, bag_of, donors, land_world
from tests.support.homes import lean_home
from tests.support.lakes import KEY, LAST_DAY, Ended, lake_at, land, run
from tests.support.processes import end, start

pytestmark = pytest.mark.slow
GOOD = next(donors())
FUTURE = "donors.registered_at.future"
WRONG: dict[bytes, str] = {
    b"junk\n": "donors.record.is_record",
    b'{"donor_id": "x1"} and more\n': "donors.record.is_record",
    b'{"donor_id": "x2", "name": "\xff"}\n': "donors.record.is_record",
    b'{"unique_id": "nobody"}\n': "donors.donor_id.required",
    b'{"donor_id": "x3", "registered_at": "2999-01-01T00:00:00Z"}\n': FUTURE,
}
ODD: dict[str, dict[str, object]] = {
    "odd-unknown": {"shoe_size": 42},
    "odd-text-for-number": {"age": "forty"},
    "odd-number-for-text": {"sex": 1},
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the world has landed, and with it what is wrong."""
    root = tmp_path_factory.mktemp("crimsoncache")
    land_world(root / "landing")
    odd = b"".join(json.dumps({**GOOD, "donor_id": name, **more}).encode() + b"\n" for name, more in ODD.items())
    land(root / "landing", "donors", b"".join(WRONG) + odd, name="a späte Datei.json")
    renamed = [{"employee": f"e{number}", "name": "An Employee"} for number in range(3)]
    land(root / "landing", "employees", renamed, name="renamed.json")
    return root


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Settings of lean lakes, for runs in processes of their own and in this one."""
    home = lean_home(tmp_path_factory.mktemp("lean"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lakehouse.config.HOME", home)
        yield home


@pytest.fixture(scope="module")
def runs(root: Path, home: Path) -> tuple[Ended, Ended]:
    """The run that did the work, and the one that came second."""
    started = [start(root, home) for _ in range(2)]
    first, second = sorted(map(end, started), key=lambda ended: ended.code)
    return first, second


def test_runs__of_two_at_once_one_comes_second(runs: tuple[Ended, Ended]) -> None:
    first, second = runs
    assert (second.code, second.line["verdict"]) == (5, "busy"), second
    assert first.code == 3, first
    assert (first.line["verdict"], first.line["release_id"]) == ("incomplete", "r000001")


def test_run__loses_nothing(spark: SparkSession, root: Path, runs: tuple[Ended, Ended]) -> None:
    lake, line = lake_at(spark, root), runs[0].line
    landed = {
        path.name: sum(file.read_bytes().count(b"\n") for file in path.rglob("*.json"))
        for path in (root / "landing").iterdir()
    }
    assert landed == {feed: lake.read(FEEDS[feed].l1).count() for feed in landed}
    assert line["refused"] == {"donors": len(WRONG)}
    held = {"employees": landed.pop("employees")}
    assert {feed: line["accepted"].get(feed, 0) + line["refused"].get(feed, 0) for feed in landed} == landed
    assert set(held) == {batch.partition("/")[0] for batch in line["held"]}


def test_gate__refuses_what_is_no_record_or_has_no_key(
    spark: SparkSession, root: Path, runs: tuple[Ended, Ended]
) -> None:
    lake = lake_at(spark, root)
    broken = lake.read(QUARANTINE).orderBy("_line").select("violations.rule").collect()
    assert len(broken) == len(WRONG)
    assert all(rule in row["rule"] for row, rule in zip(broken, WRONG.values(), strict=True)), broken
    raw = lake.read(FEEDS["donors"].l1).where("_raw is not null").select("_line", "_raw").collect()
    assert [row["_raw"] for row in sorted(raw)] == [
        "junk",
        '{"donor_id": "x1"} and more',
        '{"donor_id": "x2", "name": "\\xff"}',
    ]


def test_quarantine__is_listed_by_rule_and_record(root: Path, runs: tuple[Ended, Ended]) -> None:
    listed = run("quarantine", root, "list", "--feed", "donors", "--format", "csv")
    assert (listed.code, listed.line["records"]) == (0, len(WRONG))
    assert "donors,1,donors.record.is_record,waits,3," in listed.printed
    shown = run("quarantine", root, "show", "--rule", "donors.donor_id.required", "--format", "csv")
    assert shown.line["records"] == len(WRONG) - 1, "a line that is no record has no key either"
    assert "a späte Datei.json,4,1,donors.donor_id.required,waits,," in shown.printed
    assert "nobody" not in shown.printed
    unknown = run("quarantine", root, "list", "--rule", "donors.donor_id.requird")
    assert (unknown.code, unknown.line["verdict"]) == (2, "usage")


def test_gate__keeps_what_it_does_not_know_and_warns(
    spark: SparkSession, root: Path, runs: tuple[Ended, Ended]
) -> None:
    lake = lake_at(spark, root)
    odd = lake.read(FEEDS["donors"].l1).where(F.col("donor_id").startswith("odd")).collect()
    rescued = {row["donor_id"]: json.loads(row["_rescued"] or "null") for row in odd}
    assert rescued == {
        "odd-unknown": {"shoe_size": 42},
        "odd-text-for-number": {"age": "forty"},
        "odd-number-for-text": None,
    }
    assert lake.read(L2_TABLES["donors"]).count() == DONORS + len(ODD)


def test_dirty_donors__are_all_here_with_warnings_where_a_rule_says_so(
    spark: SparkSession, root: Path, runs: tuple[Ended, Ended]
) -> None:
    lake = lake_at(spark, root)
    sent = [f"donor-{number}" for number in range(len(DIRTY))]
    rows = lake.read(FEEDS["donors"].l1).where(F.col("donor_id").isin(sent)).select("_line", "donor_id").collect()
    lines = {row["_line"]: row["donor_id"] for row in rows}
    files = lake.read(FEEDS["donors"].l1).where("donor_id = 'donor-0'").select("_file_id")
    conformed = lake.read(L2_TABLES["donors"]).join(files, "_file_id", "left_semi").collect()
    warned = {lines[row["_line"]]: row["warnings"] for row in conformed if row["_line"] in lines}
    assert sorted(warned) == sorted(sent)
    assert warned["donor-1"] == ["donors.last_donation_date.after_first"]
    assert warned["donor-3"] == []
    assert lake.read(L2_TABLES["hospitals"]).count() == len(NPIS)


def test_donation_too_soon__is_listed(spark: SparkSession, root: Path, runs: tuple[Ended, Ended]) -> None:
    lake = lake_at(spark, root)
    (early,) = lake.read(L2_TABLES["deviations"]).where("rule = 'donations.inside_interval'").collect()
    (donation,) = lake.read(L2_TABLES["donations"]).where(F.col("bag_id") == TOO_SOON).collect()
    assert early["unit_id"] == donation["donation_key"]


def test_gate__holds_a_file_whose_key_was_renamed_and_says_so(
    spark: SparkSession, root: Path, runs: tuple[Ended, Ended]
) -> None:
    release = current_release(lake_at(spark, root))
    assert release is not None and release.is_incomplete and list(release.held) == ["employees"]
    holds = lake_at(spark, root).read(HOLDS).collect()
    assert [row["feed"] for row in holds] == ["employees"]
    assert "found employee, wanted employee_id" in holds[0]["reason"]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_units__are_assumed_from_donations(
    spark: SparkSession, root: Path, runs: tuple[Ended, Ended], story: Story
) -> None:
    lake = lake_at(spark, root)
    donations = lake.read(L2_TABLES["donations"]).select("donation_key", "bag_id")
    units = lake.read(L2_TABLES["units"]).join(donations, "donation_key").where(F.col("bag_id") == bag_of(story))
    (unit,) = units.collect()
    ended_on = None if story.ended_days_ago is None else LAST_DAY - timedelta(days=story.ended_days_ago)
    assert (unit["state"], unit["ended_on"]) == (story.state, ended_on)
    assert (unit["component"], unit["is_assumed"], unit["abo_rhd"]) == ("whole_blood", True, "O+")
    given_on = LAST_DAY - timedelta(days=story.days_ago)
    assert (unit["prepared_on"], unit["expires_at"].date()) == (given_on, given_on + timedelta(days=35))


def test_replay__of_what_still_breaks_a_rule_makes_no_release(
    spark: SparkSession, root: Path, runs: tuple[Ended, Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_KEY", KEY)
    ended = run("quarantine", root, "replay", "--feed", "donors")
    assert (ended.code, ended.line["verdict"]) == (0, "nothing to do"), ended
    assert (ended.line["release_id"], ended.line["refused"]) == ("r000001", {"donors": len(WRONG)})


def test_waiver__is_a_release_that_can_be_rolled_back(
    spark: SparkSession, root: Path, runs: tuple[Ended, Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_KEY", KEY)
    assert run("quarantine", root, "waive", "--rule", FUTURE).code == 2, "nobody stands for it"
    stands_for_it = ("--by", "quality", "--why", "the year was mistyped")
    ended = run("quarantine", root, "waive", "--rule", FUTURE, *stands_for_it)
    assert (ended.line["release_id"], ended.line["accepted"]) == ("r000002", {"donors": 1}), ended
    waived = "select warnings from donors where array_contains(warnings, '" + FUTURE + "')"
    assert run("sql", root, "-e", waived).line["rows"] == 1
    assert "waive" in run("release", root, "list").printed
    shown = run("quarantine", root, "show", "--rule", FUTURE, "--all", "--format", "csv").printed
    assert f"{FUTURE},waived,r000002" in shown
    run("release", root, "rollback", "r000001", *stands_for_it)
    assert run("sql", root, "-e", waived).line["rows"] == 0
    assert run("quarantine", root, "list", "--rule", FUTURE).line["records"] == 1, "it waits again"
