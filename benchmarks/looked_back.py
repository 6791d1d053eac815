"""A large lake to look back in: `python -m benchmarks.looked_back --folder … --units …`.

It holds the tables that are looked up, those with times in their order, as they would have come. The units come from
their twin, which is quicker, and the cases from the first part of the records alone.
"""

import argparse
from datetime import UTC, date, datetime
from pathlib import Path

from pyspark.sql import DataFrame

from benchmarks import conformed, twins
from benchmarks.builds import OverParquet, Task, ours
from benchmarks.refreshed import first_told
from lakehouse.config import Config, load_config
from lakehouse.l2.conformed.changes import TIMES
from lakehouse.l2.pipeline import CONFORMED_TABLES, DERIVATIVES, L2_TABLES
from lakehouse.release import RELEASES, Release, publish
from lakehouse.session import build_session
from lakehouse.storage.lake import Lake
from lakehouse.table import Table

CASES = ("look_backs", "look_back_units")
FILE_ROWS = 1_000_000


def make(folder: Path, units: int, config: Config) -> None:
    """Write the lake below `<folder>/lake`."""
    records = folder / "conformed"
    as_of = conformed.make(records, units)
    session = build_session(config, "bench")
    lake = Lake(session, str(folder / "lake"), run_id="bench")
    for table in CONFORMED_TABLES:
        if table.looked_up_by:
            rows = session.read.schema(table.schema).parquet(str(records / table.name))
            _write(lake, table, rows, TIMES.get(table.name, ()))
    finish(folder, lake, as_of, config)


def finish(folder: Path, lake: Lake, as_of: date, config: Config) -> None:
    """Write the units and the cases, and publish all."""
    table, twin, first = L2_TABLES["units"], folder / "twins", _first_part(folder)
    twin.mkdir()
    twins.build(folder / "conformed", None, twin, as_of=as_of, params=config.params, tables=["units"])
    rows = lake.spark.read.schema(table.schema).parquet(str(twin / "units"))
    _write(lake, table, rows, ("prepared_at",))
    cases = Task(first, folder / "cases", as_of, _tables_behind_cases())
    ours(cases, lake.spark, config)
    given = OverParquet(lake.spark, cases)
    for name in CASES:
        _write(lake, L2_TABLES[name], given.read(L2_TABLES[name]))
    _publish(lake, as_of)


def _first_part(folder: Path) -> Path:
    """The first part of the records, with the places that belong to all."""
    for table in CONFORMED_TABLES:
        place = folder / "first" / table.name
        place.mkdir(parents=True)
        for source in sorted((folder / "conformed" / table.name).glob("0000[01].parquet")):
            (place / source.name).symlink_to(source)
    return folder / "first"


def _tables_behind_cases() -> tuple[str, ...]:
    """The derivatives that the cases are made of, and they."""
    needed, steps = set(CASES), {step.table.name: step for step in DERIVATIVES}
    while more := {source for name in needed for source in steps[name].sources if source in steps} - needed:
        needed |= more
    return tuple(needed)


def _write(lake: Lake, table: Table, rows: DataFrame, times: tuple[str, ...] = ()) -> None:
    """Write a table in files of a release's kind: what came together stands together."""
    lake.create(table)
    when, files = first_told(times), max(rows.count() // FILE_ROWS, 1)
    lake.append(table, rows.repartitionByRange(files, when).sortWithinPartitions(when))


def _publish(lake: Lake, as_of: date) -> None:
    lake.create(RELEASES)
    tables = {table.path: lake.version(table) for table in L2_TABLES.values()}
    release = Release(
        sequence=1,
        as_of=as_of,
        tables={path: version for path, version in tables.items() if version is not None},
        consumed={},
        held={},
        **dict.fromkeys(("suites_sha", "params_sha", "code_sha", "key_id"), "bench"),
        run_id=lake.run_id,
        published_at=datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC),
    )
    publish(lake, release)


def main() -> None:
    """Make the lake."""
    parser = argparse.ArgumentParser(prog="benchmarks.looked_back", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where to; must not exist")
    parser.add_argument("--units", type=int, required=True)
    options = parser.parse_args()
    make(options.folder, options.units, load_config("local"))


if __name__ == "__main__":
    main()
