"""A history of conformed records as a lake, built whole, then refreshed by its last two days and built whole again.

The first refresh after a whole build writes most files anew, for touched rows stand in all of them; later ones don't.

`python -m benchmarks.refreshed …` prints a line of JSON: see `Refresh`. What opening a session costs is left out.
"""

import argparse
import json
import resource
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from benchmarks import conformed
from benchmarks.builds import data_files, java_bytes
from benchmarks.harness import seconds
from lakehouse.config import Config, load_config
from lakehouse.l2.conformed.changes import TIMES
from lakehouse.l2.pipeline import CONFORMED_TABLES, Wiring
from lakehouse.promote.derive import derive
from lakehouse.promote.frames import frames_of
from lakehouse.promote.slices import slices_of
from lakehouse.promote.start import create_tables
from lakehouse.session import build_session
from lakehouse.storage.lake import Lake


@dataclass(frozen=True)
class Refresh:
    """Seconds of a full build, of the first refresh, of the next and of a full build of that day; what the next wrote.

    `python_bytes` and `java_bytes` are the peak resident memory of the refreshes and what came before them.
    """

    full_seconds: float
    first_seconds: float
    refresh_seconds: float
    full_again_seconds: float
    python_bytes: int
    java_bytes: int
    files: int
    written_bytes: int
    seconds_of: Mapping[str, float]


class Timed(Lake):
    """A lake that notes how long each derivative's write took, its build included."""

    seconds_of: dict[str, float]

    def replace(self, table, rows):  # type: ignore[no-untyped-def]
        """As it is, timed."""
        self.seconds_of[table.name] = seconds(lambda: super(Timed, self).replace(table, rows))

    def refresh(self, table, rows, *, gone, where):  # type: ignore[no-untyped-def]
        """As it is, timed."""
        self.seconds_of[table.name] = seconds(lambda: super(Timed, self).refresh(table, rows, gone=gone, where=where))


def measured(folder: Path, units: int, days: int, session: SparkSession, config: Config) -> Refresh:
    """Make the history, and measure."""
    last_day = conformed.make(folder / "conformed", units, days=days)
    lake, wiring = Timed(session, str(folder / "lake"), run_id="bench"), Wiring()
    lake.seconds_of = {}
    create_tables(lake, wiring.tables, config.pipeline.threads)
    days = [last_day - timedelta(days=number) for number in (2, 1, 0)]
    _fill(lake, folder / "conformed", None, days[0])
    empty = dict.fromkeys((table.path for table in wiring.tables), 0)

    def build(before: Mapping[str, int], as_of: date, *, by_slices: bool) -> float:
        frames = frames_of(lake, before)
        options = {"as_of": as_of, "params": config.params, "threads": config.pipeline.threads}

        def work() -> None:
            slices = slices_of(frames, list(TIMES), as_of, as_of - timedelta(days=1)) if by_slices else None
            derive(lake, frames, wiring.derivatives, slices=slices, **options)

        with lake.reading_whole():
            return seconds(work)

    full = build(empty, days[0], by_slices=False)
    took = []
    for day in days[1:]:
        before = {table.path: lake.version(table) or 0 for table in wiring.tables}
        _fill(lake, folder / "conformed", day - timedelta(days=1), day)
        written = data_files(Path(lake.root) / "l2")
        lake.seconds_of.clear()
        took.append(build(before, day, by_slices=True))
        new = data_files(Path(lake.root) / "l2") - written
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, java_bytes(session)
    seconds_of = dict(lake.seconds_of)
    again = build(before, last_day, by_slices=False)
    return Refresh(full, *took, again, *memory, len(new), sum(path.stat().st_size for path in new), seconds_of)


def _fill(lake: Lake, folder: Path, after: date | None, until: date) -> None:
    """Append what was recorded after the one day, or ever, until the other."""
    for table in CONFORMED_TABLES:
        rows = lake.spark.read.schema(table.schema).parquet(str(folder / table.name))
        told = F.to_date(first_told(TIMES.get(table.name, ())))
        is_old = F.coalesce(told <= F.lit(after), F.lit(True)) if after else F.lit(False)
        chosen = rows.where(~is_old & F.coalesce(told <= F.lit(until), F.lit(True)))
        number = F.lit(until.toordinal()).cast("long")
        lake.append(table, chosen.withColumn("_batch_seq", number))


def first_told(columns: tuple[str, ...]) -> Column:
    """When a record was made: at the first instant that it tells of; NULL, where it tells of none."""
    return F.array_min(F.array(*[F.col(column).cast("timestamp") for column in columns]).cast("array<timestamp>"))


def main() -> None:
    """Measure once and print it."""
    parser = argparse.ArgumentParser(prog="benchmarks.refreshed", description=__doc__)
    parser.add_argument("--units", type=int, required=True)
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="where to; must not exist")
    options = parser.parse_args()
    config = load_config("local").for_units(options.units)
    found = measured(options.folder, options.units, options.days, build_session(config, "bench"), config)
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
