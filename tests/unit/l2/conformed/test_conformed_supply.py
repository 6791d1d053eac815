"""The laboratory and the supply chain: small in, small out."""

import pytest
from pyspark.sql import functions as F


def values(frame, *names):
    return [tuple(row) for row in frame.select(*[F.col(name).cast("string") for name in names]).collect()]


def test_a_typing_result_is_a_group_and_any_other_result_is_none(conformed):
    found = conformed(
        "test_results",
        {"test_id": "T1", "marker": "abo_rhd", "result": "AB positive", "bag_id": "B1"},
        {"test_id": "T2", "marker": "hiv", "result": "non_reactive", "din": "G1"},
        {"test_id": "T3", "marker": "abo_rhd", "result": "inconclusive"},
    )
    assert values(found, "test_id", "din", "bag_id", "result", "abo_rhd") == [
        ("T1", None, "B1", "AB positive", "AB+"),
        ("T2", "G1", None, "non_reactive", None),
        ("T3", None, None, "inconclusive", None),
    ]


def test_a_unit_keeps_its_label(conformed):
    unit = {"unit_id": "U1", "component": "platelets", "blood_type": "B negative", "doses": 2.005, "din": "G1"}
    found = conformed("components", {**unit, "expires_at": "2024-03-06T23:59-06:00", "is_imported": True})
    assert values(found, "unit_id", "din", "abo_rhd", "doses", "expires_at", "is_imported") == [
        ("U1", "G1", "B-", "2.01", "2024-03-07 05:59:00", "true")
    ]


def test_parents_go_on_as_they_are(conformed):
    found = conformed("unit_parents", {"unit_id": "U9", "parent_unit_id": "U1", "kind": "pooled"})
    assert values(found, "unit_id", "parent_unit_id", "kind") == [("U9", "U1", "pooled")]


@pytest.mark.parametrize(
    ("feed", "sent", "instant"),
    [
        ("unit_events", "happened_at", "happened_at"),
        ("dispositions", "happened_at", "happened_at"),
        ("distribution", "distribution_date", "distributed_at"),
        ("blood_requests", "request_datetime", "requested_at"),
    ],
)
def test_an_event_sent_as_a_bare_date_is_marked(conformed, feed, sent, instant):
    found = conformed(
        feed,
        {sent: "2024-03-01", "_rescued": f'{{"{sent}": "2024-03-01"}}'},
        {sent: "2024-03-01 00:00", "_rescued": '{"other": "2024-03-01"}'},
        {sent: "2024-03-01 00:00"},
        {sent: None, "_rescued": f'{{"{sent}": "2024-13-01"}}'},
    )
    midnight = "2024-03-01 00:00:00"
    wanted = [(midnight, "true"), (midnight, "false"), (midnight, "false"), (None, "false")]
    assert values(found, instant, "is_date_only") == wanted


def test_the_group_ordered_tells_any_from_unknown(conformed):
    sent = ["O positive", "any", " Any ", "unknown", None, "O- or better"]
    found = conformed("blood_requests", *[{"request_id": str(text), "blood_type": text} for text in sent])
    assert values(found, "group_ordered", "abo_rhd") == [
        ("O+", "O+"),
        ("any", None),
        ("any", None),
        ("unknown", None),
        ("unknown", None),
        ("unknown", None),
    ]


def test_a_plain_order_is_for_red_cells_and_for_whom_it_names(conformed):
    found = conformed(
        "blood_requests",
        {"NPI": "N1", "patient_id": "P1"},
        {"NPI": "N1"},
        {"NPI": "N1", "patient_id": "P1", "order_kind": "stock", "component": "plasma"},
    )
    assert values(found, "npi", "patient_key", "order_kind", "component") == [
        ("N1", "<P1>", "patient", "red_cells"),
        ("N1", None, "stock", "red_cells"),
        ("N1", "<P1>", "stock", "plasma"),
    ]


def test_a_disposition_names_patient_and_admission_by_pseudonym(conformed):
    found = conformed("dispositions", {"unit_id": "U1", "patient_id": "P1", "admission_id": "A9", "kind": "transfused"})
    assert values(found, "unit_id", "patient_key", "admission_key") == [("U1", "<P1>", "<A9>")]


def test_unit_events_and_movements_keep_their_request(conformed):
    event = conformed("unit_events", {"unit_event_id": "E1", "patient_id": "P1", "request_id": "R1"})
    movement = conformed("distribution", {"distribution_id": "M1", "NPI": "N1", "request_id": "R1", "bag_id": "B1"})
    assert values(event, "unit_event_id", "patient_key", "request_id") == [("E1", "<P1>", "R1")]
    assert values(movement, "distribution_id", "npi", "request_id", "bag_id") == [("M1", "N1", "R1", "B1")]
