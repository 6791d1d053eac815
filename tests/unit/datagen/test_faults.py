"""Planted faults: each does what it says, the manifest names every one of them, and nothing else is changed."""

import gzip
import shutil
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import orjson
import pytest
from world_files import files_of

from datagen.cli import main
from datagen.faults.kinds import FILE_FAULTS, RECORD_FAULTS, WATCHED_FAULTS, Sent
from datagen.faults.labels import FOLDER, Label, read_manifest
from datagen.faults.plan import ELIGIBLE, FAULTS_PATH, load_faults
from datagen.history import Order, write_day, write_history
from datagen.landing import Folder
from datagen.plan import PlanError
from datagen.planner import load_plans
from lakehouse.domain.check_character import has_valid_check
from lakehouse.l1.feeds import FEEDS

REGION, START = "north_river", date(2024, 1, 1)
VISIT = {
    "visit_id": "V01",
    "donor_id": "D01",
    "event_id": "EV01",
    "visited_at": "2024-02-01T17:59:00Z",
    "outcome": "deferred",
    "deferral_reason": "low haemoglobin",
    "hemoglobin_g_dl": 12.4,
    "recorded_at": "2024-02-01T18:01:00Z",
    "source_system": "donor_register",
}
UNIT = {"unit_id": "X001124000376R-01", "din": "X001124000376R", "component": "red_cells", "blood_type": "A positive"}
EVENT = {"unit_event_id": "UE1", "unit_id": "X001124000364Z-01", "kind": "received"}


def planted(fault: str, feed: str, record: dict[str, object], drawn: float = 0.4) -> list[Sent]:
    return list(RECORD_FAULTS[fault].plant(feed, dict(record), drawn, (3, 9)))


def sole(sent: list[Sent]) -> dict[str, object]:
    (one,) = sent
    record: dict[str, object] = orjson.loads(one.line)
    return record


def history(out: Path, days: int, *options: str) -> None:
    asked = ["history", "--seed", "3", "--start", "2024-01-01", "--days", str(days), "--donors", "1500"]
    assert main([*asked, *options, "--out", str(out)]) == 0


def day(out: Path, on: str, *options: str) -> None:
    assert main(["day", "--date", on, *options, "--out", str(out)]) == 0


def delivered(out: Path, feed: str) -> list[bytes]:
    """The lines of every sound file of a feed."""
    return [line for path in sorted((out / feed).rglob("*.json")) for line in path.read_bytes().splitlines()]


def test_record_faults__small_record_in_faulty_record_out() -> None:
    assert [(s.part, s.days) for s in planted("duplicate", "unit_events", EVENT)] == [("", 0), ("again", 1)]
    assert [(s.part, s.days) for s in planted("late", "unit_events", EVENT)] == [("record", 5)]
    wrong, right = planted("corrected", "donor_visits", VISIT)
    assert orjson.loads(wrong.line)["hemoglobin_g_dl"] == pytest.approx(13.7)
    assert orjson.loads(right.line) == VISIT | {"recorded_at": "2024-02-02T18:01:00Z"}
    _, spurious, withdrawal = planted("voided", "donor_visits", VISIT)
    assert orjson.loads(spurious.line)["visit_id"] == orjson.loads(withdrawal.line)["visit_id"] == "V01W"
    assert orjson.loads(withdrawal.line)["is_void"] is True
    assert sole(planted("wrong_type", "components", UNIT | {"volume_ml": 320.0}))["volume_ml"] == "not measured"
    assert sole(planted("impossible_date", "donor_visits", VISIT))["visited_at"] == "1970-01-01T00:00:00Z"
    assert sole(planted("impossible_date", "donor_visits", VISIT, 0.6))["visited_at"] == "2025-02-01T17:59:00Z"
    assert sole(planted("swapped_abo", "components", UNIT))["blood_type"] == "O positive"
    assert sole(planted("grams_per_litre", "donor_visits", VISIT))["hemoglobin_g_dl"] == 124.0
    (damaged,) = planted("encoding_damage", "donor_visits", VISIT)
    with pytest.raises(UnicodeDecodeError):
        damaged.line.decode()
    own, orphan = (orjson.loads(sent.line) for sent in planted("orphan_key", "unit_events", EVENT))
    assert own == EVENT
    assert orphan["unit_id"] != EVENT["unit_id"]
    assert has_valid_check(orphan["unit_id"][:14])


def test_record_faults__leave_what_others_hang_on() -> None:
    donor = VISIT | {"outcome": "donated"}
    for fault in ("impossible_date", "encoding_damage", "grams_per_litre", "voided"):
        assert planted(fault, "donor_visits", donor) == []
    assert planted("swapped_abo", "components", UNIT | {"component": "plasma"}) == []


def test_watched_faults__issue_before_tests_and_transfusion_after_dating() -> None:
    issue = {"kind": "issue", "shipped_at": "2024-02-03T02:00:00Z", "distribution_date": "2024-02-03T02:00:00Z"}
    early = WATCHED_FAULTS["shipped_before_tested"].plant(issue, "2024-02-02T01:00:00Z", 0.5)
    assert early == {"kind": "issue"} | dict.fromkeys(("shipped_at", "distribution_date"), "2024-02-02T02:00:00Z")
    assert (
        WATCHED_FAULTS["shipped_before_tested"].plant(issue | {"kind": "transfer"}, "2024-02-02T01:00:00Z", 0) is None
    )
    given = {"kind": "transfused", "happened_at": "2024-02-03T02:00:00Z", "recorded_at": "2024-02-03T02:02:00Z"}
    late = WATCHED_FAULTS["transfused_after_dating"].plant(given, "2024-02-04T05:59:00Z", 0.5)
    assert late is not None
    assert late["happened_at"] == "2024-02-04T17:59:00Z"
    assert (
        WATCHED_FAULTS["transfused_after_dating"].plant(given | {"kind": "wasted"}, "2024-02-04T05:59:00Z", 0) is None
    )


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighteen days with many faults, day by day, and twelve without."""
    out = tmp_path_factory.mktemp("faulty")
    often = {name: 1.0 for name in WATCHED_FAULTS} | {name: 0.2 for name in FILE_FAULTS}
    faults = tuple(replace(f, rate=often.get(f.name, min(0.3, 10 * f.rate))) for f in load_faults(FAULTS_PATH))
    store, plans = Folder(out), load_plans()
    write_history(Order(3, START, 1, 1500, faults=faults), plans[REGION], store)
    for day in range(2, 31):
        write_day(REGION, plans, store, is_gzip=False, has_faults=day <= 18)
    return out


@pytest.fixture(scope="module")
def labels(faulty: Path) -> list[Label]:
    return read_manifest(Folder(faulty), REGION)


def test_faults__every_kind_occurs(labels: list[Label]) -> None:
    assert {label.fault for label in labels} == set(ELIGIBLE)


def test_manifest__names_the_very_record(faulty: Path, labels: list[Label]) -> None:
    for label in labels:
        if label.line is None:
            assert (faulty / label.path).is_file()
            continue
        line = (faulty / label.path).read_bytes().splitlines()[label.line - 1]
        if label.fault == "encoding_damage":
            assert b"d\xe9lai" in line
            continue
        record = orjson.loads(line)
        assert {name: record[name] for name in FEEDS[label.feed].key if name in record} == label.key


def test_faults__nothing_else_is_changed(faulty: Path, labels: list[Label], tmp_path: Path) -> None:
    history(tmp_path, 30)
    placed = {(label.path, label.line) for label in labels}
    damaged = {label.path for label in labels if label.line is None}
    for feed in FEEDS:
        sound = Counter(
            line
            for path in (faulty / feed).rglob("*.json")
            if (where := str(path.relative_to(faulty))) not in damaged
            for number, line in enumerate(path.read_bytes().splitlines(), 1)
            if (where, number) not in placed
        )
        if feed == "event_employees":
            continue  # its renamed files come once, as they are
        assert not sound - Counter(delivered(tmp_path, feed)), feed


def test_late__comes_once(faulty: Path, labels: list[Label]) -> None:
    late = {str(label.key["test_id"]).encode() for label in labels if label.fault == "late" and "test_id" in label.key}
    lines = Counter(test for line in delivered(faulty, "test_results") for test in late if b'"%b"' % test in line)
    assert late
    assert set(lines.values()) == {1}


def test_faults__clean_world_has_none(tmp_path: Path) -> None:
    history(tmp_path, 3)
    assert not (tmp_path / FOLDER).exists()


def test_faults__same_seed_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        history(tmp_path / name, 5, "--faults")
    assert files_of(tmp_path / "one") == files_of(tmp_path / "other")


def test_faults__a_day_lived_again_is_the_same(tmp_path: Path) -> None:
    history(tmp_path, 20, "--faults")
    world = tmp_path / ".world"
    shutil.copytree(world, tmp_path / "kept")
    day(tmp_path, "2024-01-21")
    first = files_of(tmp_path)
    shutil.rmtree(world)
    (tmp_path / "kept").rename(world)
    day(tmp_path, "2024-01-21")
    assert files_of(tmp_path) == {name: body for name, body in first.items() if not name.startswith("kept")}


def test_faults__the_same_records_whether_by_month_or_by_day(tmp_path: Path) -> None:
    history(tmp_path / "month", 12, "--faults")
    history(tmp_path / "days", 6, "--faults")
    for number in range(7, 13):
        day(tmp_path / "days", f"2024-01-{number:02d}")

    def of_records(out: Path) -> set[tuple[str, str]]:
        found = read_manifest(Folder(out), REGION)
        # What comes days later may still be due at the end of either.
        settled = ("wrong_type", "swapped_abo", "grams_per_litre", "impossible_date", "orphan_key")
        return {(label.fault, str(label.key)) for label in found if label.fault in settled}

    month, days = of_records(tmp_path / "month"), of_records(tmp_path / "days")
    assert month
    # A record in a damaged file carries that fault alone.
    assert len(month ^ days) <= 2


def test_truncated_file__breaks_off_and_comes_whole(faulty: Path, labels: list[Label]) -> None:
    (label, *_) = [label for label in labels if label.fault == "truncated_file"]
    with pytest.raises(EOFError):
        gzip.decompress((faulty / label.path).read_bytes())
    assert (faulty / label.path.replace(".json.gz", "-again.json")).is_file()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[unheard_of]\nrate = 0.1\nfeeds = []", "found fault unheard_of; known are"),
        ("[late]\nrate = 2\nfeeds = []", "late.rate is 2; wanted 0 to 1"),
        ("[late]\nrate = 0.1", "late.feeds is missing"),
        (
            "[corrected]\nrate = 0.1\nfeeds = ['donors']",
            "corrected.feeds has donors; it can be planted in donor_visits",
        ),
        ("[late]\nrate = 0.1\nfeeds = []\ndays = [0, 2]", "late.days is [0, 2]"),
        ("late = 3", "late = 3; wanted a section"),
        ("rate = ", "Invalid value"),
    ],
)
def test_fault_plan__says_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(PlanError, match="fault plan") as told:
        load_faults(tmp_path / "bad.toml")
    assert said in str(told.value)


def test_fault_plan__has_every_fault_with_a_rate() -> None:
    faults = load_faults(FAULTS_PATH)
    assert {fault.name for fault in faults} == {*RECORD_FAULTS, *WATCHED_FAULTS, *FILE_FAULTS}
    assert all(0 < fault.rate < 0.2 for fault in faults)
    assert {feed for fault in faults for feed in fault.feeds} <= set(FEEDS)


def test_crimsoncache_database__has_no_planted_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["history", "--start", "2024-01-01", "--days", "2", "--donors", "100", "--format", "crimsoncache"]
    assert main([*asked, "--faults", "--out", str(tmp_path / "x.sqlite3")]) == 2
    assert "no planted faults" in capsys.readouterr().err
