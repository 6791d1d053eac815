"""SQL on a release: a view for every released table, as that release has it."""

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from lakehouse.catalogue import TABLES
from lakehouse.cli import Outcome, Run
from lakehouse.errors import UsageError
from lakehouse.release import ReleaseReader, find_release, live
from lakehouse.storage.lake import Lake

Rows = Sequence[tuple[Any, ...]]
PROMPT, MORE = "lake> ", "    > "
OPEN_TO_READERS = ("ops/quarantine", "ops/gate_results", "ops/releases", "ops/holds", "ops/files")


def register_views(lake: Lake, known_at: str | None = None) -> ReleaseReader:
    """Make every table of a release a temporary view under its name, and the logs of ops as they are now.

    Raises:
        UsageError: there is no such release.
    """
    release = find_release(lake, known_at)
    reader = ReleaseReader(lake, release, {t.name: t for t in TABLES.values() if t.tier == "l2"})
    for name in reader.tables:
        reader.read(name).createOrReplaceTempView(name)
    for table in TABLES.values():
        if table.path in OPEN_TO_READERS and lake.version(table) is not None:
            live(table, lake.read(table)).createOrReplaceTempView(table.name)
    return reader


def sql_options(parser: argparse.ArgumentParser) -> None:
    """The options of jobs/sql.py."""
    parser.add_argument("-e", dest="statement", metavar="SQL", help="run this statement and end")
    parser.add_argument("--known-at", metavar="RELEASE", help="as this release has it (default: the current one)")
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table", help="how rows are printed")
    parser.add_argument("--rows", type=int, default=100, help="print at most so many rows (default: 100)")


def sql_job(run: Run) -> Outcome:
    """Run one statement, or read statements until the end of input."""
    reader = register_views(run.lake, run.args.known_at)
    release = reader.release
    facts = {"release_id": release.release_id, "as_of": release.as_of}
    if run.args.statement:
        return Outcome("done", facts=facts | {"rows": _answer(run.lake.spark, run.args.statement, run)})
    names = ", ".join(sorted(reader.tables))
    print(f"release {release.release_id}, as of {release.as_of}; tables: {names}", file=sys.stderr)
    print("End a statement with ;  leave with quit;", file=sys.stderr)
    for statement in _statements():
        try:
            _answer(run.lake.spark, statement, run)
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


def _answer(spark: SparkSession, statement: str, run: Run) -> int:
    """Print the rows of one statement; how many they were.

    Raises:
        UsageError: Spark can't run the statement, with its reason in a line.
    """
    try:
        frame = spark.sql(statement)
        rows = frame.limit(run.args.rows).collect()
    except PySparkException as error:
        raise UsageError(str(error).split("\n\nJVM stacktrace")[0].strip()) from error
    PRINTERS[run.args.format](frame.columns, [tuple(row) for row in rows])
    return len(rows)


def _print_table(columns: list[str], rows: Rows) -> None:
    cells = [columns, *[["" if value is None else str(value) for value in row] for row in rows]]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    for number, line in enumerate(cells):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def _print_csv(columns: list[str], rows: Rows) -> None:
    csv.writer(sys.stdout).writerows([columns, *rows])


def _print_json(columns: list[str], rows: Rows) -> None:
    for row in rows:
        print(json.dumps(dict(zip(columns, row, strict=True)), default=str))


PRINTERS = {"table": _print_table, "csv": _print_csv, "json": _print_json}
