"""Donation events, visits and donations: small in, small out."""

from pyspark.sql import functions as F


def values(frame, *names):
    return [tuple(row) for row in frame.select(*[F.col(name).cast("string") for name in names]).collect()]


def test_a_donation_is_known_by_its_number_else_by_bag_donor_and_date(conformed):
    sent = {"bag_id": "O+-0a1b2c3d", "donor_id": "D1", "donation_date": "2024-02-29"}
    found = conformed(
        "donations",
        {**sent, "din": "G123498654321H"},
        sent,
        {**sent, "donor_id": "D2"},  # the same bag with another donor: a collision, both kept
        {"bag_id": "O+-0a1b2c3d", "donor_id": "D1"},
    )
    assert values(found, "donation_key", "donor_key") == [
        ("G123498654321H", "<D1>"),
        ("O+-0a1b2c3d|<D1>|2024-02-29", "<D1>"),
        ("O+-0a1b2c3d|<D2>|2024-02-29", "<D2>"),
        ("O+-0a1b2c3d|<D1>", "<D1>"),
    ]


def test_a_donation_that_is_dated_later_keeps_its_key(conformed):
    pending = {"bag_id": "B1", "donor_id": "D1"}
    found = conformed("donations", pending, {**pending, "test_date": "2024-03-05", "test_result": True})
    assert values(found, "donation_key", "donated_on", "is_assumed_date") == [
        ("B1|<D1>", None, "true"),
        ("B1|<D1>", "2024-03-04", "true"),
    ]


def test_the_day_of_a_donation_falls_back(conformed):
    bag = {"bag_id": "B1", "donor_id": "D1", "test_date": "2024-03-01"}
    found = conformed(
        "donations",
        {**bag, "donation_date": "2024-02-27", "collected_at": "2024-02-28 01:00"},
        {**bag, "collected_at": "2024-02-28 01:00"},
        bag,
    )
    assert values(found, "donated_on", "is_assumed_date", "tested_on") == [
        ("2024-02-27", "false", "2024-03-01"),
        ("2024-02-28", "true", "2024-03-01"),
        ("2024-02-29", "true", "2024-03-01"),
    ]


def test_doses_are_exact(conformed):
    found = conformed("donations", {"platelet_doses": 1.8, "test_result": None}, {"platelet_doses": 1e9})
    assert values(found, "platelet_doses", "test_result") == [("1.80", None), (None, None)]


def test_sessions_and_visits_take_the_names_of_this_house(conformed):
    session = {"event_id": "V1", "start_datetime": "2024-03-01 09:00", "end_datetime": "2024-03-01 15:00", "ab_neg": 2}
    visit = {
        "visit_id": "S1",
        "donor_id": "D1",
        "event_id": "V1",
        "outcome": "deferred",
        "deferred_until": "2024-04-01",
    }
    assert values(conformed("donation_events", session), "event_id", "starts_at", "ends_at", "ab_neg") == [
        ("V1", "2024-03-01 09:00:00", "2024-03-01 15:00:00", "2")
    ]
    assert values(conformed("donor_visits", visit), "visit_id", "donor_key", "outcome", "deferred_until") == [
        ("S1", "<D1>", "deferred", "2024-04-01")
    ]
