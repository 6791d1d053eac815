"""docs/feeds.md has each rule of deviations in words."""

import re

from lakehouse.config import HOME
from lakehouse.l2.derivatives.units import LABEL_DISPUTED, LABEL_TOO_LATE

CODE = sorted((HOME / "lakehouse" / "l2" / "derivatives").glob("deviations_*.py"))


def test_rules__of_deviations_are_all_explained() -> None:
    named = {name for path in CODE for name in re.findall(r'\brule\(\s*"([\w.]+)"', path.read_text(encoding="utf-8"))}
    page = (HOME / "docs" / "feeds.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| `(\w+\.[\w.]+)` \|", page, re.MULTILINE)
    assert len(named) > 10
    assert sorted(explained) == sorted(named | {LABEL_DISPUTED, LABEL_TOO_LATE})
