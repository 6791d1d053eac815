"""The page on data quality: the figures that it shows, where it says to look, and that it shows no value."""

from datetime import date

import pytest

from lakehouse.gates.quarantine import QUARANTINE
from lakehouse.gates.results import GATE_RESULTS
from lakehouse.l2.derivatives.deviations import TABLE as DEVIATIONS
from lakehouse.reports import Delivery, QualityFacts, render_quality
from lakehouse.reports.quality_sections import verdict
from lakehouse.reports.trends import batch_warnings, deviations_by_week, examples, hours_to_replay, refused_by_batch
from tests.support.rows import frame
from tests.unit.reports.test_page import EVIL, Text, facts

AS_OF = date(2024, 2, 28)
KEY, DATE = "donors.donor_id.required", "donors.registered_at.future"


def event(line, *rules, kind="refused", at="2024-02-27 10:00", batch=1):
    violations = [(rule, "critical") for rule in rules] + [("donors.email.form", "warning")]
    place = {"feed": "donors", "_file_id": 7, "_line": line, "_batch_seq": batch}
    return place | {"violations": violations, "event": kind, "happened_at": at}


EVENTS = [
    event(1, KEY),
    event(2, KEY, DATE),
    event(3, DATE),
    event(3, kind="replayed", at="2024-02-27 16:30"),
    event(4, DATE),
    event(4, kind="waived", at="2024-03-02 10:00"),
    event(9, KEY, batch=2),
]
DEVIATED = [
    {"rule": "units.used_late", "severity": "critical", "happened_at": "2024-02-28 10:00"},
    {"rule": "units.used_late", "severity": "critical", "happened_at": "2024-02-21 10:00"},
    {"rule": "units.used_late", "severity": "critical", "happened_at": "2023-02-21 10:00"},
    {"rule": "units.used_late", "severity": "critical", "happened_at": None},
    {"rule": "units.used_late", "severity": "critical", "happened_at": "2024-02-28 10:00", "is_excused": True},
]
LOW, SHARE = "donors.day.rows_low", "donors.batch.refused_share"
RESULTS = [
    {"rule": LOW, "severity": "warning", "success": False},
    {"rule": LOW, "severity": "warning", "success": False},
    {"rule": "donors.day.rows_high", "severity": "warning", "success": True},
    {"rule": SHARE, "severity": "critical", "success": False},
]
GATED = [row | {"tier": "l1", "scope": "batch", "feed_or_table": "donors", "batch_seqs": [1, 2]} for row in RESULTS]
QUALITY = QualityFacts(
    deliveries=(
        Delivery("donors", 1, 1, 400, date(2024, 2, 27), "released"),
        Delivery("donors", 2, 2, 30, date(2024, 2, 28), "held"),
        Delivery("patients", 2, 1, 10, None, "released"),
    ),
    limits={"donors": 0.05, "patients": 0.05},
    rules={KEY: f"the key {EVIL}"},
    paths={7: f"donors/2024/02/27/{EVIL}.json"},
)


@pytest.fixture(scope="module")
def tables(spark):
    rows = {QUARANTINE: EVENTS, DEVIATIONS: DEVIATED, GATE_RESULTS: GATED}
    return {table.name: frame(spark, table, listed) for table, listed in rows.items()}


@pytest.fixture(scope="module")
def page(tables):
    unread = (("donors/a.json.gz", "can't be read"),)
    besides = {
        "standstills": (f"{EVIL} is silent since 2024-02-01",),
        "discarded": (("donors", "b000000", EVIL, "sent twice"),),
    }
    told = facts(is_incomplete=True, held=(("donors", "b000002", "why"),), unread=unread, **besides)
    return render_quality(tables.__getitem__, told, QUALITY)


def test_refused_by_batch__counts_how_records_stand(tables):
    found = {row.batch: row.asDict() for row in refused_by_batch(tables["quarantine"]).collect()}
    assert found[1] == {"feed": "donors", "batch": 1, "refused": 4, "waits": 2, "replayed": 1, "waived": 1}
    assert found[2]["waits"] == 1


def test_hours_to_replay__are_from_the_first_refusal(tables):
    found = {
        row.event: (row.records, row["median"], row.longest) for row in hours_to_replay(tables["quarantine"]).collect()
    }
    assert found == {"replayed": (1, 6.5, 6.5), "waived": (1, 96.0, 96.0)}


def test_examples__are_of_records_that_wait(tables):
    found = [(row.rule, row["_line"]) for row in examples(tables["quarantine"]).collect()]
    assert found == [(KEY, 1), (KEY, 2), (KEY, 9), (DATE, 2)]


def test_deviations_by_week__leave_out_what_is_long_ago(tables):
    found = {row.weeks_ago: row.records for row in deviations_by_week(tables["deviations"], AS_OF, 12).collect()}
    assert found == {0: 1, 1: 1}


def test_batch_warnings__name_each_batch_once(tables):
    found = [tuple(row) for row in batch_warnings(tables["gate_results"]).collect()]
    assert found == [(2, "donors", LOW), (1, "donors", LOW)]


@pytest.mark.parametrize(
    "said",
    [
        "Data quality of release r-7",
        "donors, batch b000002: why",
        "file donors/a.json.gz: can't be read; the next run tries again",
        f"donors, batch b000000: left out for good by {EVIL}: sent twice {EVIL} is silent since 2024-02-01",
        "donors ✖ held b000002 400 5 1.25 % 5.0 % 3 1 1 28 Feb 2024",
        "patients ● clean 10 0 0.00 % 5.0 % 0 0 0 –",
        f"b000002 donors {LOW}",
        "Replayed 1 6.5 h 6.5 h",
        "Waived 1 4 days 4 days",
        f"{KEY} the key {EVIL} donors/2024/02/27/{EVIL}.json, line 1",
        "units.used_late critical 2",
    ],
)
def test_page__says(page, said):
    assert said in Text(page).text


@pytest.mark.parametrize("left_out", ["parked", "unread"])
def test_verdict__of_a_release_that_leaves_a_file_out_is_incomplete(left_out):
    assert verdict(facts())["is_complete"]
    assert not verdict(facts(**{left_out: (("donors/a.json.gz", "can't be read"),)}))["is_complete"]


def test_page__says_of_a_held_batch_only_that_it_is_held(page):
    assert 'title="30 records in 2 files, held"' in page
    assert 'title="400 records in 1 file, 4 refused"' in page


def test_page__without_data_docs_has_no_link_to_them(tables):
    text = render_quality(tables.__getitem__, facts(data_docs_href=""), QUALITY)
    assert "Data Docs" not in Text(text).text


def test_page__escapes_and_needs_nothing_beside_it(page):
    read = Text(page)
    assert "script" not in read.tags and "link" not in read.tags
    assert set(read.addresses) == {"index.html", "data-docs/index.html", "#feeds", "#batches", "#rules", "#deviations"}


def test_page__of_an_empty_lake_says_so(tables):
    quality = QualityFacts((), {}, {}, {})
    text = Text(render_quality(lambda name: tables[name].limit(0), facts(), quality)).text
    for said in ("No file was taken in yet.", "No record was refused.", "No deviation in the 12 weeks"):
        assert said in text
