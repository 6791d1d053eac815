"""Files that change between their inspection and their load, or while they are read."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.errors import LandingChangedError
from lakehouse.l1.plan import make_plan
from lakehouse.storage.lake import Lake
from tests.support.landing import DAY, Loading, World, grow, lines, replace


@pytest.fixture
def world(spark: SparkSession, tmp_path: Path) -> World:
    return World.at(Lake(spark, str(tmp_path / "lake"), run_id="run"), tmp_path / "landing")


def test_ingest__of_a_file_that_grows_between_inspection_and_load_takes_it_next_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put(f"{DAY}/a.json", lines(1, 2))
    world.put(f"{DAY}/b.json", lines(8))

    def then_grow(*args: Any) -> Any:
        plan = make_plan(*args)
        grow(world.root / DAY / "a.json")
        return plan

    with monkeypatch.context() as patch:
        patch.setattr("lakehouse.l1.ingest.make_plan", then_grow)
        result = world.ingest()
    assert result.files == {"failed": 1, "loaded": 1} and not result.is_complete
    assert result.messages == [f"{DAY}/a.json: failed, changed after its inspection"]
    assert world.rows("donor_id") == [("D8",)]
    assert world.ingest().files == {"loaded": 1}
    assert world.rows("donor_id") == [("D1",), ("D2",), ("D3",), ("D8",)]
    world.assert_conserved()


def test_ingest__of_a_file_that_grows_while_it_is_read_takes_what_was_inspected(world: World) -> None:
    world.put(f"{DAY}/a.json", lines(1, 2))
    # Spark's workers open a copy of these files, so their first opening is the loading one.
    world.ingest(Loading(str(world.root), grow))
    assert world.rows("donor_id") == [("D1",), ("D2",)]
    # What it has become is another file, with all its lines.
    assert world.ingest().files == {"loaded": 1}
    assert world.rows("donor_id") == [("D1",), ("D1",), ("D2",), ("D2",), ("D3",)]


@pytest.mark.parametrize("packed", [False, True])
def test_ingest__of_a_file_that_is_written_over_while_it_is_read_appends_nothing(world: World, packed: bool) -> None:
    content = gzip.compress(lines(1, 2)) if packed else lines(1, 2)
    world.put(f"{DAY}/a.json", content)
    with pytest.raises(LandingChangedError, match="donors: a landing file changed while it was read; run again"):
        world.ingest(Loading(str(world.root), replace))
    assert world.rows("donor_id") == []
    result = world.ingest()
    assert result.files == {"failed": 1, "loaded": 1}
    assert world.rows("donor_id") == [("D9",)]
    world.assert_conserved()
