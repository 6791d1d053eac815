"""The computed columns, on small literal records."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.domain.check_character import ALPHABET, check_character, has_valid_check
from lakehouse.gates.checks import checks, is_din_checked, with_checks
from lakehouse.l1.feeds import FEEDS
from tests.support.rows import frame
from tests.unit.gates.clean import CLEAN, DIN, PLACE


def checked(spark: SparkSession, feed: str, *changes: dict[str, object]) -> list[dict[str, object]]:
    base = PLACE | CLEAN[feed]
    rows = [base | change | {"_line": n} for n, change in enumerate(changes)]
    found = with_checks(frame(spark, FEEDS[feed].l1, rows), FEEDS[feed]).orderBy("_line").collect()
    return [row.asDict() for row in found]


def test_is_din_checked__knows_the_standards_example(spark: SparkSession) -> None:
    dins = ["G123498654321H", "G123498654321J", "G12349865432H", "g123498654321H", "G123498654321H0", "", None, DIN]
    rows = spark.createDataFrame([(din,) for din in dins], "din string").select(is_din_checked(F.col("din"))).collect()
    assert [row[0] for row in rows] == [True, False, False, False, False, False, None, True]


@settings(max_examples=5, deadline=None)
@given(st.lists(st.text(ALPHABET[:36], min_size=13, max_size=13), min_size=200, max_size=200))
def test_is_din_checked__agrees_with_the_sum_in_python(spark: SparkSession, numbers: list[str]) -> None:
    dins = [number + last for number in numbers for last in (check_character(number), ALPHABET[ord(number[0]) % 37])]
    rows = spark.createDataFrame([(din,) for din in dins], "din string")
    found = [row[0] for row in rows.select(is_din_checked(F.col("din"))).collect()]
    assert found == [has_valid_check(din) for din in dins]


def test_rescued_fields__are_told_apart(spark: SparkSession) -> None:
    rows = checked(
        spark,
        "dispositions",
        {},
        {"_rescued": '{"shoe": 1, "boot, left": {"a": 2}}'},
        {"_rescued": '{"ended_at": "soon", "facility_id": [1]}', "ended_at": None},
        {"_rescued": '{"happened_at": "2024-03-05"}'},
        {"_rescued": '{"happened_at": "yesterday"}', "happened_at": None},
        {"_rescued": '{"is_void": "maybe"}'},
    )
    found = [(row["_unknown_fields"], row["_misfits"], row["_unreadable"]) for row in rows]
    assert found == [
        (None, None, None),
        ("boot, left, shoe", None, None),
        (None, "ended_at, facility_id", None),
        (None, None, None),  # a bare date has its midnight: no misfit
        (None, None, "happened_at"),
        (None, None, "is_void"),
    ]


@pytest.mark.parametrize(
    ("happened_at", "delivered_on", "hours"),
    [
        ("2024-03-06T12:00", "2024-03-05", 0.0),  # the day is over last at UTC-12
        ("2024-03-06T13:30", "2024-03-05", 1.5),
        ("2024-03-05T00:00", "2024-03-05", -36.0),
        ("2024-03-06T05:00", None, 3.0),  # no day in the path: the ingest, 2024-03-06 02:00
        (None, "2024-03-05", None),
    ],
)
def test_hours_ahead__counts_from_the_end_of_the_day_of_delivery(
    spark: SparkSession, happened_at: str | None, delivered_on: str | None, hours: float | None
) -> None:
    change = {"happened_at": happened_at, "_delivered_on": delivered_on}
    assert checked(spark, "unit_events", change)[0]["_hours_ahead"] == hours


def test_hours_ahead__of_a_donation_falls_back_on_its_date(spark: SparkSession) -> None:
    row = checked(spark, "donations", {"collected_at": None, "donation_date": "2024-03-08"})[0]
    assert row["_hours_ahead"] == 36.0


def test_a_withdrawal__needs_only_its_key(spark: SparkSession) -> None:
    given_key = {"is_void": True, "bag_id": None, "donor_id": None}
    rows = checked(spark, "donations", given_key, given_key | {"din": None}, {"donor_id": None})
    assert [(row["_has_bag_id"], row["_has_donor_id"]) for row in rows] == [(True, True), (False, False), (True, False)]
    void = checked(spark, "dispositions", {"is_void": True, "kind": None, "happened_at": None, "unit_id": None})[0]
    assert (void["_has_kind"], void["_has_happened_at"], void["_has_unit_id"]) == (True, True, True)


def test_distribution__needs_a_unit_and_an_issue_needs_a_destination(spark: SparkSession) -> None:
    rows = checked(
        spark,
        "distribution",
        {"unit_id": None},
        {"unit_id": None, "bag_id": "b"},
        {"NPI": None},
        {"NPI": None, "to_facility_id": "f"},
        {"NPI": None, "kind": "transfer"},
        {"NPI": None, "kind": None},
    )
    assert [row["_has_unit_or_bag"] for row in rows] == [False, True, True, True, True, True]
    assert [row["_has_destination"] for row in rows] == [True, True, False, True, True, False]


def test_results__fit_their_marker(spark: SparkSession) -> None:
    pairs = [
        ("abo_rhd", "AB negative", True),
        ("abo_rhd", "inconclusive", True),
        ("abo_rhd", "reactive", False),
        ("abo_rhd", "AB-", False),
        ("hiv", "reactive", True),
        ("hiv", "O positive", False),
        ("hiv", None, None),
        (None, "reactive", None),
    ]
    rows = checked(spark, "test_results", *[{"marker": marker, "result": result} for marker, result, _ in pairs])
    assert [row["_is_result_of_marker"] for row in rows] == [wanted for _, _, wanted in pairs]


def test_zones__are_those_of_iana(spark: SparkSession) -> None:
    zones = ["UTC", "America/Argentina/Buenos_Aires", "Mars/Olympus", "", None]
    rows = checked(spark, "facilities", *[{"timezone": zone} for zone in zones])
    assert [row["_is_iana_zone"] for row in rows] == [True, True, False, False, None]


def test_names_of_checks__cannot_meet_a_field(spark: SparkSession) -> None:
    for feed in FEEDS.values():
        assert not set(checks(feed)) & set(feed.l1.columns)
