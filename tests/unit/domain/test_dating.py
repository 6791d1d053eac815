"""Expiry by the dating table: golden cases, each worked out by hand."""

from datetime import UTC, datetime

import pytest
from pyspark.sql import functions as F

from lakehouse.domain.dating import DATING, computed_expiry
from lakehouse.l2.conformed import CONFORMED
from tests.support.rows import frame

CHICAGO, UTC_ZONE = "America/Chicago", "UTC"
COMPONENTS = CONFORMED["components"].table.schema
SCHEMA = COMPONENTS.add("zone", "string").add("is_pool", "boolean").add("parent_expires_at", "timestamp")


def unit(component, collected_at=None, zone=UTC_ZONE, **others):
    return {"component": component, "collected_at": collected_at, "zone": zone, **others}


def red_cells(collected_at, zone=UTC_ZONE, **others):
    return unit("red_cells", collected_at, zone, **{"additive": "as1", "anticoagulant": "cpd", **others})


def plasma(storage, collected_at, **others):
    return unit("plasma", collected_at, storage=storage, **others)


def cryo(prepared_at, **others):
    return unit("cryoprecipitate", "2024-01-02 10:00", prepared_at=prepared_at, **{"storage": "thawed", **others})


CASES = {
    "the day of collection is day 0; February has 29 days; the last day is in summer time": (
        red_cells("2024-01-31 15:00", CHICAGO),
        "2024-03-14 04:59",
    ),
    "an evening in Chicago is the next day in UTC, and counts as its own": (
        red_cells("2024-02-01 04:30", CHICAGO),
        "2024-03-14 04:59",
    ),
    "the last day is the day that clocks go back": (red_cells("2024-09-22 15:00", CHICAGO), "2024-11-04 05:59"),
    "month end": (red_cells("2023-11-19 12:00"), "2023-12-31 23:59"),
    "plain anticoagulant": (red_cells("2024-03-01 12:00", additive="none"), "2024-03-22 23:59"),
    "CPDA-1": (red_cells("2024-03-01 12:00", additive=None, anticoagulant="cpda1"), "2024-04-05 23:59"),
    "whole blood in CPDA-1": (unit("whole_blood", "2024-03-01 12:00", anticoagulant="cpda1"), "2024-04-05 23:59"),
    "an additive does not date whole blood": (
        unit("whole_blood", "2024-03-01 12:00", anticoagulant="cp2d", additive="as1"),
        "2024-03-22 23:59",
    ),
    "frozen red cells, ten years": (red_cells("2024-02-29 12:00", storage="frozen"), "2034-02-28 23:59"),
    "washed: 24 hours from opening, whatever the clocks do": (
        red_cells("2024-03-01 12:00", CHICAGO, is_washed=True, prepared_at="2024-03-10T01:30-06:00"),
        "2024-03-11 07:30",
    ),
    "deglycerolised in a closed system": (
        red_cells("2020-01-01 12:00", storage="thawed", additive="as3", prepared_at="2024-02-20 12:00"),
        "2024-03-05 23:59",
    ),
    "deglycerolised in an open one": (
        red_cells("2020-01-01 12:00", storage="thawed", additive="none", prepared_at="2024-02-20 12:00"),
        "2024-02-21 12:00",
    ),
    "irradiated early: 28 days from then": (
        red_cells("2024-01-01 12:00", irradiated_at="2024-01-10 12:00"),
        "2024-02-07 23:59",
    ),
    "irradiated late: the original date is shorter": (
        red_cells("2024-01-01 12:00", irradiated_at="2024-02-10 12:00"),
        "2024-02-12 23:59",
    ),
    "irradiated and washed: the hours are shorter": (
        red_cells("2024-01-01 12:00", irradiated_at="2024-01-10 12:00", is_washed=True, prepared_at="2024-01-10 13:00"),
        "2024-01-11 13:00",
    ),
    "irradiation leaves platelets alone": (
        unit("platelets", "2024-02-25 12:00", storage="room", irradiated_at="2024-02-26 12:00"),
        "2024-03-01 23:59",
    ),
    "platelets over a leap day": (unit("platelets", "2024-02-25 12:00", storage="room"), "2024-03-01 23:59"),
    "platelets over no leap day": (unit("platelets", "2023-02-25 12:00", storage="room"), "2023-03-02 23:59"),
    "a pool expires with its oldest parent": (
        unit("platelets", "2024-02-25 12:00", storage="room", parent_expires_at="2024-02-29 23:59"),
        "2024-02-29 23:59",
    ),
    "a pool expires by its own dating when that is earlier": (
        unit("platelets", "2024-02-25 12:00", storage="room", parent_expires_at="2024-03-02 23:59"),
        "2024-03-01 23:59",
    ),
    "fresh frozen plasma of a leap day": (plasma("frozen", "2024-02-29 12:00", plasma_kind="ffp"), "2025-02-28 23:59"),
    "plasma of no fresh kind, five years": (plasma("frozen", "2024-02-29 12:00"), "2029-02-28 23:59"),
    "thawed plasma": (plasma("thawed", "2023-09-01 12:00", prepared_at="2024-02-26 12:00"), "2024-03-02 23:59"),
    "liquid plasma, CPD": (plasma("liquid", "2024-02-01 12:00", anticoagulant="cpd"), "2024-02-27 23:59"),
    "liquid plasma, CPDA-1": (plasma("liquid", "2024-02-01 12:00", anticoagulant="cpda1"), "2024-03-12 23:59"),
    "frozen cryoprecipitate": (cryo(None, storage="frozen"), "2025-01-02 23:59"),
    "thawed cryoprecipitate": (cryo("2024-05-01 10:15"), "2024-05-01 16:15"),
    "thawed cryoprecipitate, pooled": (cryo("2024-05-01 10:15", is_pool=True), "2024-05-01 14:15"),
    "thawed cryoprecipitate, pathogen-reduced": (
        cryo("2024-05-01 10:15", is_pathogen_reduced=True, is_pool=True),
        "2024-05-06 23:59",
    ),
    "the same before it was approved": (cryo("2020-11-23 10:15", is_pathogen_reduced=True), "2020-11-23 16:15"),
    "no anticoagulant, no period": (unit("red_cells", "2024-03-01 12:00"), None),
    "no period for cold platelets": (unit("platelets", "2024-03-01 12:00", storage="refrigerated"), None),
    "no collection, no expiry": (red_cells(None), None),
    "no own period: the parent's alone does not date it": (
        unit("platelets", "2024-03-01 12:00", storage="refrigerated", parent_expires_at="2024-03-02 12:00"),
        None,
    ),
}


@pytest.fixture(scope="module")
def expiries(spark):
    rows = frame(spark, SCHEMA, [{**given, "unit_id": name} for name, (given, _) in CASES.items()])
    expiry = computed_expiry(F.col("zone"), F.col("parent_expires_at"))
    # Seconds since the epoch: what a test reads must not depend on the machine's own time zone.
    return dict(rows.select("unit_id", expiry.cast("long")).collect())


@pytest.mark.parametrize("name", CASES)
def test_golden_expiry(expiries, name):
    wanted = CASES[name][1]
    found = expiries[name]
    assert (found and datetime.fromtimestamp(found, UTC).strftime("%Y-%m-%d %H:%M")) == wanted


def test_without_parents_the_own_dating_holds(spark):
    rows = frame(spark, SCHEMA, [unit("platelets", "2024-02-25 12:00", storage="room", parent_expires_at="2024-02-26")])
    expiry = rows.select(computed_expiry(F.col("zone")).cast("string")).head()[0]
    assert expiry == "2024-03-01 23:59:00"


def test_every_row_of_the_table_names_its_source():
    assert all(row.source and row.period > 0 for row in DATING)
