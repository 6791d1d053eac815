"""A home of the project whose lakes leave out what a test is not about: each derivative costs every run seconds."""

import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lakehouse.config import HOME
from lakehouse.l2.pipeline import OPTIONAL

# A balance over all days, on a table of its own, stays.
LEFT_OUT = sorted(OPTIONAL - {"unit_moves", "inventory_daily"})
# Compiling what Spark runs takes longer than small tables take without; its internal setting is for tests.
UNCOMPILED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
LEAN: dict[str, Any] = {"pipeline": {"leave_out": LEFT_OUT}}
"""The same, for `load_config`."""


def lean_home(folder: Path, spark: Mapping[str, str] = MappingProxyType(UNCOMPILED)) -> Path:
    """Make a home, for `LAKEHOUSE_HOME`: this one's, but for what is left out and some of Spark's settings."""
    home = folder / "home"
    home.mkdir()
    (home / "expectations").symlink_to(HOME / "expectations")
    shutil.copytree(HOME / "conf", home / "conf")
    base = home / "conf" / "base.toml"
    settings = base.read_text().replace("leave_out = []", f"leave_out = {LEFT_OUT}")
    # `[spark.conf]` stands last.
    base.write_text(settings + "".join(f'"{name}" = "{value}"\n' for name, value in spark.items()))
    found = tomllib.loads(base.read_text())
    assert found["pipeline"]["leave_out"] == LEFT_OUT and spark.items() <= found["spark"]["conf"].items()
    return home
