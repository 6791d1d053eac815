"""Lives of units, computed by hand: every unit of one small service, looked at on four days of March 2024.

All instants are local (New York unless said): -05:00 in winter, -04:00 after 10 March 2024, 2 a.m.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from lakehouse.l2.derivatives.units import DONATION_ABSENT, LABEL_DISPUTED, LABEL_TOO_LATE, build
from tests.support.lives import Rows, built

Unit = dict[str, Any]
Life = Callable[[str, str], Unit]


def component(unit_id: str, **said: Any) -> Unit:
    made = {"collected_at": "2024-03-01T10:00-05:00", "prepared_at": "2024-03-01T16:00-05:00"}
    return {"unit_id": unit_id, **made, "expires_at": "2024-04-12T23:59-04:00", **said}


def event(unit_id: str, kind: str, at: str, **said: Any) -> Unit:
    return {"unit_event_id": f"{unit_id} {kind} {at}", "unit_id": unit_id, "kind": kind, "happened_at": at, **said}


def issue(unit_id: str, at: str, **said: Any) -> Unit:
    ends = {"from_facility_id": "C1", "to_facility_id": "H1", "kind": "issue"}
    moved = {"distribution_id": f"{unit_id} {at}", "unit_id": unit_id, "distributed_at": at, "shipped_at": at}
    return {**moved, **ends, **said}


def end(unit_id: str, kind: str, at: str, **said: Any) -> Unit:
    return {
        "disposition_id": f"{unit_id} {kind}",
        "unit_id": unit_id,
        "kind": kind,
        "happened_at": at,
        "facility_id": "H1",
        **said,
    }


def test_of(din: str, marker: str, at: str, **said: Any) -> Unit:
    return {"test_id": f"{din} {marker}", "din": din, "marker": marker, "resulted_at": at, **said}


test_of.__test__ = False  # type: ignore[attr-defined]

COMPONENTS: Rows = [
    component("released"),
    component("midnight", expires_at="2024-03-10T23:59-04:00"),
    component("last_day", expires_at="2024-03-07T23:59-05:00"),
    component("two_days_past", expires_at="2024-03-05T23:59-05:00"),
    component("returned"),
    component("transit"),
    component("reserved"),
    component("twice"),
    component("held"),
    component("early"),
    component("corrected"),
    component("typed", din="D1"),
    component("disputed", din="D1", abo_rhd="A+"),
    component("reactive", din="D2"),
    component("cultured", component="platelets"),
    component("orphan", din="nowhere"),
    component("imported", din="foreign", is_imported=True, facility_id="C1"),
    component("modified_import", din="foreign", is_imported=True),
    component("of_import", din="foreign"),
    component("unlabelled", din="D1", abo_rhd=None, expires_at=None, anticoagulant="cpd", additive="as1"),
    component("leap", component="plasma", storage="frozen", plasma_kind="ffp", expires_at=None,
              collected_at="2024-02-29T09:00-05:00", prepared_at="2024-02-29T15:00-05:00"),
    component("late_label", anticoagulant="cpda1"),
    component("silent", expires_at="2024-03-04T23:59Z", facility_id="X1"),
    component("reporting", expires_at="2024-03-04T23:59-05:00"),
    component("parent1", component="platelets", expires_at="2024-03-06T23:59-05:00", din="D1"),
    component("parent2", component="platelets", expires_at="2024-03-05T23:59-05:00", din="D2"),
    component("pool", component="platelets", storage="room", expires_at=None, collected_at=None,
              prepared_at="2024-03-02T09:00-05:00", doses="1.00"),
    component("exported"),
    component("at_midnight", expires_at="2024-03-05T00:00-05:00"),
    component("by_day", expires_at="2024-03-05", date_only=["expires_at"]),
    component("elsewhere", expires_at="2024-03-05T02:00Z", facility_id="X1"),
    component("made_0", din="D2"),
    component("mother", component="platelets"),
    component("of_absent", component="platelets"),
    component("first_part"),
    component("second_part"),
    *[component(f"made_{number}") for number in range(1, 6)],
    component("evening", prepared_at="2024-03-01T23:30-05:00"),
]  # fmt: skip
UNIT_EVENTS: Rows = [
    event("released", "released", "2024-03-02T12:00-05:00"),
    event("midnight", "released", "2024-03-02T12:00-05:00"),
    event("returned", "released", "2024-03-02T12:00-05:00"),
    event("transit", "released", "2024-03-02T12:00-05:00"),
    event("transit", "received", "2024-03-05T08:00-05:00", facility_id="H2"),
    event("reserved", "released", "2024-03-02T12:00-05:00"),
    event("reserved", "reserved", "2024-03-03T12:00-05:00", patient_key="p1", request_id="R1"),
    event("reserved", "unreserved", "2024-03-05T12:00-05:00", request_id="R1"),
    event("twice", "released", "2024-03-02T12:00-05:00"),
    event("held", "released", "2024-03-02T12:00-05:00"),
    event("held", "quarantined", "2024-03-03T12:00-05:00"),
    event("held", "quarantine_lifted", "2024-03-05T12:00-05:00"),
    event("held", "recalled", "2024-03-10T12:00-04:00"),
    event("early", "released", "2024-02-28T09:59-05:00"),  # more than 24 h before its collection
    event("elsewhere", "received", "2024-03-03T12:00-05:00", facility_id="H1"),
    *[
        event(unit_id, "released", "2024-03-02T12:00-05:00")
        for unit_id in (
            "corrected",
            "typed",
            "disputed",
            "reactive",
            "cultured",
            "exported",
            "last_day",
            "two_days_past",
        )
    ],
]
DISTRIBUTION: Rows = [
    issue("returned", "2024-03-03T09:00-05:00", received_at="2024-03-03T11:00-05:00", request_id="R2"),
    issue("returned", "2024-03-06T09:00-05:00", received_at="2024-03-06T11:00-05:00",
          kind="return", from_facility_id="H1", to_facility_id="C1"),
    issue("transit", "2024-03-04T09:00-05:00", to_facility_id=None, npi="222"),
    issue("twice", "2024-03-03T09:00-05:00", received_at="2024-03-03T11:00-05:00"),
    issue("exported", "2024-03-03T09:00-05:00", kind="export", to_facility_id="X1"),
]  # fmt: skip
DISPOSITIONS: Rows = [
    end("twice", "transfused", "2024-03-05T23:30-05:00", patient_key="p2"),
    end("twice", "wasted", "2024-03-04T12:00-05:00", _order_at="2024-03-08"),
    end("corrected", "transfused", "2024-03-04T12:00-05:00", patient_key="p3"),
    end("corrected", "wasted", "2024-03-08T12:00-05:00", replaces_disposition_id="corrected transfused"),
    end("reporting", "lost", "2024-03-20T12:00-04:00", facility_id="C1"),
    end("released", "outdated", "2024-02-27", is_date_only=True),  # long before its collection
    end("evening", "discarded", "2024-03-02T22:00-05:00", facility_id=None),
]
DONATIONS: Rows = [
    {"donation_key": din, "din": din, "bag_id": f"b{din}", "donor_key": f"d{din}", "donated_on": "2024-03-01",
     "collected_at": "2024-03-01T10:00-05:00", "procedure": "whole_blood"}
    for din in ("D1", "D2")
]  # fmt: skip
TEST_RESULTS: Rows = [
    test_of("D1", "abo_rhd", "2024-03-02T10:00-05:00", abo_rhd="O+", result="O positive"),
    test_of("D1", "hiv", "2024-03-02T11:00-05:00"),
    test_of("D2", "abo_rhd", "2024-03-02T10:00-05:00", abo_rhd="O+", result="O positive"),
    test_of("D2", "hiv", "2024-03-05T11:00-05:00", result="reactive"),
    *[
        test_of("D1", "bacterial", "2024-03-04T11:00-05:00", result="reactive", unit_id=unit)
        for unit in ("cultured", "mother", "absent")
    ],
    test_of("D1", "bacterial", "2024-02-20T11:00-05:00", result="reactive", unit_id="mother"),  # before collection
]
PARENTS = (
    ("pool", "parent1", "pooled"),
    ("pool", "parent2", "pooled"),
    ("of_import", "modified_import", "modified"),
    ("of_absent", "absent", "divided"),
    ("first_part", "mother", "divided"),
    ("second_part", "mother", "divided"),
    ("made_1", "made_0", "modified"),
    *[(f"made_{number + 1}", f"made_{number}", "modified") for number in range(1, 5)],
)
UNIT_PARENTS: Rows = [
    {"unit_id": unit, "parent_unit_id": parent, "kind": kind, "made_at": "2024-03-02T09:00-05:00", "facility_id": "C1"}
    for unit, parent, kind in PARENTS
]
FEEDS: dict[str, Rows] = {
    "components": COMPONENTS,
    "unit_events": UNIT_EVENTS,
    "distribution": DISTRIBUTION,
    "dispositions": DISPOSITIONS,
    "donations": DONATIONS,
    "test_results": TEST_RESULTS,
    "unit_parents": UNIT_PARENTS,
    "donors": [{"donor_key": "dD1", "abo_rhd": "B+"}],
}


@pytest.fixture(scope="module")
def life(spark: SparkSession) -> Life:
    """The unit of that id at the end of that day."""
    days: dict[str, dict[str, Row]] = {}

    def on(as_of: str, unit_id: str) -> Unit:
        if as_of not in days:
            rows = built(spark, build, as_of, **FEEDS).collect()
            days[as_of] = {row["unit_id"]: row for row in rows}
            assert len(days[as_of]) == len(rows)
        return days[as_of][unit_id].asDict()

    return on


def utc(unit: Unit, name: str) -> datetime:
    """The instant, in UTC: PySpark hands instants out in the zone of this process."""
    return unit[name].astimezone(UTC).replace(tzinfo=None)


def test_unit__is_in_process_until_it_is_released(life: Life) -> None:
    assert life("2024-03-01", "released")["state"] == "in_process"
    released = life("2024-03-04", "released")
    assert (released["state"], released["is_on_hand"], released["facility_id"]) == ("available", True, "C1")
    assert utc(released, "released_at") == datetime(2024, 3, 2, 17)


def test_unit__is_there_from_its_local_day_of_preparation(life: Life) -> None:
    assert life("2024-03-01", "evening")["prepared_on"] == date(2024, 3, 1)  # 04:30 UTC on the 2nd
    with pytest.raises(KeyError):
        life("2024-03-01", "pool")


def test_event_long_before_collection__is_not_seen(life: Life) -> None:
    assert life("2024-03-04", "early")["released_at"] is None
    assert life("2024-03-04", "early")["state"] == "in_process"
    assert life("2024-03-04", "released")["ended_at"] is None


def test_expired_unit__stays_on_hand_until_someone_says_or_three_days_are_past(life: Life) -> None:
    assert life("2024-03-07", "last_day")["state"] == "available"
    assert life("2024-03-07", "two_days_past")["state"] == "available"
    presumed = life("2024-03-07", "reporting")
    assert (presumed["state"], presumed["is_on_hand"], presumed["ended_on"]) == (
        "fate_unknown",
        False,
        date(2024, 3, 4),
    )


def test_presumed_end__depends_on_whether_the_facility_reports_by_then(life: Life) -> None:
    presumed = life("2024-03-20", "midnight")
    assert presumed["state"] == "presumed_outdated"  # by then C1 has reported the end of another unit
    assert presumed["ended_on"] == date(2024, 3, 10)
    assert utc(presumed, "ended_at") == datetime(2024, 3, 11, 3, 59)  # 23:59 in summer time, new that very day
    assert life("2024-03-20", "silent")["state"] == "fate_unknown"
    assert life("2024-03-20", "reporting")["state"] == "lost"


def test_returned_unit__is_where_it_went_last(life: Life) -> None:
    away = life("2024-03-04", "returned")
    assert (away["state"], away["facility_id"], away["region"]) == ("available", "H1", "South")
    back = life("2024-03-07", "returned")
    assert (back["state"], back["facility_id"], back["facility_kind"]) == ("available", "C1", "processing")
    assert utc(back, "issued_at") == datetime(2024, 3, 3, 14)
    assert utc(back, "received_at") == datetime(2024, 3, 6, 16)
    assert back["request_id"] == "R2"


def test_shipped_unit__is_in_transit_until_a_receipt(life: Life) -> None:
    moving = life("2024-03-04", "transit")
    assert (moving["state"], moving["is_on_hand"], moving["facility_id"]) == ("in_transit", False, "C1")
    there = life("2024-03-07", "transit")
    assert (there["state"], there["facility_id"]) == ("available", "H2")


def test_reservation__holds_until_it_is_taken_back(life: Life) -> None:
    held = life("2024-03-04", "reserved")
    assert (held["state"], held["patient_key"], held["request_id"]) == ("reserved", "p1", "R1")
    assert utc(held, "reserved_at") == datetime(2024, 3, 3, 17)
    free = life("2024-03-07", "reserved")
    assert (free["state"], free["patient_key"], free["reserved_at"]) == ("available", None, None)


def test_quarantine__holds_until_it_is_lifted(life: Life) -> None:
    states = [life(day, "held")["state"] for day in ("2024-03-04", "2024-03-07", "2024-03-20")]
    assert states == ["quarantined", "available", "quarantined"]


def test_two_live_dispositions__the_later_recorded_is_current(life: Life) -> None:
    assert life("2024-03-07", "twice")["state"] == "wasted"
    assert life("2024-03-07", "twice")["ended_on"] == date(2024, 3, 4)


def test_replaced_disposition__never_was(life: Life) -> None:
    assert life("2024-03-04", "corrected")["state"] == "available"
    assert life("2024-03-20", "corrected")["state"] == "wasted"
    assert life("2024-03-20", "corrected")["patient_key"] is None


def test_end_without_a_facility__has_the_local_day_of_the_maker(life: Life) -> None:
    ended = life("2024-03-04", "evening")
    assert (ended["state"], ended["ended_on"], ended["ended_at_facility_id"]) == ("discarded", date(2024, 3, 2), "C1")


def test_tests__are_done_when_every_marker_is_final(life: Life) -> None:
    typed = life("2024-03-04", "typed")
    assert (typed["state"], typed["is_reactive"], typed["donor_key"]) == ("available", False, "dD1")
    assert utc(typed, "tested_at") == datetime(2024, 3, 2, 16)
    assert life("2024-03-01", "typed")["tested_at"] is None


def test_reactive_result__quarantines_from_its_day_on(life: Life) -> None:
    assert life("2024-03-04", "reactive")["state"] == "available"
    assert life("2024-03-04", "reactive")["tested_at"] is None
    reactive = life("2024-03-07", "reactive")
    assert (reactive["state"], reactive["is_reactive"]) == ("quarantined", True)
    assert utc(reactive, "reactive_at") == datetime(2024, 3, 5, 16)
    assert utc(life("2024-03-07", "cultured"), "reactive_at") == datetime(2024, 3, 4, 16)
    assert life("2024-03-07", "typed")["reactive_at"] is None
    assert life("2024-03-04", "cultured")["state"] == "quarantined"


def test_reactive_culture_of_a_unit__quarantines_what_was_made_of_it(life: Life) -> None:
    assert life("2024-03-04", "first_part")["state"] == "quarantined"
    for part in ("first_part", "second_part"):
        assert utc(life("2024-03-07", part), "reactive_at") == datetime(2024, 3, 4, 16)
    assert not life("2024-03-07", "of_absent")["is_reactive"], "a culture of a unit that is not here waits"


def test_reactive_result__reaches_what_was_made_in_five_steps(life: Life) -> None:
    last = life("2024-03-07", "made_5")
    assert (last["is_reactive"], last["parent_unit_ids"]) == (True, ["made_4"])
    assert utc(last, "reactive_at") == datetime(2024, 3, 5, 16)


def test_dating__that_ends_at_midnight_ends_with_the_day_before(life: Life) -> None:
    assert life("2024-03-07", "at_midnight")["ended_on"] == date(2024, 3, 4)  # three days past: given up


def test_dating__of_a_bare_date_lasts_through_that_day_at_the_maker(life: Life) -> None:
    by_day = life("2024-03-07", "by_day")
    assert utc(by_day, "expires_at") == datetime(2024, 3, 6, 4, 59)
    assert by_day["state"] == "in_process"


def test_presumed_end__has_its_day_where_the_unit_is(life: Life) -> None:
    """Made where it was the 5th already, it is in New York, where its dating ended on the evening of the 4th."""
    assert life("2024-03-07", "elsewhere")["ended_on"] == date(2024, 3, 4)


def test_label__that_the_test_contradicts_quarantines(life: Life) -> None:
    disputed = life("2024-03-04", "disputed")
    assert (disputed["state"], disputed["abo_rhd"], disputed["warnings"]) == ("quarantined", "A+", [LABEL_DISPUTED])
    assert utc(disputed, "disputed_at") == datetime(2024, 3, 2, 15)
    assert life("2024-03-04", "typed")["disputed_at"] is None


def test_unlabelled_unit__has_group_and_dating_from_test_and_table(life: Life) -> None:
    assert life("2024-03-01", "unlabelled")["abo_rhd"] == "B+"  # the donor's, while the test is not out
    unit = life("2024-03-04", "unlabelled")
    assert unit["abo_rhd"] == "O+"
    assert utc(unit, "expires_at") == datetime(2024, 4, 13, 3, 59)  # 42 days, in summer time
    assert unit["expires_at"] == unit["computed_expires_at"]


def test_plasma_of_a_leap_day__expires_on_28_february(life: Life) -> None:
    assert utc(life("2024-03-04", "leap"), "expires_at") == datetime(2025, 3, 1, 4, 59)


def test_label_later_than_dating__governs_with_a_warning(life: Life) -> None:
    unit = life("2024-03-04", "late_label")
    assert utc(unit, "computed_expires_at") == datetime(2024, 4, 6, 3, 59)
    assert utc(unit, "expires_at") == datetime(2024, 4, 13, 3, 59)
    assert unit["warnings"] == [LABEL_TOO_LATE]


def test_unit_without_its_donation__is_a_unit_with_a_warning(life: Life) -> None:
    assert life("2024-03-04", "orphan")["warnings"] == [DONATION_ABSENT]
    imported = life("2024-03-04", "imported")
    assert (imported["state"], imported["is_imported"], imported["warnings"]) == ("available", True, [])
    made_of_it = life("2024-03-04", "of_import")
    assert (made_of_it["is_imported"], made_of_it["warnings"]) == (False, [])


def test_pool__has_dating_tests_and_collection_from_its_parents(life: Life) -> None:
    assert life("2024-03-04", "pool")["tested_at"] is None
    pool = life("2024-03-07", "pool")
    assert (pool["is_pool"], pool["is_reactive"], pool["state"]) == (True, True, "quarantined")
    assert utc(pool, "collected_at") == datetime(2024, 3, 1, 15)
    assert utc(pool, "expires_at") == datetime(2024, 3, 6, 4, 59)  # parent2's, a day before its own five days
    assert utc(pool, "tested_at") == datetime(2024, 3, 5, 16)
    assert float(pool["doses"]) == 1.0
    assert pool["donation_key"] is None
    assert (pool["parent_unit_ids"], life("2024-03-07", "parent1")["parent_unit_ids"]) == (["parent1", "parent2"], [])


def test_parent_of_a_pool__is_consumed(life: Life) -> None:
    assert life("2024-03-01", "parent1")["state"] == "in_process"
    parent = life("2024-03-04", "parent1")
    assert (parent["state"], parent["ended_on"]) == ("consumed", date(2024, 3, 2))


def test_shipment_to_another_service__ends_the_unit(life: Life) -> None:
    exported = life("2024-03-04", "exported")
    assert (exported["state"], exported["ended_on"]) == ("exported", date(2024, 3, 3))
