"""One pass over a file: what it counts, cuts and refuses."""

import gzip
import hashlib
import io
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.l1 import inspect as inspect_module
from lakehouse.l1.codec import decompressed, decompressor, line_blocks
from lakehouse.l1.inspect import Inspection, inspect

TEXT = b'{"id":1}\n\n{"id":2}\n{"id":3}'


def seen(
    content: bytes, name: str = "donors/a.json", segment_bytes: int = 1 << 20, longest: int = 1 << 20
) -> Inspection:
    return inspect(name, io.BytesIO(content), segment_bytes=segment_bytes, max_line_bytes=longest)


def facts(found: Inspection) -> tuple[int, int, str, str]:
    return found.lines, found.blank_lines, found.problem, found.failure


def test_inspect__sees_size_hash_lines_and_one_segment() -> None:
    found = seen(TEXT)
    assert (found.size, found.sha256) == (len(TEXT), hashlib.sha256(TEXT).hexdigest())
    assert facts(found) == (4, 1, "", "") and not found.is_compressed
    (segment,) = found.segments
    assert (segment.offset, segment.length, segment.first_line) == (0, len(TEXT), 1)
    assert segment.crc32 == zlib.crc32(TEXT)


def test_inspect__of_an_empty_file_sees_nothing_wrong() -> None:
    assert facts(seen(b"")) == (0, 0, "", "") and seen(b"").segments == ()


PACKED = {
    "gzip": gzip.compress(TEXT),
    "gzip of two members": gzip.compress(TEXT[:12]) + gzip.compress(TEXT[12:]),
    "zstd": zstandard.compress(TEXT),
    "zstd of two frames": zstandard.compress(TEXT[:12]) + zstandard.compress(TEXT[12:]),
    "zstd behind a frame to skip": b"\x50\x2a\x4d\x18\x04\0\0\0\x21\0\0\0" + zstandard.compress(TEXT),
}


@pytest.mark.parametrize("packed", PACKED.values(), ids=PACKED)
@pytest.mark.parametrize("name", ["a.json", "a.jsonl.gz", "A.JSON.ZST"])
def test_inspect__knows_a_compressed_file_by_its_bytes(packed: bytes, name: str) -> None:
    found = seen(packed, name)
    assert facts(found) == (4, 1, "", "") and found.is_compressed
    assert (found.size, found.sha256) == (len(packed), hashlib.sha256(packed).hexdigest())
    assert [(s.offset, s.length, s.crc32) for s in found.segments] == [(0, len(TEXT), zlib.crc32(TEXT))]


def test_inspect__reads_plain_text_under_the_name_of_a_compressed_file() -> None:
    assert facts(seen(TEXT, "a.json.gz")) == (4, 1, "", "")
    assert not seen(TEXT, "a.json.gz").is_compressed


def test_inspect__of_a_compressed_nothing_has_no_lines() -> None:
    for packed in (gzip.compress(b""), zstandard.compress(b"")):
        assert facts(seen(packed)) == (0, 0, "", "") and seen(packed).segments == ()


@pytest.mark.parametrize("packed", PACKED.values(), ids=PACKED)
def test_inspect__says_that_a_compressed_file_is_truncated(packed: bytes) -> None:
    found = seen(packed[:-3], "a.json.gz")
    assert "truncated" in found.failure and not found.problem
    assert (found.size, found.sha256) == (len(packed) - 3, hashlib.sha256(packed[:-3]).hexdigest())


def test_inspect__says_that_a_compressed_file_is_damaged() -> None:
    packed = gzip.compress(b"".join(b'{"id":%d}\n' % number for number in range(9000)))
    damaged = packed[:900] + b"\0\0\0\0" + packed[904:]
    assert seen(damaged).failure.startswith("can't be read: Error -3")
    assert seen(damaged).size == len(packed)
    assert "incorrect header check" in seen(packed + b"more").failure


def test_inspect__says_why_the_disk_could_not_be_read() -> None:
    class Breaks(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError(5, "Input/output error")
            return super().read(9)

    found = inspect("a.json", Breaks(TEXT), segment_bytes=99, max_line_bytes=99)
    assert found.failure == "can't be read: [Errno 5] Input/output error"


@pytest.mark.parametrize("content", [b'[{"id":1}]', b' \n [\n{"id":1}\n]', b"\xef\xbb\xbf[]", b"[" + b" " * 99])
def test_inspect__parks_an_array_and_counts_its_lines(content: bytes) -> None:
    for packed in (content, gzip.compress(content)):
        assert seen(packed, longest=50).problem == "an array; send one object a line"
        assert seen(packed).lines == content.count(b"\n") + 1


@pytest.mark.parametrize("name", ["a.csv", "json", "a.json.bz2", "a.json.part"])
def test_inspect__parks_another_ending(name: str) -> None:
    found = seen(TEXT, name)
    assert found.problem.startswith(f"found the name {name!r}; wanted one of .json, .jsonl, ")
    assert (found.lines, found.size, found.sha256) == (4, len(TEXT), hashlib.sha256(TEXT).hexdigest())


@pytest.mark.parametrize("end", [b"", b"\n", b"\n{}\n"])
def test_inspect__parks_a_line_above_the_limit(end: bytes) -> None:
    line = b'{"id":"' + b"x" * 91 + b'"}'
    assert len(line) == 100
    assert seen(b"{}\n" + line + end, longest=100).problem == ""
    for packed in (b"{}\n" + line + end, gzip.compress(b"{}\n" + line + end)):
        found = seen(packed, longest=99)
        assert found.problem == "a line of at least 100 bytes; wanted at most 99"
        assert found.lines == 2 + end.count(b"{")


def test_inspect__counts_blank_lines_as_the_parser_does() -> None:
    blank = [b"", b" ", b"\t", b"\r", b" \r", b"\xef\xbb\xbf \t"]
    filled = [b"{}", b"\x0b", b"\x0c", b"\xc2\xa0", b"\x00"]
    for line in blank:
        assert seen(line + b"\n").blank_lines == 1, line
    for line in blank[:-1]:
        assert seen(b"{}\n" + line + b"\n{}").blank_lines == 1, line
    for line in [*filled, b"\xef\xbb\xbf "]:
        assert seen(b"{}\n" + line + b"\n{}").blank_lines == 0, line


def test_inspect__takes_a_bom_only_at_the_beginning_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect_module, "BLOCK_BYTES", 1)
    assert seen(b"\xef\xbb\xbf\n").blank_lines == 1
    # In a line of its own further on it is bytes like any other, and gives an L1 row.
    pieces = iter([b"{}\n", b"\xef\xbb\xbf\n", b"{}\n"])
    found = inspect("a.json", Dripping(pieces), segment_bytes=99, max_line_bytes=99)
    assert (found.lines, found.blank_lines) == (3, 0)


class Dripping(io.BytesIO):
    """A stream that gives the pieces it is told to give."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces

    def read(self, size: int | None = -1) -> bytes:
        return next(self._pieces, b"")


LINES = st.lists(st.sampled_from([b"", b" ", b"{}", b"x" * 7, b'{"id":1}', b"\r"]), max_size=30)


@settings(max_examples=150, deadline=None)
@given(LINES, st.sampled_from([b"", b"\n"]), st.integers(1, 40), st.integers(1, 20), st.integers(1, 9))
def test_inspect__cuts_segments_that_cover_the_text_and_begin_lines(
    lines: list[bytes], end: bytes, segment_bytes: int, block_bytes: int, piece_bytes: int
) -> None:
    text = b"\n".join(lines) + end
    pieces = (text[at : at + piece_bytes] for at in range(0, len(text), piece_bytes))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inspect_module, "BLOCK_BYTES", block_bytes)
        found = inspect("a.json", Dripping(pieces), segment_bytes=segment_bytes, max_line_bytes=99)
    cut = [text[s.offset : s.offset + s.length] for s in found.segments]
    assert b"".join(cut) == text
    assert [s.first_line for s in found.segments] == [1 + text[: s.offset].count(b"\n") for s in found.segments]
    assert all(text[s.offset - 1 : s.offset] in (b"", b"\n") for s in found.segments)
    assert [s.crc32 for s in found.segments] == [zlib.crc32(piece) for piece in cut]
    split = text.split(b"\n")
    whole = split if split[-1] else split[:-1]
    assert (found.lines, found.blank_lines) == (len(whole), sum(not line.strip() for line in whole))


@settings(max_examples=150, deadline=None)
@given(LINES, st.integers(1, 40), st.integers(1, 9), st.integers(1, 12))
def test_line_blocks__are_whole_lines_or_name_the_long_one(
    lines: list[bytes], block_bytes: int, piece_bytes: int, longest: int
) -> None:
    text = b"\n".join(lines)
    pieces = (text[at : at + piece_bytes] for at in range(0, len(text), piece_bytes))
    if max(map(len, lines), default=0) > longest:
        with pytest.raises(ValueError, match=f"wanted at most {longest}$"):
            list(line_blocks(pieces, block_bytes, longest))
        return
    blocks = list(line_blocks(pieces, block_bytes, longest))
    assert b"".join(blocks) == text and b"" not in blocks
    assert all(block.endswith(b"\n") for block in blocks[:-1])


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_decompressed__gives_little_at_a_time_of_what_swells_much(pack: object) -> None:
    packed = pack(b"\0" * (256 << 20))  # type: ignore[operator]
    make = decompressor(packed)
    assert make is not None
    sizes = [len(piece) for piece in decompressed(iter([packed]), make)]
    assert sum(sizes) == 256 << 20 and max(sizes) <= 64 << 20


def test_inspect__of_a_long_line_holds_no_more_than_the_limit() -> None:
    pieces = (b"x" * (1 << 20) for _ in range(300))
    tracemalloc.start()
    found = inspect("a.json", Dripping(pieces), segment_bytes=1 << 20, max_line_bytes=8 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "a line of at least" in found.problem and found.size == 300 << 20
    assert peak < 32 << 20
