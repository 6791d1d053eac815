"""The reports on a release: gathers what they must be told, and puts the pages with the lake."""

import argparse
from collections import defaultdict
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.catalogue import TABLES
from lakehouse.cli import Outcome, Run
from lakehouse.config import HOME
from lakehouse.gates.holds import HOLDS, Hold, standing_under
from lakehouse.gates.quarantine import QUARANTINE
from lakehouse.gates.results import GATE_RESULTS
from lakehouse.gates.suite import read_suites
from lakehouse.l1.arrivals import standstills
from lakehouse.l1.feeds import FEEDS
from lakehouse.l1.ledger import FileEvent, Ledger, batch_id, read_ledger
from lakehouse.promote.start import places
from lakehouse.release import Release, ReleaseReader, find_release
from lakehouse.reports import Delivery, QualityFacts, ReportFacts, render, render_quality
from lakehouse.reports.sections import Read

Place = tuple[str, int]


def release_option(parser: argparse.ArgumentParser) -> None:
    """The option of jobs/report.py."""
    parser.add_argument("--release", metavar="ID", help="which release (default: the current one)")


def report_job(run: Run) -> Outcome:
    """Write the reports on a release."""
    release = find_release(run.lake, run.args.release)
    return Outcome("done", facts={"release_id": release.release_id, "report": write_reports(run, release)})


def is_reported(run: Run, release: Release) -> bool:
    """Whether the reports on a release were written."""
    return "index.html" in run.lake.files.names(_folder(release))


def write_reports(run: Run, release: Release) -> str:
    """Write index.html and quality.html below reports/<release> of the lake.

    Returns:
        Where index.html is.
    """
    read = _reader(run, release)
    # What came, was mended or decided after the release was published is another's: the pages must not change by it.
    ledger = read_ledger(run.lake, until=release.published_at)
    steps = [row for row in run.lake.journals.rows(HOLDS) if row["happened_at"] <= release.published_at]
    holds = standing_under(steps, places(release.held), release.published_at)
    facts, quality = _facts(run, release, ledger, holds), _quality(release, ledger, holds)
    folder = _folder(release)
    run.lake.files.write(f"{folder}/quality.html", render_quality(read, facts, quality).encode())
    run.lake.files.write(f"{folder}/index.html", render(read, facts).encode())
    return f"{run.lake.root}/{folder}/index.html"


def _folder(release: Release) -> str:
    return f"reports/{release.release_id}"


def _reader(run: Run, release: Release) -> Read:
    reader = ReleaseReader(run.lake, release, {t.name: t for t in TABLES.values() if t.tier == "l2"})
    logs = {table.name: table for table in TABLES.values() if table.tier == "ops"}

    def read(name: str) -> DataFrame:
        if name == QUARANTINE.name:
            return reader.quarantine()
        if name == GATE_RESULTS.name:
            return run.lake.read(GATE_RESULTS).where(F.col("judged_at") <= F.lit(release.published_at))
        return run.lake.read(logs[name]) if name in logs else reader.read(name)

    return read


def _facts(run: Run, release: Release, ledger: Ledger, holds: dict[Place, Hold]) -> ReportFacts:
    judged: defaultdict[str, int] = defaultdict(int)
    for event in ledger.last.values():
        if event.event == "loaded" and event.batch_seq in release.consumed.get(event.feed, ()):
            judged[event.feed] += event.records
    held = [place for place in sorted(places(release.held)) if holds[place].event == "held"]
    discarded = [(*place, hold) for place, hold in sorted(holds.items()) if hold.event == "discarded"]
    left_out = ledger.left_out()
    has_docs = "index.html" in run.lake.files.names(f"{_folder(release)}/data-docs")
    return ReportFacts(
        release_id=release.release_id,
        as_of=release.as_of,
        published_at=release.published_at,
        parent=release.parent,
        is_incomplete=release.is_incomplete,
        held=tuple((feed, batch_id(batch), holds[feed, batch].reason or "") for feed, batch in held),
        data_docs_href="data-docs/index.html" if has_docs else "",
        lake=run.lake.root,
        judged=dict(judged),
        params=run.config.params,
        versions={path.removeprefix("l2/"): version for path, version in release.tables.items()},
        suites_sha=release.suites_sha,
        parked=tuple((event.path, event.message) for event in left_out if event.event == "parked"),
        unread=tuple((event.path, event.message) for event in left_out if event.event == "failed"),
        discarded=tuple((feed, batch_id(batch), hold.by or "", hold.why or "") for feed, batch, hold in discarded),
        standstills=tuple(found.sentence for found in standstills(ledger.last.values(), release.as_of)),
    )


def _quality(release: Release, ledger: Ledger, holds: dict[Place, Hold]) -> QualityFacts:
    suites = read_suites(HOME / "expectations" / "l1", tuple(FEEDS))
    files: defaultdict[Place, list[FileEvent]] = defaultdict(list)
    for event in ledger.last.values():
        if event.event == "loaded":
            files[event.feed, event.batch_seq].append(event)
    return QualityFacts(
        deliveries=tuple(_delivery(place, of, _state(place, release, holds)) for place, of in sorted(files.items())),
        limits={name: feed.refused_share_max for name, feed in FEEDS.items()},
        rules={rule.id: rule.doc for suite in suites.values() for rule in suite.rules},
        paths={event.file_id: event.path for event in ledger.last.values()},
    )


def _delivery(place: Place, files: list[FileEvent], state: str) -> Delivery:
    days: list[date] = [event.delivered_on for event in files if event.delivered_on]
    return Delivery(*place, len(files), sum(event.records for event in files), max(days, default=None), state)


def _state(place: Place, release: Release, holds: dict[Place, Hold]) -> str:
    feed, batch = place
    if batch in release.consumed.get(feed, ()):
        return "released"
    if place in holds and holds[place].event == "discarded":
        return "discarded"
    return "held" if batch in release.held.get(feed, ()) else "new"
