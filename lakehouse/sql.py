"""SQL on a release: a view for every released table, as that release has it."""

import argparse
import csv
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from lakehouse.catalogue import TABLES
from lakehouse.cli import Outcome, Run
from lakehouse.errors import UsageError
from lakehouse.gates.quarantine import QUARANTINE
from lakehouse.release import ReleaseReader, find_release
from lakehouse.storage.lake import Lake

Rows = Iterable[tuple[Any, ...]]
PROMPT, MORE = "lake> ", "    > "
WORD = re.compile(r"\w+")
OPEN_TO_READERS = ("ops/quarantine", "ops/gate_results", "ops/gate_profile", "ops/releases", "ops/holds", "ops/files")


class Views:
    """The tables of one release, and the logs of ops as they are now, as temporary views under their names.

    A view is made when a statement first names it: each costs a look at its table's log.

    Raises:
        UsageError: there is no such release.
    """

    def __init__(self, lake: Lake, known_at: str | None = None) -> None:
        self._lake = lake
        self.release = find_release(lake, known_at)
        self._released = ReleaseReader(lake, self.release, {t.name: t for t in TABLES.values() if t.tier == "l2"})
        self._logs = {t.name: t for t in TABLES.values() if t.path in OPEN_TO_READERS and lake.version(t) is not None}
        self._made: set[str] = set()

    @property
    def tables(self) -> list[str]:
        """Names of the released tables."""
        return sorted(self._released.tables)

    @property
    def logs(self) -> list[str]:
        """Names of the logs."""
        return sorted(self._logs)

    def make_for(self, statement: str) -> None:
        """Make the views that a statement may need: those it names, or all where it asks what there is."""
        words = set(WORD.findall(statement.lower()))
        known = set(self._released.tables) | set(self._logs)
        wanted = known if "show" in words else known & words
        for name in sorted(wanted - self._made):
            self._rows(name).createOrReplaceTempView(name)
            self._made.add(name)

    def _rows(self, name: str) -> DataFrame:
        if name == QUARANTINE.name:
            return self._released.quarantine()
        return self._lake.read(self._logs[name]) if name in self._logs else self._released.read(name)


def sql_options(parser: argparse.ArgumentParser) -> None:
    """The options of jobs/sql.py."""
    parser.add_argument("-e", dest="statement", metavar="SQL", help="run this statement and end")
    parser.add_argument("--known-at", metavar="RELEASE", help="as this release has it (default: the current one)")
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table", help="how rows are printed")
    parser.add_argument("--rows", type=int, default=100, help="print at most so many rows (default: 100)")
    parser.add_argument("--out", metavar="FILE", help="with -e: write all rows to this file instead")


def sql_job(run: Run) -> Outcome:
    """Run one statement, or read statements until the end of input.

    Raises:
        UsageError: no such release, a statement that does not run, or no file that can be written.
    """
    if run.args.out and not (run.args.statement and Path(run.args.out).absolute().parent.is_dir()):
        raise UsageError(f"found --out {run.args.out}; wanted a file in a folder that is there, and -e")
    views = Views(run.lake, run.args.known_at)
    release = views.release
    facts = {"release_id": release.release_id, "as_of": release.as_of}
    if run.args.statement:
        return Outcome("done", facts=facts | {"rows": _answer(views, run.args.statement, run)})
    print(f"release {release.release_id}, as of {release.as_of}; tables: {', '.join(views.tables)}", file=sys.stderr)
    print(f"logs: {', '.join(views.logs)}", file=sys.stderr)
    print("End a statement with ;  leave with quit;", file=sys.stderr)
    for statement in _statements():
        try:
            _answer(views, statement, run)
        except UsageError as error:
            print(error, file=sys.stderr)
    return Outcome("done", facts=facts)


def _statements() -> Iterator[str]:
    """Statements from standard input, each up to its semicolon, until quit or the end."""
    held: list[str] = []
    while True:
        try:
            line = input((MORE if held else PROMPT) if sys.stdin.isatty() else "")
        except EOFError:
            return
        held.append(line)
        if line.rstrip().endswith(";"):
            statement = "\n".join(held).strip().rstrip(";")
            held = []
            if statement.lower() in ("quit", "exit"):
                return
            if statement:
                yield statement


def _answer(views: Views, statement: str, run: Run) -> int:
    """Print the rows of one statement, or write them to a file; how many they were.

    Raises:
        UsageError: Spark can't run the statement, with its reason in a line.
    """
    try:
        views.make_for(statement)
        frame = run.lake.spark.sql(statement)
        return _write(frame, run.args) if run.args.out else _show(frame, run.args)
    except PySparkException as error:
        raise UsageError(str(error).split("\n\nJVM stacktrace")[0].strip()) from error


def _show(frame: DataFrame, args: argparse.Namespace) -> int:
    """Print the first rows, and say so where there are more."""
    rows = frame.limit(args.rows + 1).collect()
    shown = PRINTERS[args.format](frame.columns, islice(rows, args.rows), sys.stdout)
    if shown < len(rows):
        print(f"the first {shown} rows; --rows N prints more, --out FILE writes all", file=sys.stderr)
    return shown


def _write(frame: DataFrame, args: argparse.Namespace) -> int:
    """Write all rows, a part at a time, so that memory does not grow with them."""
    with Path(args.out).open("w", encoding="utf-8", newline="") as out:
        return PRINTERS[args.format](frame.columns, frame.toLocalIterator(prefetchPartitions=True), out)


def _print_table(columns: Sequence[str], rows: Rows, out: TextIO) -> int:
    cells = [list(columns), *[["" if value is None else str(value) for value in row] for row in rows]]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    for number, line in enumerate(cells):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip(), file=out)
        if number == 0:
            print("  ".join("-" * width for width in widths), file=out)
    return len(cells) - 1


def _print_csv(columns: Sequence[str], rows: Rows, out: TextIO) -> int:
    writer = csv.writer(out)
    writer.writerow(columns)
    return sum(1 for row in rows if writer.writerow(row))


def _print_json(columns: Sequence[str], rows: Rows, out: TextIO) -> int:
    count = 0
    for row in rows:
        print(json.dumps(dict(zip(columns, row, strict=True)), default=str), file=out)
        count += 1
    return count


PRINTERS = {"table": _print_table, "csv": _print_csv, "json": _print_json}
"""Each prints rows under the names of their columns, and returns how many they were."""
