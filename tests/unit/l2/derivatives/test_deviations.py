"""What happened against the rules, what waits, and what adds up: one small service, by hand."""

from datetime import date
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from lakehouse.l2.derivatives import deviations, refused_events, units
from lakehouse.l2.laws import LAWS
from tests.support.lives import PARAMS, Rows, built, inputs
from tests.unit.l2.derivatives.test_units import component, end, event, issue, test_of

AS_OF = "2024-03-31"
Found = set[tuple[str, str]]


def transfused(unit_id: str, patient_key: str, at: str = "2024-03-10T12:00-04:00", **said: Any) -> dict[str, Any]:
    return end(unit_id, "transfused", at, patient_key=patient_key, **said)


def patient(key: str, group: str | None, on: str = "2024-03-01", **said: Any) -> dict[str, Any]:
    admitted = {"admission_key": f"{key} {on}", "patient_key": key, "admitted_on": on, "abo_rhd": group}
    return {**admitted, "sex": "Male", "birth_year": 1950, **said}


COMPONENTS: Rows = [
    component("untested", din="D1"),
    component("rushed", din="D1"),
    component("fine", din="D2"),
    component("reactive", din="D3"),
    component("own_reactive", din="D4"),
    component("held"),
    component("lifted"),
    component("two_ends"),
    component("two_patients"),
    component("expired", expires_at="2024-03-09T23:59-05:00"),
    component("just_late", expires_at="2024-03-31T00:00-04:00"),
    component("last_day", expires_at="2024-03-30T23:59-04:00"),
    component("abo", abo_rhd="A+"),
    component("rhd_woman"),
    component("rhd_man"),
    component("plasma", component="plasma", abo_rhd="O+"),
    component("plasma_rush", component="plasma", abo_rhd="A+"),
    component("platelets", component="platelets", abo_rhd="B+"),
    component("unknown_group"),
    component("changed_group", abo_rhd="O-"),
    component("early_end"),
    component("mislabelled", din="D2", abo_rhd="A+"),
    component("orphan", din="nowhere"),
    component("foreign", is_imported=True),
    component("later", prepared_at="2024-04-02T12:00-04:00"),
    component("mother", component="platelets"),
    component("part", component="platelets"),
]
EVENTS: Rows = [
    event("rushed", "released", "2024-03-02T12:00-05:00", is_emergency=True),
    event("plasma_rush", "released", "2024-03-02T12:00-05:00", is_emergency=True),
    event("held", "recalled", "2024-03-05T12:00-05:00"),
    event("lifted", "quarantined", "2024-03-05T12:00-05:00"),
    event("lifted", "quarantine_lifted", "2024-03-06T12:00-05:00"),
    event("absent", "released", "2024-03-06T12:00-05:00", _order_at="2024-03-06"),
    event("fine", "released", "2024-02-28T09:59-05:00"),  # 24 h and a minute before its collection
    event("fine", "received", "2024-04-02T12:00-04:00"),  # after the as-of day
]
DISPOSITIONS: Rows = [
    transfused("held", "o"),
    transfused("lifted", "o"),
    transfused("two_ends", "o"),
    end("two_ends", "wasted", "2024-03-09T12:00-05:00"),
    transfused("two_patients", "o"),
    transfused("two_patients", "o2", disposition_id="second"),
    transfused("expired", "o"),
    transfused("abo", "o"),
    transfused("rhd_woman", "woman"),
    transfused("rhd_man", "man"),
    transfused("plasma", "b"),
    transfused("plasma_rush", "b"),
    transfused("platelets", "o"),
    transfused("unknown_group", "nobody_knows"),
    transfused("changed_group", "changed"),
    end("early_end", "discarded", "2024-03-01T12:00-05:00"),
    transfused("just_late", "o", "2024-03-31T03:59-04:00"),
    transfused("last_day", "o", "2024-03-30", is_date_only=True),
    end("absent", "lost", "2024-03-09T12:00-05:00"),
]
FEEDS: dict[str, Rows] = {
    "components": COMPONENTS,
    "unit_events": EVENTS,
    "dispositions": DISPOSITIONS,
    "distribution": [
        issue("untested", "2024-03-02T10:00-05:00"),
        issue("rushed", "2024-03-02T10:00-05:00"),
        issue("fine", "2024-03-04T10:00-05:00"),
        issue("reactive", "2024-03-04T10:00-05:00"),
        issue("own_reactive", "2024-03-04T10:00-05:00"),
        issue("foreign", "2024-03-04T10:00-05:00"),
        issue("part", "2024-03-04T10:00-05:00"),
        {**issue("unnamed", "2024-03-04T10:00-05:00"), "unit_id": None, "bag_id": "bD2"},  # D2 has two units
    ],
    "donations": [
        {
            "donation_key": din,
            "din": din,
            "bag_id": f"b{din}",
            "donor_key": donor,
            "donated_on": on,
            "collected_at": f"{on}T10:00-05:00",
            "procedure": "whole_blood",
            **said,
        }
        for din, donor, on, said in (
            ("D1", "d1", "2024-03-01", {}),
            ("D2", "d2", "2024-03-01", {}),
            ("D3", "d3", "2024-03-01", {}),
            ("D4", "d4", "2024-03-01", {"donation_type": "autologous"}),
            ("D5", "d5", "2024-01-01", {}),
            ("D6", "d5", "2024-02-25", {}),  # 55 days: one too few
            ("D7", "d7", "2024-01-01", {}),
            ("D8", "d7", "2024-02-26", {}),  # 56 days
            ("D9", "d9", "2024-01-01", {"bag_id": "shared"}),
            ("D10", "d10", "2024-01-01", {"bag_id": "shared"}),
            ("D11", "d11", "2024-01-01", {"procedure": "double_red_cells"}),
            ("D12", "d11", "2024-03-15", {"procedure": "apheresis_platelets", "donation_type": "therapeutic"}),
            ("D13", "d13", "2024-01-01", {"procedure": "apheresis_platelets", "platelet_doses": 3}),
            ("D14", "d13", "2024-01-14", {"procedure": "apheresis_platelets", "platelet_doses": 2}),  # 13 days
            ("D15", "d13", "2024-01-21", {"procedure": "apheresis_platelets"}),  # 7 days after a plain one
        )
    ],
    "test_results": [
        test_of("D1", "abo_rhd", "2024-03-02T11:00-05:00", abo_rhd="O+"),
        test_of("D1", "hiv", "2024-03-02T11:00-05:00"),
        test_of("D2", "abo_rhd", "2024-03-02T11:00-05:00", abo_rhd="O+"),
        test_of("D2", "hiv", "2024-03-03T11:00-05:00"),
        test_of(
            "D2", "hiv", "2024-03-05T11:00-05:00", result="reactive", test_id="D2 hiv again"
        ),  # turned reactive after shipping
        test_of("D3", "abo_rhd", "2024-03-02T11:00-05:00", abo_rhd="O+"),
        test_of("D3", "hiv", "2024-03-03T11:00-05:00", result="reactive"),
        test_of("D4", "abo_rhd", "2024-03-02T11:00-05:00", abo_rhd="O+"),
        test_of("D4", "hiv", "2024-03-03T11:00-05:00", result="reactive"),
        test_of("D3", "bacterial", "2024-03-04T09:00-05:00", result="reactive", unit_id="mother"),
        test_of("gone", "hiv", "2024-03-03T11:00-05:00"),
    ],
    "unit_parents": [
        {"unit_id": "fine", "parent_unit_id": "no_parent", "kind": "divided", "made_at": "2024-03-01 18:00"},
        {"unit_id": "part", "parent_unit_id": "mother", "kind": "divided", "made_at": "2024-03-01 18:00"},
        {"unit_id": "foreign", "parent_unit_id": "abroad", "kind": "divided", "made_at": "2024-03-01 18:00"},
    ],
    "patients": [
        patient("o", "O+"),
        patient("o2", "O+"),
        patient("b", "B+"),
        patient("woman", "O-", sex="Female", birth_year=1974),
        patient("man", "O-"),
        patient("nobody_knows", None),
        patient("changed", "A-", "2024-02-20"),
        patient("changed", "B-", "2024-03-09"),
        patient("changed", "O-", "2024-03-28"),
    ],
}


@pytest.fixture(scope="module")
def tables(spark: SparkSession) -> dict[str, DataFrame]:
    at_day = built(spark, units.build, AS_OF, **FEEDS).localCheckpoint()
    refused = built(spark, refused_events.build, AS_OF, at_day, **FEEDS).localCheckpoint()
    found = built(spark, deviations.build, AS_OF, at_day, **FEEDS).localCheckpoint()
    return {"units": at_day, "refused_events": refused, "deviations": found}


@pytest.fixture(scope="module")
def found(tables: dict[str, DataFrame]) -> dict[str, dict[str, tuple[str, bool]]]:
    """Unit -> rule -> (severity, is_excused)."""
    by_unit: dict[str, dict[str, tuple[str, bool]]] = {}
    for row in tables["deviations"].collect():
        by_unit.setdefault(row["unit_id"], {})[row["rule"]] = (row["severity"], row["is_excused"])
    return by_unit


def test_issue_before_final_tests__is_a_deviation_excused_in_an_emergency(found: Any) -> None:
    assert found["untested"] == {"units.issued_before_final_tests": ("deviation", False)}
    assert found["rushed"] == {"units.issued_before_final_tests": ("deviation", True)}


def test_issue__of_an_import_or_with_a_result_that_turns_later_is_none(found: Any) -> None:
    assert "foreign" not in found
    assert "fine" not in found


def test_issue_after_a_reactive_result__is_critical_excused_for_autologous(found: Any) -> None:
    assert found["reactive"] == {"units.issued_after_reactive_result": ("critical", False)}
    assert found["part"] == {"units.issued_after_reactive_result": ("critical", False)}, "a culture of its mother"
    assert found["own_reactive"] == {"units.issued_after_reactive_result": ("critical", True)}


def test_use_under_a_recall__is_a_deviation_until_lifted(found: Any) -> None:
    assert found["held"] == {"units.used_under_quarantine": ("deviation", False)}
    assert "lifted" not in found


def test_several_live_dispositions__warn_and_two_patients_deviate(found: Any) -> None:
    assert found["two_ends"] == {"dispositions.several_live": ("warning", False)}
    assert found["two_patients"] == {
        "dispositions.several_live": ("warning", False),
        "dispositions.two_patients": ("deviation", False),
    }


def test_transfusion_after_expiry__is_information_for_four_hours(found: Any) -> None:
    assert found["expired"] == {"units.transfused_after_expiry": ("deviation", False)}
    assert found["just_late"] == {"units.transfused_after_expiry": ("info", False)}
    assert "last_day" not in found  # a bare date on the last day


def test_groups__are_weighed_by_component(found: Any) -> None:
    assert found["abo"] == {"transfusions.red_cells.abo_incompatible": ("critical", False)}
    assert found["rhd_woman"] == {"transfusions.red_cells.rhd_positive_to_negative": ("warning", False)}
    assert found["rhd_man"] == {"transfusions.red_cells.rhd_positive_to_negative": ("info", False)}
    assert found["plasma"] == {"transfusions.plasma.out_of_group": ("warning", False)}
    assert found["plasma_rush"] == {"transfusions.plasma.out_of_group": ("info", False)}
    assert found["platelets"] == {"transfusions.platelets.out_of_group": ("info", False)}
    assert found["unknown_group"] == {"transfusions.patient.group_unknown": ("info", False)}


def test_group_that_changed__is_judged_as_known_then(found: Any, tables: dict[str, DataFrame]) -> None:
    assert found["changed_group"] == {"transfusions.patient.group_changed": ("info", False)}
    told = tables["deviations"].where("unit_id = 'changed_group'").collect()[0]["detail"]
    assert told == "judged on the group then known: B-"


def test_records__that_contradict_each_other_warn(found: Any) -> None:
    assert found["early_end"] == {"dispositions.before_prepared": ("warning", False)}
    assert found["mislabelled"] == {units.LABEL_DISPUTED: ("warning", False)}
    assert found["D9"] == found["D10"] == {"donations.bag_shared": ("warning", False)}


def test_donation__inside_the_interval_warns_but_not_at_it_nor_for_therapy(found: Any) -> None:
    assert found["D6"] == {"donations.inside_interval": ("warning", False)}
    assert found["D14"] == {"donations.inside_interval": ("warning", False)}
    assert not {"D5", "D7", "D8", "D11", "D12", "D13", "D15"} & set(found)


def test_refused__are_the_records_that_nothing_takes(spark: SparkSession, tables: dict[str, DataFrame]) -> None:
    refused = {(row["feed"], row["record_key"]): row["reason"] for row in tables["refused_events"].collect()}
    assert refused == {
        ("unit_events", "absent released 2024-03-06T12:00-05:00"): "waiting",
        ("unit_events", "fine released 2024-02-28T09:59-05:00"): "before_collection",
        ("dispositions", "absent lost"): "waiting",
        ("distribution", "unnamed 2024-03-04T10:00-05:00"): "ambiguous_bag",
        ("test_results", "gone hiv"): "waiting",
        ("unit_parents", "fine|no_parent"): "waiting",
        ("components", "orphan"): "waiting",
    }
    waited = (
        tables["refused_events"].where("record_key like 'absent released%'").select("waiting_since", "days_waiting")
    )
    expected = spark.createDataFrame([(date(2024, 3, 6), 25)], waited.schema)
    assert_df_equality(waited, expected)


def test_waiting_record__is_placed_once_its_unit_arrives(spark: SparkSession) -> None:
    feeds = {**FEEDS, "components": [*FEEDS["components"], component("absent")]}
    healed = built(spark, units.build, AS_OF, **feeds).localCheckpoint()
    left = built(spark, refused_events.build, AS_OF, healed, **feeds).where("unit_id = 'absent'")
    assert left.count() == 0
    assert [row["state"] for row in healed.where("unit_id = 'absent'").collect()] == ["lost"]


@pytest.mark.parametrize("name", ["units.by_state", "units.in_and_out", "events.placed_or_refused"])
def test_law__holds_and_sees_a_row_too_few(spark: SparkSession, tables: dict[str, DataFrame], name: str) -> None:
    law = next(law for law in LAWS if law.name == name)
    frames = {**inputs(spark, law.check, FEEDS, tables), **{key: tables[key] for key in law.inputs if key in tables}}
    day = date.fromisoformat(AS_OF)
    rows = law.check(**frames, as_of=day, params=PARAMS).collect()
    assert [(row["law"], row["difference"]) for row in rows if row["difference"] != 0] == []
    assert sum(row["left"] for row in rows) > 0
    broken = "refused_events" if "refused_events" in law.inputs else "units"
    frames[broken] = (
        frames[broken].where("feed <> 'dispositions'")
        if broken == "refused_events"
        else frames[broken].withColumn("is_on_hand", frames[broken]["state"] == "never").where("unit_id <> 'fine'")
    )
    found = law.check(**frames, as_of=day, params=PARAMS).collect()
    assert [row["law"] for row in found if row["difference"] != 0] != []
