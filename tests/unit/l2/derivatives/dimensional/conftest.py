"""A small supply at the end of March 2024, a leap year, and the whole dimensional model over it, built once."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pytest
from chispa.schema_comparer import assert_schema_equality
from pyspark.sql import DataFrame, SparkSession

from lakehouse.l2.derivatives import units
from lakehouse.l2.derivatives.dimensional import MODULES
from lakehouse.l2.kept import kept
from lakehouse.l2.pipeline import L2_TABLES, derivative, in_order
from lakehouse.l2.shared import Frames
from lakehouse.release import live
from tests.support.params import DEFINITIONS
from tests.support.rows import frame

AS_OF = date(2024, 3, 31)
MODEL = in_order(list(map(derivative, MODULES)))
UPTOWN = {"postal_area": "100", "state": "NY", "region": "North"}
DOWNTOWN = {"postal_area": "200", "state": "NJ", "region": "South"}
NEW_YORK = "America/New_York"


def version(donor: str, at: str, home: Mapping[str, Any], abo_rhd: str | None = "O+", **more: Any) -> dict[str, Any]:
    return {"donor_key": donor, "_order_at": at, "abo_rhd": abo_rhd, "is_void": False, **home, **more}


VERSIONS = [
    version("moves", "2024-01-10 12:00", UPTOWN),
    version("moves", "2024-02-29 12:00", DOWNTOWN),
    version("typed", "2024-03-09 12:00", UPTOWN, None),
    version("typed", "2024-03-11 12:00", UPTOWN, "A+"),
    version("same", "2024-01-01 12:00", UPTOWN, sex="Male"),
    version("same", "2024-02-01 12:00", UPTOWN, sex="Female"),
    version("twice a day", "2024-02-01 09:00", UPTOWN),
    version("twice a day", "2024-02-01 18:00", DOWNTOWN),
    version("twice a day", "2024-02-05 09:00", DOWNTOWN),
    version("void between", "2024-01-01 12:00", UPTOWN),
    version("void between", "2024-02-01 12:00", {}, is_void=True),
    version("void between", "2024-03-01 12:00", DOWNTOWN),
    version("withdrawn", "2024-01-01 12:00", UPTOWN),
    version("withdrawn", "2024-02-01 12:00", UPTOWN, is_void=True),
    version("moves too late", "2024-01-01 12:00", UPTOWN),
    version("moves too late", "2024-03-31T23:30-04:00", DOWNTOWN),
    version("sent too late", "2024-04-02 12:00", UPTOWN),
    version("nowhere", "2024-01-01 12:00", {}, None),
]
PLACED = [{**row, "_batch_seq": 1, "_file_id": 1, "_line": line, "warnings": []} for line, row in enumerate(VERSIONS)]
NEWEST = {row["donor_key"]: row for row in PLACED}
SESSION = {"facility_id": "C", "site_name": "Hall", "site_kind": "mobile"}
MOVE = {"is_date_only": False, "from_facility_id": "C", "kind": "issue"}
MADE = {"component": "red_cells", "product_code": "R1", "is_assumed": False, "made_at_facility_id": "C"}
LABEL = {"component": "red_cells", "product_code": "R1", "storage": "refrigerated", "is_leukoreduced": True}
WORLD: dict[str, list[dict[str, Any]]] = {
    "donors": list(NEWEST.values()),
    "donor_versions": PLACED,
    "facilities": [
        {"facility_id": "C", "kind": "collection", "region": "North", "timezone": NEW_YORK},
        {"facility_id": "H", "kind": "hospital", "npi": "111", "region": "South", "timezone": NEW_YORK},
    ],
    "hospitals": [{"npi": "222", "name": "Saint B"}],
    "employees": [
        {"employee_key": "nurse 1", "role": "nurse", "region": "North"},
        {"employee_key": "idle", "region": "unknown"},
    ],
    "donation_events": [
        # The clock has gone forward that night: half past eleven in the evening of 10 March.
        {"event_id": "E1", "starts_at": "2024-03-11 03:30", **SESSION},
        {"event_id": "E2", "starts_at": "2024-03-31 12:00"},
        {"event_id": "E3", "starts_at": "2024-04-01 12:00", **SESSION},
    ],
    "event_employees": [
        {"event_id": "E1", "employee_key": "nurse 1", "hours": 4},
        {"event_id": "E1", "employee_key": "of no record", "hours": 2},
        {"event_id": "E2", "employee_key": "nurse 1", "hours": 3},
        {"event_id": "E3", "employee_key": "nurse 1", "hours": 9},
        {"event_id": "of no record", "employee_key": "nurse 1", "hours": 1},
    ],
    "donations": [
        {"donation_key": "before all", "donor_key": "moves", "donated_on": "2024-01-05"},
        {"donation_key": "eve", "donor_key": "moves", "donated_on": "2024-02-28"},
        {"donation_key": "leap day", "donor_key": "moves", "donated_on": "2024-02-29"},
        {"donation_key": "last day", "donor_key": "moves", "donated_on": "2024-03-31"},
        {"donation_key": "next day", "donor_key": "moves", "donated_on": "2024-04-01"},
        {
            "donation_key": "by its session",
            "donor_key": "typed",
            "donated_on": "2024-03-12",
            "is_assumed_date": True,
            "event_id": "E1",
            "bag_id": "of two",
        },
        {"donation_key": "of one withdrawn", "donor_key": "withdrawn", "donated_on": "2024-03-01", "bag_id": "of one"},
        {"donation_key": "stranger's", "donor_key": "of no record", "donated_on": "2024-03-01", "event_id": "lost"},
        {"donation_key": "undated", "donor_key": "nowhere"},
        {"donation_key": "misdated", "donor_key": "same", "donated_on": "1800-01-01"},
    ],
    "units": [
        {"unit_id": "u1", "abo_rhd": "O+", "donation_key": "by its session", **MADE},
        {"unit_id": "u2", "abo_rhd": "O-", "donation_key": "by its session", **MADE},
        {"unit_id": "pool", "abo_rhd": "A+", **MADE, "component": "platelets", "product_code": "PL1"},
        {
            "unit_id": "assumed",
            "donation_key": "of one withdrawn",
            **MADE,
            "component": "whole_blood",
            "product_code": None,
            "is_assumed": True,
        },
    ],
    "components": [
        {"unit_id": "u1", **LABEL, "additive": "as1", "is_irradiated": False},
        {"unit_id": "u2", **LABEL, "additive": "as3", "is_irradiated": True},
        {"unit_id": "pool", "component": "platelets", "product_code": "PL1", "storage": "room"},
        {"unit_id": "made tomorrow", "component": "plasma", "product_code": "P9"},
    ],
    "distribution": [
        {
            "distribution_id": "issue",
            "unit_id": "u1",
            **MOVE,
            "to_facility_id": "H",
            "shipped_at": "2024-03-30T23:30-04:00",
            "received_at": "2024-03-31T01:00-04:00",
        },
        {
            "distribution_id": "under way at midnight",
            "unit_id": "u2",
            **MOVE,
            "npi": "222",
            "shipped_at": "2024-03-31T23:30-04:00",
            "received_at": "2024-04-01 12:00",
        },
        {
            "distribution_id": "return",
            "unit_id": "u1",
            **MOVE,
            "kind": "return",
            "from_facility_id": "H",
            "to_facility_id": "C",
            "shipped_at": "2024-03-31T09:00-04:00",
        },
        {
            "distribution_id": "to nowhere known",
            "unit_id": "pool",
            **MOVE,
            "kind": "transfer",
            "to_facility_id": "ZZ",
            "shipped_at": "2024-03-10 12:00",
            "received_at": "2024-03-10 13:00",
        },
        {
            "distribution_id": "bag of two units",
            "bag_id": "of two",
            "npi": "111",
            "distributed_at": "2024-03-20",
            "is_date_only": True,
        },
        {
            "distribution_id": "bag of one unit",
            "bag_id": "of one",
            "npi": "222",
            "kind": "issue",
            "distributed_at": "2024-03-21",
            "is_date_only": True,
        },
        {
            "distribution_id": "left on the next day",
            "unit_id": "u1",
            **MOVE,
            "to_facility_id": "H",
            "shipped_at": "2024-04-01 05:00",
        },
    ],
}
OF_FEED = {"donations": {"is_assumed_date": False}}


def built(spark: SparkSession, world: Mapping[str, Iterable[Mapping[str, Any]]]) -> dict[str, DataFrame]:
    """Every frame of the model, its inputs too, by name."""
    wanted = {name for step in MODEL for name in step.sources} - {step.table.name for step in MODEL}
    frames = {}
    for name in sorted(wanted | {"event_employees"}):
        table = units.TABLE if name == "units" else L2_TABLES[name]
        rows = [{**OF_FEED.get(name, {}), "is_void": False, **row} for row in world.get(name, ())]
        known = [{column: value for column, value in row.items() if column in table.columns} for row in rows]
        frames[name] = live(table, frame(spark, table, known))
    shared = Frames(frames.__getitem__)
    for step in MODEL:
        made = step.build(*shared.of(step.inputs), as_of=AS_OF, params=DEFINITIONS)
        assert_schema_equality(made.schema, step.table.schema, ignore_nullable=True)
        frames[step.table.name] = kept(made)
    return frames


@pytest.fixture(scope="package")
def frames(spark: SparkSession) -> dict[str, DataFrame]:
    """The frames over `WORLD`."""
    return built(spark, WORLD)


@pytest.fixture(scope="package")
def model(frames: dict[str, DataFrame]) -> dict[str, list[dict[str, Any]]]:
    """The rows of every table of the model but the calendar, which is long."""
    names = [step.table.name for step in MODEL if step.table.name != "dim_date"]
    return {name: [row.asDict() for row in frames[name].collect()] for name in names}
