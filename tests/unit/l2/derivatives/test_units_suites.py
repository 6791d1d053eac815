"""Each rule on units, refused events and deviations passes good rows and is broken by one bad row."""

from collections.abc import Mapping
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.config import HOME
from lakehouse.gates.audit import audit
from lakehouse.gates.suite import read_suite
from lakehouse.l2.derivatives import deviations, refused_events, units
from lakehouse.table import Table
from tests.support.rows import frame

Rows = list[Mapping[str, Any]]

UNIT = {
    "unit_id": "U1",
    "component": "red_cells",
    "abo_rhd": "O+",
    "state": "available",
    "is_on_hand": True,
    "is_assumed": False,
    "is_imported": False,
    "is_reactive": False,
    "prepared_at": "2024-03-01 12:00",
    "prepared_on": "2024-03-01",
    "expires_at": "2024-04-01 12:00",
    "facility_id": "C1",
    "warnings": [],
    "as_of": "2024-03-05",
}
GONE = {**UNIT, "state": "transfused", "is_on_hand": False, "patient_key": "p"}
ENDED = {**GONE, "ended_at": "2024-03-04 12:00", "ended_on": "2024-03-04"}
REFUSED = {
    "feed": "dispositions",
    "record_key": "X1",
    "reason": "waiting",
    "waiting_since": "2024-03-01",
    "days_waiting": 30,
    "as_of": "2024-03-31",
}
DEVIATION = {
    "rule": "units.issued_after_reactive_result",
    "severity": "critical",
    "unit_id": "U1",
    "happened_at": "2024-03-01 12:00",
    "is_excused": False,
    "detail": "issued",
    "as_of": "2024-03-05",
}

GOOD: dict[str, Rows] = {
    "units": [UNIT, {**ENDED, "unit_id": "U2"}, {**GONE, "unit_id": "U3", "is_assumed": True, "patient_key": None}],
    "refused_events": [REFUSED],
    "deviations": [DEVIATION, {**DEVIATION, "patient_key": "p"}],
}
BAD_ROWS: dict[str, Rows] = {
    "units": [
        {**UNIT, "unit_id": None, "component": None, "state": None, "is_on_hand": None, "is_assumed": None},
        {**UNIT, "is_imported": None, "is_reactive": None, "prepared_at": None, "as_of": None},
        {**UNIT, "unit_id": "U1", "expires_at": None, "facility_id": None},
        {**UNIT, "unit_id": "U4", "component": "granulocytes", "abo_rhd": "O", "state": "asleep", "doses": 0},
        {**UNIT, "unit_id": "U5", "is_on_hand": False, "ended_at": "2024-03-04 12:00"},
        {**GONE, "unit_id": "U6", "is_on_hand": True, "patient_key": None},
        {**UNIT, "unit_id": "U7", "prepared_on": "2024-03-06", "prepared_at": "2024-05-01"},
    ],
    "refused_events": [
        {**REFUSED, "reason": "tired", "feed": "rumours", "days_waiting": 31},
        {**REFUSED, "feed": None, "record_key": None, "reason": None, "waiting_since": None, "as_of": None},
        REFUSED,
        REFUSED,
    ],
    "deviations": [
        {**DEVIATION, "rule": None, "unit_id": None, "severity": None, "is_excused": None},
        {**DEVIATION, "rule": "Late!", "severity": "fatal", "detail": None, "as_of": None},
        DEVIATION,
        DEVIATION,
    ],
}
TABLES: dict[str, Table] = {module.TABLE.name: module.TABLE for module in (units, refused_events, deviations)}


@pytest.mark.parametrize("name", TABLES)
def test_suite__passes_good_rows(spark: SparkSession, name: str) -> None:
    suite = read_suite(HOME / "expectations" / "l2" / f"{name}.json")
    judged = audit(frame(spark, TABLES[name], GOOD[name]), suite, "row", "table")
    assert [result.message for result in judged.results if not result.success] == []


@pytest.mark.parametrize("name", TABLES)
def test_suite__every_rule_can_be_broken(spark: SparkSession, name: str) -> None:
    suite = read_suite(HOME / "expectations" / "l2" / f"{name}.json")
    judged = audit(frame(spark, TABLES[name], BAD_ROWS[name]), suite, "row", "table")
    assert [result.rule for result in judged.results if result.success] == []
    assert all((result.unexpected_count or 0) > 0 for result in judged.results)


def test_suite__knows_the_states_and_reasons_of_the_code() -> None:
    def values(name: str, rule: str) -> tuple[str, ...]:
        suite = read_suite(HOME / "expectations" / "l2" / f"{name}.json")
        return tuple(next(found.kwargs["value_set"] for found in suite.rules if found.id == rule))

    assert values("units", "units.state.known_value") == units.STATES
    assert values("units", "units.abo_rhd.known_value") == ("O+", "O-", "A+", "A-", "B+", "B-", "AB+", "AB-")
    assert values("refused_events", "refused_events.reason.known_value") == refused_events.REASONS
