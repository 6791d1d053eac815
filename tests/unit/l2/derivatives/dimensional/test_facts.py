"""The facts: which there are on the as-of day, and to which members they point."""

from typing import Any

import pytest

UNKNOWN = -1


@pytest.fixture(scope="module")
def named(model) -> dict[str, dict[int, Any]]:
    """Of each dimension: key -> the name of the member."""
    names = {
        "dim_donor": ("donor_sk", "donor_key", "version"),
        "dim_event": ("event_sk", "event_id"),
        "dim_facility": ("facility_sk", "facility_id"),
        "dim_product": ("product_sk", "component", "product_code"),
        "dim_employee": ("employee_sk", "role"),
    }
    return {
        name: {row[key]: tuple(row[column] for column in columns) for row in model[name]}
        for name, (key, *columns) in names.items()
    }


@pytest.mark.parametrize(
    ("donation", "donor", "event", "day"),
    [
        ("before all", ("moves", 1), "unknown", 20240105),
        ("eve", ("moves", 1), "unknown", 20240228),
        ("leap day", ("moves", 2), "unknown", 20240229),
        ("last day", ("moves", 2), "unknown", 20240331),
        ("by its session", ("typed", 1), "E1", 20240310),
        ("of one withdrawn", (None, 1), "unknown", 20240301),
        ("stranger's", (None, 1), "unknown", 20240301),
        ("undated", ("nowhere", 1), "unknown", UNKNOWN),
        ("misdated", ("same", 1), "unknown", UNKNOWN),
    ],
)
def test_donation__is_of_the_donor_as_on_its_day(model, named, donation, donor, event, day):
    (row,) = [row for row in model["fact_donation"] if row["donation_key"] == donation]
    found = named["dim_donor"][row["donor_sk"]], *named["dim_event"][row["event_sk"]], row["date_sk"]
    assert found == (donor, event, day)


def test_donation__of_the_next_day_is_not_seen(model):
    assert "next day" not in {row["donation_key"] for row in model["fact_donation"]}
    assert len(model["fact_donation"]) == 9


def test_donation__keeps_the_pseudonym_of_a_donor_without_record(model):
    strangers = {row["donor_key"] for row in model["fact_donation"] if row["donor_sk"] == UNKNOWN}
    assert strangers == {"withdrawn", "of no record"}


RED, NOTHING = ("red_cells", "R1"), ("unknown", "unknown")


@pytest.mark.parametrize(
    ("movement", "ends", "product", "days", "group", "is_issue"),
    [
        ("issue", "C H", RED, (20240330, 20240331), "O+", True),
        ("under way at midnight", "C 222", RED, (20240331, UNKNOWN), "O-", True),
        ("return", "H C", RED, (20240331, UNKNOWN), "O+", False),
        ("to nowhere known", "C unknown", ("platelets", "PL1"), (20240310, 20240310), "A+", False),
        ("bag of two units", "unknown H", NOTHING, (20240320, 20240320), "unknown", True),
        ("bag of one unit", "C 222", ("whole_blood", "unknown"), (20240321, 20240321), "unknown", True),
    ],
)
def test_distribution(model, named, movement, ends, product, days, group, is_issue):
    (row,) = [row for row in model["fact_distribution"] if row["distribution_id"] == movement]
    (origin,), (goal,) = (named["dim_facility"][row[f"{end}_facility_sk"]] for end in ("from", "to"))
    assert f"{origin} {goal}" == ends
    assert named["dim_product"][row["product_sk"]] == product
    assert (row["left_date_sk"], row["arrived_date_sk"]) == days
    assert (row["abo_rhd"], row["is_issue"]) == (group, is_issue)


def test_distribution__of_the_next_day_is_not_seen(model):
    assert "left on the next day" not in {row["distribution_id"] for row in model["fact_distribution"]}
    assert len(model["fact_distribution"]) == 6


def test_staffing__of_sessions_up_to_the_day(model, named):
    found = []
    for row in model["fact_staffing"]:
        (event,), (role,) = named["dim_event"][row["event_sk"]], named["dim_employee"][row["employee_sk"]]
        found.append((row["event_id"], row["employee_key"], event, role, row["date_sk"], row["hours"]))
    assert sorted(found) == [
        ("E1", "nurse 1", "E1", "nurse", 20240310, 4.0),
        ("E1", "of no record", "E1", "unknown", 20240310, 2.0),
        ("E2", "nurse 1", "E2", "nurse", 20240331, 3.0),
        ("of no record", "nurse 1", "unknown", "nurse", UNKNOWN, 1.0),
    ]
