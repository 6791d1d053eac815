"""Every reference exists: an anti-join of each feed with those it points to."""

import pytest
from world_files import Records

REFERENCES = (
    ("donor_visits", "donor_id", "donors", "donor_id"),
    ("donor_visits", "event_id", "donation_events", "event_id"),
    ("donations", "donor_id", "donors", "donor_id"),
    ("donations", "event_id", "donation_events", "event_id"),
    ("donations", "visit_id", "donor_visits", "visit_id"),
    ("event_employees", "event_id", "donation_events", "event_id"),
    ("event_employees", "employee_id", "employees", "employee_id"),
    ("donation_events", "facility_id", "facilities", "facility_id"),
    ("facilities", "NPI", "hospitals", "NPI"),
    ("test_results", "unit_id", "components", "unit_id"),
    ("components", "facility_id", "facilities", "facility_id"),
    ("unit_parents", "unit_id", "components", "unit_id"),
    ("unit_parents", "parent_unit_id", "components", "unit_id"),
    ("unit_events", "unit_id", "components", "unit_id"),
    ("unit_events", "facility_id", "facilities", "facility_id"),
    ("unit_events", "patient_id", "patients", "patient_id"),
    ("blood_requests", "NPI", "hospitals", "NPI"),
    ("blood_requests", "patient_id", "patients", "patient_id"),
    ("patients", "NPI", "hospitals", "NPI"),
    ("distribution", "unit_id", "components", "unit_id"),
    ("distribution", "request_id", "blood_requests", "request_id"),
    ("distribution", "from_facility_id", "facilities", "facility_id"),
    ("distribution", "to_facility_id", "facilities", "facility_id"),
    ("distribution", "NPI", "hospitals", "NPI"),
    ("dispositions", "unit_id", "components", "unit_id"),
    ("dispositions", "facility_id", "facilities", "facility_id"),
    ("dispositions", "patient_id", "patients", "patient_id"),
    ("dispositions", "admission_id", "patients", "admission_id"),
)


@pytest.mark.parametrize(("feed", "name", "parent", "key"), REFERENCES)
def test_reference__exists(feed: str, name: str, parent: str, key: str, records: Records) -> None:
    pointing = {record[name] for record in records[feed] if name in record}
    assert pointing
    assert pointing <= {record[key] for record in records[parent] if key in record}


def test_units__come_from_a_donation_or_a_pool_or_another_service(records: Records) -> None:
    dins = {record["din"] for record in records["donations"]}
    pooled = {record["unit_id"] for record in records["unit_parents"] if record["kind"] in ("pooled", "modified")}
    for unit in records["components"]:
        is_ours = unit.get("din") in dins
        is_foreign = str(unit.get("din")).startswith("X0019")
        assert is_ours or is_foreign or ("din" not in unit and unit["unit_id"] in pooled), unit


def test_tests__are_of_donations_that_exist(records: Records) -> None:
    ours = {record["din"] for record in records["donations"]} | {
        record["unit_id"].split("-")[0] for record in records["components"]
    }
    assert {record["din"] for record in records["test_results"]} <= ours
