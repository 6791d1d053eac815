"""What the gates refused, for people to look at and decide about: how much by which rule, where each record stands.

Nothing here shows what a record says: that is in L1, which not everybody may read.
"""

import argparse
import sys
from collections.abc import Mapping
from functools import reduce
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cli import Outcome, Run, as_of_option
from lakehouse.config import HOME
from lakehouse.errors import UsageError
from lakehouse.gates.quarantine import PLACE, QUARANTINE, WAITS, in_force, standing
from lakehouse.gates.suite import read_suites
from lakehouse.l1.feeds import FEEDS
from lakehouse.l1.ledger import batch_number, read_ledger
from lakehouse.promote import Readmission
from lakehouse.release import lineage, list_releases
from lakehouse.sql import PRINTERS
from lakehouse.work import promote_again

DECISIONS: dict[str, Literal["replay", "waive"]] = {"replay": "replay", "waive": "waive"}


def quarantine_options(parser: argparse.ArgumentParser) -> None:
    """The options of jobs/quarantine.py."""
    parser.add_argument(
        "action",
        choices=("list", "show", *DECISIONS),
        help="list: counts by rule; show: records, one a line; replay: judge again by today's rules, and promote what "
        "passes; waive: promote them as they are",
    )
    parser.add_argument("--feed", help="of this feed only")
    parser.add_argument("--rule", help="that broke this rule")
    parser.add_argument("--batch", type=_batch, help="of this batch: b000017, or 17")
    parser.add_argument("--file", help="of this landing file, as `show` names it")
    parser.add_argument("--line", type=int, help="on this line of it")
    parser.add_argument("--all", action="store_true", help="list, show: those that were replayed or waived, too")
    parser.add_argument("--by", help="replay, waive: who decides it")
    parser.add_argument("--why", help="replay, waive: why")
    as_of_option(parser, "replay, waive: that of the current release")
    parser.add_argument("--rows", type=int, default=100, help="print at most so many (default: 100)")
    parser.add_argument("--format", choices=tuple(PRINTERS), default="table", help="how rows are printed")


def _batch(text: str) -> int:
    number = batch_number(text)
    if number is None:
        raise argparse.ArgumentTypeError(f"found {text!r}; wanted a batch, such as b000017 or 17")
    return number


def quarantine_job(run: Run) -> Outcome:
    """List what is in quarantine, or let it go on.

    Raises:
        UsageError: there is no such feed, rule or file, nothing was ever gated here, or a waiver without who and why.
    """
    rules = _rules()
    _check(run.args, rules)
    if run.lake.version(QUARANTINE) is None:
        raise UsageError(f"nothing was gated yet in the lake {run.lake.root}")
    if run.args.action in DECISIONS:
        return _let_go_on(run)
    return _print(run, rules)


def _let_go_on(run: Run) -> Outcome:
    args = run.args
    again = Readmission(DECISIONS[args.action], _wanted(run), args.by, args.why)
    return promote_again(run, again)


def _print(run: Run, rules: Mapping[str, str]) -> Outcome:
    args, releases = run.args, list_releases(run.lake)
    behind = lineage(releases, releases[-1] if releases else None)
    events = in_force(run.lake.read(QUARANTINE), [release.run_id for release in behind])
    records = standing(events).where(_wanted(run))
    wanted = records if args.all else records.where(F.col("stands") == WAITS)
    found = counted(wanted) if args.action == "list" else listed(wanted)
    rows = [row.asDict() for row in found.limit(args.rows).collect()]
    if args.action == "list":
        printed = [row | {"why": rules.get(row["rule"], "")} for row in rows]
    else:
        paths = {event.file_id: event.path for event in read_ledger(run.lake).last.values()}
        printed = [{"file": paths.get(row.pop("_file_id"), ""), **row} for row in rows]
    columns = list(printed[0]) if printed else []
    PRINTERS[args.format](columns, [tuple(row.values()) for row in printed], sys.stdout)
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

    if args.action == "waive" and not (args.by and args.why):
        raise UsageError("waive needs --by and --why: who lets these records pass, and why")
    if args.action == "waive" and not any((args.feed, args.rule, args.batch, args.file)):
        raise UsageError("waive needs --feed, --rule, --batch or --file: which records to let pass")
    if args.as_of and args.action not in DECISIONS:
        raise UsageError(f"found --as-of with {args.action}; wanted replay or waive")
    if args.line is not None and args.file is None:
        raise UsageError("--line needs --file")


def _wanted(run: Run) -> Column:
    """The chosen records, as a condition on `standing`."""
    args = run.args
    chosen: list[Column] = [F.lit(True)]
    if args.feed:
        chosen.append(F.col("feed") == args.feed)
    if args.rule:
        chosen.append(F.array_contains("violations.rule", args.rule))
    if args.batch is not None:
        chosen.append(F.col("_batch_seq") == args.batch)
    if args.file:
        chosen.append(F.col("_file_id").isin(_file_ids(run, args.file)))
    if args.line is not None:
        chosen.append(F.col("_line") == args.line)
    return reduce(Column.__and__, chosen)


def _file_ids(run: Run, path: str) -> list[int]:
    """The files that came under a path: a sender may send other bytes under the same name later."""
    found = [event.file_id for event in read_ledger(run.lake).last.values() if event.path == path]
    if not found:
        raise UsageError(f"found --file {path}; wanted a landing file as `show` names it")
    return found


def counted(records: DataFrame) -> DataFrame:
    """One row a feed, batch and critical rule: how many records it refused, most first."""
    broken = records.select("feed", "_batch_seq", "stands", "refused_at", F.explode("violations").alias("broken"))
    critical = broken.where(F.col("broken.severity") == "critical")
    counts = critical.groupBy("feed", F.col("_batch_seq").alias("batch"), "broken.rule", "stands").agg(
        F.count(F.lit(1)).alias("records"), F.min("refused_at").alias("since")
    )
    return counts.orderBy(F.desc("records"), "feed", "batch", "rule")


def listed(records: DataFrame) -> DataFrame:
    """One row a record: its place, the critical rules that it broke, how it stands; in order of arrival."""
    critical = F.filter("violations", lambda violation: violation["severity"] == "critical")
    rules = F.array_join(F.transform(critical, lambda violation: violation["rule"]), ", ")
    ordered = records.orderBy("_batch_seq", *PLACE)
    return ordered.select(
        "_file_id",
        F.col("_line").alias("line"),
        F.col("_batch_seq").alias("batch"),
        rules.alias("rules"),
        "stands",
        "release_id",
        F.col("refused_at").alias("since"),
    )
