"""Regions live by themselves: another beside one changes none of its bytes, and no two share an id."""

from pathlib import Path

import orjson
import pytest
from world_files import Records, files_of, lines_of, live

from datagen.cli import main
from lakehouse.l1.feeds import FEEDS

SHORT = {"days": 12, "donors": 400}
KEYS = {feed: FEEDS[feed].key[0] for feed in FEEDS if feed not in ("donations", "event_employees", "unit_parents")}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return live(tmp_path_factory.mktemp("both") / "landing", "--regions", "lake_plain,north_river", **SHORT)


def test_region__is_not_changed_by_another_beside_it(both: Path, tmp_path: Path) -> None:
    alone = files_of(live(tmp_path / "alone", "--regions", "north_river", **SHORT))
    beside = files_of(both)
    assert alone == {name: content for name, content in beside.items() if name in alone}
    assert {name for name in beside if "lake_plain" in name} == set(beside) - set(alone)


def test_regions__in_one_process_or_two(both: Path, tmp_path: Path) -> None:
    one = live(tmp_path / "one", "--regions", "north_river,lake_plain", "--processes", "1", **SHORT)
    assert files_of(one) == files_of(both)


def test_regions__share_no_id(both: Path) -> None:
    records: Records = {feed: [orjson.loads(line) for line in lines] for feed, lines in lines_of(both).items()}
    for feed, key in KEYS.items():
        regions: dict[str, set[str]] = {}
        for path in (both / feed).rglob("*.json"):
            region = path.name.split("-")[1]
            regions.setdefault(region, set()).update(orjson.loads(line)[key] for line in path.read_bytes().splitlines())
        assert len(regions) == 2 and not set.intersection(*regions.values()), feed
    assert len({record["bag_id"] for record in records["donations"]}) == len({r["din"] for r in records["donations"]})


def test_day__goes_on_with_every_region_and_catches_up_after_a_kill(both: Path, tmp_path: Path) -> None:
    out = tmp_path / "days"
    live(out, "--regions", "north_river,lake_plain", days=11, donors=400)
    # One region has lived the day and saved it; the run was killed before the other had.
    ahead = live(tmp_path / "ahead", "--regions", "lake_plain", **SHORT)
    (out / ".world" / "lake_plain" / "tables-2024-01-26.npz").unlink()
    for name in ("world.json", "tables-2024-01-27.npz"):
        (out / ".world" / "lake_plain" / name).write_bytes((ahead / ".world" / "lake_plain" / name).read_bytes())
    assert main(["day", "--date", "2024-01-26", "--out", str(out)]) == 0
    assert files_of(out / ".world") == files_of(both / ".world")
    assert main(["day", "--date", "2024-01-26", "--out", str(out)]) == 2


def test_history__of_an_unknown_region(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["history", "--start", "2024-01-15", "--days", "2", "--out", str(tmp_path), "--regions", "atlantis"]
    assert main(arguments) == 2
    assert "the plan has no region atlantis; it has north_river, lake_plain" in capsys.readouterr().err
    assert files_of(tmp_path) == {}
