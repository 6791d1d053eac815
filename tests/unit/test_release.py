"""Releases: what readers see, in which order, and what a roll back leaves waiting."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.errors import LeaseTakenError, UsageError
from lakehouse.release import (
    RELEASES,
    Release,
    ReleaseReader,
    current_release,
    find_release,
    list_releases,
    live,
    publish,
    roll_back,
)
from lakehouse.storage.lake import Lake
from lakehouse.table import FLAG, TEXT, Field, Table
from tests.support.rows import frame

AT = datetime(2024, 3, 1, 12, tzinfo=UTC)
BAGS = Table(
    tier="l2",
    name="bags",
    grain="a bag",
    key=("bag_id",),
    fields=(Field("bag_id", TEXT), Field("is_void", FLAG)),
    law="none",
)


def release(sequence: int, **changes: Any) -> Release:
    values: dict[str, Any] = {
        "sequence": sequence,
        "as_of": date(2024, 3, sequence),
        "tables": {"l2/bags": sequence},
        "consumed": {"donors": list(range(1, sequence + 1))},
        "held": {},
        "suites_sha": "s",
        "params_sha": "p",
        "code_sha": "c",
        "key_id": "k",
        "run_id": "run",
        "published_at": AT,
    }
    return Release(**values | changes)


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, str(tmp_path / "lake"), run_id="run")


@pytest.fixture
def published(lake: Lake) -> Lake:
    lake.create(RELEASES)
    for n in (1, 2, 3):
        publish(lake, release(n, parent=f"r{n - 1:06d}" if n > 1 else None))
    return lake


def test_list_releases__of_a_lake_without_any_is_empty(lake: Lake) -> None:
    assert list_releases(lake) == [] and current_release(lake) is None
    lake.create(RELEASES)
    assert list_releases(lake) == [] and current_release(lake) is None
    with pytest.raises(UsageError, match=r"has no release yet; run jobs/run\.py first"):
        find_release(lake, None)


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles"])
def test_publish__gives_back_what_was_published(lake: Lake, monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        lake.create(RELEASES)
        wanted = release(1, held={"donors": [7]}, why="so", parent="r000000")
        publish(lake, wanted)
        assert list_releases(lake) == [wanted] and current_release(lake) == wanted
        (row,) = lake.read(RELEASES).select("release_id", "is_incomplete", "kind").collect()
        assert tuple(row) == ("r000001", True, "promote")
    finally:
        monkeypatch.undo()
        time.tzset()


def test_find_release__finds_by_name_and_names_the_last_ones(published: Lake) -> None:
    assert [found.release_id for found in list_releases(published)] == ["r000001", "r000002", "r000003"]
    assert find_release(published, "r000002").tables == {"l2/bags": 2}
    assert find_release(published, None).sequence == 3
    with pytest.raises(UsageError, match="there is no release 'r9'; the last ones are r000001, r000002, r000003"):
        find_release(published, "r9")


def test_publish__of_a_sequence_that_is_taken_is_refused(published: Lake) -> None:
    other = Lake(published.spark, published.root, run_id="other")
    with pytest.raises(LeaseTakenError, match="another run wrote ops/releases meanwhile; run again"):
        publish(other, release(3, run_id="other"))
    assert [found.run_id for found in list_releases(published)] == ["run"] * 3


def test_publish__of_two_racers_takes_one(spark: SparkSession, lake: Lake) -> None:
    lake.create(RELEASES)
    barrier = threading.Barrier(2)

    def race(run_id: str) -> bool:
        racer = Lake(spark.newSession(), lake.root, run_id=run_id)
        racer.probe = lambda moment: barrier.wait() if moment.endswith("before") else None
        try:
            publish(racer, release(1, run_id=run_id))
        except LeaseTakenError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        won = dict(zip("ab", pool.map(race, "ab"), strict=True))
    (seen,) = list_releases(lake)
    assert [run_id for run_id, has_won in won.items() if has_won] == [seen.run_id]


def test_roll_back__publishes_the_older_one_and_holds_what_it_did_not_have(published: Lake) -> None:
    roll_back(published, "r000002", by="Ada", why="wrong group", at=AT)
    now = find_release(published, None)
    assert (now.release_id, now.parent, now.kind, now.why) == ("r000004", "r000003", "rollback", "Ada: wrong group")
    assert (now.tables, now.as_of, now.consumed) == ({"l2/bags": 2}, date(2024, 3, 2), {"donors": [1, 2]})
    assert (now.held, now.is_incomplete) == ({"donors": [3]}, True)


def test_roll_back__goes_on_holding_what_an_earlier_one_held(published: Lake) -> None:
    roll_back(published, "r000002", by="Ada", why="1", at=AT)
    assert roll_back(published, "r000001", by="Ada", why="2", at=AT).held == {"donors": [2, 3]}
    assert roll_back(published, "r000003", by="Ada", why="3", at=AT).held == {}


def test_roll_back__to_what_is_current_or_unknown_is_refused(published: Lake) -> None:
    with pytest.raises(UsageError, match="r000003 is what readers see already"):
        roll_back(published, "r000003", by="Ada", why="no", at=AT)
    with pytest.raises(UsageError, match="there is no release 'r000009'"):
        roll_back(published, "r000009", by="Ada", why="no", at=AT)
    assert len(list_releases(published)) == 3


def test_reader__sees_released_versions_without_withdrawn_records(lake: Lake) -> None:
    lake.create(BAGS)
    for version in (1, 2):
        rows = [{"bag_id": f"b{version}", "is_void": False}, {"bag_id": f"gone{version}", "is_void": True}]
        lake.append(BAGS, frame(lake.spark, BAGS, rows))
    other = Table("l2", "later", "x", ("x",), (Field("x", TEXT),), "none")
    reader = ReleaseReader(lake, release(1), {"bags": BAGS, "later": other})
    assert [row.bag_id for row in reader.read("bags").collect()] == ["b1"]
    with pytest.raises(UsageError, match=r"release r000001 has no table 'later'; it has \['bags'\]"):
        reader.read("later")


def test_live__leaves_tables_alone_that_withdraw_nothing(lake: Lake) -> None:
    rows = frame(lake.spark, BAGS, [{"bag_id": "b1", "is_void": True}])
    assert live(Table("l1", "bags", "x", ("x",), BAGS.fields, "none"), rows).count() == 1
    assert live(BAGS, rows).count() == 0
