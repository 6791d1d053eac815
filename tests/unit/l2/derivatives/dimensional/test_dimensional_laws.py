"""The laws of the model hold on it, and each notices what it is there for."""

from collections.abc import Callable

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.laws.dimensional import KEY_OF, LAWS
from lakehouse.l2.pipeline import L2_TABLES
from lakehouse.l2.shared import Frames
from tests.support.params import DEFINITIONS
from tests.unit.l2.derivatives.dimensional.conftest import AS_OF

BY_NAME = {law.name: law for law in LAWS}


def broken(frames: dict[str, DataFrame], name: str) -> dict[str, int]:
    """Rows of a law that do not balance: their names and differences."""
    law = BY_NAME[name]
    rows = law.check(*Frames(frames.__getitem__).of(law.inputs), as_of=AS_OF, params=DEFINITIONS).collect()
    assert rows
    return {row["law"]: row["difference"] for row in rows if row["left"] != row["right"] or row["difference"]}


@pytest.mark.parametrize("name", BY_NAME)
def test_law__holds(frames, name):
    assert broken(frames, name) == {}


Spoil = Callable[[DataFrame], DataFrame]


def without(condition: str) -> Spoil:
    return lambda rows: rows.where(f"not ({condition})")


def twice(condition: str) -> Spoil:
    return lambda rows: rows.unionByName(rows.where(condition))


@pytest.mark.parametrize(
    ("name", "table", "spoil", "wanted"),
    [
        ("fact_donation.rows", "fact_donation", without("donation_key = 'undated'"), {"fact_donation.rows": 1}),
        ("fact_distribution.rows", "fact_distribution", twice("kind = 'return'"), {"fact_distribution.rows": -1}),
        ("fact_staffing.rows", "fact_staffing", without("event_id = 'E2'"), {"fact_staffing.rows": 1}),
        ("donor_versions.current", "donor_versions", without("_line = 5"), {"donor_versions.current": 1}),
        ("dim_donor.versions", "dim_donor", without("donor_key = 'moves' and version = 2"), {"dim_donor.versions": -1}),
        ("dim_donor.versions", "dim_donor", without("donor_key = 'nowhere'"), {"dim_donor.versions": 1}),
        (
            "dim_donor.versions",
            "dim_donor",
            lambda rows: rows.withColumn(
                "valid_to", F.expr("if(donor_key = 'typed' and version = 1, date'2024-03-15', valid_to)")
            ),
            {"dim_donor.versions": -2},
        ),
        ("dimensional.keys", "dim_facility", without("facility_id = 'C'"), {"dimensional.keys.dim_facility": 5}),
        ("dimensional.keys", "dim_region", without("region_sk = -1"), {"dimensional.keys.dim_region": 6}),
    ],
)
def test_law__notices(frames, name, table, spoil, wanted):
    assert broken({**frames, table: spoil(frames[table])}, name) == wanted


def test_keys__are_all_looked_at():
    """Every column that ends in _sk is the key of a dimension that the law knows."""
    model = {name: table for name, table in L2_TABLES.items() if name.startswith(("dim_", "fact_"))}
    assert {name: table.key[0] for name, table in model.items() if name.startswith("dim_")} == KEY_OF
    law = BY_NAME["dimensional.keys"]
    assert set(law.inputs) == set(model)
    for table in model.values():
        for column in table.columns:
            assert not column.endswith("_sk") or column.endswith(tuple(KEY_OF.values())), column
