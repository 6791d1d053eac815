"""Runs in processes of their own, as people start them; some are killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from lakehouse.config import HOME
from tests.support.lakes import KEY, LAST_DAY, Ended


def start(root: Path, home: Path = HOME, program: Sequence[str] = ("jobs/run.py",)) -> subprocess.Popen[str]:
    """A run for `LAST_DAY` in a process, and a process group, of its own; `home` holds its settings."""
    command = [sys.executable, *program, "--lake", str(root), "--as-of", str(LAST_DAY)]
    environment = {**os.environ, "LAKEHOUSE_KEY": KEY, "LAKEHOUSE_HOME": str(home)}
    output = (root / f"{uuid4().hex}.out").open("w")
    pipes = {"stdout": subprocess.PIPE, "stderr": output, "text": True, "start_new_session": True}
    return subprocess.Popen(command, cwd=HOME, env=environment, **pipes)  # type: ignore[call-overload,no-any-return]


def spark_submit(
    job: str,
    lake: str | Path,
    *options: str,
    conf: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """A job through spark-submit, as on a cluster; all that it logged is in what it printed."""
    settings = [word for name, value in (conf or {}).items() for word in ("--conf", f"{name}={value}")]
    programs = Path(sys.executable).parent
    command = [str(programs / "spark-submit"), *settings, f"jobs/{job}.py", "--lake", str(lake), *options]
    # As after `. .venv/bin/activate`: spark-submit looks for Spark with the python that it finds first.
    variables = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "LAKEHOUSE_KEY": KEY, **(environment or {})}
    done = subprocess.run(command, cwd=HOME, env=variables, capture_output=True, text=True, timeout=900, check=False)
    # Where a job fails, spark-submit ends its output with a line of its own, which is empty.
    return Ended(done.returncode, json.loads(done.stdout.strip().splitlines()[-1]), done.stdout + done.stderr)


def end(process: subprocess.Popen[str]) -> Ended:
    """Wait for a run."""
    printed, _ = process.communicate(timeout=900)
    lines = printed.splitlines()
    return Ended(process.returncode, json.loads(lines[-1]), "\n".join(lines[:-1]))


def kill_at(root: Path, table: str, home: Path = HOME) -> None:
    """Start a run that is killed, with all that it started, when it has written to a table."""
    process = start(root, home, ("-m", "tests.support.killed", table))
    printed, _ = process.communicate(timeout=900)
    assert process.returncode == -signal.SIGKILL, f"the run ended before it wrote {table}: {printed}"
