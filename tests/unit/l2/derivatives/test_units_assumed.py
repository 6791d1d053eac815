"""Whole blood assumed for the donations of a source that never delivered components, as CrimsonCache is."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.l2.derivatives.units import build
from tests.support.lives import Rows, built

Unit = dict[str, Any]


def donation(name: str, **said: Any) -> Unit:
    """A donation as CrimsonCache sends it: no din, a day, a test that passed, a status."""
    key = {"donation_key": f"{name}|d|2024-03-01", "bag_id": name, "donor_key": "d"}
    tested = {"tested_on": "2024-03-02", "test_result": True}
    return {**key, "donated_on": "2024-03-01", **tested, "event_id": "E1", **said}


FEEDS: dict[str, Rows] = {
    "donations": [
        donation("free", status="available"),
        donation("kept", status="reserved"),
        donation("given", status="used"),
        donation("given_later", status="used"),
        donation("sent", status="used"),
        donation("undated", status="used"),
        donation("binned", status="discarded", test_result=False),
        donation("pending", status=None, test_result=None, tested_on=None),
        donation("failed_test", status="available", test_result=False),
        donation("assumed_day", status="available", donated_on="2024-02-25", is_assumed_date=True),
        donation("with_procedure", status="available", procedure="apheresis_platelets"),
        donation("failed", status="discarded", outcome="failed"),
        donation("other_source", status="available", source_system="modern"),
        donation("has_component", status="available", din="D9"),
    ],
    "donation_events": [{"event_id": "E1", "starts_at": "2024-02-29T22:00-05:00", "facility_id": "C1"}],
    "donors": [{"donor_key": "d", "abo_rhd": "A-"}],
    "components": [
        {"unit_id": "M1", "prepared_at": "2024-03-01 12:00", "source_system": "modern", "din": "D9"},
    ],
    "patients": [
        {"admission_key": "a1", "patient_key": "p1", "admitted_on": "2024-03-04", "bag_id": "given", "npi": "111"},
        {"admission_key": "a2", "patient_key": "p2", "admitted_on": "2024-03-09", "bag_id": "given_later"},
    ],
    "distribution": [
        {"distribution_id": "x1", "bag_id": "sent", "npi": "222", "distributed_at": "2024-03-03", "is_date_only": True},
        {"distribution_id": "x2", "bag_id": "free", "npi": "111", "distributed_at": "2024-03-03", "is_date_only": True},
    ],
}


@pytest.fixture(scope="module")
def units(spark: SparkSession) -> dict[str, Unit]:
    rows = built(spark, build, "2024-03-06", **FEEDS).collect()
    return {row["unit_id"].split("|")[0]: row.asDict() for row in rows}


@pytest.fixture(scope="module")
def units_later(spark: SparkSession) -> dict[str, Unit]:
    rows = built(spark, build, "2024-04-05", **FEEDS).collect()
    return {row["unit_id"].split("|")[0]: row.asDict() for row in rows}


def test_unit__is_assumed_only_where_nothing_else_stands_for_the_donation(units: dict[str, Unit]) -> None:
    assumed = {"free", "kept", "given", "given_later", "sent", "undated", "binned", "pending", "failed_test"}
    assert set(units) == {*assumed, "assumed_day", "M1"}
    assert units["free"]["component"] == "whole_blood"
    assert (units["free"]["is_assumed"], units["M1"]["is_assumed"]) == (True, False)


def test_status__stands_in_for_the_events(units: dict[str, Unit]) -> None:
    states = {name: unit["state"] for name, unit in units.items() if unit["is_assumed"]}
    assert states == {
        "free": "available",
        "kept": "reserved",
        "given": "transfused",
        "given_later": "available",  # its admission is still to come
        "sent": "transfused",
        "undated": "transfused",
        "binned": "discarded",
        "pending": "in_process",
        "failed_test": "quarantined",
        "assumed_day": "available",
    }


def test_used_unit__is_dated_by_admission_else_distribution_else_not(units: dict[str, Unit]) -> None:
    given, sent, undated = units["given"], units["sent"], units["undated"]
    assert (given["ended_on"], given["patient_key"], given["facility_id"]) == (date(2024, 3, 4), "p1", "H1")
    assert (sent["ended_on"], sent["patient_key"], sent["facility_id"]) == (date(2024, 3, 3), None, "H2")
    assert (undated["ended_on"], undated["ended_at"]) == (None, None)
    assert units["binned"]["ended_on"] == date(2024, 3, 2)


def test_bag_that_was_distributed__is_where_it_went_at_once(units: dict[str, Unit]) -> None:
    assert (units["free"]["facility_id"], units["free"]["region"]) == ("H1", "South")


def test_bag__has_the_donors_group_and_35_days(units: dict[str, Unit]) -> None:
    unit = units["free"]
    assert unit["abo_rhd"] == "A-"
    assert unit["expires_at"].astimezone(UTC) == datetime(2024, 4, 6, 3, 59, tzinfo=UTC)  # 5 April, in summer time
    assert unit["prepared_on"] == date(2024, 3, 1)


def test_day_that_only_the_session_tells__is_the_local_day_it_began(units: dict[str, Unit]) -> None:
    assert units["assumed_day"]["prepared_on"] == date(2024, 2, 29)


def test_available_past_its_dating__is_outdated(units_later: dict[str, Unit]) -> None:
    free = units_later["free"]
    assert (free["state"], free["ended_on"], free["is_on_hand"]) == ("outdated", date(2024, 4, 5), False)
    assert units_later["pending"]["state"] == "in_process"  # nobody says that it was stock
    assert units_later["given_later"]["state"] == "transfused"
    assert units_later["given_later"]["ended_on"] == date(2024, 3, 9)
