"""The generator still agrees with published figures: one seed, one year after one of burn-in, all regions."""

import json
from pathlib import Path

import pytest

from datagen.fidelity.__main__ import main

pytestmark = pytest.mark.slow


def test_fidelity_quick__holds_every_row_that_can_be_tested(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = main(["--quick", "--processes", "1", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    assert ended == 0, printed
    kept = json.loads((tmp_path / "fidelity.json").read_text())
    tested = {figure["name"].partition(".")[0] for figure in kept if figure["holds"] is not None}
    # Not in one year: confirmed infections (12), two years of follow-up (17), 34 months of demand (19).
    assert len(tested) == 16
