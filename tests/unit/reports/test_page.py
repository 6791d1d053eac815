"""The page as a whole: it holds the figures, escapes what it is told, and needs nothing beside it."""

import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest

from lakehouse.gates.quarantine import QUARANTINE
from lakehouse.l2.conformed import CONFORMED
from lakehouse.l2.derivatives.deviations import TABLE as DEVIATIONS
from lakehouse.l2.derivatives.donor_retention import TABLE as RETENTION
from lakehouse.l2.derivatives.expiry_outlook import TABLE as OUTLOOK
from lakehouse.l2.derivatives.look_back_units import TABLE as IN_DOUBT
from lakehouse.l2.derivatives.refused_events import TABLE as REFUSED_EVENTS
from lakehouse.l2.derivatives.regional_demand import TABLE as DEMAND
from lakehouse.l2.derivatives.transfer_suggestions import TABLE as TRANSFERS
from lakehouse.l2.derivatives.units import TABLE as UNITS
from lakehouse.reports import ReportFacts, render
from tests.support.rows import frame

SCHEMAS = {
    "expiry_outlook": OUTLOOK,
    "units": UNITS,
    "regional_demand": DEMAND,
    "donor_retention": RETENTION,
    "quarantine": QUARANTINE,
    "deviations": DEVIATIONS,
    "refused_events": REFUSED_EVENTS,
    "facilities": CONFORMED["facilities"].table,
    "hospitals": CONFORMED["hospitals"].table,
    "transfer_suggestions": TRANSFERS,
    "look_back_units": IN_DOUBT,
}
EVIL = "<script>alert('x')</script>&\""
ROWS = {
    "expiry_outlook": [
        {
            "facility_id": "H1", "facility_name": EVIL, "facility_kind": "hospital", "region": f"North {EVIL}",
            "component": "red_cells", "abo_rhd": "O-", "on_hand": 1240, "available": 1234, "expiring_1d": 3,
            "expiring_3d": 11, "expiring_7d": 47, "mean_daily_demand": 1000.0, "days_of_stock": 1.234,
            "projected_outdates": 5, "status": "amber",
        },
    ],
    "units": [{"state": "available", "facility_id": "H1", "component": "red_cells", "expires_at": "2024-03-02 20:00"}],
    "regional_demand": [
        {
            "demand_on": "2024-02-28", "region": "North", "component": "red_cells", "abo_rhd": "O-", "requested": 210,
            "cancelled": 10, "filled_on_time": 150, "filled_exact": 120, "unmet": 31, "transfused": 177,
            "requested_ma28": 7.5, "transfused_ma28": 6.25,
        },
    ],
    "donor_retention": [{"class": "lapsing", "abo_rhd": "O-", "eligible_whole_blood_on": "2024-02-01"}] * 3,
    "quarantine": [
        {
            "feed": "donors", "_file_id": 1, "_line": 1, "violations": [(f"rule {EVIL}", "critical")],
            "event": "refused", "happened_at": "2024-02-28 10:00",
        },
    ],
    "deviations": [
        {"rule": "transfused_after_expiry", "severity": "critical", "happened_at": "2024-02-27 10:00"},
        {"rule": "issued_in_quarantine", "severity": "deviation"},
        {"rule": "issued_in_quarantine", "severity": "deviation", "is_excused": True},
        {"rule": "plasma_out_of_group", "severity": "warning"},
    ],
    "refused_events": [{"feed": "dispositions", "reason": "waiting", "waiting_since": "2024-02-03"}],
    "facilities": [{"facility_id": "H1", "kind": "hospital", "name": EVIL, "timezone": "America/New_York"}],
    "hospitals": [],
    "transfer_suggestions": [
        {
            "from_facility_id": "H1", "to_facility_id": "H2", "component": "red_cells", "abo_rhd": "O-",
            "for_abo_rhd": "A+", "units": 3, "expires_on": "2024-03-09", "depart_by": "2024-03-08", "gain": 2.25,
        },
        {
            "from_facility_id": "H2", "to_facility_id": "H1", "component": "red_cells", "abo_rhd": "B-",
            "for_abo_rhd": "B-", "units": 1, "expires_on": "2024-03-07", "depart_by": "2024-03-06", "gain": 3.5,
        },
    ],
    "look_back_units": [
        {"case_id": "c1", "unit_id": "u1", "is_to_quarantine": True},
        {"case_id": "c2", "unit_id": "u1", "is_to_quarantine": True},
        {"case_id": "c2", "unit_id": "u2", "is_to_quarantine": True},
        {"case_id": "c3", "unit_id": "u3", "is_to_quarantine": False},
    ],
}  # fmt: skip
PARAMS = {
    "status_red_days": 1.0, "status_amber_days": 2.0, "status_green_days": 3.0, "demand_window_days": 28,
    "outlook_days": 14, "lapse_months": 24, "lapsing_months": 12, "transfer_shortage_cost": 5.0,
}  # fmt: skip


def facts(**more):
    base = {
        "release_id": "r-7", "as_of": date(2024, 2, 28), "published_at": datetime(2024, 2, 29, 4, 5, tzinfo=UTC),
        "parent": "r-6", "is_incomplete": False, "held": (), "data_docs_href": "data-docs/index.html",
        "lake": f"lake {EVIL}", "judged": {"donors": 400}, "params": PARAMS,
        "versions": {"units": 12, "look_back_units": 3, "transfer_suggestions": 4},
    }  # fmt: skip
    return ReportFacts(**(base | more))


class Text(HTMLParser):
    """Collects the visible text, and every address and tag that the page has."""

    def __init__(self, page):
        super().__init__()
        self.words, self.addresses, self.tags, self._skip = [], [], set(), False
        self.feed(page)
        self.text = re.sub(r"\s+", " ", " ".join(self.words).replace("\u202f", " "))

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self._skip = tag == "style"
        self.addresses += [value for name, value in attrs if name in ("href", "src", "srcset", "xlink:href", "data")]

    def handle_endtag(self, tag):
        self._skip = False

    def handle_data(self, data):
        if not self._skip:
            self.words.append(data)


@pytest.fixture(scope="module")
def tables(spark):
    return {name: frame(spark, table, ROWS[name]) for name, table in SCHEMAS.items()}


@pytest.fixture(scope="module")
def page(tables):
    return render(tables.__getitem__, facts())


@pytest.fixture(scope="module")
def empty_page(tables):
    return render(lambda name: tables[name].limit(0), facts(judged={}))


@pytest.mark.parametrize(
    "said",
    [
        "Blood supply on 28 Feb 2024",
        "Complete.",
        "1.2 days",  # red cells everywhere
        "1 240 on hand, 1 234 available",
        "lowest O− 1.2 d ▲ low",
        "11 units 3 within 1 day, 11 within 3, 47 within 7",
        "1 unit available or reserved now reach",  # outdating by day
        "requested 210",
        "filled on time 75.0 %",  # of 210 - 10
        "unmet 31 15.5 %",
        "Lapsing last donation 12 to 24 months ago 3 100.0 %",
        "1 record of 400 judged (0.25 %)",
        "Deviations 2 1 critical. Apart: 1 warning, 0 for information, 1 excused",
        "transfused_after_expiry critical 1 0 27 Feb 2024",
        "dispositions Waiting 1 3 Feb 2024",
        "units v12",
        "To move 4 units would save about 5.8 from loss, a unit missing elsewhere counted as 5.",
        f"H2 {EVIL} Red cells B− 1 7 Mar 6 Mar 3.5 {EVIL} H2 Red cells O− for A+ 3 9 Mar 8 Mar 2.2",
        "To be quarantined 2 of 2 look-backs, in stock or on their way",
    ],
)
def test_page__says_the_figures_of_the_tables(page, said):
    assert said in Text(page).text


def test_page__escapes_whatever_the_data_say(page):
    seen = Text(page)
    assert "script" not in seen.tags
    for place in ("North ", "rule ", "lake "):
        assert place + EVIL in seen.text
    assert "<script" not in page


def test_page__asks_no_other_server_and_no_other_file_but_the_data_docs(page):
    addresses = [address for address in Text(page).addresses if not address.startswith("#")]
    assert addresses == ["quality.html", "data-docs/index.html"]
    assert not re.search(r"https?:|//[a-z]|@import|url\(", page)


@pytest.mark.parametrize("said", ["To be quarantined", "Transfers worth making"])
def test_page__says_nothing_of_what_the_lake_leaves_out(tables, page, said):
    assert said in page
    assert said not in render(tables.__getitem__, facts(versions={"units": 12}))


def test_page__says_in_a_sentence_that_there_is_nothing(empty_page):
    text = Text(empty_page).text
    for sentence in (
        "No stock is on record for this day.",
        "No available or reserved unit reaches its expiry in these days.",
        "No transfer between facilities is worth its way.",
        "No request is on record in the last year.",
        "No donor is on record.",
        "No refused record waits.",
        "To be quarantined 0 of any look-back",
        "Every accepted record found its unit.",
        "No deviation is on record.",
    ):
        assert sentence in text
    assert "svg" not in Text(empty_page).tags


def test_page__says_what_an_incomplete_release_leaves_out(tables):
    held = (("donations", "17", "refused share 9.3 %"),)
    parked = (("donors/2024/02/28/a.json", "an array; send one object a line"),)
    unread = (("donors/2024/02/28/b.json.gz", "can't be read: truncated (try 1 of 3)"),)
    told = facts(is_incomplete=True, held=held, parked=parked, unread=unread)
    text = Text(render(lambda name: tables[name].limit(0), told)).text
    assert "Incomplete." in text and "Complete." not in text
    assert "donations, batch 17: refused share 9.3 %" in text
    assert "file donors/2024/02/28/a.json: an array" in text
    assert "b.json.gz: can't be read: truncated (try 1 of 3); the next run tries again" in text
