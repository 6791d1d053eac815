"""Tables: created once, appended once, merged, restored, and still readable after two months."""

import json
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from lakehouse.errors import LakeError, SchemaMismatchError, StorageError
from lakehouse.l1.feeds import FEEDS
from lakehouse.storage.commits import commits_after, latest_version, read_commit
from lakehouse.storage.lake import Lake
from lakehouse.storage.writes import LOST_RACE
from lakehouse.table import INSTANT, INT, TEXT, Field, Table
from tests.support.rows import frame

TABLE = Table(
    tier="l2",
    name="bags",
    grain="a bag",
    key=("bag_id", "place"),
    fields=(Field("bag_id", TEXT), Field("place", TEXT), Field("version", INT)),
    law="none",
)
Bag = tuple[str | None, str | None, int | None]


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, str(tmp_path / "lake"), run_id="run 1")


def bags(lake: Lake, *rows: Bag) -> DataFrame:
    return frame(lake.spark, TABLE, [dict(zip(TABLE.columns, row, strict=True)) for row in rows])


def held(lake: Lake, version: int | None = None) -> list[Bag]:
    found = [tuple(row) for row in lake.read(TABLE, version).collect()]
    return sorted(found, key=lambda row: tuple(map(str, row)))


def test_create__makes_an_empty_table_once(lake: Lake) -> None:
    assert lake.version(TABLE) is None
    lake.create(TABLE)
    lake.create(TABLE)
    assert lake.version(TABLE) == 0 and held(lake) == []
    assert lake.read(TABLE).schema == TABLE.schema
    assert [commit.note for commit in lake.commits_after(TABLE, -1)] == ["run 1"]


def racers(spark: SparkSession, root: Path, count: int) -> list[Lake]:
    """Lakes of runs that know nothing of each other: each with a session of its own."""
    return [Lake(spark.newSession(), str(root), run_id=f"run {number}") for number in range(count)]


def test_create__by_racers_makes_one_table(spark: SparkSession, tmp_path: Path) -> None:
    barrier = threading.Barrier(3)
    lakes = racers(spark, tmp_path, 3)
    for lake in lakes:
        lake.probe = lambda moment: barrier.wait() if moment.endswith("before") else None
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda lake: lake.create(TABLE), lakes))
    assert [lake.version(TABLE) for lake in lakes] == [0, 0, 0]
    assert held(lakes[0]) == []


def test_create__finishes_what_a_killed_run_began(lake: Lake) -> None:
    (Path(lake.root) / TABLE.path / "_delta_log").mkdir(parents=True)
    lake.create(TABLE)
    assert lake.version(TABLE) == 0 and held(lake) == []


def test_create__makes_what_delta_would(lake: Lake, tmp_path: Path) -> None:
    by_delta = DeltaTable.create(lake.spark).location(str(tmp_path / "delta")).addColumns(TABLE.schema)
    for name in ("delta.deletedFileRetentionDuration", "delta.logRetentionDuration"):
        by_delta = by_delta.property(name, "interval 400 days")
    by_delta.partitionedBy("place").execute()
    lake.create(replace(TABLE, partition_by=("place",)))
    same = ("format", "partitionColumns", "properties", "minReaderVersion", "minWriterVersion", "tableFeatures")
    made, wanted = (
        DeltaTable.forPath(lake.spark, str(place)).detail().select(*same).collect()
        for place in (lake.uri(TABLE), tmp_path / "delta")
    )
    assert made == wanted
    history = DeltaTable.forPath(lake.spark, lake.uri(TABLE)).history().collect()
    assert [(row["version"], row["operation"], row["userMetadata"]) for row in history] == [
        (0, "CREATE TABLE", "run 1")
    ]
    assert history[0]["timestamp"] is not None


def test_log__tells_nothing_of_what_identifies_a_person(lake: Lake) -> None:
    """Delta keeps the least and greatest value of a column there, and Spark's own log tells what it reads."""
    people = FEEDS["donors"].l1
    lake.create(people)
    row = {"_batch_seq": 7, "donor_id": "secret-id", "name": "Secret Name", "_raw": "secret line", "sex": "Female"}
    lake.append(people, frame(lake.spark, people, [row]))
    log = "".join(path.read_text() for path in Path(lake.uri(people), "_delta_log").glob("*.json"))
    assert "_batch_seq" in log and '\\"maxValues\\":{\\"_batch_seq\\":7' in log
    assert "secret" not in log.lower()


def test_append_once__writes_a_sequence_once(lake: Lake) -> None:
    lake.create(TABLE)
    rows = bags(lake, ("b1", "p", 1), ("b2", "p", 1))
    assert lake.append_once(TABLE, rows, app_id="x", sequence=1)
    again = Lake(lake.spark, lake.root, run_id="run 2")
    assert not again.append_once(TABLE, rows, app_id="x", sequence=1)
    assert again.append_once(TABLE, bags(lake, ("b3", "p", 1)), app_id="y", sequence=1)
    assert again.append_once(TABLE, bags(lake, ("b4", "p", 1)), app_id="x", sequence=2)
    assert [bag for bag, _, _ in held(lake)] == ["b1", "b2", "b3", "b4"]
    found = [lake.rows_committed(TABLE, *place) for place in (("x", 1), ("x", 2), ("x", 3), ("y", 1), ("z", 1))]
    assert found == [2, 1, None, 1, None]


def test_append_once__says_when_a_sequence_comes_too_late(lake: Lake) -> None:
    lake.create(TABLE)
    lake.append_once(TABLE, bags(lake, ("b1", "p", 1)), app_id="x", sequence=2)
    with pytest.raises(LakeError, match="Delta skipped x 1, but no commit holds it"):
        lake.append_once(TABLE, bags(lake, ("b2", "p", 1)), app_id="x", sequence=1)
    assert len(held(lake)) == 1


def test_append_once__of_racers_takes_one(spark: SparkSession, tmp_path: Path) -> None:
    Lake(spark, str(tmp_path), run_id="first").create(TABLE)
    barrier = threading.Barrier(2)

    def has_won(lake: Lake) -> bool:
        rows = bags(lake, (lake.run_id, "p", 1))
        barrier.wait()
        try:
            return lake.append_once(TABLE, rows, app_id="x", sequence=1)
        except LOST_RACE:
            return False

    lakes = racers(spark, tmp_path, 2)
    with ThreadPoolExecutor(2) as pool:
        won = list(pool.map(has_won, lakes))
    (winner,) = (lake for lake, has_won in zip(lakes, won, strict=True) if has_won)
    assert held(winner) == [(winner.run_id, "p", 1)]


def test_append_once__needs_the_table(lake: Lake) -> None:
    with pytest.raises(StorageError, match=r"there is no table .*/lake/l2/bags$"):
        lake.append_once(TABLE, bags(lake), app_id="x", sequence=1)


def test_merge__inserts_new_keys_and_updates_only_what_is_newer(lake: Lake) -> None:
    lake.create(TABLE)
    rows = bags(lake, ("b1", None, 5), ("b2", "p", 5), ("b3", "p", 5))
    change = bags(lake, ("b1", None, 6), ("b2", "p", 4), ("b4", "p", 1))
    lake.append(TABLE, rows)
    for _ in range(2):
        lake.merge(TABLE, change, newer="new.version > old.version")
        assert held(lake) == [("b1", None, 6), ("b2", "p", 5), ("b3", "p", 5), ("b4", "p", 1)]


def test_insert_missing__adds_nothing_the_second_time(lake: Lake) -> None:
    lake.create(TABLE)
    lake.insert_missing(TABLE, bags(lake, ("b1", None, 1)))
    lake.insert_missing(TABLE, bags(lake, ("b1", None, 2), ("b2", "p", 2)))
    assert held(lake) == [("b1", None, 1), ("b2", "p", 2)]


def test_replace_and_restore__go_forth_and_back(lake: Lake) -> None:
    lake.create(TABLE)
    lake.append(TABLE, bags(lake, ("b1", "p", 1)))
    lake.replace(TABLE, bags(lake, ("b2", "p", 2)))
    assert (held(lake), held(lake, 1)) == ([("b2", "p", 2)], [("b1", "p", 1)])
    lake.restore(TABLE, 1)
    assert (held(lake), lake.version(TABLE)) == ([("b1", "p", 1)], 3)
    assert [commit.operation for commit in lake.commits_after(TABLE, 0)] == ["WRITE", "WRITE", "RESTORE"]


WRITES: dict[str, Callable[[Lake, DataFrame], object]] = {
    "append": lambda lake, rows: lake.append(TABLE, rows),
    "append once": lambda lake, rows: lake.append_once(TABLE, rows, app_id="x", sequence=1),
    "replace": lambda lake, rows: lake.replace(TABLE, rows),
    "merge": lambda lake, rows: lake.merge(TABLE, rows, newer="true"),
    "insert": lambda lake, rows: lake.insert_missing(TABLE, rows),
}


WIDER = replace(TABLE, fields=(*TABLE.fields[:1], Field("lot", TEXT), *TABLE.fields[1:]))


def lots(lake: Lake, *ids: str) -> DataFrame:
    return frame(lake.spark, WIDER, [{"bag_id": bag_id, "place": "C", "version": 1, "lot": "L"} for bag_id in ids])


@pytest.mark.parametrize("write", ["append", "insert_missing", "replace"])
def test_column_declared_later__comes_with_the_next_write(spark: SparkSession, tmp_path: Path, write: str) -> None:
    heard: list[str] = []
    lake = Lake(spark, str(tmp_path), run_id="run 1")
    lake.create(TABLE)
    lake.append(TABLE, bags(lake, ("a", "C", 1)))
    today = Lake(spark, str(tmp_path), run_id="run 2", probe=heard.append)
    assert [row["lot"] for row in today.read(WIDER).collect()] == [None], "it is NULL until then"
    getattr(today, write)(WIDER, lots(today, "b"))
    now = {(row["bag_id"], row["lot"]) for row in today.read(WIDER).collect()}
    assert now == ({("b", "L")} if write == "replace" else {("a", None), ("b", "L")})
    assert [row["lot"] for row in today.read(WIDER, 1).collect()] == [None], "older versions are as they were"
    assert heard.index("l2/bags:widen:before") > 0 and {c.note for c in today.commits_after(WIDER, 1)} == {"run 2"}


def test_column_declared_later__comes_again_after_a_restore(lake: Lake) -> None:
    lake.create(TABLE)
    lake.append(TABLE, bags(lake, ("a", "C", 1)))
    today = Lake(lake.spark, lake.root, run_id="run 2")
    today.append(WIDER, lots(lake, "b"))
    today.restore(WIDER, 1)
    today.append(WIDER, lots(lake, "c"))
    assert {row["bag_id"]: row["lot"] for row in today.read(WIDER).collect()} == {"a": None, "c": "L"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (TABLE.fields[:2], "unknown: version"),
        ((*TABLE.fields[:2], Field("version", TEXT)), "version is int, wanted string"),
    ],
    ids=["dropped", "retyped"],
)
def test_table__that_is_not_as_declared_is_left_alone(lake: Lake, fields: tuple[Field, ...], message: str) -> None:
    lake.create(TABLE)
    other = replace(TABLE, fields=fields)
    with pytest.raises(SchemaMismatchError, match=message):
        lake.append(other, frame(lake.spark, other, [{"bag_id": "a"}]))
    assert lake.version(TABLE) == 0


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_every_write__takes_the_declared_columns_in_any_order_and_no_others(
    lake: Lake, write: Callable[[Lake, DataFrame], object]
) -> None:
    lake.create(TABLE)
    rows = bags(lake, ("b1", "p", 1))
    odd = rows.selectExpr("bag_id", "cast(version AS bigint) AS version", "place AS plaec")
    with pytest.raises(SchemaMismatchError) as error:
        write(lake, odd)
    assert str(error.value) == (
        "l2/bags: missing: place string; unknown: plaec; other type: version is bigint, wanted int"
    )
    assert lake.version(TABLE) == 0
    write(lake, rows.select("version", "place", "bag_id"))
    assert held(lake) == [("b1", "p", 1)]


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_every_write__asks_the_guard_first_and_passes_the_probe(
    lake: Lake, write: Callable[[Lake, DataFrame], object]
) -> None:
    lake.create(TABLE)
    moments: list[str] = []
    lake.probe = moments.append
    write(lake, bags(lake, ("b1", "p", 1)))
    before, after = moments
    assert before.endswith(":before") and after == before.removesuffix("before") + "after"
    assert lake.commits_after(TABLE, 0)[-1].note == "run 1"

    def refuse() -> None:
        raise LakeError("lost")

    lake.guard = refuse
    with pytest.raises(LakeError, match=r"^lost$"):
        write(lake, bags(lake, ("b2", "p", 1)))
    assert held(lake) == [("b1", "p", 1)]


def test_commits__tell_rows_runs_and_transactions(lake: Lake) -> None:
    lake.create(TABLE)
    lake.append_once(TABLE, bags(lake, ("b1", "p", 1), ("b2", "p", 1)), app_id="x", sequence=7)
    commit = read_commit(lake.files, TABLE.path, 1)
    assert (commit.version, commit.operation, commit.note, commit.rows) == (1, "WRITE", "run 1", 2)
    assert commit.transactions == (("x", 7),)
    assert commits_after(lake.files, TABLE.path, 1) == []


def test_commits__of_no_table_and_of_lost_ones(lake: Lake) -> None:
    assert latest_version(lake.files, TABLE.path) is None
    assert commits_after(lake.files, TABLE.path, -1) == []
    lake.create(TABLE)
    with pytest.raises(StorageError, match="l2/bags has no commit 5 in its log any more"):
        read_commit(lake.files, TABLE.path, 5)


def test_commits__pass_over_what_is_no_commit(lake: Lake) -> None:
    for name in ("00000000000000000003.json", "00000000000000000009.crc", "00000000000000000010.checkpoint.parquet"):
        lake.files.write(f"l2/bags/_delta_log/{name}", b'{"add":{}}\n')
    lake.files.write("l2/bags/_delta_log/00000000000000000004.uuid.json", b"")
    assert latest_version(lake.files, TABLE.path) == 3
    assert read_commit(lake.files, TABLE.path, 3).rows is None


def aged(lake: Lake, days: float) -> None:
    """Make every commit of the table look so much older: in the log's text, and in the times of all files."""
    folder = Path(lake.root) / TABLE.path
    for path in (folder / "_delta_log").glob("*.json"):
        actions = [json.loads(line) for line in path.read_text().splitlines()]
        for action in actions:
            for body in action.values():
                for name in ("timestamp", "inCommitTimestamp", "deletionTimestamp", "modificationTime", "createdTime"):
                    if name in body:
                        body[name] -= int(days * 86_400_000)
        path.write_text("".join(json.dumps(action) + "\n" for action in actions))
    for path in [*folder.rglob("*.crc")]:
        path.unlink()
    then = time.time() - days * 86_400
    for path in folder.rglob("*"):
        os.utime(path, (then, then))


def two_months_later(spark: SparkSession, root: Path, window_days: int, commits_after: int) -> Lake:
    lake = Lake(spark, str(root), run_id="run", window_days=window_days)
    lake.create(TABLE)
    for version in range(1, 5):
        lake.replace(TABLE, bags(lake, ("b", "p", version)))
    aged(lake, 60)
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()  # type: ignore[union-attr]
    for version in range(5, 5 + commits_after):
        lake.replace(TABLE, bags(lake, ("b", "p", version)))
    return lake


def test_retention__still_reads_and_restores_after_two_months(spark: SparkSession, tmp_path: Path) -> None:
    # The tenth commit makes a checkpoint, and then drops what the log need not keep.
    lake = two_months_later(spark, tmp_path, window_days=400, commits_after=7)
    assert "_last_checkpoint" in lake.files.names(f"{TABLE.path}/_delta_log")
    assert [held(lake, version) for version in (1, 3)] == [[("b", "p", 1)], [("b", "p", 3)]]
    lake.restore(TABLE, 3)
    assert held(lake) == [("b", "p", 3)]


def test_retention__would_not_without_the_window(spark: SparkSession, tmp_path: Path) -> None:
    # What the test above would see if the window were Delta's own: it can fail.
    lake = two_months_later(spark, tmp_path, window_days=7, commits_after=1)
    with pytest.raises(Exception, match=r"(?i)retention"):
        held(lake, 3)


def test_refresh__puts_rows_in_the_place_of_those_that_are_gone(lake: Lake) -> None:
    lake.create(TABLE)
    lake.append(TABLE, bags(lake, ("a", "C1", 1), ("a", "C2", 1), ("b", "C1", 1), ("c", "C1", 1)))
    gone = bags(lake, ("a", None, None), ("c", None, None)).select("bag_id")
    lake.refresh(TABLE, bags(lake, ("a", "C3", 2)), gone=gone, where="old.bag_id = gone.bag_id")
    assert held(lake) == [("a", "C3", 2), ("b", "C1", 1)]


def test_refresh__compacts_a_table_of_many_files(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakehouse.storage.lake.FILES_MOST", 3)
    lake.create(TABLE)
    for number, files in ((1, 1), (2, 2), (3, 1)):
        rows = bags(lake, (f"bag {number}", "C1", number))
        lake.refresh(TABLE, rows, gone=bags(lake).select("bag_id"), where="old.bag_id = gone.bag_id")
        assert (lake.size(TABLE).files, lake.size(TABLE).rows) == (files, number)
    assert held(lake) == [(f"bag {number}", "C1", number) for number in (1, 2, 3)]


def test_growing_table__is_compacted(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakehouse.storage.lake.FILES_MOST", 3)
    lake.create(TABLE)
    for number, files in ((1, 1), (2, 2), (3, 1)):
        lake.merge(TABLE, bags(lake, (f"bag {number}", "C1", number)), newer="false")
        assert (lake.size(TABLE).files, lake.size(TABLE).rows) == (files, number)
    for number, files in ((4, 2), (5, 1)):
        lake.insert_missing(TABLE, bags(lake, (f"bag {number}", "C1", number)))
        assert (lake.size(TABLE).files, lake.size(TABLE).rows) == (files, number)


def test_looked_up_columns__have_a_bloom_filter_in_every_file(lake: Lake) -> None:
    table = replace(TABLE, looked_up_by=("bag_id", "place"))
    lake.create(table)
    lake.append(table, bags(lake, *[(f"bag {number}", f"C{number}", number) for number in range(1_000)]))
    lake.merge(table, bags(lake, ("bag 7", "C7", 8)), newer="new.version > old.version")
    kept = f"select path_in_schema, bloom_filter_offset from parquet_metadata('{lake.uri(table)}/*.parquet')"
    with duckdb.connect() as connection:
        groups = connection.execute(kept).fetchall()
    assert {column for column, offset in groups if offset is not None} == {"bag_id", "place"}
    found = lake.journals.find(table, "bag_id", ["bag 7", "no bag"], lake.version(table) or 0)
    assert found == [{"bag_id": "bag 7", "place": "C7", "version": 8}]


def test_find__reads_instants_far_from_today_as_spark_does(lake: Lake) -> None:
    table = replace(TABLE, fields=(*TABLE.fields, Field("at", INSTANT)))
    lake.create(table)
    said = {"bag_id": "a", "place": "C1", "version": 1, "at": "9999-12-31 00:00"}
    lake.append(table, frame(lake.spark, table, [said, {**said, "bag_id": "b", "at": "1600-01-01 00:00"}]))
    found = lake.journals.find(table, "place", ["C1"], lake.version(table) or 0)
    assert {(row["bag_id"], row["at"].year, row["at"].month) for row in found} == {("a", 9999, 12), ("b", 1600, 1)}


def test_find__of_a_column_that_was_declared_later_finds_nothing(lake: Lake) -> None:
    lake.create(TABLE)
    lake.append(TABLE, bags(lake, ("a", "C1", 1)))
    later = replace(TABLE, fields=(*TABLE.fields, Field("lot", TEXT)))
    version = lake.version(TABLE) or 0
    assert lake.journals.find(later, "lot", ["BL1"], version) == []
    assert lake.journals.find(later, "place", ["C1"], version) == [
        {"bag_id": "a", "place": "C1", "version": 1, "lot": None}
    ]


def test_find__says_when_a_file_of_the_table_is_out_of_reach(lake: Lake) -> None:
    lake.create(TABLE)
    lake.append(TABLE, bags(lake, ("a", "C1", 1)))
    for file in Path(lake.uri(TABLE)).glob("*.parquet"):
        file.unlink()
    with pytest.raises(StorageError, match="out of reach"):
        lake.journals.find(TABLE, "place", ["C1"], lake.version(TABLE) or 0)


def test_rewritten__are_the_rows_in_files_that_only_one_version_has(lake: Lake) -> None:
    lake.create(TABLE)
    lake.append(TABLE, bags(lake, ("a", "C1", 1), ("b", "C1", 1)))
    lake.append(TABLE, bags(lake, ("c", "C1", 1)))
    since = lake.version(TABLE)
    assert since is not None
    lake.merge(TABLE, bags(lake, ("a", "C1", 2), ("d", "C1", 1)), newer="new.version > old.version")
    now, before = lake.rewritten(TABLE, since)
    assert {row["bag_id"] for row in now.collect()} == {"a", "b", "d"}
    assert {(row["bag_id"], row["version"]) for row in before.collect()} == {("a", 1), ("b", 1)}
    assert [rows.count() for rows in lake.rewritten(TABLE, since + 1)] == [0, 0]
