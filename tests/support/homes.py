"""A home of the project whose lakes leave out what a test is not about: each derivative costs every run seconds."""

import shutil
from pathlib import Path
from typing import Any

from lakehouse.config import HOME
from lakehouse.l2.pipeline import OPTIONAL

# A balance over all days, on a table of its own, stays.
LEFT_OUT = sorted(OPTIONAL - {"unit_moves", "inventory_daily"})
LEAN: dict[str, Any] = {"pipeline": {"leave_out": LEFT_OUT}}
"""The same, for `load_config`."""


def lean_home(folder: Path) -> Path:
    """Make a home, for `LAKEHOUSE_HOME`: this one's, but for one setting."""
    home = folder / "home"
    home.mkdir()
    for name in ("lakehouse", "expectations"):
        (home / name).symlink_to(HOME / name)
    shutil.copytree(HOME / "conf", home / "conf")
    base = home / "conf" / "base.toml"
    base.write_text(base.read_text().replace("leave_out = []", f"leave_out = {LEFT_OUT}"))
    assert str(LEFT_OUT) in base.read_text()
    return home
