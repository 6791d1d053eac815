"""Commands of this project as people start them, in processes of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lakehouse.config import HOME

KEY = "a-key-of-the-benchmarks-and-of-nothing-else"


def python(arguments: Sequence[str], *, may_end: Sequence[int] = (0,)) -> str:
    """What a Python process prints.

    Raises:
        RuntimeError: it ended otherwise than it may.
    """
    environment = {**os.environ, "LAKEHOUSE_KEY": KEY}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=HOME, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode not in may_end:
        raise RuntimeError(f"{' '.join(arguments)} ended {done.returncode}, wanted {may_end}")
    return done.stdout


def job(name: str, lake: Path, *options: str, may_end: Sequence[int] = (0,)) -> dict[str, Any]:
    """The line of JSON that a job of jobs/ ends with."""
    printed = python([f"jobs/{name}.py", "--lake", str(lake), *options], may_end=may_end)
    line: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return line
