"""The suites of the conformed tables and of the answers: what every one must have.

What each rule refuses is in `tests/golden`.
"""

import pytest

from lakehouse.config import HOME
from lakehouse.gates.suite import Suite, read_suites
from lakehouse.l2.pipeline import L2_TABLES

PARTLY_KEYED = {"deviations"}  # a deviation's key may lack a part


@pytest.fixture(scope="module")
def suites() -> dict[str, Suite]:
    return read_suites(HOME / "expectations" / "l2", tuple(L2_TABLES))


def test_l2_suite__asks_for_a_key_on_every_table(suites: dict[str, Suite]) -> None:
    """The key of each declaration is required, column by column, and unique."""
    for name, table in L2_TABLES.items():
        if name in PARTLY_KEYED:
            continue
        ids = {rule.id for rule in suites[name].rules if rule.severity == "critical"}
        unique = f"{name}.{table.key[0] if len(table.key) == 1 else 'key'}.unique"
        assert {unique, *[f"{name}.{column}.required" for column in table.key]} <= ids


def test_l2_suite__lets_no_person_pass_but_as_a_pseudonym(suites: dict[str, Suite]) -> None:
    """Every key of a person is held to the form of a pseudonym."""
    for name, table in L2_TABLES.items():
        keys = {field.name for field in table.fields} & {"donor_key", "patient_key", "employee_key", "admission_key"}
        judged = {rule.kwargs["column"] for rule in suites[name].rules if rule.id.endswith(".pseudonym")}
        assert judged == keys
