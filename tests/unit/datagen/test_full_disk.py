"""A place that can't be written, or not to the end: one sentence, and nothing that could be taken for a delivery."""

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from world_files import files_of, lines_of, live

from datagen.cli import main
from datagen.plan import PLAN_PATH
from lakehouse.config import HOME
from lakehouse.l1.feeds import FEEDS
from lakehouse.l1.plan import list_landing
from lakehouse.storage.files import LocalFiles

ASKED = ("--seed", "7", "--start", "2024-01-01", "--days", "20", "--donors", "100")
# A disk that is full for files of more than so many bytes, which stops root, too. The register of donors, the first
# to be written, fits; the test results do not.
ROOM = 200_000


@pytest.fixture
def busy(tmp_path: Path) -> str:
    """A plan with so many donations that test results are the biggest files."""
    plan = PLAN_PATH.read_text()
    for name, value in (("visits_a_year", 90), ("interval_days", 3)):
        plan, changed = re.subn(rf"(?m)^{name} = .*$", f"{name} = [{value}, {value}, {value}, {value}]", plan)
        assert changed == 1
    (tmp_path / "busy.toml").write_text(plan)
    return str(tmp_path / "busy.toml")


def run(*arguments: str, room: int = ROOM) -> subprocess.CompletedProcess[str]:
    def narrow() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    command = [sys.executable, "-m", "datagen", *arguments]
    return subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False, preexec_fn=narrow)


def assert_one_sentence(done: subprocess.CompletedProcess[str], said: str) -> None:
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{said}\n")


@pytest.mark.parametrize("regions", ["north_river", "north_river,lake_plain"])
def test_history__on_a_full_disk(regions: str, busy: str, tmp_path: Path) -> None:
    out, whole = tmp_path / "landing", tmp_path / "whole"
    options = (*ASKED, "--plan", busy, "--regions", regions, "--processes")
    assert_one_sentence(run("history", *options, "2", "--out", str(out)), f"can't write to {out}: File too large")
    assert main(["history", *options, "1", "--out", str(whole)]) == 0
    left, written = files_of(out), files_of(whole)
    # What is there is whole, some is missing, and nothing says that these days were lived.
    assert left and left.items() < written.items()
    assert not any(name.startswith(".") or "/." in name for name in left)
    assert {info.path for info in list_landing(LocalFiles(str(out)), FEEDS)} == set(left)
    # With room again the same command makes the whole world.
    assert main(["history", *options, "1", "--out", str(out)]) == 0
    assert files_of(out) == written


def test_history__forgets_the_regions_that_did_fit(tmp_path: Path) -> None:
    # The second region's place is taken; the first is written whole, and saved, before or after that is found.
    out = tmp_path / "landing"
    few = ("history", "--start", "2024-01-15", "--days", "1", "--donors", "400", "--regions", "north_river,lake_plain")
    blocked = out / "donors" / "2024" / "01" / "15" / "donors-lake_plain-20240115.json"
    blocked.mkdir(parents=True)
    done = run(*few, "--out", str(out), "--processes", "2", room=resource.RLIM_INFINITY)
    assert_one_sentence(done, f"can't write to {out}: Is a directory")
    assert (out / "donors" / "2024" / "01" / "15" / "donors-north_river-20240115.json").is_file()
    assert not list((out / ".world").rglob("*.*"))
    assert not list(out.rglob(".*.tmp"))


def test_database__on_a_full_disk(tmp_path: Path) -> None:
    out = tmp_path / "region.sqlite3"
    done = run("history", *ASKED, "--out", str(out), "--format", "crimsoncache", room=30_000)
    assert_one_sentence(done, f"can't write to {out}: disk I/O error")
    assert os.listdir(tmp_path) == []


def test_history__below_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("taken")
    out = tmp_path / "file" / "landing"
    assert main(["history", *ASKED, "--out", str(out)]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"can't write to {out}: Not a directory\n")


def test_day__on_a_full_disk__can_be_lived_when_there_is_room(tmp_path: Path) -> None:
    out = live(tmp_path / "landing", days=3, donors=600)
    before = files_of(out)
    done = run("day", "--date", "2024-01-18", "--out", str(out), room=2_000)
    assert_one_sentence(done, f"can't write to {out}: File too large")
    after = files_of(out)
    assert {name: after[name] for name in before} == before
    assert not list(out.rglob(".*.tmp"))
    undisturbed = live(tmp_path / "undisturbed", days=3, donors=600)
    for world in (out, undisturbed):
        assert main(["day", "--date", "2024-01-18", "--out", str(world)]) == 0
    assert files_of(out) == files_of(undisturbed)
    assert lines_of(out) == lines_of(undisturbed)
