"""What becomes of each landing file, by what it holds and what the ledger knows."""

import gzip
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import BinaryIO

import pytest

from lakehouse.config import IngestConf
from lakehouse.errors import UsageError
from lakehouse.l1.ledger import FileEvent, Ledger, batch_id, batch_number
from lakehouse.l1.plan import Plan, delivered_on, file_id, list_landing, make_plan
from lakehouse.storage.files import LocalFiles

FEEDS = ("donors", "hospitals")
CONF = IngestConf(settle_seconds=0, max_line_bytes=1000, segment_bytes=1000, attempts=3)
NOW = 2_000_000_000.0
DAY = "donors/2024/03/01"


class Landing:
    """A landing folder, the ledger over it, and runs that plan and then load all that is planned."""

    def __init__(self, root: Path) -> None:
        self.root, self.files, self.ledger = root, LocalFiles(str(root)), Ledger()

    def put(self, path: str, content: bytes = b'{"donor_id":"D1"}\n', age_seconds: float = 100) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        os.utime(target, (NOW - age_seconds, NOW - age_seconds))

    def plan(self, conf: IngestConf = CONF) -> Plan:
        return make_plan(self.files, list_landing(self.files, FEEDS), self.ledger, conf, NOW)

    def run(self, failing: tuple[str, ...] = ()) -> dict[str, str]:
        """Plan, load but for the files that fail, and say what became of each file."""
        events = self.plan().events
        self.ledger.take(events)
        planned = [event for event in events if event.event == "planned"]
        self.ledger.take(replace(e, event="failed" if e.path in failing else "loaded", segments=()) for e in planned)
        return {event.path: event.event for event in events}


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path)


def messages(plan: Plan) -> dict[str, str]:
    return {event.path: event.message for event in plan.events}


def test_list_landing__of_nothing_is_nothing(tmp_path: Path) -> None:
    assert list_landing(LocalFiles(str(tmp_path / "none")), FEEDS) == []


def test_list_landing__names_every_folder_that_is_no_feeds(landing: Landing) -> None:
    for path in (f"{DAY}/a.json", "donor/a.json", "Hospitals/a.json", "notes.txt", ".git/a", "_tmp/a"):
        landing.put(path)
    with pytest.raises(
        UsageError, match=r"^landing holds Hospitals, donor, notes.txt; the feeds are donors, hospitals$"
    ):
        list_landing(landing.files, FEEDS)


def test_list_landing__walks_deep_and_passes_over_what_is_hidden(landing: Landing) -> None:
    deep = "donors/" + "/".join(f"level {n} é" for n in range(30)) + "/ü a.json"
    for path in (
        f"{DAY}/b.json",
        deep,
        f"{DAY}/.b.json.swp",
        f"{DAY}/_SUCCESS",
        "donors/_tmp/x/a.json",
        "donors/0.json",
    ):
        landing.put(path)
    assert [info.path for info in list_landing(landing.files, FEEDS)] == ["donors/0.json", f"{DAY}/b.json", deep]


def test_plan__takes_a_new_file_with_its_day_and_id(landing: Landing) -> None:
    landing.put(f"{DAY}/a.json", b'{"donor_id":"D1"}\n\n{}')
    (event,) = landing.plan().events
    assert (event.event, event.feed, event.batch_seq, event.attempt) == ("planned", "donors", 1, 1)
    assert (event.delivered_on, event.lines, event.records) == (date(2024, 3, 1), 3, 2)
    assert event.file_id == file_id(f"{DAY}/a.json", event.sha256) and 0 <= event.file_id < 2**63
    assert len(event.segments) == 1


def test_plan__does_nothing_about_files_that_have_ended(landing: Landing) -> None:
    landing.put(f"{DAY}/a.json")
    landing.put(f"{DAY}/b.json", b"[]")
    landing.put(f"{DAY}/c.json")
    assert landing.run() == {f"{DAY}/a.json": "planned", f"{DAY}/b.json": "parked", f"{DAY}/c.json": "duplicate"}
    assert landing.plan() == Plan((), 0)


def test_plan__waits_no_longer_for_a_parked_file_that_is_gone(landing: Landing) -> None:
    landing.put(f"{DAY}/a.json")
    landing.put(f"{DAY}/b.json", b"[]")
    landing.run()
    assert [event.path for event in landing.ledger.left_out()] == [f"{DAY}/b.json"]
    for name in ("a.json", "b.json"):
        (landing.root / DAY / name).unlink()
    assert landing.run() == {f"{DAY}/b.json": "gone"}
    assert landing.ledger.left_out() == []
    assert landing.plan() == Plan((), 0)
    landing.put(f"{DAY}/b.json", b"[]")
    assert landing.run() == {f"{DAY}/b.json": "parked"}


@pytest.mark.parametrize(("age_seconds", "waits"), [(4, True), (5, False), (-4, True), (-5000, False)])
def test_plan__lets_a_young_file_wait(landing: Landing, age_seconds: float, waits: bool) -> None:
    landing.put(f"{DAY}/a.json", age_seconds=age_seconds)
    plan = landing.plan(replace(CONF, settle_seconds=5))
    assert (plan.waiting, len(plan.events)) == ((1, 0) if waits else (0, 1))


class Moving(LocalFiles):
    """Files of which one is written on while it is read."""

    def open(self, path: str, offset: int = 0) -> BinaryIO:
        stream = super().open(path, offset)
        with (self._base / path).open("ab") as more:
            more.write(b"{}\n")
        return stream


def test_plan__lets_a_file_that_grows_while_it_is_read_wait(landing: Landing) -> None:
    landing.put(f"{DAY}/a.json")
    landing.files = Moving(str(landing.root))
    assert landing.plan() == Plan((), 1)


def test_plan__lets_a_file_that_vanishes_wait(landing: Landing) -> None:
    landing.put(f"{DAY}/a.json")
    infos = list_landing(landing.files, FEEDS)
    (landing.root / DAY / "a.json").unlink()
    assert make_plan(landing.files, infos, landing.ledger, CONF, NOW) == Plan((), 1)


def test_plan__names_the_first_of_the_same_bytes_in_duplicates(landing: Landing) -> None:
    landing.put("donors/z.json")
    landing.put(f"{DAY}/a.json")
    landing.put("hospitals/a.json")
    assert messages(landing.plan()) == {
        f"{DAY}/a.json": "",
        "donors/z.json": f"the same bytes as {DAY}/a.json",
        "hospitals/a.json": "",
    }
    landing.run()
    landing.put("donors/later.json")
    assert messages(landing.plan()) == {"donors/later.json": f"the same bytes as {DAY}/a.json"}


def test_plan__takes_empty_files_one_by_one(landing: Landing) -> None:
    landing.put(f"{DAY}/a.json", b"")
    landing.put(f"{DAY}/b.json", b"")
    assert landing.run() == {f"{DAY}/a.json": "planned", f"{DAY}/b.json": "planned"}


def test_plan__of_parked_twins_parks_both(landing: Landing) -> None:
    landing.put(f"{DAY}/a.json", b"[]")
    landing.put(f"{DAY}/b.json", b"[]")
    assert landing.run() == {f"{DAY}/a.json": "parked", f"{DAY}/b.json": "parked"}


def test_plan__takes_the_twin_of_a_file_that_changed_before_it_was_loaded(landing: Landing) -> None:
    landing.put(f"{DAY}/a.json")
    landing.put(f"{DAY}/b.json")
    assert landing.run(failing=(f"{DAY}/a.json",)) == {f"{DAY}/a.json": "planned", f"{DAY}/b.json": "duplicate"}
    landing.put(f"{DAY}/a.json", b'{"donor_id":"another"}')
    assert landing.run() == {f"{DAY}/a.json": "planned", f"{DAY}/b.json": "planned"}
    assert landing.plan() == Plan((), 0)


def test_plan__says_unchanged_once_of_a_touched_file(landing: Landing) -> None:
    landing.put(f"{DAY}/a.json")
    landing.run()
    landing.put(f"{DAY}/a.json", age_seconds=50)
    assert landing.run() == {f"{DAY}/a.json": "unchanged"}
    assert landing.plan() == Plan((), 0)


def test_plan__takes_new_bytes_under_an_old_name_and_knows_the_old_ones_again(landing: Landing) -> None:
    landing.put(f"{DAY}/a.json", b"{}")
    landing.run()
    landing.put(f"{DAY}/a.json", b'{"donor_id":"D2"}', age_seconds=50)
    assert landing.run() == {f"{DAY}/a.json": "planned"}
    landing.put(f"{DAY}/a.json", b"{}", age_seconds=20)
    assert landing.run() == {f"{DAY}/a.json": "unchanged"}
    assert landing.plan() == Plan((), 0)


def test_plan__tries_an_unreadable_file_and_then_parks_it(landing: Landing) -> None:
    landing.put(f"{DAY}/a.json.gz", gzip.compress(b"{}\n" * 99)[:-9])
    why = "can't be read: the compressed stream is truncated"
    seen = []
    for _ in range(3):
        seen.append(messages(landing.plan())[f"{DAY}/a.json.gz"])
        last = landing.run()
    assert seen == [f"{why} (try {number} of 3)" for number in (1, 2, 3)]
    assert last == {f"{DAY}/a.json.gz": "parked"} and landing.plan() == Plan((), 0)


def test_plan__takes_an_unreadable_file_once_it_is_whole(landing: Landing) -> None:
    whole = gzip.compress(b"{}\n" * 99)
    landing.put(f"{DAY}/a.json.gz", whole[:-9])
    assert landing.run() == {f"{DAY}/a.json.gz": "failed"}
    landing.put(f"{DAY}/a.json.gz", whole, age_seconds=50)
    assert landing.run() == {f"{DAY}/a.json.gz": "planned"}


class Broken(LocalFiles):
    """Files that the disk gives back only in part, or not at all."""

    is_openable = True

    def open(self, path: str, offset: int = 0) -> BinaryIO:
        if not self.is_openable:
            raise PermissionError(13, "Permission denied")
        stream = super().open(path, offset)
        reads = iter((stream.read(5),))

        class Part:
            def read(self, _: int) -> bytes:
                for piece in reads:
                    return piece
                raise OSError(5, "Input/output error")

            def __enter__(self) -> "Part":
                return self

            def __exit__(self, *_: object) -> None:
                stream.close()

        return Part()  # type: ignore[return-value]


@pytest.mark.parametrize("is_openable", [True, False])
def test_plan__parks_a_file_that_the_disk_does_not_give(landing: Landing, is_openable: bool) -> None:
    landing.put(f"{DAY}/a.json")
    landing.files = Broken(str(landing.root))
    landing.files.is_openable = is_openable  # type: ignore[attr-defined]
    assert [landing.run()[f"{DAY}/a.json"] for _ in range(3)] == ["failed", "failed", "parked"]
    assert landing.plan() == Plan((), 0)


def test_plan__takes_a_parked_file_that_can_be_read_again_once_it_is_touched(landing: Landing) -> None:
    landing.put(f"{DAY}/a.json")
    landing.files = Broken(str(landing.root))
    landing.files.is_openable = False  # type: ignore[attr-defined]
    for _ in range(3):
        landing.run()
    landing.files = LocalFiles(str(landing.root))
    assert landing.plan() == Plan((), 0), "a permission that was mended does not show in the listing"
    landing.put(f"{DAY}/a.json", age_seconds=50)
    assert landing.run() == {f"{DAY}/a.json": "planned"}
    assert landing.ledger.left_out() == []


def test_plan__parks_a_file_whose_name_is_not_utf_8(landing: Landing) -> None:
    folder = os.fsencode(landing.root) + b"/donors"
    os.mkdir(folder)
    (landing.root / "donors/good.json").write_bytes(b"{}")
    with open(folder + b"/M\xfcller.json", "wb") as stream:
        stream.write(b"{}")
    assert messages(landing.plan()) == {
        "donors/good.json": "",
        r"donors/M\xfcller.json": "its name is not UTF-8; rename it",
    }
    landing.run()
    assert landing.plan() == Plan((), 0)


def test_plan__tells_apart_what_only_path_or_bytes_tell_apart() -> None:
    ids = {file_id(path, sha) for path in ("donors/a", "donors/b", "donors/é ü") for sha in ("1", "2")}
    assert len(ids) == 6


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("donors/2024/02/29/a.json", date(2024, 2, 29)),
        ("donors/north/2024/02/29/more/a.json", date(2024, 2, 29)),
        ("donors/2023/02/29/a.json", None),
        ("donors/2024/02/a.json", None),
        ("donors/a.json", None),
        ("donors/x2024/02/01/a.json", None),
    ],
)
def test_delivered_on__reads_the_day_in_the_path(path: str, day: date | None) -> None:
    assert delivered_on(path) == day


def history() -> Iterator[FileEvent]:
    base = FileEvent("donors", "donors/a", "planned", 1, 1, "sha", 9, "e1", lines=3, blank_lines=1)
    yield base
    yield replace(base, event="loaded")
    yield replace(base, event="unchanged", batch_seq=2, etag="e2")
    yield replace(base, event="planned", batch_seq=3, path="donors/b", sha256="other")


def test_ledger__knows_the_state_of_each_file_after_its_events() -> None:
    ledger = Ledger()
    ledger.take(history())
    assert ledger.batch_seq == 3
    assert [event.path for event in ledger.unfinished] == ["donors/b"]
    known = ledger.known()["donors/a"]
    assert (known.event, known.etag, known.batch_seq, known.records) == ("loaded", "e2", 1, 2)
    assert ledger.contents() == {("donors", "sha"): "donors/a", ("donors", "other"): "donors/b"}


def test_left_out__is_what_is_parked_or_tried_again(landing: Landing) -> None:
    landing.put(f"{DAY}/a.json", b"[]")
    landing.put(f"{DAY}/b.json.gz", gzip.compress(b"{}\n" * 99)[:-9])
    landing.put(f"{DAY}/c.csv", b'{"donor_id":"D3"}')
    landing.put(f"{DAY}/d.json")
    landing.run()
    left_out = {event.path: event.event for event in landing.ledger.left_out()}
    assert left_out == {f"{DAY}/a.json": "parked", f"{DAY}/b.json.gz": "failed", f"{DAY}/c.csv": "parked"}


def test_left_out__is_no_more_what_came_repaired_or_under_another_name(landing: Landing) -> None:
    landing.put(f"{DAY}/a.json", b"[]")
    landing.put(f"{DAY}/b.json.gz", gzip.compress(b"{}\n" * 99)[:-9])
    landing.put(f"{DAY}/c.csv", b'{"donor_id":"D3"}')
    landing.run()
    landing.put(f"{DAY}/a.json", b"{}", age_seconds=50)
    landing.put(f"{DAY}/b.json.gz", gzip.compress(b"{}\n" * 99), age_seconds=50)
    landing.put(f"{DAY}/c.json", b'{"donor_id":"D3"}', age_seconds=50)
    landing.run()
    assert landing.ledger.left_out() == []


@pytest.mark.parametrize(("name", "number"), [("b000017", 17), ("17", 17), ("b1234567", 1234567), ("b0", 0)])
def test_batch_number__reads_a_name_or_a_number(name: str, number: int) -> None:
    assert batch_number(name) == number == batch_number(batch_id(number))


@pytest.mark.parametrize("name", ["", "b", "bb17", "b17 ", "-17", "1.7", "r000017", "donors/b000017"])
def test_batch_number__of_another_text_is_none(name: str) -> None:
    assert batch_number(name) is None
