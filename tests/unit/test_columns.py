"""The shared Column vocabulary."""

import pytest
from pyspark.sql import functions as F

from lakehouse import columns


def answers(spark, cases, schema, column):
    rows = spark.createDataFrame(cases, schema)
    return [row[0] for row in rows.select(column.cast("string")).collect()]


def test_a_group_is_short_however_it_was_spelled(spark):
    cases = ["O positive", " ab NEGATIVE ", "A-", "b+", "any", "unknown", "", "O", None]
    found = answers(spark, [(case,) for case in cases], "sent string", columns.short_group(F.col("sent")))
    assert found == ["O+", "AB-", "A-", "B+", None, None, None, None, None]


DAYS = [
    ("2024-03-10 05:59:59", "America/Chicago", "2024-03-09"),
    ("2024-03-10 06:00:00", "America/Chicago", "2024-03-10"),
    ("2024-03-11 04:59:59", "America/Chicago", "2024-03-10"),  # 23 hours: clocks went forward
    ("2024-03-11 05:00:00", "America/Chicago", "2024-03-11"),
    ("2024-02-28 18:30:00", "Asia/Kolkata", "2024-02-29"),
    ("2024-03-10 06:00:00", "UTC", "2024-03-10"),
]


def test_a_day_is_local_to_its_zone(spark):
    found = answers(
        spark,
        [(instant, zone) for instant, zone, _ in DAYS],
        "instant string, zone string",
        columns.local_date(F.col("instant").cast("timestamp"), F.col("zone")),
    )
    assert found == [day for _, _, day in DAYS]


def test_a_day_begins_and_ends_on_the_local_clock(spark):
    row = spark.sql("SELECT date'2024-03-10' AS day, 'America/Chicago' AS zone").select(
        columns.start_of_day(F.col("day"), F.col("zone")).cast("string"),
        columns.end_of_day(F.col("day"), F.col("zone")).cast("string"),
    )
    assert tuple(row.head()) == ("2024-03-10 06:00:00", "2024-03-11 04:59:59.999999")


def test_a_bare_date_is_never_shifted(spark):
    cases = [("2024-03-10 00:00:00", True), ("2024-03-10 00:00:00", False)]
    day = columns.event_date(F.col("at").cast("timestamp"), F.col("is_bare"), F.lit("America/Chicago"))
    assert answers(spark, cases, "at string, is_bare boolean", day) == ["2024-03-10", "2024-03-09"]


@pytest.mark.parametrize(
    ("rescued", "is_bare"),
    [
        ('{"happened_at": "2024-03-01"}', "true"),
        ('{"happened_at": "2024-03-01T10:00"}', "false"),
        ('{"ended_at": "2024-03-01"}', "false"),
        ('{"happened_at": "2024-02-30"}', "false"),
        (None, "false"),
    ],
)
def test_a_bare_date_is_known_by_what_was_rescued(spark, rescued, is_bare):
    found = answers(spark, [(rescued,)], "rescued string", columns.is_bare_date(F.col("rescued"), "happened_at"))
    assert found == [is_bare]


def test_only_zones_that_exist_are_known(spark):
    cases = [("America/Chicago",), ("Mars/Olympus",), ("",), (None,), ("UTC",)]
    found = answers(spark, cases, "zone string", columns.known_zone(F.col("zone")))
    assert found == ["America/Chicago", None, None, None, "UTC"]
