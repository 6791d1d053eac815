"""A field that is declared later is read from what was rescued, whatever its type."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse import table as t
from lakehouse.l1.records import read_records
from lakehouse.storage.lake import Lake
from tests.support.gates import GOOD, LENIENT
from tests.support.rows import frame

LATER = (
    t.Field("shelf", t.TEXT, added_later=True),
    t.Field("drawer", t.INT, added_later=True),
    t.Field("seen_on", t.DATE, added_later=True),
)
FEED = replace(LENIENT, fields=LENIENT.fields + LATER)
NESTED = '{"x":' + "[" * 1010 + "]" * 1010 + ',"shelf":"A"}'


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    lake = Lake(spark, str(tmp_path), run_id="r")
    lake.create(LENIENT.l1)
    return lake


@pytest.mark.parametrize(
    ("rescued", "values", "left"),
    [
        (None, (None, None, None), None),
        ('{"shelf":"A","drawer":3,"seen_on":"2024-02-29"}', ("A", 3, date(2024, 2, 29)), None),
        ('{"shelf":12,"other":1}', ("12", None, None), '{"other":1}'),
        ('{"drawer":"three","other":1}', (None, None, None), '{"drawer":"three","other":1}'),
        ('{"seen_on":"2024-02-29T10:00"}', (None, None, date(2024, 2, 29)), '{"seen_on":"2024-02-29T10:00"}'),
        ('{"shelf":["A","B"]}', (None, None, None), '{"shelf":["A","B"]}'),
        ('{"shelf":null,"other":"ä"}', (None, None, None), '{"other":"ä"}'),
        ('{"other": 1}', (None, None, None), '{"other": 1}'),
        (NESTED, (None, None, None), NESTED),
    ],
    ids=["nothing", "all", "text of a number", "misfit", "instant for a date", "repeated", "null", "others", "nested"],
)
def test_values__are_taken_as_ingest_would(
    spark: SparkSession, lake: Lake, rescued: str | None, values: tuple[Any, ...], left: str | None
) -> None:
    lake.append(LENIENT.l1, frame(spark, LENIENT.l1, [GOOD | {"disposition_id": "z", "_rescued": rescued}]))
    (row,) = read_records(lake, FEED, [GOOD["_batch_seq"]]).collect()
    assert tuple(row[field.name] for field in LATER) == values
    assert row["_rescued"] == left
