"""Which units a run touches, by hand: each unit below is touched for one reason, or for none."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.l2.conformed.all_facilities import all_facilities
from lakehouse.l2.conformed.changes import DONATION, UNIT
from lakehouse.l2.derivatives.units_reports import first_reports
from lakehouse.l2.pipeline import L2_TABLES, parameters
from lakehouse.l2.slices.cut import cut
from lakehouse.l2.slices.touched import Touched, touched_units
from tests.support.lives import FACILITIES, Rows, conformed
from tests.support.rows import frame

LAST = date(2024, 3, 9)
BEFORE: dict[str, Rows] = {
    "components": [
        *[{"unit_id": name, "din": f"din {name}"} for name in ("named", "of_named", "ended", "parent", "child", "gone",
                                                              "open", "presumed", "unknown", "replaced", "other")],
        {"unit_id": "grandchild"},
        {"unit_id": "sister", "din": "din 1"},
        {"unit_id": "moved", "din": "din 2"},
        {"unit_id": "cousin", "bag_id": "bag 3"},
    ],
    "donations": [
        {"donation_key": "one", "din": "din 1", "donor_key": "donor 1", "event_id": "event 1"},
        {"donation_key": "two", "din": "din 2", "donor_key": "donor 2"},
        {"donation_key": "three", "din": "din 3", "bag_id": "bag 3", "donor_key": "donor 3"},
        {"donation_key": "assumed", "bag_id": "bag 4", "donor_key": "donor 4"},
        {"donation_key": "earlier", "din": "din 5", "donor_key": "donor 1"},
    ],
    "unit_parents": [
        {"unit_id": "child", "parent_unit_id": "parent", "kind": "irradiated"},
        {"unit_id": "grandchild", "parent_unit_id": "child", "kind": "divided"},
    ],
    "dispositions": [
        {"disposition_id": "1", "unit_id": "ended", "facility_id": "C1", "happened_at": "2024-03-01",
         "patient_key": "p"},
        {"disposition_id": "2", "unit_id": "replaced", "facility_id": "C1", "happened_at": "2024-03-01"},
        {"disposition_id": "3", "unit_id": "other", "replaces_disposition_id": "2", "happened_at": "2024-03-02"},
    ],
}  # fmt: skip
LIVING = {"open": "available", "presumed": "fate_unknown", "unknown": "fate_unknown"}
PLACES = {"presumed": "H1", "unknown": "H2"}
UNDATED = {"undated": "2024-03-20", "undated_long_past": "2024-02-20"}
UNITS: Rows = [
    *[
        {
            "unit_id": row["unit_id"],
            "state": LIVING.get(row["unit_id"], "transfused"),
            "facility_id": PLACES.get(row["unit_id"], "C1"),
            "ended_on": None if row["unit_id"] == "open" else "2024-03-01",
            "expires_at": "2024-04-12",
        }
        for row in BEFORE["components"]
    ],
    *[{"unit_id": name, "state": "transfused", "expires_at": at} for name, at in UNDATED.items()],
]
ALWAYS = {"open", "undated"}


def touched(spark: SparkSession, *named: tuple[str, str], **now: Rows) -> Touched:
    """What a run touches the day after `LAST`, whose records name these; feeds are as before unless said."""

    def of(name: str) -> DataFrame:
        feed = name.removesuffix("_before")
        rows: Mapping[str, Rows] = BEFORE if name.endswith("_before") else {**BEFORE, **now}
        return conformed(spark, feed, rows.get(feed, ()))

    places = all_facilities(conformed(spark, "facilities", FACILITIES), conformed(spark, "hospitals"))
    given: dict[str, DataFrame] = {
        "named": spark.createDataFrame(list(named), "about string, name string"),
        "units_before": frame(spark, L2_TABLES["units"], UNITS),
        "places": places,
        "reports": first_reports(of("dispositions"), places),
    }
    frames = [given.get(name) or of(name) for name in parameters(touched_units)]
    return touched_units(*frames, as_of=date(2024, 3, 10), as_of_before=LAST)


def units(found: Touched) -> set[str]:
    return {row["unit_id"] for row in found.units.collect()} - {"one", "two", "three", "assumed"} - ALWAYS


@pytest.mark.parametrize(
    ("named", "wanted"),
    [
        ((), set()),
        ((("unit", "named"),), {"named"}),
        ((("unit", "parent"),), {"parent", "child", "grandchild"}),
        ((("unit", "not here"),), {"not here"}),
        ((("donation", "one"),), {"sister"}),
        ((("donor", "donor 2"),), {"moved"}),
        ((("event", "event 1"),), {"sister"}),
        ((("reference", "din 3"),), {"cousin"}),
        ((("unit", "other"),), {"other", "replaced"}),
        ((("patient", "p"),), {"ended"}),
        ((("request", "named"), ("patient", "named")), set()),
    ],
)
def test_touched__is_what_records_name_and_what_has_not_ended(
    spark: SparkSession, named: tuple[tuple[str, str], ...], wanted: set[str]
) -> None:
    assert units(touched(spark, *named)) == wanted


def test_unit_that_has_not_ended_on_a_known_day__is_touched_by_time(spark: SparkSession) -> None:
    assert {row["unit_id"] for row in touched(spark).units.collect()} == ALWAYS


def test_assumed_unit__is_touched_by_its_bag(spark: SparkSession) -> None:
    found = touched(spark, ("reference", "bag 4")).units.collect()
    assert {row["unit_id"] for row in found} - ALWAYS == {"assumed"}


def test_component_of_another_donation_now__touches_the_units_of_both(spark: SparkSession) -> None:
    rows = [{**row, "din": "din 1"} if row["unit_id"] == "moved" else row for row in BEFORE["components"]]
    also = [*rows, {"unit_id": "left_behind", "din": "din 2"}]
    assert units(touched(spark, ("unit", "moved"), components=also)) == {"moved", "sister", "left_behind"}


def test_first_report_of_a_facility__touches_what_was_given_up_there(spark: SparkSession) -> None:
    reports = {"disposition_id": "9", "unit_id": "named", "facility_id": "H1", "happened_at": "2024-03-10 12:00"}
    found = touched(spark, ("unit", "named"), dispositions=[*BEFORE["dispositions"], reports])
    assert units(found) == {"named", "presumed"}


@pytest.mark.parametrize(
    ("named", "wanted"),
    [
        (("donation", "three"), {"three"}),
        (("donation", "one"), {"one", "earlier"}),
        (("reference", "din 1"), {"one", "earlier"}),
        (("donation", "earlier"), {"one", "earlier"}),
        (("unit", "ended"), set()),
    ],
)
def test_donation__is_touched_with_all_of_its_donor(
    spark: SparkSession, named: tuple[str, str], wanted: set[str]
) -> None:
    found = touched(spark, named)
    assert {row["unit_id"] for row in found.donations.collect()} == wanted
    assert {row["unit_id"] for row in found.of((UNIT, DONATION)).collect()} >= wanted | ALWAYS
    assert {row["unit_id"] for row in found.of((UNIT,)).collect()} == {row["unit_id"] for row in found.units.collect()}


def test_family__has_what_touched_units_are_told_from(spark: SparkSession) -> None:
    found = touched(spark, ("unit", "grandchild"))
    assert units(found) == {"grandchild"}
    rows: dict[str, Any] = {name: conformed(spark, name, BEFORE[name]) for name in BEFORE}
    kept = {name: {row[0] for row in cut(name, frame, found.family).collect()} for name, frame in rows.items()}
    assert kept["components"] - ALWAYS == {"grandchild", "child", "parent"}
    assert (kept["donations"], kept["dispositions"]) == (set(), {"other"})
    assert len(kept["unit_parents"]) == 2


def test_family__has_the_patients_of_its_units_and_bags(spark: SparkSession) -> None:
    rows = [
        {"admission_key": "a", "patient_key": "p"},
        {"admission_key": "b", "patient_key": "q", "bag_id": "bag 4"},
        {"admission_key": "c", "patient_key": "q"},
        {"admission_key": "d", "patient_key": "another"},
    ]
    found = touched(spark, ("unit", "ended"), ("reference", "bag 4"), patients=rows)
    patients = cut("patients", conformed(spark, "patients", rows), found.family)
    assert {row["admission_key"] for row in patients.collect()} == {"a", "b", "c"}


def test_cut__leaves_tables_whole_that_are_about_no_unit(spark: SparkSession) -> None:
    facilities = conformed(spark, "facilities", FACILITIES)
    assert cut("facilities", facilities, touched(spark).family).count() == len(FACILITIES)
