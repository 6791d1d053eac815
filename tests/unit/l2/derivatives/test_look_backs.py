"""Look-backs of one small service, by hand: each case has its own donor, and all are built at once.

Days are New York's unless said. `cases` are the look-backs, `listed` the units that they cast doubt on.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.l2.derivatives import look_back_units, look_backs, units
from lakehouse.l2.laws.look_backs import LAWS
from lakehouse.l2.pipeline import parameters
from tests.support.lives import inputs
from tests.support.params import DEFINITIONS
from tests.support.rows import frame

AS_OF = date(2024, 3, 31)
PARAMS = DEFINITIONS | {
    "look_back_marker_months": {"wnv": 4},
    "look_back_lots": {
        "BAGS-1": "2024-03-01",
        "KITS-1": "2024-03-02",
        "KITS-2": "2024-03-02",
        "BAGS-LATER": "2024-04-01",
    },
}
K = "0123456789abcdef" * 4
SESSIONS = [{"event_id": "E", "starts_at": "2024-01-01T10:00-05:00", "facility_id": "C1"}]


def gave(din: str, donor: str, on: str, **said: Any) -> dict[str, Any]:
    return {
        "donation_key": din,
        "din": din,
        "bag_id": f"bag {din}",
        "donor_key": donor,
        "event_id": "E",
        "donated_on": on,
        "collected_at": f"{on}T10:00-05:00",
        **said,
    }


def screened(din: str, marker: str, at: str, result: str = "non_reactive", **said: Any) -> dict[str, Any]:
    """A final screen by serology, unless said."""
    named = {"test_id": f"{din} {marker} {at}", "din": din, "marker": marker, "resulted_at": at, "result": result}
    return {**named, "stage": "screen", "method": "serology", "is_final": True, **said}


def reactive(din: str, marker: str, at: str, **said: Any) -> dict[str, Any]:
    """A repeat-reactive result: not final, for a supplemental test follows."""
    return screened(din, marker, at, "reactive", **{"stage": "repeat", "is_final": False, **said})


def event(unit_id: str, kind: str, at: str, **said: Any) -> dict[str, Any]:
    return {"unit_event_id": f"{unit_id} {kind}", "unit_id": unit_id, "kind": kind, "happened_at": at, **said}


def unit(unit_id: str, din: str | None, state: str = "available", **said: Any) -> dict[str, Any]:
    collected = {"collected_at": "2024-01-01T10:00-05:00", "facility_id": "C1", "is_reactive": False}
    return {"unit_id": unit_id, "donation_key": din, "component": "red_cells", "state": state, **collected, **said}


def made(unit_id: str, parent: str, kind: str) -> dict[str, Any]:
    return {"unit_id": unit_id, "parent_unit_id": parent, "kind": kind, "made_at": "2024-01-03T10:00-05:00"}


NAT = {"method": "nat_single", "stage": "screen", "is_final": True}
CULTURE = {"method": "culture", "stage": "screen", "is_final": True}
DONATIONS = [
    # HIV by NAT on the leap day, antibodies not yet: twelve months, the first of them 28 February.
    gave("nat 0", "nat", "2023-02-27"),
    gave("nat 1", "nat", "2023-02-28"),
    gave("nat 2", "nat", "2024-01-04"),
    gave("nat 3", "nat", "2024-02-28"),
    gave("nat 4", "nat", "2024-03-05"),
    # HCV antibodies: from twelve months before the last clear screen, late in the evening of 31 January.
    gave("ab 0", "ab", "2023-01-30"),
    gave("ab 1", "ab", "2023-01-31"),
    gave("ab 2", "ab", "2024-01-30"),
    gave("ab 3", "ab", "2024-03-08"),
    gave("both", "both", "2024-03-08"),
    gave("hbv 1", "hbv", "2012-06-01"),
    gave("hbv 2", "hbv", "2024-03-01"),
    gave("wnv 0", "wnv", "2023-11-09"),
    gave("wnv 1", "wnv", "2023-11-10"),
    gave("wnv 2", "wnv", "2024-03-09"),
    gave("twice 1", "twice", "2024-01-02"),
    gave("twice 2", "twice", "2024-02-02"),
    gave("twice 3", "twice", "2024-03-02"),
    # Of two clear donations, one is tested again before T and once more after it, the other at T itself.
    gave("again 1", "again", "2024-01-04"),
    gave("again 2", "again", "2024-01-20"),
    gave("again 3", "again", "2024-02-29"),
    # These open nothing.
    gave("once only", "d1", "2024-03-08"),
    gave("pool of samples", "d2", "2024-03-08"),
    gave("tomorrow", "d3", "2024-03-29"),
    gave("fine by result", "d4", "2024-03-08", test_result=False, tested_on="2024-03-09"),
    gave("failed tomorrow", "d5", "2024-03-31", test_result=False, tested_on="2024-04-01"),
    gave("failed", "d6", "2024-03-08", test_result=False, tested_on="2024-03-09", event_id=None),
    gave("tonight", "d7", "2024-03-29"),
    gave("cultured", "d8", "2024-03-08"),
    gave("cultured before", "d8", "2024-01-08"),
    gave("p1", "d9", "2024-01-02"),
    gave("p2", "d10", "2024-01-02"),
    gave("called", "d11", "2024-03-08", reject_reason="donor_callback", _order_at="2024-03-10T09:00-04:00"),
    gave("called too", "d12", "2024-03-08"),
    gave("recalled", "d13", "2024-03-08"),
    gave("in bags", "d14", "2024-02-08", bag_lot="BAGS-1"),
    gave("in later bags", "d15", "2024-02-08", bag_lot="BAGS-LATER"),
    gave("by kits", "d16", "2024-02-08"),
    gave("divided", "d17", "2024-02-08"),
]
DONATIONS = [{**row, "donor_key": row["donor_key"].encode().hex().ljust(64, "0")} for row in DONATIONS]
RESULTS = [
    screened("nat 2", "hiv", "2024-01-05T12:00-05:00"),
    screened("nat 3", "hiv", "2024-02-29T09:00-05:00"),
    reactive("nat 3", "hiv", "2024-02-29T12:00-05:00", **NAT),
    screened("ab 2", "hcv", "2024-01-31T11:00-05:00", "reactive", is_final=False),
    screened("ab 2", "hcv", "2024-01-31T23:30-05:00", stage="repeat"),
    screened("ab 3", "hcv", "2024-03-09T09:00-05:00", "reactive", is_final=False),
    reactive("ab 3", "hcv", "2024-03-09T13:00-05:00"),
    screened("ab 3", "hcv", "2024-03-12T13:00-04:00", stage="supplemental"),
    reactive("both", "hiv", "2024-03-09T13:00-05:00"),
    reactive("both", "hiv", "2024-03-09T12:00-05:00", **NAT),
    screened("hbv 1", "hbv", "2012-06-02T12:00-04:00"),
    reactive("hbv 2", "hbv", "2024-03-02T12:00-05:00"),
    reactive("wnv 2", "wnv", "2024-03-10T12:00-04:00", **NAT),
    screened("twice 1", "hiv", "2024-01-03T12:00-05:00"),
    reactive("twice 2", "hiv", "2024-02-03T12:00-05:00"),
    screened("twice 2", "hiv", "2024-02-03T13:00-05:00", method="nat_single"),
    reactive("twice 3", "hiv", "2024-03-03T12:00-05:00"),
    screened("again 1", "hiv", "2024-01-05T12:00-05:00"),
    screened("again 1", "hiv", "2024-02-06T12:00-05:00", stage="repeat"),
    screened("again 1", "hiv", "2024-03-05T12:00-05:00", stage="repeat"),
    screened("again 2", "hiv", "2024-01-21T12:00-05:00"),
    screened("again 2", "hiv", "2024-03-01T12:00-05:00", stage="repeat"),
    reactive("again 3", "hiv", "2024-03-01T12:00-05:00"),
    screened("once only", "hiv", "2024-03-09T12:00-05:00", "reactive", is_final=None),
    screened("pool of samples", "hcv", "2024-03-09T12:00-05:00", "reactive", method="nat_pool", is_final=False),
    reactive("tomorrow", "hiv", "2024-04-01T00:00-04:00"),
    screened("fine by result", "syphilis", "2024-03-09T12:00-05:00"),
    reactive("tonight", "hbv", "2024-03-31T23:30-04:00"),
    reactive("nowhere", "hiv", "2024-03-09T12:00-05:00"),
    screened("cultured", "bacterial", "2024-03-11T12:00-04:00", "reactive", **CULTURE),
    screened("cultured", "bacterial", "2024-03-10T12:00-04:00", "reactive", unit_id="cultured b", **CULTURE),
    screened("elsewhere", "bacterial", "2024-01-06T12:00-05:00", "reactive", unit_id="pool", **CULTURE),
    # What these call their donation is none: the units count, and with a pool all that it was made of.
    screened("elsewhere", "bacterial", "2024-01-07T12:00-05:00", unit_id="pool", kit_lot="KITS-2", **CULTURE),
    screened("elsewhere", "bacterial", "2024-01-08T12:00-05:00", unit_id="import", kit_lot="KITS-2", **CULTURE),
    screened("by kits", "abo_rhd", "2024-02-09T12:00-05:00", "O positive", kit_lot="KITS-1"),
]
EVENTS = [
    event("called too", "quarantined", "2024-03-11T09:00-04:00", reason="donor_callback"),
    event("recalled", "recalled", "2024-03-12", is_date_only=True, facility_id="C1", reason="kits"),
    event("split", "recalled", "2024-03-12T23:30-04:00", facility_id="C1"),
    event("import", "recalled", "2024-03-12T23:30-04:00", facility_id="nowhere"),
    event("not here", "recalled", "2024-03-12T23:30-04:00", facility_id="C1"),
    event("recalled", "quarantined", "2024-03-12T23:30-04:00", reason="label"),
]
USED = {"facility_id": "H1", "patient_key": K, "ended_at": "2024-03-10T10:00-04:00", "ended_on": "2024-03-10"}
UNITS = [
    unit("nat 0", "nat 0"),
    unit("nat 1", "nat 1", "transfused", **USED),
    unit("nat 2", "nat 2", "exported"),
    unit("nat 3", "nat 3", "quarantined", is_reactive=True),
    unit("nat 4", "nat 4"),
    unit("ab 0", "ab 0"),
    unit("ab 1", "ab 1", "fate_unknown"),
    unit("ab 2", "ab 2", "available", issued_at="2024-02-05T10:00-05:00", received_at="2024-02-09T10:00-05:00"),
    unit("wnv 0", "wnv 0"),
    unit("wnv 1", "wnv 1", "reserved", patient_key=K),
    unit("hbv 1", "hbv 1", "in_transit"),
    unit("cultured a", "cultured", "transfused", **USED),
    unit("cultured b", "cultured", "discarded", is_reactive=True),
    unit("cultured before", "cultured before"),
    unit("p1 platelets", "p1", "consumed"),
    unit("p1 red cells", "p1"),
    unit("p2 platelets", "p2", "consumed"),
    unit("pool", None, "consumed", is_reactive=True),
    unit("pool in a pool", None, "consumed"),
    unit("washed", None, "transfused", **USED),
    unit("import", None, is_imported=True, collected_at=None),
    unit("of import", None, "outdated"),
    unit("called too", "called too"),
    unit("recalled", "recalled"),
    unit("split", "divided", "consumed"),
    unit("part", "divided", "lost"),
    unit("in bags", "in bags"),
    unit("in later bags", "in later bags"),
    unit("by kits", "by kits"),
]
DONORS = {row["din"]: row["donor_key"] for row in DONATIONS}
UNITS = [{**row, "donor_key": DONORS.get(row["donation_key"])} for row in UNITS]
PARENTS = [
    made("pool", "p1 platelets", "pooled"),
    made("pool", "p2 platelets", "pooled"),
    made("pool in a pool", "pool", "pooled"),
    made("washed", "pool in a pool", "modified"),
    made("of import", "import", "modified"),
    made("part", "split", "divided"),
    made("made tomorrow", "wnv 1", "modified"),
]
POOL = {"p1 platelets", "p2 platelets", "p1 red cells", "pool", "pool in a pool", "washed"}
Frames = Mapping[str, DataFrame]


@pytest.fixture(scope="module")
def tables(spark: SparkSession) -> Frames:
    """All frames that the builds and the laws take, with what they built."""
    feeds = {
        "donations": DONATIONS,
        "donation_events": SESSIONS,
        "test_results": RESULTS,
        "unit_events": EVENTS,
        "unit_parents": PARENTS,
    }
    known: dict[str, DataFrame] = {}
    for build in (look_backs.build, look_back_units.build):
        known |= inputs(spark, build, feeds)
    known = {name: rows.localCheckpoint() for name, rows in known.items()}
    known["units"] = frame(spark, units.TABLE, UNITS).localCheckpoint()
    for step in (look_backs, look_back_units):
        known[step.TABLE.name] = built(step.build, known).localCheckpoint()
    return known


def built(build: Any, known: Frames, **options: Any) -> DataFrame:
    given = {"as_of": AS_OF, "params": PARAMS, **options}
    found: DataFrame = build(*[known[name] for name in parameters(build)], **given)
    return found


@pytest.fixture(scope="module")
def cases(tables: Frames) -> dict[tuple[str, str], dict[str, Any]]:
    """(trigger, what it is about) -> the case."""
    rows = [row.asDict() for row in tables["look_backs"].collect()]
    return {(row["trigger"], row["donation_key"] or row["unit_id"] or row["lot"]): row for row in rows}


@pytest.fixture(scope="module")
def listed(tables: Frames, cases: dict[tuple[str, str], dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """(what the case is about, unit) -> the row."""
    about = {case["case_id"]: subject for (_, subject), case in cases.items()}
    return {(about[row["case_id"]], row["unit_id"]): row.asDict() for row in tables["look_back_units"].collect()}


def day(text: str) -> date:
    return date.fromisoformat(text)


def test_cases__are_opened_by_what_casts_doubt_and_by_nothing_else(cases: Mapping[tuple[str, str], Any]) -> None:
    of_result = ("nat 3", "ab 3", "both", "hbv 2", "wnv 2", "twice 2", "twice 3", "again 3", "failed", "tonight")
    assert set(cases) == {
        *(("reactive_result", din) for din in of_result),
        ("positive_culture", "cultured"),
        ("positive_culture", "pool"),
        ("donor_callback", "called"),
        ("donor_callback", "called too"),
        ("recalled", "recalled"),
        ("recalled", "divided"),
        ("recalled", "import"),
        ("bag_lot", "BAGS-1"),
        ("kit_lot", "KITS-1"),
        ("kit_lot", "KITS-2"),
    }


@pytest.mark.parametrize(
    ("din", "rule", "first_day", "triggered_on", "screened_on", "sourced"),
    [
        ("nat 3", "nat_reactive", "2023-02-28", "2024-02-29", "2024-01-05", True),
        ("ab 3", "last_screen", "2023-01-31", "2024-03-09", "2024-01-31", True),
        ("both", "all_prior", None, "2024-03-09", None, True),
        ("hbv 2", "all_prior", None, "2024-03-02", "2012-06-02", False),
        ("wnv 2", "months_of_marker", "2023-11-10", "2024-03-10", None, False),
        ("twice 2", "last_screen", "2023-01-03", "2024-02-03", "2024-01-03", True),
        ("twice 3", "last_screen", "2023-01-03", "2024-03-03", "2024-01-03", True),
        ("again 3", "last_screen", "2023-02-06", "2024-03-01", "2024-02-06", True),
        ("failed", "all_prior", None, "2024-03-09", None, False),
        ("tonight", "all_prior", None, "2024-03-31", None, False),
    ],
)
def test_window__of_a_reactive_result(
    cases: Mapping[tuple[str, str], Any],
    din: str,
    rule: str,
    first_day: str | None,
    triggered_on: str,
    screened_on: str | None,
    sourced: bool,
) -> None:
    case = cases["reactive_result", din]
    found = (case["window_rule"], case["window_from"], case["triggered_on"], case["last_screen_on"])
    wanted = (rule, first_day and day(first_day), day(triggered_on), screened_on and day(screened_on))
    assert (*found, case["is_window_sourced"]) == (*wanted, sourced)
    assert case["window_to"] == case["triggered_on"]


def test_case__tells_what_was_found_and_by_which_record(cases: Mapping[tuple[str, str], Any]) -> None:
    findings = {
        subject: (case["marker"], case["nat_result"], case["antibody_result"], case["supplemental_result"])
        for (trigger, subject), case in cases.items()
        if trigger == "reactive_result"
    }
    assert findings["nat 3"] == ("hiv", "reactive", "non_reactive", None)
    assert findings["ab 3"] == ("hcv", None, "reactive", "non_reactive")
    assert findings["both"] == ("hiv", "reactive", "reactive", None)
    assert findings["twice 2"] == ("hiv", "non_reactive", "reactive", None)
    assert findings["failed"] == ("unknown", None, None, None)
    opened = {subject: (case["opened_by_feed"], case["opened_by_record"]) for (_, subject), case in cases.items()}
    assert opened["ab 3"] == ("test_results", "ab 3 hcv 2024-03-09T13:00-05:00")
    assert opened["failed"] == ("donations", "failed")
    assert opened["recalled"] == ("unit_events", "recalled recalled")
    assert opened["KITS-1"] == ("params", "look_back_lots")


@pytest.mark.parametrize(
    ("subject", "on", "rule"),
    [
        (("positive_culture", "cultured"), "2024-03-10", "donation"),
        (("positive_culture", "pool"), "2024-01-06", "unit"),
        (("donor_callback", "called"), "2024-03-10", "donation"),
        (("donor_callback", "called too"), "2024-03-11", "donation"),
        (("recalled", "recalled"), "2024-03-12", "donation"),
        (("recalled", "divided"), "2024-03-12", "donation"),
        (("recalled", "import"), "2024-03-13", "unit"),  # no known facility: UTC
        (("bag_lot", "BAGS-1"), "2024-03-01", "lot"),
    ],
)
def test_trigger__of_a_donation_a_unit_or_a_lot(
    cases: Mapping[tuple[str, str], Any], subject: tuple[str, str], on: str, rule: str
) -> None:
    assert (cases[subject]["triggered_on"], cases[subject]["window_rule"]) == (day(on), rule)
    assert not cases[subject]["is_window_sourced"]


def test_deadlines__count_days_from_the_local_day(cases: Mapping[tuple[str, str], Any]) -> None:
    case = cases["reactive_result", "nat 3"]
    found = [case[name] for name in ("quarantine_by", "consignee_by", "recipient_by")]
    assert found == [day("2024-03-03"), day("2024-04-14"), day("2024-05-23")]


def units_of(listed: Mapping[tuple[str, str], Any], subject: str) -> set[str]:
    return {unit_id for about, unit_id in listed if about == subject}


@pytest.mark.parametrize(
    ("subject", "unit_ids"),
    [
        ("nat 3", {"nat 1", "nat 2", "nat 3"}),
        ("ab 3", {"ab 1", "ab 2"}),
        ("hbv 2", {"hbv 1"}),
        ("wnv 2", {"wnv 1"}),
        ("cultured", {"cultured a", "cultured b"}),
        ("pool", POOL),
        ("divided", {"split", "part"}),
        ("import", {"import", "of import"}),
        ("BAGS-1", {"in bags"}),
        ("KITS-1", {"by kits"}),
        ("KITS-2", {*POOL, "import", "of import"}),
        ("called", set()),
        ("called too", {"called too"}),
    ],
)
def test_units__in_doubt(listed: Mapping[tuple[str, str], Any], subject: str, unit_ids: set[str]) -> None:
    assert units_of(listed, subject) == unit_ids


@pytest.mark.parametrize(
    ("subject", "unit_id", "path", "donations", "is_index"),
    [
        ("nat 3", "nat 3", "donation", 1, True),
        ("nat 3", "nat 1", "donation", 1, False),
        ("pool", "pool", "donation > pooled", 2, False),
        ("pool", "washed", "donation > pooled > pooled > modified", 2, False),
        ("divided", "part", "donation > divided", 1, True),
        ("import", "of import", "unit > modified", 0, False),
        ("KITS-2", "pool", "donation > pooled", 2, False),
        ("KITS-2", "of import", "unit > modified", 0, False),
    ],
)
def test_path__from_the_donation(
    listed: Mapping[tuple[str, str], Any], subject: str, unit_id: str, path: str, donations: int, is_index: bool
) -> None:
    row = listed[subject, unit_id]
    assert (row["path"], row["donations"], row["is_index"]) == (path, donations, is_index)


@pytest.mark.parametrize(
    ("place", "fate", "is_to_quarantine", "patient_key"),
    [
        (("nat 3", "nat 1"), "transfused", False, K),
        (("nat 3", "nat 2"), "gone", False, None),
        (("nat 3", "nat 3"), "in_stock", False, None),
        (("ab 3", "ab 1"), "unknown", False, None),
        (("ab 3", "ab 2"), "in_stock", True, None),  # it came back from the hospital
        (("hbv 2", "hbv 1"), "in_transit", True, None),
        (("wnv 2", "wnv 1"), "in_stock", True, None),  # reserved is not received
        (("pool", "p1 platelets"), "gone", False, None),
    ],
)
def test_fate(
    listed: Mapping[tuple[str, str], Any],
    place: tuple[str, str],
    fate: str,
    is_to_quarantine: bool,
    patient_key: str | None,
) -> None:
    row = listed[place]
    assert (row["fate"], row["is_to_quarantine"], row["patient_key"]) == (fate, is_to_quarantine, patient_key)


def balances(tables: Frames) -> dict[str, int]:
    found = {}
    for law in LAWS:
        (row,) = built(law.check, tables).collect()
        found[row["law"]] = row["difference"]
    return found


def test_laws__hold(tables: Frames) -> None:
    assert balances(tables) == dict.fromkeys([law.name for law in LAWS], 0)


def test_laws__notice_what_is_left_out_and_what_is_made_up(spark: SparkSession, tables: Frames) -> None:
    lost = {
        **tables,
        "look_backs": tables["look_backs"].where("coalesce(donation_key, '') NOT IN ('nat 3', 'recalled')"),
        "look_back_units": tables["look_back_units"].where("unit_id <> 'nat 3'"),
        "units": tables["units"].where("unit_id <> 'nat 1'"),
    }
    assert balances(lost) == {
        "look_backs.reactive": -1,
        "look_backs.called": -1,
        "look_back_units.known": 1,
        "look_back_units.index": -1,
        "look_back_units.reactive": 1,
    }


def test_empty_lake__has_no_look_backs(spark: SparkSession, tables: Frames) -> None:
    empty = {name: rows.limit(0) for name, rows in tables.items()}
    assert built(look_backs.build, empty).isEmpty()
    assert built(look_back_units.build, empty).isEmpty()
