"""Runs jobs/run.py, and kills it with all that it started once it has written rows to one table.

Used as `python -m tests.support.killed TABLE [options of jobs/run.py]`, in a process group of its own.
"""

import os
import runpy
import signal
import sys
from functools import partial

from lakehouse import cli
from lakehouse.storage.lake import Lake

ROWS = ("append", "insert", "merge", "replace")


def kill_after(table: str, moment: str) -> None:
    """A lake's probe: the process group ends here, as by `kill -9`, where rows have been written to `table`."""
    written, kind, when = moment.split(":")
    if (written, when) == (table, "after") and kind in ROWS:
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    chosen = sys.argv.pop(1)
    cli.Lake = partial(Lake, probe=partial(kill_after, chosen))  # type: ignore[misc, assignment]
    runpy.run_path("jobs/run.py", run_name="__main__")
