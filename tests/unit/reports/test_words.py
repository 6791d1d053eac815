"""How the report says numbers, groups and shares."""

import pytest

from lakehouse.reports import words


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(1234567, 0, "1\u202f234\u202f567"), (0, 0, "0"), (-3.14, 1, "\u22123.1"), (-0.01, 1, "0.0"), (None, 0, "–")],
)
def test_number__has_thin_separators_and_a_real_minus(value, decimals, text):
    assert words.number(value, decimals) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.04, "0.0"), (9.94, "9.9"), (9.96, "10"), (99.4, "99"), (100, "99+")]
)
def test_days_of_stock__has_a_decimal_only_where_it_matters(value, text):
    assert words.days_of_stock(value) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"), [(1, 3, "33.3\u202f%"), (0, 5, "0.0\u202f%"), (1, 100000, "<0.1\u202f%"), (1, 0, "–")]
)
def test_percent__never_rounds_something_to_nothing(part, whole, text):
    assert words.percent(part, whole) == text


def test_group__has_a_minus_sign_and_says_when_it_is_not_known():
    assert [words.group(name) for name in ("O-", "AB+", "unknown", None)] == [
        "O\u2212",
        "AB+",
        "not known",
        "not known",
    ]


def test_orders__known_names_first_then_the_rest_by_name():
    assert sorted(["zz", "A+", "O-", None], key=words.group_order) == ["O-", "A+", None, "zz"]
    assert sorted(["x", "plasma", "red_cells"], key=words.component_order) == ["red_cells", "plasma", "x"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("north_river", "North river"),
        ("Lakes & Hills", "Lakes & Hills"),
        ("unknown", "Region not known"),
        (None, "Region not known"),
    ],
)
def test_region__is_said_as_people_write_it(name, said):
    assert words.region(name) == said
