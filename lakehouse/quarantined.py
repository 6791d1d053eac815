"""What the gates refused, for people to look at: how much by which rule, and where each record stands.

Nothing here shows what a record says: that is in L1, which not everybody may read.
"""

import argparse
import sys
from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cli import Outcome, Run
from lakehouse.config import HOME
from lakehouse.errors import UsageError
from lakehouse.gates.quarantine import QUARANTINE
from lakehouse.gates.suite import read_suites
from lakehouse.l1.feeds import FEEDS
from lakehouse.l1.ledger import read_ledger
from lakehouse.sql import PRINTERS

PLACE = ("feed", "_file_id", "_line")
WAITS = "waits"
"""How a record stands that was refused, and neither replayed nor waived since."""


def quarantine_options(parser: argparse.ArgumentParser) -> None:
    """The options of jobs/quarantine.py."""
    parser.add_argument("action", choices=("list", "show"), help="list: counts by rule; show: records, one a line")
    parser.add_argument("--feed", help="of this feed only")
    parser.add_argument("--rule", help="that broke this rule")
    parser.add_argument("--batch", type=int, help="of this batch")
    parser.add_argument("--all", action="store_true", help="those that were replayed or waived, too")
    parser.add_argument("--rows", type=int, default=100, help="print at most so many (default: 100)")
    parser.add_argument("--format", choices=tuple(PRINTERS), default="table", help="how rows are printed")


def quarantine_job(run: Run) -> Outcome:
    """List what is in quarantine.

    Raises:
        UsageError: there is no such feed or rule, or nothing was ever gated here.
    """
    args, rules = run.args, _rules()
    _check(args, rules)
    if run.lake.version(QUARANTINE) is None:
        raise UsageError(f"nothing was gated yet in the lake {run.lake.root}")
    wanted = standing(run.lake.read(QUARANTINE)).where(_wanted(args))
    found = counted(wanted) if args.action == "list" else listed(wanted)
    rows = [row.asDict() for row in found.limit(args.rows).collect()]
    if args.action == "list":
        printed = [row | {"why": rules.get(row["rule"], "")} for row in rows]
    else:
        paths = {event.file_id: event.path for event in read_ledger(run.lake).last.values()}
        printed = [{"file": paths.get(row.pop("_file_id"), ""), **row} for row in rows]
    columns = list(printed[0]) if printed else []
    PRINTERS[args.format](columns, [tuple(row.values()) for row in printed])
    return Outcome("done", facts={"records": wanted.count(), "rows": len(printed)})


def _rules() -> dict[str, str]:
    """Id of every row rule -> what it is for."""
    suites = read_suites(HOME / "expectations" / "l1", tuple(FEEDS))
    return {rule.id: rule.doc for suite in suites.values() for rule in suite.scoped("row")}


def _check(args: argparse.Namespace, rules: Mapping[str, str]) -> None:
    if args.feed and args.feed not in FEEDS:
        raise UsageError(f"found --feed {args.feed}; wanted one of {', '.join(FEEDS)}")
    if args.rule and args.rule not in rules:
        near = sorted(rule for rule in rules if args.feed is None or rule.startswith(f"{args.feed}."))
        print("\n".join(near), file=sys.stderr)
        raise UsageError(f"found --rule {args.rule}; wanted one of the {len(near)} above")


def _wanted(args: argparse.Namespace) -> Column:
    conditions: list[Column] = [F.lit(True)]
    if not args.all:
        conditions.append(F.col("stands") == WAITS)
    if args.feed:
        conditions.append(F.col("feed") == args.feed)
    if args.rule:
        conditions.append(F.array_contains("violations.rule", args.rule))
    if args.batch is not None:
        conditions.append(F.col("_batch_seq") == args.batch)
    return reduce(Column.__and__, conditions)


def standing(events: DataFrame) -> DataFrame:
    """One row a refused record: what it broke when it was refused, since when; `stands` is after its last event."""
    last = Window.partitionBy(*PLACE).orderBy(F.desc("happened_at"))
    first = F.col("happened_at")
    ordered = events.withColumns(
        {"stands": F.first("event").over(last), "refused_at": F.min(first).over(Window.partitionBy(*PLACE))}
    )
    waits = F.when(F.col("stands") == "refused", WAITS).otherwise(F.col("stands"))
    refused = ordered.where(F.col("event") == "refused").withColumn("stands", waits)
    return refused.select(*PLACE, "_batch_seq", "violations", "refused_at", "stands")


def counted(records: DataFrame) -> DataFrame:
    """One row a feed, batch and critical rule: how many records it refused, most first."""
    broken = records.select("feed", "_batch_seq", "stands", "refused_at", F.explode("violations").alias("broken"))
    critical = broken.where(F.col("broken.severity") == "critical")
    counts = critical.groupBy("feed", F.col("_batch_seq").alias("batch"), "broken.rule", "stands").agg(
        F.count(F.lit(1)).alias("records"), F.min("refused_at").alias("since")
    )
    return counts.orderBy(F.desc("records"), "feed", "batch", "rule")


def listed(records: DataFrame) -> DataFrame:
    """One row a record: its place, the critical rules that it broke, and how it stands; in order of arrival."""
    critical = F.filter("violations", lambda violation: violation["severity"] == "critical")
    rules = F.array_join(F.transform(critical, lambda violation: violation["rule"]), ", ")
    ordered = records.orderBy("_batch_seq", *PLACE)
    return ordered.select(
        "_file_id",
        F.col("_line").alias("line"),
        F.col("_batch_seq").alias("batch"),
        rules.alias("rules"),
        "stands",
        F.col("refused_at").alias("since"),
    )
