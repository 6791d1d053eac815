"""Whom to call back for what, in which order: each case is a region of its own, all built at once."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from chispa.schema_comparer import assert_schema_equality
from pyspark.sql import DataFrame, SparkSession

from lakehouse.l2.derivatives import donor_retention, expiry_outlook, look_backs, recall_list
from lakehouse.l2.laws import LAWS
from tests.support.params import DEFINITIONS
from tests.support.rows import frame

AS_OF = date(2024, 2, 29)
PARAMS = DEFINITIONS | {
    "status_red_days": 1.0,
    "status_amber_days": 2.0,
    "status_green_days": 3.0,
    "recall_within_days": 14,
}
TODAY, LAST, TOO_LATE = AS_OF, date(2024, 3, 14), date(2024, 3, 15)  # over the leap day and a month's end
DONOR = {
    "abo_rhd": "O-",
    "class": "regular",
    "given_procedures": ["whole_blood"],
    "eligible_whole_blood_on": TODAY,
    "lifetime_donations": 4,
    "recency_days": 60,
    "as_of": AS_OF,
}
SHELF = {"facility_kind": "processing", "component": "red_cells", "abo_rhd": "O-"}
RED = {**SHELF, "available": 5, "mean_daily_demand": 10.0}
GREEN = {**SHELF, "available": 50, "mean_daily_demand": 10.0}


@dataclass(frozen=True)
class Case:
    """Donors by name, and the shelves of their region in; the rows out, in the order of calling."""

    name: str
    wanted: list[dict[str, Any]]
    donors: dict[str, dict[str, Any]]
    shelves: list[dict[str, Any]] = field(default_factory=lambda: [RED])


def who(*names: str) -> list[dict[str, Any]]:
    return [{"donor_key": name} for name in names]


CASES = [
    Case(
        "may give within 14 days, or is not called; nor who stopped, never gave, is deferred or was found reactive",
        [
            {"donor_key": "today", "eligible_on": TODAY},
            {"donor_key": "in 14 days", "eligible_on": LAST},
            {"donor_key": "gave to a recalled lot", "eligible_on": TODAY},
        ],
        {
            "today": {"return_probability_12m": 0.5},
            "in 14 days": {"eligible_whole_blood_on": LAST, "return_probability_12m": 0.4},
            "in 15 days": {"eligible_whole_blood_on": TOO_LATE},
            "never again": {"eligible_whole_blood_on": None},
            "stopped": {"class": "stopped"},
            "never gave": {"class": "never_donated"},
            "reactive": {"return_probability_12m": 0.9},
            "gave to a recalled lot": {"return_probability_12m": 0.3},
            "deferred": {"deferred_until": date(2024, 3, 3), "eligible_whole_blood_on": date(2024, 3, 4)},
        },
    ),
    Case(
        "the shortest group first, then the likelier, then the later seen; a chance that is not known goes last",
        [
            {"donor_key": name, "rank": rank, "status": status, "days_of_stock": days, "is_short": is_short}
            for rank, (name, status, days, is_short) in enumerate(
                [
                    ("scarcer", "red", 0.25, True),
                    ("likely", "red", 0.5, True),
                    ("seen lately", "red", 0.5, True),
                    ("seen before", "red", 0.5, True),
                    ("no chance known", "red", 0.5, True),
                    ("amber", "amber", 1.0, True),
                    ("yellow", "yellow", 2.0, True),
                    ("green", "green", 3.0, False),
                ],
                1,
            )
        ],
        {
            "green": {"abo_rhd": "A+", "return_probability_12m": 0.9},
            "yellow": {"abo_rhd": "A-", "return_probability_12m": 0.9},
            "amber": {"abo_rhd": "B+", "return_probability_12m": 0.9},
            "no chance known": {},
            "seen before": {"return_probability_12m": 0.1, "recency_days": 80},
            "seen lately": {"return_probability_12m": 0.1},
            "likely": {"return_probability_12m": 0.2},
            "scarcer": {"abo_rhd": "AB-", "return_probability_12m": 0.1},
        },
        [
            RED,
            {**SHELF, "abo_rhd": "AB-", "available": 1, "mean_daily_demand": 4.0},
            {**SHELF, "abo_rhd": "B+", "available": 4, "mean_daily_demand": 4.0},
            {**SHELF, "abo_rhd": "A-", "available": 8, "mean_daily_demand": 4.0},
            {**SHELF, "abo_rhd": "A+", "available": 12, "mean_daily_demand": 4.0},
        ],
    ),
    Case(
        "the shelves of a region's centres count together; those of hospitals do not",
        [{"days_of_stock": 1.5, "status": "amber"}],
        {"one": {}},
        [
            RED,
            {**RED, "facility_kind": "hub", "available": 25},
            {**GREEN, "facility_kind": "hospital"},
            {**GREEN, "facility_kind": "external"},
        ],
    ),
    Case(
        "asked for the shortest that they may give; apheresis only of who has given by it",
        [
            {"donor_key": "gives platelets", "procedure": "apheresis_platelets", "component": "platelets"},
            {"donor_key": "gives blood", "procedure": "whole_blood", "component": "red_cells"},
            {"donor_key": "platelets not yet", "procedure": "whole_blood", "component": "red_cells"},
        ],
        {
            "gives blood": {"eligible_platelets_on": TODAY, "return_probability_12m": 0.9},
            "gives platelets": {"eligible_platelets_on": LAST, "given_procedures": ["apheresis_platelets"]},
            "platelets not yet": {
                "eligible_platelets_on": TOO_LATE,
                "given_procedures": ["apheresis_platelets"],
                "return_probability_12m": 0.1,
            },
        },
        [GREEN, {**RED, "component": "platelets"}],
    ),
    Case(
        "of two procedures for one component the sooner, of two on one day whole blood",
        [
            {"donor_key": "both", "procedure": "whole_blood", "eligible_on": TODAY},
            {"donor_key": "double sooner", "procedure": "double_red_cells", "eligible_on": TODAY},
        ],
        {
            "both": {"eligible_red_cells_on": TODAY, "given_procedures": ["double_red_cells"], "recency_days": 1},
            "double sooner": {
                "eligible_whole_blood_on": LAST,
                "eligible_red_cells_on": TODAY,
                "given_procedures": ["double_red_cells", "whole_blood"],
            },
        },
    ),
    Case(
        "no demand, no shelf and no known group come last, and say so",
        [
            {"donor_key": "no demand", "status": "no_demand", "days_of_stock": None, "abo_rhd": "A+"},
            {"donor_key": "no group", "status": "unknown", "days_of_stock": None, "abo_rhd": "unknown"},
            {"donor_key": "no shelf", "status": "unknown", "days_of_stock": None, "abo_rhd": "B-"},
        ],
        {
            "no shelf": {"abo_rhd": "B-"},
            "no group": {"abo_rhd": None, "recency_days": 1},
            "no demand": {"abo_rhd": "A+"},
        },
        [
            {**SHELF, "abo_rhd": "A+", "available": 3, "mean_daily_demand": 0.0},
            {**RED, "abo_rhd": "unknown"},
        ],
    ),
]

CASES_OF_DONORS = [
    {"case_id": "1", "trigger": "reactive_result", "donor_key": "0/reactive"},
    {"case_id": "2", "trigger": "bag_lot", "donor_key": "0/gave to a recalled lot"},
    {"case_id": "3", "trigger": "kit_lot", "donor_key": None},
]


@pytest.fixture(scope="module")
def frames(spark: SparkSession) -> dict[str, DataFrame]:
    donors = [
        {**DONOR, **said, "donor_key": f"{number}/{name}", "region": f"{number}"}
        for number, case in enumerate(CASES)
        for name, said in case.donors.items()
    ]
    nowhere = {**DONOR, "donor_key": "nowhere/one"}
    shelves = [{**shelf, "region": f"{number}"} for number, case in enumerate(CASES) for shelf in case.shelves]
    nobody_knows_where = {**RED, "region": None}
    retention = frame(spark, donor_retention.TABLE, [*donors, nowhere])
    outlook = frame(spark, expiry_outlook.TABLE, [*shelves, nobody_knows_where])
    cases = frame(spark, look_backs.TABLE, CASES_OF_DONORS)
    built = recall_list.build(retention, outlook, cases, as_of=AS_OF, params=PARAMS).cache()
    return {"donor_retention": retention, "expiry_outlook": outlook, "look_backs": cases, "recall_list": built}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_recall_list(frames: dict[str, DataFrame], case: Case) -> None:
    rows = frames["recall_list"].where(f"region = '{CASES.index(case)}'").orderBy("rank").collect()
    found = [{**row.asDict(), "donor_key": row["donor_key"].split("/")[1]} for row in rows]
    assert [{name: row[name] for name in case.wanted[0]} for row in found] == case.wanted
    assert [row["rank"] for row in found] == list(range(1, len(found) + 1))


def test_recall_list__a_donor_of_no_known_region_is_in_the_region_unknown(frames: dict[str, DataFrame]) -> None:
    built = frames["recall_list"]
    assert_schema_equality(built.schema, recall_list.TABLE.schema, ignore_nullable=True)
    rows = built.where("region = 'unknown'").select("donor_key", "rank", "status").collect()
    assert [tuple(row) for row in rows] == [("nowhere/one", 1, "unknown")]


def test_law__finds_who_may_not_give_and_who_is_missing(frames: dict[str, DataFrame]) -> None:
    law = next(law for law in LAWS if law.name == "recall_list")
    retention, called = frames["donor_retention"], frames["recall_list"]

    def differences(retention: DataFrame, called: DataFrame) -> dict[str, int]:
        rows = law.check(retention, called, frames["look_backs"], as_of=AS_OF, params=PARAMS).collect()
        return {row["law"]: row["difference"] for row in rows}

    assert differences(retention, called) == {"recall_list.eligible": 0, "recall_list.complete": 0}
    missing = called.where("donor_key <> '0/today'")
    assert differences(retention, missing) == {"recall_list.eligible": 0, "recall_list.complete": 1}
    deferred = retention.where("donor_key <> '0/today'")
    assert differences(deferred, called) == {"recall_list.eligible": 1, "recall_list.complete": -1}
