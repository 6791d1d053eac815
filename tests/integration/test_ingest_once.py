"""Exactly once: whatever breaks a run, the next one ends with the rows of an undisturbed one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.errors import LeaseTakenError
from lakehouse.l1.feeds import FEEDS
from lakehouse.l1.ledger import FILES, read_ledger
from lakehouse.storage.lake import Lake
from tests.support.landing import DAY, World, lines

MOMENTS = [
    f"{write}:{when}"
    for write in (
        "ops/files:create",
        "ops/files:append:plan",
        "l1/donors:create",
        "l1/donors:append",
        "l1/hospitals:create",
        "l1/hospitals:append",
        "ops/files:append:done",
    )
    for when in ("before", "after")
]


class BrokenError(Exception):
    """The run broke off, as the test told it to."""


class Probe:
    """Hears of every write, numbers those to the ledger, and breaks the run at one of them."""

    def __init__(self, breaking: str | None = None) -> None:
        self.moments: list[str] = []
        self._breaking = breaking

    def __call__(self, moment: str) -> None:
        if moment.startswith("ops/files:append"):
            step = "done" if "ops/files:append:plan:after" in self.moments else "plan"
            moment = moment.replace("append", f"append:{step}")
        self.moments.append(moment)
        if moment == self._breaking:
            raise BrokenError(moment)


def rows(world: World, feed: str) -> list[tuple[Any, ...]]:
    """The rows of a feed's L1 table, but for when they were taken in."""
    if world.lake.version(FEEDS[feed].l1) is None:
        return []
    return sorted(map(tuple, world.lake.read(FEEDS[feed].l1).drop("_ingested_at").collect()), key=str)


def fill(world: World) -> World:
    world.put(f"{DAY}/a.json", lines(1, 2) + b"junk\n")
    world.put(f"{DAY}/b.json", lines(1, 2) + b"junk\n")
    world.put(f"{DAY}/c.json", b"[]")
    world.put("hospitals/2024/03/01/a.json", b'{"NPI":"1"}\n')
    return world


Make = Callable[[str], World]


@pytest.fixture
def make(spark: SparkSession, tmp_path: Path) -> Make:
    def world(name: str) -> World:
        (tmp_path / name).mkdir()
        return World.at(Lake(spark, str(tmp_path / name / "lake"), run_id=name), tmp_path / name / "landing")

    return world


def again(world: World, run_id: str = "again") -> World:
    """The same lake and landing folder, for another run."""
    return World(Lake(world.lake.spark, world.lake.root, run_id=run_id), world.root, world.files)


def test_ingest__twice_adds_nothing(make: Make) -> None:
    world = fill(make("first"))
    world.ingest()
    versions = {table: world.lake.version(table) for table in (FILES, FEEDS["donors"].l1, FEEDS["hospitals"].l1)}
    result = again(world).ingest()
    assert result.did_nothing and result.rows == {} and result.batch_id is None
    assert versions == {table: world.lake.version(table) for table in versions}


def test_ingest__passes_the_probe_at_every_moment(make: Make) -> None:
    world = fill(make("heard"))
    world.lake.probe = probe = Probe()
    world.ingest()
    assert probe.moments == MOMENTS


@pytest.fixture(scope="module")
def undisturbed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    world = fill(World.at(Lake(spark, str(folder / "lake"), run_id="whole"), folder / "landing"))
    world.ingest()
    return {feed: rows(world, feed) for feed in ("donors", "hospitals")}


@pytest.mark.parametrize("moment", [moment for moment in MOMENTS if "hospitals:create" not in moment])
def test_ingest__after_a_break_ends_like_an_undisturbed_run(
    make: Make, undisturbed: dict[str, list[tuple[Any, ...]]], moment: str
) -> None:
    world = fill(make("broken"))
    world.lake.probe = Probe(moment)
    with pytest.raises(BrokenError, match=moment):
        world.ingest()
    world.put(f"{DAY}/new.json", lines(7))
    world = again(world)
    world.ingest()
    is_planned = MOMENTS.index(moment) >= MOMENTS.index("ops/files:append:plan:after")
    found = {feed: rows(world, feed) for feed in undisturbed}
    # What landed meanwhile is of the next batch where the first was planned already, else of the first.
    new = [row for row in found["donors"] if row[FEEDS["donors"].l1.columns.index("donor_id") - 1] == "D7"]
    assert [row[0] for row in new] == [2 if is_planned else 1]
    assert {
        "donors": [row for row in found["donors"] if row not in new],
        "hospitals": found["hospitals"],
    } == undisturbed
    ledger = read_ledger(world.lake)
    ends = {path: event.event for path, event in ledger.known().items()}
    assert ends == {
        f"{DAY}/a.json": "loaded",
        f"{DAY}/b.json": "duplicate",
        f"{DAY}/c.json": "parked",
        f"{DAY}/new.json": "loaded",
        "hospitals/2024/03/01/a.json": "loaded",
    }
    assert again(world, "third").ingest().did_nothing


def test_ingest__knows_its_rows_though_the_file_is_gone_before_the_ledger_says_so(make: Make) -> None:
    world = fill(make("broken"))
    world.lake.probe = Probe("ops/files:append:done:before")
    with pytest.raises(BrokenError):
        world.ingest()
    (world.root / DAY / "a.json").unlink()
    world.put("hospitals/2024/03/01/a.json", b'{"NPI":"2"}\n')
    result = again(world).ingest()
    ends = {path: event.event for (path, _), event in read_ledger(world.lake).last.items()}
    assert ends[f"{DAY}/a.json"] == "loaded" and len(rows(world, "donors")) == 3
    assert [row[0] for row in rows(world, "hospitals")] == [1, 2]
    assert result.files == {"loaded": 3} and result.is_complete


def test_ingest__takes_the_twin_of_a_planned_file_that_is_gone(make: Make) -> None:
    world = fill(make("broken"))
    world.lake.probe = Probe("l1/donors:append:before")
    with pytest.raises(BrokenError):
        world.ingest()
    (world.root / DAY / "a.json").unlink()
    again(world).ingest()
    assert {path: event.event for path, event in read_ledger(world.lake).known().items()} == {
        f"{DAY}/a.json": "gone",
        f"{DAY}/b.json": "loaded",
        f"{DAY}/c.json": "parked",
        "hospitals/2024/03/01/a.json": "loaded",
    }
    assert [row[0] for row in rows(world, "donors")] == [2, 2, 2]


def test_ingest__that_another_run_overtook_writes_nothing(make: Make) -> None:
    world = fill(make("slow"))
    overtaking = again(world, "fast")

    def overtake(moment: str) -> None:
        if moment == "ops/files:append:before":
            world.lake.probe = lambda _: None
            overtaking.ingest()

    world.lake.probe = overtake
    with pytest.raises(LeaseTakenError, match="another run wrote ops/files meanwhile; run again"):
        world.ingest()
    assert (len(rows(world, "donors")), len(rows(world, "hospitals"))) == (3, 1)
    assert {event.event for event in read_ledger(world.lake).last.values()} == {"loaded", "duplicate", "parked"}
