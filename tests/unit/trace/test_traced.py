"""Look-back on request over a small lake: what each question finds, and that no raw id of a person is anywhere.

Donor d1 gave X1 (red cells to patient p1, platelets into a pool) and X3; d2 gave X2 (platelets into the pool). The
pool went to p2. A hospital sent the red cells of X3 back. d3 gave X5 and d4 X6, both in bag B5: of its red cells some
say X5, some nothing but the bag, and some X7, which is not here. An import of donation F1, bag FB1, was washed.
"""

import io
import itertools
import json
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.catalogue import TABLES
from lakehouse.cli import Outcome, Run, main
from lakehouse.l2.derivatives import units
from lakehouse.l2.pipeline import L2_TABLES
from lakehouse.l2.pseudonym import hmac_sha256, key_id
from lakehouse.release import RELEASES, Release, ReleaseReader, find_release, publish
from lakehouse.storage.lake import Lake
from lakehouse.trace.answer import answer
from lakehouse.trace.find import Finder
from lakehouse.trace.follow import KINDS, follow
from lakehouse.traced import look_back_job, look_back_options
from tests.support.lakes import KEY
from tests.support.lives import DEFAULTS, VERSION
from tests.support.rows import frame
from tests.support.spreadsheets import parts, sheets

DONOR, OTHER_DONOR, PATIENT, OTHER_PATIENT = "RAW-DONOR-1", "RAW-DONOR-2", "RAW-PATIENT-1", "RAW-PATIENT-2"
SHARING, SHARING_TOO, SHARED_WITH = "RAW-DONOR-3", "RAW-DONOR-4", "RAW-PATIENT-3"
RAW = (DONOR, OTHER_DONOR, PATIENT, OTHER_PATIENT, SHARING, SHARING_TOO, SHARED_WITH)
KEYS = {raw: hmac_sha256(KEY.encode())(raw) for raw in RAW}
AT = "2024-03-01T12:00-05:00"
UNIT = {"component": "red_cells", "is_reactive": False, "facility_id": "C1", "facility_kind": "processing"}
ROWS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "donations": [
        {"donation_key": "X1", "din": "X1", "bag_id": "B1", "donor_key": KEYS[DONOR], "bag_lot": "BL1"},
        {"donation_key": "X2", "din": "X2", "bag_id": "B2", "donor_key": KEYS[OTHER_DONOR], "bag_lot": "BL2"},
        {"donation_key": "X3", "din": "X3", "bag_id": "B3", "donor_key": KEYS[DONOR], "bag_lot": "BL2"},
        {"donation_key": "X4", "din": "X4", "bag_id": "B4", "donor_key": KEYS[DONOR], "bag_lot": "BL-void"}
        | {"is_void": True},
        {"donation_key": "X5", "din": "X5", "bag_id": "B5", "donor_key": KEYS[SHARING]},
        {"donation_key": "X6", "din": "X6", "bag_id": "B5", "donor_key": KEYS[SHARING_TOO]},
    ],
    "components": [
        {"unit_id": "X3-r", "din": "X3", "bag_id": "B3"},
        {"unit_id": "pool"},
        {"unit_id": "X5-r", "din": "X5", "bag_id": "B5"},
        {"unit_id": "B5-r", "bag_id": "B5"},
        {"unit_id": "X7-r", "din": "X7", "bag_id": "B5"},
        {"unit_id": "import", "din": "F1", "bag_id": "FB1"},
        {"unit_id": "made tomorrow", "din": "F1", "bag_id": "FB1"},
    ],
    "units": [
        {**UNIT, "unit_id": "X1-r", "donation_key": "X1", "state": "transfused", "patient_key": KEYS[PATIENT]},
        {**UNIT, "unit_id": "X1-p", "donation_key": "X1", "state": "consumed"},
        {**UNIT, "unit_id": "X2-p", "donation_key": "X2", "state": "consumed"},
        {**UNIT, "unit_id": "pool", "state": "transfused", "patient_key": KEYS[OTHER_PATIENT], "ended_at": AT},
        {**UNIT, "unit_id": "X3-r", "donation_key": "X3", "state": "reserved", "patient_key": KEYS[PATIENT]},
        {**UNIT, "unit_id": "X5-r", "donation_key": "X5", "state": "available"},
        {**UNIT, "unit_id": "B5-r", "state": "transfused", "patient_key": KEYS[SHARED_WITH]},
        {**UNIT, "unit_id": "X7-r", "state": "available"},
        {**UNIT, "unit_id": "import", "state": "consumed"},
        {**UNIT, "unit_id": "washed", "state": "available"},
    ],
    "unit_parents": [
        {"unit_id": "pool", "parent_unit_id": "X1-p", "kind": "pooled", "made_at": AT},
        {"unit_id": "pool", "parent_unit_id": "X2-p", "kind": "pooled", "made_at": AT},
        {"unit_id": "washed", "parent_unit_id": "import", "kind": "modified", "made_at": AT},
    ],
    "dispositions": [
        {"disposition_id": "e1", "unit_id": "X1-r", "kind": "transfused", "happened_at": AT, "facility_id": "H1"}
        | {"patient_key": KEYS[PATIENT], "reason": "=1+1"},
    ],
    "distribution": [
        {"distribution_id": "m1", "unit_id": "X3-r", "kind": "issue", "shipped_at": AT, "npi": "111"},
        {"distribution_id": "m2", "unit_id": "X3-r", "kind": "return", "shipped_at": AT, "to_facility_id": "C1"},
        {"distribution_id": "m3", "bag_id": "B1", "distributed_at": AT, "npi": "111"},
    ],
    "unit_events": [
        {"unit_event_id": "v1", "unit_id": "X3-r", "kind": "recalled", "happened_at": AT, "reason": "@SUM(A1)"}
    ],
    "test_results": [
        {"test_id": "t1", "din": "X1", "marker": "hiv", "resulted_at": AT, "kit_lot": "KL1"},
        {"test_id": "t2", "din": "X2", "unit_id": "X2-p", "marker": "bacterial", "resulted_at": AT, "kit_lot": "KL2"},
        {"test_id": "t3", "din": "X2", "unit_id": "not here", "marker": "bacterial", "resulted_at": AT}
        | {"kit_lot": "KL3"},
    ],
    "facilities": [{"facility_id": "H1", "name": "Hill Hospital"}, {"facility_id": "C1", "name": "Centre"}],
    "hospitals": [{"npi": "111", "name": "Lake Hospital"}, {"npi": "222", "name": "Not asked for"}],
    "look_backs": [{"case_id": "c1", "trigger": "recalled", "donation_key": "X3", "donor_key": KEYS[DONOR]}],
    "look_back_units": [{"case_id": "c1", "unit_id": "X3-r", "donation_key": "X3", "fate": "in_stock"}],
}
PUBLISHED = datetime(2024, 3, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    """How the job ended, its last line, what it printed before, and its spreadsheet's bytes."""

    code: int
    line: dict[str, Any]
    printed: str
    content: bytes

    @property
    def found(self) -> dict[str, list[dict[str, str]]]:
        return sheets(self.content)


Ask = Callable[..., Asked]


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with one release of these rows."""
    lake = Lake(spark, str(tmp_path_factory.mktemp("lake")), run_id="test")
    versions = {}
    for name, rows in ROWS.items():
        table, derived = L2_TABLES[name], name in ("units", "look_backs", "look_back_units")
        whole = [{**({} if derived else VERSION), **DEFAULTS.get(name, {}), **row} for row in rows]
        lake.create(table)
        lake.append(table, frame(spark, table, whole))
        versions[table.path] = lake.version(table) or 0
    lake.create(RELEASES)
    about = {"consumed": {}, "held": {}, "suites_sha": "", "params_sha": "", "code_sha": "", "run_id": "test"}
    publish(
        lake,
        Release(1, date(2024, 3, 1), versions, key_id=key_id(KEY.encode()), published_at=PUBLISHED, **about),
    )
    return lake


@pytest.fixture
def ask(lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run the job as jobs/look_back.py would, on the tests' session."""
    monkeypatch.setenv("LAKEHOUSE_KEY", KEY)

    def body(run: Run) -> Outcome:
        run.__dict__["lake"] = lake
        return look_back_job(run)

    def run_job(*argv: str) -> Asked:
        options = ["--lake", lake.root, *argv]
        code = main("look_back", "Trace.", body, lambda: PUBLISHED, look_back_options, options)
        said = capsys.readouterr()
        lines = said.out.splitlines()
        line = json.loads(lines[-1])
        place = line.get("spreadsheet")
        return Asked(code, line, said.out + said.err, Path(place).read_bytes() if place else b"")

    return run_job


@pytest.mark.parametrize(
    ("kind", "value", "donations", "unit_ids"),
    [
        ("donor", KEYS[DONOR], "X1 X3", "X1-r X1-p X3-r pool"),
        ("bag", "B2", "X2", "X2-p pool"),
        ("din", "X3", "X3", "X3-r"),
        ("unit", "pool", "X1 X2", "X1-r X1-p X2-p pool"),
        ("unit", "X3-r", "X3", "X3-r"),
        ("patient", KEYS[PATIENT], "X1 X3", "X1-r X1-p X3-r pool"),
        ("patient", KEYS[OTHER_PATIENT], "X1 X2 X3", "X1-r X1-p X2-p X3-r pool"),
        ("lot", "BL2", "X2 X3", "X2-p X3-r pool"),
        ("lot", "KL1", "X1", "X1-r X1-p pool"),
        ("lot", "KL2", "X2", "X2-p pool"),
        ("lot", "KL3", "X2", "X2-p pool"),
        ("case", "c1", "X3", "X3-r"),
        ("unit", "nobody's", "", ""),
        # Of an import, or a unit that waits, no donation is here.
        ("din", "F1", "", "import washed"),
        ("bag", "FB1", "", "import washed"),
        ("din", "X7", "", "X7-r"),
        # A shared bag alone may mean either donation; a number says which.
        ("donor", KEYS[SHARING], "X5", "X5-r B5-r"),
        ("donor", KEYS[SHARING_TOO], "X6", "B5-r"),
        ("din", "X5", "X5", "X5-r B5-r"),
        ("bag", "B5", "X5 X6", "X5-r B5-r X7-r"),
        ("unit", "B5-r", "X5 X6", "X5-r B5-r"),
        ("unit", "X5-r", "X5", "X5-r B5-r"),
        ("unit", "X7-r", "", "X7-r"),
        ("patient", KEYS[SHARED_WITH], "X5 X6", "X5-r B5-r"),
    ],
)
def test_follow__finds_all_that_hangs_on_it(lake: Lake, kind: str, value: str, donations: str, unit_ids: str) -> None:
    reader = ReleaseReader(lake, find_release(lake, None), {t.name: t for t in TABLES.values() if t.tier == "l2"})
    trail = follow(Finder(reader, 2), kind, value)
    assert (set(trail.donations), set(trail.units)) == (set(donations.split()), set(unit_ids.split()))


def test_rows__of_many_values_are_found(lake: Lake) -> None:
    reader = ReleaseReader(lake, find_release(lake, None), {"units": units.TABLE})
    others = [f"none's {number}" for number in range(20_000)]
    rows = Finder(reader, 1).rows("units", "unit_id", ["pool", "X3-r", *others, None])
    assert sorted(row["unit_id"] for row in rows) == ["X3-r", "pool"]


def test_rows__hide_withdrawn_records(lake: Lake) -> None:
    reader = ReleaseReader(lake, find_release(lake, None), {"donations": L2_TABLES["donations"]})
    assert Finder(reader, 1).rows("donations", "bag_lot", ["BL-void"]) == []
    stored = lake.read(L2_TABLES["donations"]).where("bag_lot = 'BL-void'")
    assert stored.count() == 1


def test_looking_back__asks_only_by_columns_that_are_written_for_it(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[tuple[str, str]] = set()
    found = ReleaseReader.find

    def spying(reader: ReleaseReader, name: str, column: str, values: Collection[str]) -> list[dict[str, Any]]:
        asked.add((name, column))
        return found(reader, name, column, values)

    monkeypatch.setattr(ReleaseReader, "find", spying)
    reader = ReleaseReader(lake, find_release(lake, None), {t.name: t for t in TABLES.values() if t.tier == "l2"})
    find = Finder(reader, 2)
    values = ("X3-r", "pool", "B2", "X3", KEYS[DONOR], KEYS[PATIENT], "BL2", "KL2", "c1")
    for kind, value in itertools.product(KINDS, values):
        answer(find, follow(find, kind, value), {})
    declared = {(table.name, column) for table in L2_TABLES.values() for column in table.looked_up_by}
    assert asked == declared


def test_donor__is_traced_by_the_raw_id_as_by_the_pseudonym(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    asked, again = ask("--donor", DONOR), ask("--donor", KEYS[DONOR])
    assert (asked.code, asked.line["verdict"], asked.content) == (0, "done", again.content)
    everything = b"".join([*parts(asked.content).values(), asked.printed.encode(), caplog.text.encode()])
    assert not [raw for raw in RAW if raw.encode() in everything]
    assert KEYS[DONOR].encode() in everything


def test_answer__names_places_also_of_hospitals_that_only_their_npi_tells(ask: Ask) -> None:
    found = ask("--donor", DONOR).found
    moved = {row["record"]: (row.get("from_facility_name"), row.get("to_facility_name")) for row in found["movements"]}
    assert moved == {
        **dict.fromkeys(("e1",), ("Hill Hospital", None)),
        **dict.fromkeys(("m1", "m3"), (None, "Lake Hospital")),
        "m2": (None, "Centre"),
        **dict.fromkeys(("v1", "pool|X1-p", "pool|X2-p"), (None, None)),
    }
    assert {row["facility_name"] for row in found["patients"] if row["unit_id"] == "X1-r"} == {"Hill Hospital"}
    assert {row["facility_name"] for row in found["units"]} == {"Centre"}


def test_answer__has_every_unit_with_its_fate_and_every_recipient(ask: Ask) -> None:
    found = ask("--donor", DONOR).found
    assert {row["unit_id"]: (row["path"], row["fate"], row.get("patient_key")) for row in found["units"]} == {
        "X1-r": ("donation", "transfused", KEYS[PATIENT]),
        "X1-p": ("donation", "gone", None),
        "pool": ("donation > pooled", "transfused", KEYS[OTHER_PATIENT]),
        "X3-r": ("donation", "in_stock", None),
    }
    assert {(row["patient_key"], row["unit_id"]) for row in found["patients"]} == {
        (KEYS[PATIENT], "X1-r"),
        (KEYS[OTHER_PATIENT], "pool"),
    }
    moved = {(row["record"], row["what"], row.get("other_unit_id"), row.get("reason")) for row in found["movements"]}
    assert moved == {
        ("e1", "transfused", None, "=1+1"),
        ("v1", "recalled", None, "@SUM(A1)"),
        ("m1", "issue", None, None),
        ("m2", "return", None, None),
        ("m3", "issue", None, None),
        ("pool|X1-p", "pooled from", "X1-p", None),
        ("pool|X2-p", "pooled from", "X2-p", None),
    }
    assert [row["test_id"] for row in found["tests"]] == ["t1"]
    assert [row["case_id"] for row in found["cases"]] == ["c1"]
    counts = {row["what"]: row["value"] for row in found["summary"]}
    wanted = {"donors": "1", "donations": "2", "units": "4", "in_stock": "1", "transfused": "2", "to_quarantine": "1"}
    assert counts | wanted == counts


def test_import__is_found_by_the_number_of_its_donation(ask: Ask) -> None:
    asked = ask("--din", "F1")
    assert (asked.code, asked.line["verdict"]) == (0, "done")
    assert (asked.line["donations"], asked.line["to_quarantine"]) == (0, 1)
    assert {row["unit_id"]: (row["path"], row["fate"]) for row in asked.found["units"]} == {
        "import": ("unit", "gone"),
        "washed": ("unit > modified", "in_stock"),
    }


def test_out__is_where_it_is_written(ask: Ask, tmp_path: Path) -> None:
    asked = ask("--case", "c1", "--out", str(tmp_path / "a b.xlsx"))
    assert asked.line["spreadsheet"] == str(tmp_path / "a b.xlsx")
    assert [row["unit_id"] for row in asked.found["units"]] == ["X3-r"]


@pytest.mark.parametrize(("kind", "value"), [("donor", "RAW-NOBODY"), ("din", "X9"), ("case", "../x"), ("lot", "")])
def test_nothing_found__is_said_and_is_no_failure(ask: Ask, kind: str, value: str) -> None:
    asked = ask(f"--{kind}", value or "=none")
    assert (asked.code, asked.line["verdict"], asked.content) == (0, "nothing", b"")
    assert f"found nothing for {kind}" in asked.printed and "RAW-" not in asked.printed


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("--din", " "), "--din is empty"),
        (("--din", "X1", "--out", "x.csv"), "ends in .xlsx"),
        (("--din", "X1", "--out", "/nowhere/x.xlsx"), "folder that is there"),
        (("--din", "X1", "--known-at", "r000009"), "no release 'r000009'"),
    ],
)
def test_bad_usage__ends_2_with_a_sentence(ask: Ask, argv: tuple[str, ...], message: str) -> None:
    asked = ask(*argv)
    assert (asked.code, asked.line["verdict"]) == (2, "usage") and message in asked.line["message"]


@pytest.mark.parametrize("argv", [(), ("--din", "X1", "--bag", "B1")])
def test_one_question__must_be_asked(ask: Ask, argv: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        ask(*argv)
    assert ended.value.code == 2


def test_another_key__is_refused_before_anybody_is_looked_for(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_KEY", "another key than the lake's")
    asked = ask("--donor", DONOR)
    assert asked.code == 2 and "has " + key_id(KEY.encode()) in asked.line["message"]
    assert DONOR not in asked.printed
    monkeypatch.delenv("LAKEHOUSE_KEY")
    assert ask("--din", "X3").code == 0, "a question about no person needs no key"


def test_value__may_come_from_standard_input(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PATIENT}\n"))
    assert ask("--patient", "-").line["donations"] == 2
