"""Every reference exists: an anti-join of each feed with those it points to."""

import pytest
from references import REFERENCES
from world_files import Records


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
