"""Every kind of bad input: where it ends, and that nothing is lost."""

import gzip
import json
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
import zstandard
from pyspark.sql import SparkSession

from lakehouse.config import load_config
from lakehouse.errors import UsageError
from lakehouse.l1.feeds import FEEDS
from lakehouse.l1.ingest import ingest
from lakehouse.l1.inspect import ENDINGS
from lakehouse.l1.ledger import FILES
from lakehouse.storage.files import LocalFiles
from lakehouse.storage.lake import Lake
from tests.support.landing import DAY, World, clock, donor, lines

DONORS = FEEDS["donors"]
LONG = "x" * 2000


@pytest.fixture
def world(spark: SparkSession, tmp_path: Path) -> World:
    return World.at(Lake(spark, str(tmp_path / "lake"), run_id="run"), tmp_path / "landing")


def test_ingest__of_no_files_does_nothing(world: World) -> None:
    result = world.ingest(LocalFiles(str(world.root / "none")))
    assert result.did_nothing and result.is_complete and result.batch_id is None


def test_ingest__ends_each_input_where_the_design_says(world: World) -> None:
    bom = b"\xef\xbb\xbf"
    damaged = gzip.compress(lines(*range(900, 999)))
    inputs: dict[str, tuple[bytes, str, str]] = {
        f"{DAY}/empty.json": (b"", "loaded", ""),
        f"{DAY}/also empty.json": (b"", "loaded", ""),
        f"{DAY}/a plain one.jsonl": (lines(1, 2), "loaded", ""),
        f"{DAY}/packed.json.gz": (gzip.compress(lines(3)) + gzip.compress(lines(4)), "loaded", ""),
        f"{DAY}/packed.json.zst": (zstandard.compress(lines(5)) + zstandard.compress(lines(6)), "loaded", ""),
        f"{DAY}/plain.json.gz": (lines(7), "loaded", ""),
        f"{DAY}/packed.json": (gzip.compress(lines(8)), "loaded", ""),
        f"{DAY}/bom.json": (bom + lines(9), "loaded", ""),
        f"{DAY}/dos.json": (lines(10, 11).replace(b"\n", b"\r\n"), "loaded", ""),
        f"{DAY}/no last newline.json": (lines(12) + b"\n \n" + donor(13), "loaded", ""),
        f"{DAY}/bad lines.json": (
            b'junk\n{"donor_id":"M\xfcller"}\n' + donor(14) + b" and more\n" + donor(15) + b"\n",
            "loaded",
            "",
        ),
        f"{DAY}/fields.json": (
            b"\n".join(
                [
                    donor(16, shoe_size=43),
                    donor(17, total_donations="three", sex=1),
                    b'{"donor_id":18}',
                    b'{"donorId":"D19"}',
                    donor(20, birthdate="17.05.1980", registered_at="2024-03-01"),
                ]
            ),
            "loaded",
            "",
        ),
        f"{DAY}/Spender & größe Łódź.json": (lines(21), "loaded", ""),
        "donors/" + "/".join(f"level{n}" for n in range(40)) + "/deep.json": (lines(22), "loaded", ""),
        "donors/no day.json": (lines(23), "loaded", ""),
        f"{DAY}/array.json": (
            b"[" + donor(30) + b",\n" + donor(31) + b"]",
            "parked",
            "an array; send one object a line",
        ),
        f"{DAY}/long.json": (
            lines(32) + donor(33, name=LONG) + b"\n",
            "parked",
            f"a line of at least {len(donor(33, name=LONG)):,} bytes; wanted at most 2,000",
        ),
        f"{DAY}/table.csv": (
            b"donor_id\nD34\n",
            "parked",
            f"found the name '{DAY}/table.csv'; wanted one of {', '.join(ENDINGS)}",
        ),
        f"{DAY}/truncated.json.gz": (
            damaged[:-30],
            "failed",
            "can't be read: the compressed stream is truncated (try 1 of 2)",
        ),
        # The first of two with the same bytes, by name, is the one that loads.
        f"{DAY}/plain again.jsonl": (lines(1, 2), "duplicate", f"the same bytes as {DAY}/a plain one.jsonl"),
    }
    for path, (content, _, _) in inputs.items():
        world.put(path, content)
    result = world.ingest()

    assert world.ends() == {path: (event, message) for path, (_, event, message) in inputs.items()}
    assert result.files == Counter(event for _, event, _ in inputs.values())
    assert not result.is_complete and not result.did_nothing and result.batch_id == "b000001"
    world.assert_conserved()
    taken = world.rows("donor_id")
    expected = [*range(1, 14), 15, 16, 17, 20, 21, 22, 23]
    assert taken == sorted([(f"D{n}",) for n in expected] + [("18",)] + [(None,)] * 4, key=str)
    assert result.rows == {"donors": len(taken)}
    raw = [(line, raw) for line, raw in world.rows("_line", "_raw") if raw is not None]
    assert raw == [(1, "junk"), (2, r'{"donor_id":"M\xfcller"}'), (3, donor(14).decode() + " and more")]
    rescued = {line: json.loads(text) for line, text in world.rows("_line", "_rescued") if text}
    assert rescued == {
        1: {"shoe_size": 43},
        2: {"total_donations": "three"},
        4: {"donorId": "D19"},
        5: {"birthdate": "17.05.1980", "registered_at": "2024-03-01"},
    }
    days = Counter(day for (day,) in world.rows("_delivered_on"))
    assert days == {date(2024, 3, 1): len(taken) - 2, None: 2}
    assert [line for line, donor_id in world.rows("_line", "donor_id") if donor_id == "D13"] == [4]

    second = world.ingest()
    assert second.files == {"parked": 1} and second.messages == [
        f"{DAY}/truncated.json.gz: parked, can't be read: the compressed stream is truncated (try 2 of 2)"
    ]
    third = world.ingest()
    assert third.did_nothing and third.is_complete and third.rows == {}
    world.put(f"{DAY}/truncated.json.gz", damaged)
    assert world.ingest().files == {"loaded": 1}
    world.assert_conserved()


def test_ingest__of_unknown_folders_writes_nothing(world: World) -> None:
    world.put(f"{DAY}/a.json", lines(1))
    world.put("donor/a.json", lines(2))
    world.put("Donations/a.json", lines(3))
    with pytest.raises(UsageError, match="landing holds Donations, donor; the feeds are blood_requests, "):
        world.ingest()
    assert list(LocalFiles(world.lake.root).walk()) == []


def test_ingest__reads_a_file_in_several_tasks_with_exact_lines(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = {"name": "é" * 200}
    content = b"".join(b"\n" if n % 7 == 0 else donor(n, **wide) + b"\n" for n in range(1, 4000))
    world.put(f"{DAY}/a.json", b"\xef\xbb\xbf" + content)
    monkeypatch.setattr("lakehouse.l1.load.TASK_BYTES", 1 << 20)
    world.ingest()
    (event,) = world.lake.read(FILES).where("event = 'planned'").collect()
    assert len(event.segments) == len(content) // (1 << 20) + 1 > 3
    assert len(world.lake.read(DONORS.l1).inputFiles()) > 3
    found = world.lake.read(DONORS.l1).select("_line", "donor_id").collect()
    assert sorted(map(tuple, found)) == [(n, f"D{n}") for n in range(1, 4000) if n % 7]
    world.assert_conserved()


def test_ingest__lets_young_files_wait(world: World) -> None:
    world.put(f"{DAY}/a.json", lines(1))
    conf = load_config("local", {"ingest": {"settle_seconds": 3600}})
    result = ingest(world.lake, world.files, conf, clock)
    assert (result.waiting, result.did_nothing) == (1, True)
    later = ingest(world.lake, world.files, conf, lambda: clock() + timedelta(hours=2))
    assert later.rows == {"donors": 1}


def test_ingest__takes_several_feeds_in_one_batch(world: World) -> None:
    world.put(f"{DAY}/a.json", lines(1))
    world.put("hospitals/2024/03/01/a.json", b'{"NPI":1922334455,"address":"1 Main St","tel":"5","POC":"Ada"}\n')
    result = world.ingest()
    assert result.rows == {"donors": 1, "hospitals": 1}
    assert world.rows("NPI", "_batch_seq", "_rescued", feed="hospitals") == [("1922334455", 1, None)]
    world.put("hospitals/2024/03/02/a.json", b'{"NPI":"2"}')
    assert world.ingest().batch_id == "b000002"
    assert world.rows("NPI", "_batch_seq", feed="hospitals") == [("1922334455", 1), ("2", 2)]
    assert world.lake.version(DONORS.l1) == 1


def test_ledger__says_all_about_each_file(world: World) -> None:
    world.put(f"{DAY}/a.json", lines(1) + b"\n")
    world.ingest()
    row = world.lake.read(FILES).where("event = 'loaded'").first()
    assert row is not None
    assert (row.feed, row.path, row.batch_seq, row.lines, row.blank_lines, row.attempt) == (
        "donors",
        f"{DAY}/a.json",
        1,
        2,
        1,
        1,
    )
    assert (row.delivered_on, row.run_id, row.is_compressed) == (date(2024, 3, 1), "run", False)
    assert row.event_id == f"1/{row.file_id}/loaded/1"
    assert world.rows("_file_id") == [(row.file_id,)]
