"""The full build of the derivatives, beside DuckDB for the five largest and beside one naive Spark job a derivative.

Every way has a process of its own, so that peaks of memory are its own; what opening a session costs is left out. The
conformed tables are the same files for all. Ours is written as Delta, as a promote does; the others' are plain Parquet.
"""

import argparse
import json
import shutil
from pathlib import Path

from benchmarks import conformed, twins
from benchmarks.builds import Built
from benchmarks.harness import GIB, MIB, Measurement, at_most, show
from benchmarks.processes import python
from lakehouse.l2.pipeline import L2_TABLES

UNITS = 100_000
DUCKDB_GOAL, NAIVE_GOAL = 5.0, 0.5


def measure(folder: Path, units: int = UNITS, *, days: int = conformed.DAYS) -> list[Measurement]:
    """All ways in turn, over about so many units.

    Raises:
        RuntimeError: a derivative is not what its twin is.
    """
    root = folder / "full_build"
    shutil.rmtree(root, ignore_errors=True)
    inputs = root / "conformed"
    as_of = str(conformed.make(inputs, units, days=days))

    def built(way: str, name: str, *more: str) -> Built:
        options = ("--conformed", str(inputs), "--out", str(root / name), "--as-of", as_of, "--units", str(units))
        printed = python(["-m", "benchmarks.builds", way, *options, *more])
        return Built(**json.loads(printed.splitlines()[-1]))

    whole = built("ours", "ours")
    given = ("--given", str(root / "ours"))
    five = built("ours", "five", *given, "--tables", *twins.TWINS)
    by_duckdb = built("twins", "twins", *given)
    _require_alike(root)
    naive = built("naive", "naive")
    return [
        at_most(
            "five largest beside DuckDB", [five.seconds / by_duckdb.seconds], "x DuckDB", DUCKDB_GOAL, "DuckDB, SQL"
        ),
        at_most(
            "full build beside naive", [whole.seconds / naive.seconds], "x naive", NAIVE_GOAL, "a job a derivative"
        ),
        *_beside("full build", whole),
        *_beside("five largest", five),
        *_beside("five largest, DuckDB", by_duckdb),
        *_beside("naive build", naive),
    ]


def _require_alike(root: Path) -> None:
    for lake in ("ours", "five"):
        for name in twins.TWINS:
            table = L2_TABLES[name]
            if found := twins.differences(root / lake / table.path, root / "twins" / name / "*.parquet", table):
                raise RuntimeError(f"{name} is not what its twin is; rows that differ, by column: {found}")


def _beside(name: str, built: Built) -> list[Measurement]:
    """What a build took besides the ratio."""
    return [
        Measurement(name, round(built.seconds, 1), "seconds"),
        Measurement(f"{name}: peak of Python", round(built.python_bytes / GIB, 2), "GiB"),
        *([Measurement(f"{name}: peak of Java", round(built.java_bytes / GIB, 2), "GiB")] if built.java_bytes else []),
        Measurement(f"{name}: written", round(built.written_bytes / MIB, 1), "MiB", spread=f"{built.files} files"),
    ]


def main() -> None:
    """Measure at a size of one's own, and show it."""
    parser = argparse.ArgumentParser(prog="benchmarks.full_build", description=__doc__)
    parser.add_argument("--units", type=int, default=UNITS)
    parser.add_argument("--days", type=int, default=conformed.DAYS)
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    options = parser.parse_args()
    show(measure(options.folder.resolve(), options.units, days=options.days))


if __name__ == "__main__":
    main()
