"""A run that breaks off or is killed anywhere leaves a lake that the next run brings to the same end."""

import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.config import load_config
from lakehouse.gates.quarantine import QUARANTINE
from lakehouse.l1.feeds import FEEDS
from lakehouse.l1.ingest import ingest
from lakehouse.l2.pipeline import L2_TABLES, Wiring
from lakehouse.promote import Promoted, promote
from lakehouse.release import RELEASES, current_release
from lakehouse.storage.files import files_at
from lakehouse.storage.lake import Lake
from lakehouse.storage.leases import LEASES
from tests.support.crimsoncache import land_world
from tests.support.homes import LEAN, LEFT_OUT, lean_home
from tests.support.killed import ROWS
from tests.support.lakes import KEY, LAST_DAY, content, land, now, settle
from tests.support.processes import end, kill_at, start

pytestmark = pytest.mark.slow
CONFIG = load_config("local", LEAN | {"ingest": {"settle_seconds": 0}})
LANDED = ("donors", "donations", "hospitals")
# A run is killed when it has written to a table, each time another one, in this order.
MOMENTS = ("ops/files", "l1/donations", "ops/quarantine", "l2/donations", "l2/units", "ops/gate_results")
TABLES = Wiring.without(LEFT_OUT).tables
# Derivatives are written alike: one of the first is broken off, one in the midst, and one of the last.
DERIVED = ("units", "unit_moves", "expiry_outlook")
AT_LEAST = {"l2/donors", "l2/donations", "l2/units", "l2/expiry_outlook"} | {
    f"ops/{name}" for name in ("quarantine", "gate_results", "gate_profile", "holds")
}


class BrokenError(Exception):
    """The run broke off, as the test told it to."""


class Probe:
    """Hears of every write, and breaks the run after the first write of one kind to one table."""

    def __init__(self, table: str = "", kinds: tuple[str, ...] = ()) -> None:
        self.heard: list[tuple[str, str]] = []
        self._table, self._kinds = table, kinds

    def __call__(self, moment: str) -> None:
        table, kind, when = moment.split(":")
        if when == "after":
            self.heard.append((table, kind))
            if table == self._table and kind in self._kinds:
                raise BrokenError(moment)


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three feeds, a line that is no record, and a file that must be held."""
    folder = tmp_path_factory.mktemp("landed")
    land_world(folder / "all")
    for feed in LANDED:
        shutil.copytree(folder / "all" / feed, folder / "landing" / feed)
    land(folder / "landing", "donors", b"junk\n", name="junk.json")
    land(folder / "landing", "employees", [{"employee": "e1"}], name="renamed.json")
    settle(folder / "landing")
    return folder / "landing"


@pytest.fixture(scope="module")
def ingested(spark: SparkSession, landing: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with an L1 and nothing above."""
    root = tmp_path_factory.mktemp("ingested")
    ingest(Lake(spark, str(root), run_id="ingest"), files_at(str(landing)), CONFIG, now)
    return root


@pytest.fixture(scope="module")
def whole(spark: SparkSession, ingested: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake whose promote nothing disturbed; its probe heard every write."""
    root = shutil.copytree(ingested, tmp_path_factory.mktemp("whole") / "lake")
    lake = Lake(spark, str(root), run_id="whole", probe=Probe())
    assert promoted(lake).is_new
    return lake


def promoted(lake: Lake) -> Promoted:
    return promote(lake, CONFIG, now, as_of=LAST_DAY, key=KEY.encode())


def test_promote__broken_after_any_write_ends_like_an_undisturbed_one(
    spark: SparkSession, ingested: Path, whole: Lake, tmp_path: Path
) -> None:
    assert isinstance(whole.probe, Probe)
    written = [table for table, kind in whole.probe.heard if kind != "create" and table != LEASES.path]
    assert written.pop() == RELEASES.path and set(written) > AT_LEAST
    broken = str(shutil.copytree(ingested, tmp_path / "broken"))
    # Tables are created side by side, once; what a broken run left on top is merged into or restored by the next.
    alike = {step.table.path for step in Wiring.without(LEFT_OUT).derivatives if step.table.name not in DERIVED}
    breaks = [(L2_TABLES["units"].path, ("create",)), *[(table, ROWS) for table in written if table not in alike]]
    for number, (table, kinds) in enumerate([*breaks, (L2_TABLES["units"].path, ("restore",))]):
        lake = Lake(spark, broken, run_id=f"broken {number}")
        lake.probe = Probe(table, kinds)
        with pytest.raises(BrokenError, match=table):
            promoted(lake)
        assert current_release(lake) is None, "nobody may see what an unfinished run wrote"
    again = Lake(spark, broken, run_id="again")
    again.probe = Probe(RELEASES.path, ROWS)
    with pytest.raises(BrokenError):
        promoted(again)
    after = Lake(spark, broken, run_id="after")
    assert not promoted(after).is_new, "a release that was written counts, whatever became of its writer"
    release = current_release(after)
    assert release is not None and release.release_id == "r000001"
    assert_same(after, whole)


def test_run__killed_at_six_moments_ends_like_an_undisturbed_one(
    spark: SparkSession, landing: Path, whole: Lake, tmp_path: Path
) -> None:
    shutil.copytree(landing, tmp_path / "landing")
    home = lean_home(tmp_path)
    for moment in MOMENTS:
        kill_at(tmp_path, moment, home)
    last = end(start(tmp_path, home))
    assert (last.code, last.line["verdict"], last.line["release_id"]) == (3, "incomplete", "r000001")
    assert last.line["held"] == ["employees/b000001"], "it was held by a run that was killed before it could say so"
    assert_same(Lake(spark, str(tmp_path), run_id="look"), whole)


def assert_same(lake: Lake, wanted: Lake) -> None:
    """The lakes hold the same, run and release ids apart."""
    for table in (QUARANTINE, *[FEEDS[feed].l1 for feed in (*LANDED, "employees")], *TABLES):
        assert content(lake.read(table), table) == content(wanted.read(table), table), table.path
