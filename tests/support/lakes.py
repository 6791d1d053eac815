"""Small lakes for tests: a made-up region's landing files, and jobs run in this process."""

import io
import json
import os
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame

from datagen.cli import main as datagen
from lakehouse import cli, quarantined, reported, sql, traced, work
from lakehouse.storage.lake import Lake
from lakehouse.table import Table

KEY = "a-key-of-the-tests-and-of-nothing-else"
Records = Sequence[dict[str, Any]]
START, DAYS, DONORS = date(2024, 1, 1), 40, 500
# As small as this, the worlds of some seeds lack something: in this one all feeds occur, and units that were made of
# others, discarded, outdated and exported.
SEED = 14
LAST_DAY = date(2024, 2, 9)
JOBS = {
    "ingest": (work.ingest_job, None),
    "promote": (work.promote_job, work.promote_options),
    "report": (reported.report_job, reported.release_option),
    "run": (work.run_job, work.run_options),
    "release": (work.release_job, work.release_options),
    "quarantine": (quarantined.quarantine_job, quarantined.quarantine_options),
    "sql": (sql.sql_job, sql.sql_options),
    "look_back": (traced.look_back_job, traced.look_back_options),
}
# What differs between two lakes that hold the same: when they were made, and by which run.
OF_THE_RUN = {"_ingested_at", "run_id", "release_id", "published_at", "judged_at", "etag", "_batch_seq"}


@dataclass(frozen=True)
class Ended:
    """How a job ended: its exit code, the JSON of its last line, and all that it printed."""

    code: int
    line: dict[str, Any]
    printed: str


def now() -> datetime:
    return datetime.now(UTC)


def run(job: str, lake: str | Path, *options: str) -> Ended:
    """Run a job in this process, as jobs/<job>.py would."""
    body, arguments = JOBS[job]
    printed = io.StringIO()
    with redirect_stdout(printed):
        code = cli.main(job, job, body, now, arguments, ["--lake", str(lake), *options])
    lines = printed.getvalue().splitlines()
    return Ended(code, json.loads(lines[-1]), "\n".join(lines[:-1]))


def make_world(landing: Path, *, seed: int = SEED, days: int = DAYS, donors: int = DONORS) -> None:
    """Write the history of a small region, old enough to have settled."""
    options = ["--seed", str(seed), "--start", str(START), "--days", str(days), "--donors", str(donors)]
    _quietly(["history", *options, "--out", str(landing)])
    settle(landing)


def next_day(landing: Path, day: date) -> None:
    """Write the next day of the same region."""
    _quietly(["day", "--date", str(day), "--out", str(landing)])
    settle(landing)


def land(
    landing: Path, feed: str, records: Sequence[dict[str, Any]] | bytes, *, name: str, day: date = LAST_DAY
) -> Path:
    """Put one file of records (or of these bytes) into landing."""
    path = landing / feed / f"{day:%Y/%m/%d}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        records if isinstance(records, bytes) else b"".join(json.dumps(r).encode() + b"\n" for r in records)
    )
    settle(path.parent)
    return path


def settle(folder: Path) -> None:
    """Make every file an hour old."""
    then = now().timestamp() - 3600
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (then, then))


def lake_at(spark: Any, root: str | Path) -> Lake:
    return Lake(spark, str(root), run_id="test")


def content(rows: DataFrame, table: Table) -> list[str]:
    """The rows as sorted text, apart from what tells one run from another."""
    told = OF_THE_RUN | ({"happened_at"} if table.tier == "ops" else set())
    kept = [column for column in table.columns if column not in told]
    return sorted(str(row) for row in rows.select(*kept).collect())


def _quietly(argv: list[str]) -> None:
    with redirect_stdout(io.StringIO()):
        code = datagen(argv)
    assert code in (0, None), argv
