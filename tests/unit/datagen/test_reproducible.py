"""The same seed gives the same bytes, and a world that stops and goes on is the world that never stopped."""

import gzip
from pathlib import Path

from world_files import DAYS, files_of, lines_of, live

from datagen.cli import main


def test_same_seed__same_bytes(landing: Path, tmp_path: Path) -> None:
    assert files_of(live(tmp_path / "again")) == files_of(landing)


def test_other_seed__other_records_of_every_simulated_feed(landing: Path, tmp_path: Path) -> None:
    ours, theirs = lines_of(landing), lines_of(live(tmp_path / "other", seed=8, days=20))
    assert not [feed for feed in theirs if feed != "unit_parents" and set(theirs[feed]) <= set(ours[feed])]


def test_history_then_days__the_longer_history(landing: Path, tmp_path: Path) -> None:
    out = live(tmp_path / "shorter", days=DAYS - 3)
    before = lines_of(out)
    for day in ("2024-03-12", "2024-03-13", "2024-03-14"):
        assert main(["day", "--date", day, "--out", str(out)]) == 0
    after, whole = lines_of(out), lines_of(landing)
    # Line for line, in the order of delivery: days sent one by one are the bytes of the month.
    assert after == whole
    assert sum(map(len, after.values())) > sum(map(len, before.values()))
    # Not only the records: what the world remembers is the same, byte for byte.
    assert files_of(out / ".world") == files_of(landing / ".world")
    assert set(files_of(out / ".world")) == {"north_river/world.json", "north_river/tables-2024-03-15.npz"}


def test_day_files__one_a_feed_below_their_day(tmp_path: Path) -> None:
    out = live(tmp_path / "landing", days=17, donors=300)
    before = set(files_of(out))
    assert main(["day", "--date", "2024-02-01", "--out", str(out)]) == 0
    new = {name for name in set(files_of(out)) - before if not name.startswith(".")}
    assert new
    assert all(
        name == f"{name.split('/')[0]}/2024/02/01/{name.split('/')[0]}-north_river-20240201.json" for name in new
    )


def test_month_files__stand_below_the_last_day_they_cover(landing: Path) -> None:
    found = {name.split("/", 1)[1] for name in files_of(landing) if name.startswith("donations/")}
    assert found == {
        "2024/01/31/donations-north_river-20240115-20240131.json",
        "2024/02/29/donations-north_river-20240201-20240229.json",
        "2024/03/14/donations-north_river-20240301-20240314.json",
    }


def test_gz__same_lines_and_same_bytes_again(tmp_path: Path) -> None:
    plain = lines_of(live(tmp_path / "plain", days=5, donors=300))
    packed = files_of(live(tmp_path / "first", "--gz", days=5, donors=300))
    assert packed == files_of(live(tmp_path / "second", "--gz", days=5, donors=300))
    unpacked = {
        name.split("/")[0]: gzip.decompress(content).splitlines()
        for name, content in packed.items()
        if name.endswith(".gz")
    }
    assert unpacked == plain


def test_nothing_half_written_is_left(landing: Path) -> None:
    assert not [name for name in files_of(landing) if name.endswith(".tmp")]
