"""Lives of units, computed by hand."""

from collections.abc import Callable
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from lakehouse.l2.derivatives.units import build
from tests.support.lives import Rows, built

UNIT = {
    "unit_id": "U1",
    "collected_at": "2024-03-01T10:00-05:00",
    "prepared_at": "2024-03-01T16:00-05:00",
    "expires_at": "2024-04-12T23:59-04:00",
}
RELEASED = {"unit_event_id": "E1", "unit_id": "U1", "kind": "released", "happened_at": "2024-03-02T12:00-05:00"}
Life = Callable[..., dict[str, Any]]


@pytest.fixture
def life(spark: SparkSession) -> Life:
    def one_unit(as_of: str, unit_id: str = "U1", **feeds: Rows) -> dict[str, Any]:
        rows = built(spark, build, as_of, **{"components": [UNIT], **feeds}).where(f"unit_id = '{unit_id}'").collect()
        assert len(rows) == 1
        row: Row = rows[0]
        return row.asDict()

    return one_unit


def test_unit__is_in_process_until_it_is_released(life: Life) -> None:
    assert life("2024-03-01", unit_events=[RELEASED])["state"] == "in_process"
    assert life("2024-03-02", unit_events=[RELEASED])["state"] == "available"
