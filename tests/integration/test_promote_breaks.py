"""A promote that breaks off at any of its writes leaves a lake that the next promote brings to the same end."""

import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.config import load_config
from lakehouse.gates.quarantine import QUARANTINE
from lakehouse.l1.ingest import ingest
from lakehouse.l2.pipeline import L2_TABLES
from lakehouse.promote import Promoted, promote
from lakehouse.release import current_release
from lakehouse.storage.files import files_at
from lakehouse.storage.lake import Lake
from tests.support.crimsoncache import land_world
from tests.support.lakes import KEY, LAST_DAY, content, land, now

pytestmark = pytest.mark.slow
CONFIG = load_config("local", {"ingest": {"settle_seconds": 0}})
FEEDS = ("donors", "donations", "hospitals")
AT_LEAST = {"ops/quarantine", "l2/donors", "l2/donations", "l2/units", "l2/expiry_outlook", "ops/gate_results"}


class BrokenError(Exception):
    """The run broke off, as the test told it to."""


class Probe:
    """Hears of every write, and breaks the run after one of them."""

    def __init__(self, breaking: str | None = None) -> None:
        self.moments: list[str] = []
        self._breaking = breaking

    def __call__(self, moment: str) -> None:
        self.moments.append(moment)
        if moment == self._breaking:
            raise BrokenError(moment)


@pytest.fixture(scope="module")
def ingested(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with an L1 and nothing above: three feeds, and a line that is no record."""
    folder = tmp_path_factory.mktemp("ingested")
    land_world(folder / "all")
    for feed in FEEDS:
        shutil.copytree(folder / "all" / feed, folder / "landing" / feed)
    land(folder / "landing", "donors", b"junk\n", name="junk.json")
    ingest(Lake(spark, str(folder / "lake"), run_id="ingest"), files_at(str(folder / "landing")), CONFIG, now)
    return folder / "lake"


def promoted(lake: Lake) -> Promoted:
    return promote(lake, CONFIG, now, as_of=LAST_DAY, key=KEY.encode())


def test_promote__broken_after_any_write_ends_like_an_undisturbed_one(
    spark: SparkSession, ingested: Path, tmp_path: Path
) -> None:
    whole = Lake(spark, str(shutil.copytree(ingested, tmp_path / "whole")), run_id="whole")
    whole.probe = heard = Probe()
    assert promoted(whole).is_new
    writes = [moment for moment in heard.moments if moment.endswith(":after") and "ops/leases" not in moment]
    last = writes.pop()
    assert last.startswith("ops/releases:")
    assert {moment.partition(":")[0] for moment in writes} > AT_LEAST

    broken = str(shutil.copytree(ingested, tmp_path / "broken"))
    for number, moment in enumerate(writes):
        lake = Lake(spark, broken, run_id=f"broken {number}")
        lake.probe = Probe(moment)
        with pytest.raises(BrokenError, match=moment):
            promoted(lake)
        assert current_release(lake) is None, "nobody may see what an unfinished run wrote"
    again = Lake(spark, broken, run_id="again")
    again.probe = Probe(last)
    with pytest.raises(BrokenError):
        promoted(again)
    after = Lake(spark, broken, run_id="after")
    assert not promoted(after).is_new, "a release that was written counts, whatever became of its writer"
    release = current_release(after)
    assert release is not None and release.release_id == "r000001"
    for table in (QUARANTINE, *L2_TABLES.values()):
        assert content(after.read(table), table) == content(whole.read(table), table), table.path
