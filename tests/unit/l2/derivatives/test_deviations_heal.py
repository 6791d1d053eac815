"""A finding stands only as long as its cause: for each rule, the late or corrected record after which it is gone."""

from collections.abc import Mapping
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.l2.derivatives import deviations, refused_events, units
from tests.support.lives import Rows, built
from tests.unit.l2.derivatives.test_deviations import AS_OF, FEEDS, patient, transfused
from tests.unit.l2.derivatives.test_units import component, end, event, issue, test_of

Feeds = Mapping[str, Rows]
ADDED: Feeds = {
    "components": [component("absent"), component("no_parent")],
    "donations": [
        {"donation_key": din, "din": din, "bag_id": f"b{din}", "donor_key": din, "donated_on": "2024-03-01",
         "collected_at": "2024-03-01T10:00-05:00", "procedure": "whole_blood"}
        for din in ("nowhere", "gone")
    ],
    "unit_events": [event("held", "quarantine_lifted", "2024-03-09T12:00-05:00")],
    "patients": [patient("nobody_knows", "O+", "2024-02-01"), patient("changed", "O-", "2024-03-05")],
    "dispositions": [
        end("two_ends", "transfused", "2024-03-11T12:00-04:00", disposition_id="the one", patient_key="o",
            replaces_disposition_id="two_ends transfused"),
    ],
}  # fmt: skip
# A later version of a record, by the key of the record that it takes the place of; None withdraws it.
CORRECTED: Mapping[str, Mapping[str, Mapping[str, Any] | None]] = {
    "test_results": {
        "D1 abo_rhd": test_of("D1", "abo_rhd", "2024-03-02T09:00-05:00", abo_rhd="O+"),
        "D1 hiv": test_of("D1", "hiv", "2024-03-02T09:00-05:00"),
        "D3 hiv": test_of("D3", "hiv", "2024-03-03T11:00-05:00"),
        "D4 hiv": test_of("D4", "hiv", "2024-03-03T11:00-05:00"),
        "D3 bacterial": test_of("D3", "bacterial", "2024-03-04T09:00-05:00", unit_id="mother"),
    },
    "components": {
        "expired": component("expired"),
        "just_late": component("just_late"),
        "abo": component("abo"),
        "rhd_woman": component("rhd_woman", abo_rhd="O-"),
        "plasma": component("plasma", component="plasma", abo_rhd="AB+"),
        "platelets": component("platelets", component="platelets"),
        "mislabelled": component("mislabelled", din="D2"),
    },
    "dispositions": {
        "two_ends wasted": None,
        "second": None,
        "early_end discarded": end("early_end", "discarded", "2024-03-02T12:00-05:00"),
        "plasma_rush transfused": None,
        "rhd_man transfused": transfused("rhd_man", "o"),
    },
    "unit_events": {"fine released 2024-02-28T09:59-05:00": event("fine", "released", "2024-03-02T12:00-05:00")},
    "distribution": {"unnamed 2024-03-04T10:00-05:00": issue("fine", "2024-03-04T10:00-05:00")},
    "donations": {"D5": None, "D10": None, "D13": None},
}
KEYS = {
    "test_results": "test_id",
    "components": "unit_id",
    "dispositions": "disposition_id",
    "unit_events": "unit_event_id",
    "distribution": "distribution_id",
    "donations": "donation_key",
}
# What nothing can heal: the patient's group had been another within 30 days, whatever comes.
LASTING = {("changed_group", "transfusions.patient.group_changed")}


def healed() -> dict[str, Rows]:
    """`FEEDS` with what came late, and with the newest version of each record."""
    feeds = {}
    for feed, rows in FEEDS.items():
        newer = CORRECTED.get(feed, {})
        current = [newer.get(row[KEYS[feed]], row) if feed in KEYS else row for row in rows]
        feeds[feed] = [row for row in current if row is not None] + list(ADDED.get(feed, ()))
    return feeds


@pytest.fixture(scope="module")
def left(spark: SparkSession) -> dict[str, set[tuple[str, str]]]:
    """What stands after it: (unit, rule) of deviations, (record, reason) of refusals."""
    feeds = healed()
    at_day = built(spark, units.build, AS_OF, **feeds).localCheckpoint()
    found = built(spark, deviations.build, AS_OF, at_day, **feeds).collect()
    refused = built(spark, refused_events.build, AS_OF, at_day, **feeds).collect()
    return {
        "deviations": {(row["unit_id"], row["rule"]) for row in found},
        "refused_events": {(row["record_key"], row["reason"]) for row in refused},
    }


def test_every_correction__is_of_a_record_that_is_there() -> None:
    for feed, newer in CORRECTED.items():
        assert newer.keys() <= {row[KEYS[feed]] for row in FEEDS[feed]}


def test_deviations__are_gone_with_their_cause(left: dict[str, set[tuple[str, str]]]) -> None:
    assert left["deviations"] == LASTING


def test_refused_events__are_placed_when_what_they_waited_for_comes(left: dict[str, set[tuple[str, str]]]) -> None:
    assert left["refused_events"] == set()
