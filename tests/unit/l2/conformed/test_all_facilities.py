"""The view of all facilities."""

from lakehouse.l2.conformed import CONFORMED
from lakehouse.l2.conformed.all_facilities import COLUMNS, all_facilities
from tests.support.rows import frame


def combined(spark, facilities, hospitals):
    found = all_facilities(
        frame(spark, CONFORMED["facilities"].table, facilities), frame(spark, CONFORMED["hospitals"].table, hospitals)
    )
    assert tuple(found.columns) == COLUMNS
    return sorted(tuple(row) for row in found.collect())


def test_a_hospital_alone_is_a_facility_by_its_npi(spark):
    assert combined(spark, [], [{"npi": "N1"}, {"npi": "N2", "name": "Mercy", "region": "north"}]) == [
        ("N1", "N1", "hospital", "Hospital N1", None, "UTC"),
        ("N2", "N2", "hospital", "Mercy", "north", "UTC"),
    ]


def test_a_facility_with_that_npi_wins_and_borrows_what_it_lacks(spark):
    facilities = [
        {"facility_id": "H1", "npi": "N1", "kind": "hospital", "name": "St Anne", "timezone": "America/Chicago"},
        {"facility_id": "C1", "kind": "hub", "timezone": "Mars/Olympus"},
    ]
    assert combined(spark, facilities, [{"npi": "N1", "name": "Mercy", "region": "north"}]) == [
        ("C1", None, "hub", "C1", None, "UTC"),
        ("H1", "N1", "hospital", "St Anne", "north", "America/Chicago"),
    ]


def test_facilities_without_npi_hide_no_hospital(spark):
    found = combined(spark, [{"facility_id": "C1", "kind": "hub", "timezone": "UTC"}], [{"npi": "N1"}])
    assert [row[0] for row in found] == ["C1", "N1"]


def test_a_facility_whose_id_is_an_npi_is_that_hospital(spark):
    facilities = [{"facility_id": "N1", "kind": "hospital"}, {"facility_id": "N2", "kind": "hub", "npi": "N3"}]
    found = combined(spark, facilities, [{"npi": "N1", "name": "Mercy", "region": "north"}, {"npi": "N2"}])
    assert found == [
        ("N1", "N1", "hospital", "Mercy", "north", "UTC"),
        ("N2", "N3", "hub", "Hospital N3", None, "UTC"),
    ]
