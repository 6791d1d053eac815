"""The full build of the derivatives from conformed Parquet, three ways, each in a process of its own.

- ours: as a promote builds, into Delta tables; what derivatives share is computed once;
- naive: a Spark job a derivative, each from the conformed tables on, all that it is made of built again; Parquet;
- twins: the five largest by DuckDB, from the same Parquet; Parquet.

`python -m benchmarks.builds WAY …` prints a line of JSON: see `Built`.
"""

import argparse
import json
import resource
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from benchmarks import twins
from benchmarks.harness import seconds
from lakehouse.config import Config, load_config
from lakehouse.l2.conformed.changes import SCHEMA
from lakehouse.l2.pipeline import (
    CAME,
    CHANGED_RECORDS,
    CONFORMED_TABLES,
    DERIVATIVES,
    L2_TABLES,
    PAST,
    SHARED,
    Wiring,
    parameters,
    table_of,
)
from lakehouse.promote.derive import derive
from lakehouse.promote.frames import frames_of
from lakehouse.release import live
from lakehouse.session import build_session
from lakehouse.storage.lake import Lake
from lakehouse.table import Table

CONFORMED = frozenset(table.name for table in CONFORMED_TABLES)
EVERY = tuple(step.table.name for step in DERIVATIVES)


@dataclass(frozen=True)
class Built:
    """What a build took: seconds from the open session on, peak resident bytes of Python and Java, what it wrote."""

    seconds: float
    python_bytes: int
    java_bytes: int
    files: int
    written_bytes: int
    seconds_of: dict[str, float]


@dataclass(frozen=True)
class Task:
    """What to build: of which conformed tables, where to, as of when.

    What is not among `tables` is read from the lake at `given`, where a build needs it.
    """

    conformed: Path
    out: Path
    as_of: date
    tables: Sequence[str] = EVERY
    given: Path | None = None


class OverParquet(Lake):
    """A lake whose conformed tables are Parquet files, and some of whose derivatives may be given by another."""

    def __init__(self, session: SparkSession, task: Task) -> None:
        super().__init__(session, str(task.out), run_id="bench")
        self._task = task

    def read(self, table: Table, version: int | None = None) -> DataFrame:
        """The rows of a table, wherever it is."""
        if table.name in CONFORMED:
            return self.spark.read.schema(table.schema).parquet(str(self._task.conformed / table.name))
        if self._task.given is not None and table.name not in self._task.tables:
            return self.spark.read.format("delta").load(str(self._task.given / table.path))
        return super().read(table, version)


def ours(task: Task, session: SparkSession, config: Config) -> dict[str, float]:
    """Build as a promote does; builds go on side by side, so none has a time of its own."""
    wiring = Wiring(tuple(step for step in DERIVATIVES if step.table.name in task.tables))
    lake = OverParquet(session, task)
    for step in wiring.derivatives:
        lake.create(step.table)
    lake.read(wiring.derivatives[0].table)  # Delta's settings are there once a table was opened
    with lake.reading_whole():
        derive(
            lake,
            # A first release: nothing was before it.
            frames_of(lake, dict.fromkeys((table.path for table in L2_TABLES.values()), 0), anew=L2_TABLES),
            wiring.derivatives,
            as_of=task.as_of,
            params=config.params,
            threads=config.pipeline.threads,
        )
    return {}


def naive(task: Task, session: SparkSession, config: Config) -> dict[str, float]:
    """Build each derivative by itself; what a build keeps for itself it may, what it is made of it shares with none."""
    lake = OverParquet(session, task)

    def build(name: str) -> None:
        rows = _from_conformed(lake, name, task.as_of, config.params, {})
        rows.write.parquet(str(task.out / name))

    return {name: seconds(lambda name=name: build(name)) for name in task.tables}


def _from_conformed(
    lake: Lake, name: str, as_of: date, params: Mapping[str, Any], known: dict[str, DataFrame]
) -> DataFrame:
    """A frame and all that it is made of, as one plan."""
    if name not in known:
        known[name] = _planned(lake, name, as_of, params, known)
    return known[name]


def _planned(lake: Lake, name: str, as_of: date, params: Mapping[str, Any], known: dict[str, DataFrame]) -> DataFrame:
    def made_of(names: Iterable[str]) -> list[DataFrame]:
        return [_from_conformed(lake, source, as_of, params, known) for source in names]

    if name == CHANGED_RECORDS:
        return lake.spark.createDataFrame([], SCHEMA)
    if name.endswith(PAST):
        return lake.spark.createDataFrame([], L2_TABLES[table_of(name)].schema)
    if name.endswith(CAME):
        return made_of([table_of(name)])[0]
    if name in CONFORMED:
        return live(L2_TABLES[name], lake.read(L2_TABLES[name]))
    if name in SHARED:
        return SHARED[name](*made_of(parameters(SHARED[name])))
    step = next(step for step in DERIVATIVES if step.table.name == name)
    return step.build(*made_of(step.inputs), as_of=as_of, params=params)


def by_duckdb(task: Task, config: Config) -> dict[str, float]:
    """Build the twins; the dimensions are those of the given lake."""
    if task.given is None:
        raise ValueError("the twins need the dimensions of a lake: --given")
    return twins.build(task.conformed, task.given, task.out, as_of=task.as_of, params=config.params)


def main() -> None:
    """Build once and print what it took."""
    way, units, task = _options()
    task.out.mkdir(parents=True)
    config = load_config("local").for_units(units)
    session = None if way == "twins" else build_session(config, "bench")
    started = perf_counter()
    if session is None:
        seconds_of = by_duckdb(task, config)
    else:
        seconds_of = (ours if way == "ours" else naive)(task, session, config)
    took = perf_counter() - started
    files = data_files(task.out)
    built = Built(
        seconds=took,
        python_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        java_bytes=java_bytes(session) if session else 0,
        files=len(files),
        written_bytes=sum(path.stat().st_size for path in files),
        seconds_of=seconds_of,
    )
    print(json.dumps(asdict(built)))


def _options() -> tuple[str, int, Task]:
    parser = argparse.ArgumentParser(prog="benchmarks.builds", description=__doc__)
    parser.add_argument("way", choices=("ours", "naive", "twins"))
    parser.add_argument("--conformed", type=Path, required=True, help="folder of the conformed tables")
    parser.add_argument("--out", type=Path, required=True, help="where to write; must not exist")
    parser.add_argument("--given", type=Path, help="root of a lake to read from what is not built here")
    parser.add_argument("--as-of", type=date.fromisoformat, required=True)
    parser.add_argument("--units", type=int, default=0, help="about how many there are, for the settings")
    parser.add_argument("--tables", nargs="+", default=EVERY, choices=EVERY, metavar="TABLE")
    options = vars(parser.parse_args())
    return options.pop("way"), options.pop("units"), Task(**options)


def data_files(root: Path) -> set[Path]:
    """The Parquet files below a folder that hold rows, not checkpoints of Delta's log."""
    return {path for path in root.rglob("*.parquet") if "_delta_log" not in path.parts}


def java_bytes(session: SparkSession) -> int:
    """Peak resident bytes of the session's JVM, as Linux counted them."""
    pid = session._jvm.java.lang.ProcessHandle.current().pid()
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) * 1024


if __name__ == "__main__":
    main()
