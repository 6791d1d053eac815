"""The work of each job: what stands between its options and its outcome."""

import argparse
import logging
import sys
from typing import Any

from lakehouse.cli import Outcome, Run, as_of_option
from lakehouse.decisions import day_of, decide, decisions
from lakehouse.errors import UsageError
from lakehouse.l1.arrivals import standstills
from lakehouse.l1.feeds import FEEDS
from lakehouse.l1.ingest import IngestResult, ingest
from lakehouse.l1.ledger import batch_id, read_ledger
from lakehouse.l1.plan import list_landing
from lakehouse.l2.pseudonym import read_key
from lakehouse.promote import Again, Promoted, Rejudgement, Suites, check, promote
from lakehouse.release import Release, current_release, list_releases, roll_back
from lakehouse.reported import is_reported, write_reports
from lakehouse.storage.leases import Lease

log = logging.getLogger(__name__)


def ingest_job(run: Run) -> Outcome:
    """Take every new landing file into L1."""
    result = _ingest(run)
    verdict = "nothing to do" if result.did_nothing else "done" if result.is_complete else "incomplete"
    return Outcome(verdict, facts=_ingest_facts(result))


def _ingest(run: Run) -> IngestResult:
    # What is wrong with the call must show before anything is written, and before Spark starts.
    if run.args.landing and not run.landing.is_there():
        raise UsageError(f"found --landing {run.args.landing}; wanted a folder that is there")
    list_landing(run.landing, FEEDS)
    run.check_writable()
    with Lease(run.lake, "ingest", run.config.lease, run.clock):
        result = ingest(run.lake, run.landing, run.config, run.clock)
    for message in result.messages:
        log.warning("%s", message)
    if result.waiting:
        young = run.config.ingest.settle_seconds
        log.warning("%d files wait for the next run: younger than %g s, or written to", result.waiting, young)
    return result


def _ingest_facts(result: IngestResult) -> dict[str, Any]:
    return {
        "batch_id": result.batch_id,
        "files": dict(result.files),
        "waiting": result.waiting,
        "rows": dict(result.rows),
    }


def promote_options(parser: argparse.ArgumentParser) -> None:
    """The options of jobs/promote.py."""
    run_options(parser)
    parser.add_argument("--rejudge", action="store_true", help="judge all that is released again, by today's row rules")


def run_options(parser: argparse.ArgumentParser) -> None:
    """The options of jobs/run.py."""
    as_of_option(parser, "today, UTC; with --accept or --discard that of the current release")
    parser.add_argument(
        "--full", action="store_true", help="build all anew, also for a day before the current release's"
    )
    parser.add_argument(
        "--accept", metavar="BATCH", action="append", default=[], help="let a held batch through: donations/b000017"
    )
    parser.add_argument(
        "--discard",
        metavar="BATCH",
        action="append",
        default=[],
        help="leave a batch out for good, such as donations/b000017: one that is held, or not judged yet",
    )
    parser.add_argument("--reselect", action="store_true", help="choose the forecasts' models again")
    parser.add_argument("--by", help="who accepts, discards or judges again")
    parser.add_argument("--why", help="why")


def promote_job(run: Run) -> Outcome:
    """Gate, conform, derive, audit, publish."""
    if run.args.rejudge:
        if run.args.accept or run.args.discard:
            raise UsageError("--rejudge is a release of its own: --accept and --discard need another run")
        return promote_again(run, Rejudgement(run.args.by, run.args.why))
    result = _promote(run)
    return Outcome(_verdict(result), result.exit_code, _promote_facts(result))


def _promote(run: Run) -> Promoted:
    key = _checked(run)
    run.check_writable()
    decide(run)
    options = {"full": run.args.full, "reselect": run.args.reselect}
    return promote(run.lake, run.config, run.clock, as_of=day_of(run), key=key, **options)


def _checked(run: Run) -> bytes:
    """The lake's key, where the call is sound: what is wrong with it must show before anything is written."""
    key = read_key(run.config.lake.key_variable)
    check(run.lake, run.config, as_of=day_of(run), key=key, full=run.args.full)
    decisions(run)
    return key


def promote_again(run: Run, again: Again) -> Outcome:
    """Make a release in which records have gone through the gate again; of the current as-of, unless one is given."""
    key = read_key(run.config.lake.key_variable)
    check(run.lake, run.config, as_of=run.args.as_of, key=key)
    run.check_writable()
    result = promote(run.lake, run.config, run.clock, as_of=run.args.as_of, key=key, again=again)
    return Outcome(_verdict(result), result.exit_code, _promote_facts(result))


def _verdict(result: Promoted) -> str:
    if result.failures:
        return "refused"
    if not result.is_new:
        return "nothing to do"
    return "incomplete" if result.release and result.release.is_incomplete else "done"


def _promote_facts(result: Promoted) -> dict[str, Any]:
    for hold in result.holds:
        log.warning("%s/%s is held: %s", hold.feed, batch_id(hold.batch_seq), hold.reason)
    for failure in result.failures:
        log.error("the audit refused the release: %s", failure)
    return {
        "release_id": result.release.release_id if result.release else None,
        "as_of": result.release.as_of if result.release else None,
        "accepted": dict(result.accepted),
        "refused": dict(result.refused),
        "held": [f"{feed}/{batch_id(batch)}" for feed, batch in result.standing],
        "failures": result.failures,
        "data_docs": result.data_docs,
    }


def run_job(run: Run) -> Outcome:
    """Ingest, promote and report."""
    # A wrong call or a broken suite must stop the run before the ingest, not after it.
    _checked(run)
    suites = Suites.read()
    if not suites.are_of(current_release(run.lake)):
        suites.prove()
    taken = _ingest(run)
    result = _promote(run)
    facts = _ingest_facts(taken) | _promote_facts(result)
    facts["standing_still"] = _standstills(run)
    # A run that died after its release was out has left no report.
    if result.release is not None and (result.is_new or not is_reported(run, result.release)):
        facts["report"] = write_reports(run, result.release)
    verdict = _verdict(result)
    if verdict in ("done", "nothing to do") and not taken.is_complete:
        verdict = "incomplete"
    return Outcome(verdict, result.exit_code, facts)


def _standstills(run: Run) -> list[str]:
    """The senders that stand still on the day that the run speaks about; each is warned of."""
    found = standstills(read_ledger(run.lake).last.values(), day_of(run))
    for one in found:
        log.warning("%s: %s", one.feed, one.sentence)
    return [one.stream for one in found]


def release_options(parser: argparse.ArgumentParser) -> None:
    """The options of jobs/release.py."""
    parser.add_argument("action", choices=("list", "rollback"))
    parser.add_argument("release", nargs="?", help="for rollback: the release to bring back")
    parser.add_argument("--by", help="for rollback: who")
    parser.add_argument("--why", help="for rollback: why")


def release_job(run: Run) -> Outcome:
    """List the releases, or roll back."""
    if run.args.action == "list":
        releases = list_releases(run.lake)
        for release in releases:
            _print_release(release)
        return Outcome("done", facts={"release_id": releases[-1].release_id if releases else None})
    if not (run.args.release and run.args.by and run.args.why):
        raise UsageError("rollback needs a release, --by and --why")
    with Lease(run.lake, "promote", run.config.lease, run.clock):
        release = roll_back(run.lake, run.args.release, by=run.args.by, why=run.args.why, at=run.clock())
    return Outcome("done", facts={"release_id": release.release_id, "restored": run.args.release})


def _print_release(release: Release) -> None:
    state = "incomplete" if release.is_incomplete else "complete"
    when = release.published_at.isoformat(sep=" ", timespec="seconds")
    parts = [release.release_id, f"as of {release.as_of}", f"published {when}", release.kind, state]
    sys.stdout.write("  ".join(parts + ([release.why] if release.why else [])) + "\n")
