"""What the commands refuse, in one sentence and without touching anything."""

from pathlib import Path

import orjson
import pytest
from world_files import files_of, live

from datagen.cli import main
from datagen.landing import Folder


@pytest.mark.parametrize("day", ["2024-01-14", "2024-01-19", "2024-01-21"])
def test_day__that_is_not_the_next(day: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = live(tmp_path / "landing", days=5, donors=100)
    before = files_of(out)
    capsys.readouterr()
    assert main(["day", "--date", day, "--out", str(out)]) == 2
    said = capsys.readouterr()
    assert said.err == f"the next day of the world at {out} is 2024-01-20, not {day}\n"
    assert said.out == ""
    assert files_of(out) == before


def test_day__without_a_world(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["day", "--date", "2024-01-20", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"there is no world at {tmp_path}")
    assert files_of(tmp_path) == {}


def test_history__over_a_world(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = live(tmp_path / "landing", days=2, donors=100)
    before = files_of(out)
    arguments = ["history", "--start", "2024-01-15", "--days", "2", "--out", str(out)]
    assert main(arguments) == 2
    assert "already" in capsys.readouterr().err
    assert files_of(out) == before


@pytest.mark.parametrize("wrong", [("--days", "0"), ("--donors", "0"), ("--seed", "-1")])
def test_history__of_nothing(wrong: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["history", "--start", "2024-01-15", "--days", "2", "--out", str(tmp_path), *wrong]
    assert main(arguments) == 2
    assert wrong[0] in capsys.readouterr().err
    assert files_of(tmp_path) == {}


def test_day__whose_save_was_killed__runs_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = live(tmp_path / "landing", days=3, donors=300)

    write = Folder.write

    def killed(folder: Folder, path: str, content: bytes) -> None:
        if path.endswith("world.json"):
            raise KeyboardInterrupt
        write(folder, path, content)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Folder, "write", killed)
        main(["day", "--date", "2024-01-18", "--out", str(out)])
    assert main(["day", "--date", "2024-01-18", "--out", str(out)]) == 0
    undisturbed = live(tmp_path / "undisturbed", days=3, donors=300)
    assert main(["day", "--date", "2024-01-18", "--out", str(undisturbed)]) == 0
    assert files_of(out) == files_of(undisturbed)


def test_state__damaged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = live(tmp_path / "landing", days=2, donors=100)
    (tables,) = (out / ".world" / "north_river").glob("tables-*.npz")
    tables.write_bytes(tables.read_bytes()[:-1])
    assert main(["day", "--date", "2024-01-17", "--out", str(out)]) == 2
    assert "damaged" in capsys.readouterr().err


def test_stdout__one_line_of_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = live(tmp_path / "landing", days=3, donors=100)
    said = capsys.readouterr()
    counts = orjson.loads(said.out)
    assert said.out.count("\n") == 1
    assert said.err == ""
    written = {
        feed: sum(len(path.read_bytes().splitlines()) for path in (out / feed).rglob("*.json")) for feed in counts
    }
    assert counts == written
    assert counts["donors"] > 100
