"""Lines to rows: every misfit has its case, and the fast path never says anything else than the exact one."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse import table as t
from lakehouse.l1 import parse as parse_module
from lakehouse.l1.parse import RecordParser

FIELDS = (
    t.Field("id", t.TEXT),
    t.Field("units", t.INT),
    t.Field("total", t.LONG),
    t.Field("volume_ml", t.NUMBER),
    t.Field("is_void", t.FLAG),
    t.Field("tested_on", t.DATE),
    t.Field("seen_at", t.INSTANT),
)
PARSER = RecordParser(FIELDS)
GOOD = {
    "id": "D1",
    "units": 2,
    "total": 3,
    "volume_ml": 450.5,
    "is_void": False,
    "tested_on": "2024-03-02",
    "seen_at": "2024-03-01T10:00:00-05:00",
}
GOOD_LINE = json.dumps(GOOD).encode()


def rows(block: bytes, first_line: int = 1) -> list[dict[str, Any]]:
    return PARSER.parse(block, first_line).to_pylist()


def row(line: bytes | dict[str, Any]) -> dict[str, Any]:
    block = line if isinstance(line, bytes) else json.dumps(line).encode()
    (found,) = rows(block)
    return found


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_parse__types_a_plain_record() -> None:
    assert row(GOOD_LINE) == {
        "_line": 1,
        "_rescued": None,
        "_raw": None,
        "id": "D1",
        "units": 2,
        "total": 3,
        "volume_ml": 450.5,
        "is_void": False,
        "tested_on": date(2024, 3, 2),
        "seen_at": utc("2024-03-01 15:00"),
    }


@pytest.mark.parametrize(
    ("name", "sent", "taken"),
    [
        ("id", 1922334455, "1922334455"),
        ("id", 10**30, "1" + "0" * 30),
        ("id", "", ""),
        ("id", "Łódź \u0000 🩸", "Łódź \u0000 🩸"),
        ("units", 2.0, 2),
        ("units", -(2**31), -(2**31)),
        ("total", 2**40, 2**40),
        ("volume_ml", 450, 450.0),
        ("is_void", 1, True),
        ("is_void", 0, False),
        ("seen_at", "2024-03-01T10:00:00Z", utc("2024-03-01 10:00")),
        ("seen_at", "2024-03-01T10:00:00", utc("2024-03-01 10:00")),
        ("seen_at", "2024-03-01 10:00", utc("2024-03-01 10:00")),
        ("seen_at", "2024-03-01T10:00:00+0530", utc("2024-03-01 04:30")),
        ("seen_at", "2024-03-01T10:00:00.123456789Z", utc("2024-03-01 10:00:00.123456")),
        *((name, None, None) for name in GOOD),
    ],
)
def test_parse__takes_what_fits(name: str, sent: Any, taken: Any) -> None:
    found = row(GOOD | {name: sent})
    assert (found[name], found["_rescued"], found["_raw"]) == (taken, None, None)


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("id", 1.5),
        ("id", True),
        ("id", ["D1"]),
        ("id", {"is": "D1"}),
        ("units", "2"),
        ("units", 2.5),
        ("units", 2**31),
        ("units", 1e300),
        ("units", True),
        ("total", 2**63),
        ("total", 10**30),
        ("volume_ml", "450"),
        ("volume_ml", False),
        ("is_void", 2),
        ("is_void", "true"),
        ("is_void", 1.0),
        ("tested_on", "2024-02-30"),
        ("tested_on", "0000-01-01"),
        ("tested_on", "02/03/2024"),
        ("tested_on", ""),
        ("tested_on", 20240302),
        ("seen_at", "yesterday"),
        ("seen_at", "2024-03-01T25:00:00Z"),
        ("seen_at", "0001-01-01T00:00:00+14:00"),
        ("seen_at", "2024-03-01-05:00"),
        ("seen_at", "2024-03-01+10:00"),
        ("seen_at", 1709287200),
    ],
)
def test_parse__rescues_a_misfit_as_sent(name: str, sent: Any) -> None:
    found = row(GOOD | {name: sent})
    assert found[name] is None and found["_raw"] is None
    assert json.loads(found["_rescued"]) == {name: sent}
    assert all(found[other] is not None for other in GOOD if other != name)


@pytest.mark.parametrize(
    ("name", "sent", "taken"),
    [
        ("seen_at", "2024-03-01", utc("2024-03-01 00:00")),
        ("seen_at", "20240301", utc("2024-03-01 00:00")),
        ("tested_on", "2024-03-01T23:30:00-05:00", date(2024, 3, 1)),
        ("tested_on", "20240301T1000", date(2024, 3, 1)),
        ("tested_on", "2024-W09-5", date(2024, 3, 1)),
    ],
)
def test_parse__takes_what_says_more_or_less_and_keeps_it(name: str, sent: str, taken: Any) -> None:
    found = row(GOOD | {name: sent})
    assert found[name] == taken
    assert json.loads(found["_rescued"]) == {name: sent}


@pytest.mark.parametrize(
    "line",
    [
        b"Infanta",
        b'{"id":"D1"',
        b'{"id":"D1"} and more',
        b'{"id":"D1"} {"id":"D2"}',
        b'["id", "D1"]',
        b'"D1"',
        b"null",
        b'{"volume_ml":NaN}',
        b'{"volume_ml":-Infinity}',
        b'{"volume_ml":1e999}',
        b'{"other":NaN}',
        b'{"id":"\\ud800"}',
        b"{'id':'D1'}",
        b'{"id":"D1",}',
        b"\x00",
        b"\x0b",
        b'\xef\xbb\xbf{"id":"a BOM, but not at the beginning"}',
        b'{"q":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_parse__keeps_the_line_that_is_no_record(line: bytes) -> None:
    before, found, after = rows(b"\n".join([GOOD_LINE, line, GOOD_LINE]))
    assert found["_raw"] == line.decode()
    assert found["_line"] == 2 and found["_rescued"] is None
    assert all(found[name] is None for name in GOOD)
    assert before["id"] == after["id"] == "D1"


def test_parse__spells_out_invalid_utf_8() -> None:
    assert row(b'{"id":"M\xfcller"}')["_raw"] == r'{"id":"M\xfcller"}'


def test_parse__makes_two_rows_of_an_object_over_two_lines() -> None:
    first, second = rows(b'{"id":\n"D1"}')
    assert (first["_raw"], second["_raw"]) == ('{"id":', '"D1"}')


def test_parse__counts_blank_lines_for_the_line_only() -> None:
    block = b"\n".join([b"", GOOD_LINE, b"  \t", b"\r", GOOD_LINE, b"", b""])
    assert [found["_line"] for found in rows(block)] == [2, 5]


def test_parse__strips_a_bom_at_the_beginning_of_the_file_only() -> None:
    block = b"\xef\xbb\xbf" + GOOD_LINE
    assert rows(block, first_line=1)[0]["id"] == "D1"
    assert rows(block, first_line=7)[0]["_raw"] == block.decode()


def test_parse__reads_dos_line_ends() -> None:
    found = rows(GOOD_LINE + b"\r\n" + GOOD_LINE + b"\r\n")
    assert [(one["_line"], one["id"], one["_raw"]) for one in found] == [(1, "D1", None), (2, "D1", None)]


def test_parse__rescues_unknown_fields() -> None:
    extra = {"zeta": {"a": [1, None, 2.5]}, "alpha": None, "note": "é"}
    found = row(GOOD | extra)
    assert json.loads(found["_rescued"]) == extra
    assert list(json.loads(found["_rescued"])) == sorted(extra)
    assert found["seen_at"] == utc("2024-03-01 15:00")


def test_parse__keeps_every_digit_of_a_long_number() -> None:
    found = row(b'{"id":123456789012345678901234,"other":98765432109876543210987}')
    assert found["id"] == "123456789012345678901234"
    assert found["_rescued"] == '{"other":98765432109876543210987}'


def test_parse__keeps_every_value_of_a_repeated_name() -> None:
    found = row(b'{"id":"D1","id":"D2","q":{"r":1,"r":2},"units":1,"units":null}')
    assert (found["id"], found["units"]) == ("D2", None)
    assert json.loads(found["_rescued"]) == {"id": ["D1", "D2"], "q": {"r": [1, 2]}, "units": [1, None]}


def test_parse__of_an_empty_object_is_a_row_of_nulls() -> None:
    found = row(b"{}")
    assert found["_line"] == 1 and found["_raw"] is None and found["_rescued"] is None
    assert all(found[name] is None for name in GOOD)


def test_parse__of_nothing_has_no_rows() -> None:
    assert PARSER.parse(b"", 1).num_rows == PARSER.parse(b"\n\n", 1).num_rows == 0


def test_fast__takes_a_plain_block_and_words_that_look_like_numbers() -> None:
    for line in (GOOD_LINE, json.dumps(GOOD | {"id": "Infection, NaN"}).encode()):
        assert PARSER._fast(line + b"\n" + line + b"\n", 1) is not None


def test_parse__reads_only_the_neighbourhood_of_a_bad_line_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    block = b"\n".join([GOOD_LINE] * 5000 + [b"junk"] + [GOOD_LINE] * 5000)
    exact, seen = RecordParser._exact, []
    monkeypatch.setattr(RecordParser, "_exact", lambda *args: (seen.append(len(args[1])), exact(*args))[1])
    assert [found["_line"] for found in rows(block)] == list(range(1, 10_002))
    assert len(seen) == 1 and seen[0] < 2 * parse_module.PIECE_BYTES


TEXTS = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(["}\n{", '":', "[[", "Inf", "\\", "\ud7ff"])
DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31)).map(date.isoformat) | st.sampled_from(
    ["2024-02-30", "0000-12-31", "2024-W10-1", "20240301", ""]
)
OFFSETS = st.sampled_from(["", "Z", "z", "+05:30", "-0500", "+14:00", "-99:00", " ", "+01"])
TIMES = st.builds(
    "{}{}{}{}{}".format,
    DAYS,
    st.sampled_from(["T", " ", "t", "x", "-"]),
    st.sampled_from(["10:00", "23:59:59", "24:00:00", "10", "1000", "00:00:00", "23:59:60"]),
    st.sampled_from(["", ".1", ".123456", ".123456789", ",5"]),
    OFFSETS,
)
NUMBERS = (
    st.integers(-(2**31), 2**31 - 1)
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, 1, 1.0, 2.0, 1e16, 5e-324])
)
FITTING = {
    "id": TEXTS,
    "units": st.integers(-(2**31), 2**31 - 1),
    "total": st.integers(-(2**63), 2**63 - 1),
    "volume_ml": st.floats(allow_nan=False, allow_infinity=False),
    "is_void": st.booleans(),
    "tested_on": DAYS,
    "seen_at": TIMES,
}
ANY = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | DAYS | TIMES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=3,
)
PLAIN_RECORDS = st.fixed_dictionaries({}, optional={name: st.none() | kind for name, kind in FITTING.items()})
ODD_RECORDS = st.builds(
    lambda plain, odd: plain | odd,
    PLAIN_RECORDS,
    st.dictionaries(st.sampled_from([*GOOD, "other", "note"]), ANY, max_size=3),
)
SPACED = st.sampled_from([(",", ":"), (", ", ": "), (" ,", " :")])
PLAIN_LINES = st.builds(lambda record: json.dumps(record, separators=(",", ":")).encode(), PLAIN_RECORDS)
ODD_LINES = st.builds(
    lambda record, separators, ascii: json.dumps(record, separators=separators, ensure_ascii=ascii).encode(),
    ODD_RECORDS,
    SPACED,
    st.booleans(),
)
JUNK = st.binary(max_size=12).map(lambda junk: junk.replace(b"\n", b"")) | st.sampled_from(
    [b"", b" ", b"\t\r", b"\x0c", b"{}", b"{}{}", b"{", b"}", b'{"units":NaN}', b'{"other":NaN}', b'{"id":1,"id":2}',
     b'{"total":1e2}', b'{"volume_ml":01}', b'{"id":"a"} {"id":"b"}', b'{"other":{"a":1,"a":2}}']
)  # fmt: skip
BLOCKS = st.builds(
    lambda lines, end: b"\n".join(lines) + end,
    st.lists(PLAIN_LINES, max_size=4) | st.lists(ODD_LINES, max_size=4) | st.lists(PLAIN_LINES | ODD_LINES | JUNK),
    st.sampled_from([b"", b"\n"]),
)


def filled(block: bytes) -> list[int]:
    return [number for number, line in enumerate(block.split(b"\n"), start=1) if line.strip(b" \t\r")]


@settings(max_examples=400, deadline=None)
@given(BLOCKS)
def test_fast__says_what_the_exact_path_says_or_nothing(block: bytes) -> None:
    fast = PARSER._fast(block, 11)
    if fast is not None:
        assert fast.to_pylist() == PARSER._exact(block, 11).to_pylist()


@settings(max_examples=200, deadline=None)
@given(BLOCKS, st.integers(2, 2**40))
def test_parse__gives_each_filled_line_one_row_with_its_number(block: bytes, first_line: int) -> None:
    found = PARSER.parse(block, first_line)
    assert found.column("_line").to_pylist() == [first_line - 1 + number for number in filled(block)]
    assert found.schema == PARSER.schema


@settings(max_examples=200, deadline=None)
@given(BLOCKS, st.data())
def test_parse__does_not_depend_on_where_a_block_is_cut(block: bytes, data: st.DataObject) -> None:
    cuts = [place + 1 for place, byte in enumerate(block) if byte == ord("\n")] or [len(block)]
    cut = data.draw(st.sampled_from(cuts))
    parts = [PARSER.parse(block[:cut], 5), PARSER.parse(block[cut:], 5 + block[:cut].count(b"\n"))]
    whole = pa.Table.from_batches([PARSER.parse(block, 5)])
    assert pa.Table.from_batches(parts).to_pylist() == whole.to_pylist()


@settings(max_examples=200, deadline=None)
@given(ODD_RECORDS)
def test_parse__loses_no_value(record: dict[str, Any]) -> None:
    found = row(record)
    rescued = json.loads(found["_rescued"] or "{}")
    for name, sent in record.items():
        taken = found.get(name)
        plain = taken.isoformat() if isinstance(taken, date) and not isinstance(taken, datetime) else taken
        is_kept = sent is None or plain == sent or plain == str(sent) or isinstance(taken, datetime)
        assert is_kept if name in GOOD and name not in rescued else rescued[name] == sent
