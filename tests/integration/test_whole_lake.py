"""A small region from landing files to a release and its report, and what must hold on the way."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.catalogue import TABLES
from lakehouse.config import HOME, load_config
from lakehouse.l1.feeds import FEEDS
from lakehouse.l1.ledger import FILES, read_ledger
from lakehouse.l2.conformed.changes import changed_records
from lakehouse.l2.kept import kept
from lakehouse.l2.laws import LAWS
from lakehouse.l2.pipeline import CHANGED_RECORDS, DERIVATIVES, L2_TABLES, PAST, Wiring, in_order, table_of
from lakehouse.l2.shared import Frames
from lakehouse.release import ReleaseReader, current_release
from tests.support.homes import LEFT_OUT, lean_home
from tests.support.lakes import KEY, LAST_DAY, Ended, content, lake_at, land, make_world, next_day, run
from tests.support.s3 import bucket_settings, s3_bucket, s3_endpoint, s3_environment, s3_server

__all__ = ["s3_bucket", "s3_endpoint", "s3_server"]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def root(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("lake")
    make_world(root / "landing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_KEY", KEY)
        yield root


@pytest.fixture(scope="module")
def first(root: Path) -> Ended:
    return run("run", root, "--as-of", str(LAST_DAY))


def test_run__publishes_a_release_and_a_report(root: Path, first: Ended) -> None:
    assert (first.code, first.line["verdict"], first.line["release_id"]) == (0, "done", "r000001")
    page = Path(first.line["report"]).read_text()
    assert "r000001" in page and "<svg" in page
    assert (root / "reports" / "r000001" / "data-docs" / "index.html").exists()


def test_run__accounts_for_every_line(spark: SparkSession, root: Path, first: Ended) -> None:
    landed = {feed: _lines(root / "landing" / feed) for feed in FEEDS}
    lake = lake_at(spark, root)
    rows = {feed: lake.read(FEEDS[feed].l1).count() for feed in FEEDS}
    assert landed == rows
    judged = {feed: first.line["accepted"].get(feed, 0) + first.line["refused"].get(feed, 0) for feed in FEEDS}
    assert judged == rows
    assert min(rows.values()) > 0


def test_run__accepts_every_record_of_clean_data(first: Ended) -> None:
    assert first.line["refused"] == {}
    assert first.line["held"] == []


def test_laws__hold_on_another_day_too(spark: SparkSession, root: Path, first: Ended) -> None:
    """On its own day a release is not published unless they hold."""
    lake = lake_at(spark, root)
    release = current_release(lake)
    assert release is not None
    reader = ReleaseReader(lake, release, L2_TABLES)
    as_of, params = LAST_DAY - timedelta(days=25), load_config("local").params
    frames = {name: reader.read(name) for name in reader.tables}
    frames |= {f"{name}{past}": frame for name, frame in frames.items() for past in PAST}
    frames[CHANGED_RECORDS] = changed_records(frames, frames)
    known = Frames(lambda name: frames[name if name in frames else table_of(name)])
    for step in in_order(DERIVATIVES):
        built = step.build(*known.of(step.inputs), as_of=as_of, params=params)
        frames[step.table.name] = kept(built)
    assert frames["units"].count() > 0
    for law in LAWS:
        for row in law.check(*known.of(law.inputs), as_of=as_of, params=params).collect():
            assert row["difference"] == 0, f"{row} breaks: {law.sentence}"


def test_run__twice_does_nothing_the_second_time(spark: SparkSession, root: Path, first: Ended) -> None:
    lake = lake_at(spark, root)
    before = {path: lake.version(TABLES[path]) for path in TABLES if not path.startswith("ops/leases")}
    again = run("run", root, "--as-of", str(LAST_DAY))
    assert (again.code, again.line["verdict"], again.line["release_id"]) == (0, "nothing to do", "r000001")
    assert "report" not in again.line
    assert before == {path: lake.version(TABLES[path]) for path in before}


def test_run__writes_the_report_that_a_dead_run_left_out(root: Path, first: Ended) -> None:
    page = Path(first.line["report"])
    page.unlink()
    again = run("run", root, "--as-of", str(LAST_DAY))
    assert (again.code, again.line["verdict"], again.line["report"]) == (0, "nothing to do", first.line["report"])
    assert "r000001" in page.read_text()


def test_sql__sees_the_release(root: Path, first: Ended) -> None:
    asked = run("sql", root, "-e", "select count(*) as n from units where state = 'available'", "--format", "json")
    assert asked.code == 0
    assert int(asked.printed.split(":")[1].strip(" }")) > 0
    wrong = run("sql", root, "-e", "select * from no_such_table")
    assert (wrong.code, wrong.line["verdict"]) == (2, "usage")


def test_identity__no_raw_id_or_name_leaves_l1(spark: SparkSession, root: Path, first: Ended) -> None:
    lake = lake_at(spark, root)
    donors = lake.read(FEEDS["donors"].l1).select("donor_id", "name", "email", "phone").limit(200).collect()
    raw = {value for row in donors for value in row if value}
    for name, table in L2_TABLES.items():
        texts = [F.col(f.name) for f in table.fields if f.type.simpleString() == "string"]
        found = lake.read(table).select(F.explode(F.array(*texts)).alias("v")).where(F.col("v").isin(*raw)).count()
        assert found == 0, f"{found} values of l2/{name} identify a person"


@pytest.mark.s3
def test_s3a__holds_the_same_rows(
    spark: SparkSession, root: Path, first: Ended, s3_bucket: str, s3_endpoint: str, tmp_path: Path
) -> None:
    for name, value in bucket_settings(s3_bucket, s3_endpoint).items():
        spark.sparkContext._jsc.hadoopConfiguration().set(name, value)
    place = f"s3a://{s3_bucket}/a lake"
    command = [sys.executable, "jobs/run.py", "--lake", place, "--landing", str(root / "landing")]
    options = ["--conf-env", "s3", "--as-of", str(LAST_DAY)]
    done = subprocess.run(
        [*command, *options],
        cwd=HOME,
        env={**os.environ, **s3_environment(), "LAKEHOUSE_HOME": str(lean_home(tmp_path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    remote, local = lake_at(spark, place), lake_at(spark, root)
    for table in [feed.l1 for feed in FEEDS.values()] + Wiring.without(LEFT_OUT).tables:
        found, wanted = content(remote.read(table), table), content(local.read(table), table)
        assert found == wanted, table.path
    page = done.stdout and json.loads(done.stdout.splitlines()[-1])["report"]
    assert page == f"{place}/reports/r000001/index.html"


def test_next_day__is_a_new_release_and_the_old_one_can_come_back(
    spark: SparkSession, root: Path, first: Ended
) -> None:
    day = LAST_DAY + timedelta(days=1)
    next_day(root / "landing", day)
    shelf = _withdraw_a_transfusion(spark, root, day)
    second = run("run", root, "--as-of", str(day))
    assert (second.code, second.line["release_id"]) == (0, "r000002")
    transfused = f"select transfused from inventory_daily where {shelf}"
    was, now_is = (int(_asked(root, transfused, *options)) for options in (("--known-at", "r000001"), ()))
    assert now_is == was - 1, "the day is told otherwise now, and as it was where that is asked for"
    restated = "select was, now_is, array_join(batches, ' ') from restatements where figure = 'transfused' and "
    wanted = f"{float(was)},{float(now_is)},b000002"
    assert _asked(root, restated + shelf.replace("stock_on", "period_on")) == wanted
    listed = run("release", root, "list")
    assert [line.split()[0] for line in listed.printed.splitlines()] == ["r000001", "r000002"]
    old = run("sql", root, "--known-at", "r000001", "-e", "select max(as_of) from expiry_outlook", "--format", "csv")
    assert str(LAST_DAY) in old.printed

    back = run("release", root, "rollback", "r000001", "--by", "a test", "--why", "to see it")
    assert (back.code, back.line["release_id"]) == (0, "r000003")
    now = run("sql", root, "-e", "select max(as_of) from expiry_outlook", "--format", "csv")
    assert str(LAST_DAY) in now.printed
    release = current_release(lake_at(spark, root))
    assert release is not None and release.held, "what only the abandoned release had must wait for a decision"


def test_ledger__lines_of_loaded_files_are_the_rows_of_l1(spark: SparkSession, root: Path, first: Ended) -> None:
    lake = lake_at(spark, root)
    events = read_ledger(lake).last.values()
    assert {event.event for event in events} == {"loaded"}
    assert lake.read(FILES).where("event = 'planned'").count() == len(events)


def _withdraw_a_transfusion(spark: SparkSession, root: Path, day: date) -> str:
    """Land, on a day, the withdrawal of a transfusion days before; the shelf that it was of, in SQL."""
    lake = lake_at(spark, root)
    release = current_release(lake)
    assert release is not None
    is_given = (F.col("state") == "transfused") & (F.col("ended_on") < F.lit(LAST_DAY))
    units = ReleaseReader(lake, release, L2_TABLES).read("units").where(is_given)
    unit = units.orderBy(F.desc("ended_on"), "unit_id").first()
    assert unit is not None, "the history is too short for a transfusion"
    sent = [json.loads(line) for path in (root / "landing" / "dispositions").rglob("*.json") for line in path.open()]
    end = next(record for record in sent if record["unit_id"] == unit["unit_id"])
    void = {**end, "is_void": True, "recorded_at": f"{day}T12:00:00Z"}
    land(root / "landing", "dispositions", [void], name="withdrawn.json", day=day)
    of_shelf = {"facility_id": unit["ended_at_facility_id"], "component": unit["component"], "abo_rhd": unit["abo_rhd"]}
    return f"stock_on = date'{unit['ended_on']}' and " + " and ".join(
        f"{name} = '{value}'" for name, value in of_shelf.items()
    )


def _asked(root: Path, query: str, *options: str) -> str:
    """The one row that SQL answers with, as CSV."""
    asked = run("sql", root, *options, "-e", query, "--format", "csv")
    assert asked.code == 0
    return asked.printed.splitlines()[1]


def _lines(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.rglob("*.json"))
