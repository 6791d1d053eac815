"""What a release remembers of the code that built it."""

import shutil
import zipfile
from importlib import resources
from pathlib import Path

import pytest

from lakehouse.promote import start
from lakehouse.promote.start import fingerprint


def code_sha() -> str:
    return fingerprint([], {}, "key").code_sha


def test_fingerprint__is_of_the_code_that_runs_wherever_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a cluster has it: in a zip, and not in the home that holds conf/ and expectations/."""
    package = shutil.copytree(
        str(resources.files("lakehouse")), tmp_path / "lakehouse", ignore=shutil.ignore_patterns("__pycache__")
    )
    here = code_sha()
    monkeypatch.setattr(start.resources, "files", lambda _: package)
    assert code_sha() == here
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "lakehouse")
    monkeypatch.setattr(start.resources, "files", lambda _: zipfile.Path(packed, "lakehouse/"))
    assert code_sha() == here


@pytest.mark.parametrize(
    ("changed", "counts"), [("l2/derivatives/units.py", True), ("table.py", True), ("reports/page.py", False)]
)
def test_fingerprint__changes_with_the_code_that_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str, counts: bool
) -> None:
    package = shutil.copytree(str(resources.files("lakehouse")), tmp_path / "lakehouse")
    here = code_sha()
    (package / changed).write_text("# changed")
    monkeypatch.setattr(start.resources, "files", lambda _: package)
    assert (code_sha() != here) is counts
