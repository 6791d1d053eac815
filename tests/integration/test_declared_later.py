"""A feed that sends a field for a month before the lake declares it: no value of that month is lost."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.config import load_config
from lakehouse.gates.checks import SPANS
from lakehouse.l1.ingest import ingest
from lakehouse.l1.records import read_records
from lakehouse.l2.conformed import CONFORMED, ConformedTable, Pseudonym
from lakehouse.promote import Rejudgement
from lakehouse.storage.files import files_at
from lakehouse.storage.lake import Lake
from lakehouse.table import Feed, Field
from tests.support.gates import LENIENT, NAME, Doorway
from tests.support.lakes import land, now, settle

LATER = "ended_at"
FIRST, DAYS = date(2024, 2, 20), 30
MEANT = {
    "2024-03-01T09:30:00Z": "2024-03-01 09:30:00",  # as it should be sent
    "2024-03-01T04:30:00-05:00": "2024-03-01 09:30:00",
    "2024-03-01": "2024-03-01 00:00:00",  # a day, which stays in `_rescued` as well
    "yesterday": None,  # fits no instant, and stays there
}
DECLARED = replace(LENIENT, fields=tuple(replace(field, added_later=field.name == LATER) for field in LENIENT.fields))
CONF = load_config("local", {"ingest": {"settle_seconds": 0}})


def undeclared(fields: Iterable[Field]) -> tuple[Field, ...]:
    return tuple(field for field in fields if field.name != LATER)


def sent(day: int) -> list[dict[str, object]]:
    """A day's records: one says nothing in the field, each other something else; all but one name an unknown field."""
    texts = [None, *MEANT]
    one = {"unit_id": "u1", "kind": "transfused", "happened_at": "2024-03-01T08:00:00Z", "patient_id": "p1"}
    ids = [{"disposition_id": f"z{day}-{i}"} | ({} if i == 1 else {"shelf": 7}) for i in range(len(texts))]
    return [one | name | ({LATER: text} if text else {}) for name, text in zip(ids, texts, strict=True)]


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """A month of daily files."""
    for day in range(DAYS):
        land(tmp_path / "landing", NAME, sent(day), name="a.json", day=FIRST + timedelta(days=day))
    return tmp_path / "landing"


def take_in(lake: Lake, landing: Path, feed: Feed) -> None:
    settle(landing)
    assert ingest(lake, files_at(str(landing)), CONF, now, {NAME: feed}).is_complete


@pytest.fixture
def door(spark: SparkSession, landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Doorway:
    """The month taken in and let through while neither L1 nor L2 had the field; then it was declared."""
    before = replace(LENIENT, fields=undeclared(LENIENT.fields))
    conformed = CONFORMED[NAME]

    def build(rows: DataFrame, *, pseudonym: Pseudonym) -> DataFrame:
        lacking = rows.withColumn(LATER, F.lit(None).cast("timestamp"))
        return conformed.build(lacking, pseudonym=pseudonym).drop(LATER)

    take_in(Lake(spark, str(tmp_path / "lake"), run_id="month"), landing, before)
    with monkeypatch.context() as patch:
        table = replace(conformed.table, fields=undeclared(conformed.table.fields))
        patch.setitem(CONFORMED, NAME, ConformedTable(table, build))
        patch.delitem(cast(dict[str, Any], SPANS), NAME)
        door = Doorway(spark, tmp_path / "lake", feed=before)
        assert door.run(1).accepted == DAYS * (1 + len(MEANT))
        assert LATER not in Lake(spark, str(tmp_path / "lake"), run_id="look").read(table).columns
    door.feed = DECLARED
    return door


def test_records__read_as_if_they_were_taken_in_today(
    spark: SparkSession, door: Doorway, landing: Path, tmp_path: Path
) -> None:
    today = Lake(spark, str(tmp_path / "today"), run_id="today")
    take_in(today, landing, LENIENT)
    columns = [column for column in LENIENT.l1.columns if column not in ("_ingested_at", "_batch_seq")]
    wanted, found = (
        sorted(map(str, rows.select(*columns).collect()))
        for rows in (today.read(LENIENT.l1), read_records(door.lake(), DECLARED, [1]))
    )
    assert len(found) == DAYS * (1 + len(MEANT))
    assert found == wanted


def test_rejudgement__brings_the_values_of_the_past_month_into_l2(door: Doorway) -> None:
    door.again(Rejudgement("quality", "the field is declared now"), 1)
    rows = door.lake().read(CONFORMED[NAME].table)
    counted = {row[LATER]: row["count"] for row in rows.groupBy(F.col(LATER).cast("string")).count().collect()}
    assert counted == {"2024-03-01 09:30:00": 2 * DAYS, "2024-03-01 00:00:00": DAYS, None: 2 * DAYS}


def test_next_day__is_added_to_the_same_tables(door: Doorway, landing: Path) -> None:
    land(landing, NAME, sent(DAYS), name="a.json", day=FIRST + timedelta(days=DAYS))
    take_in(door.lake(), landing, DECLARED)
    assert door.run(2).accepted == 1 + len(MEANT)
    rows = door.lake().read(CONFORMED[NAME].table).groupBy("_batch_seq").agg(F.count(LATER).alias("said")).collect()
    assert {row["_batch_seq"]: row["said"] for row in rows} == {1: 0, 2: 3}, "a month back, only another judgement does"
