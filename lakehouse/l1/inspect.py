"""Inspection: one streaming pass over a new file, before anything is planned."""

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import BinaryIO

from lakehouse.l1.codec import BLANK, BOM, UNREADABLE, chunks, decompressed, decompressor, line_blocks

BLOCK_BYTES = 1 << 20
ENDINGS = (".json", ".jsonl", ".json.gz", ".jsonl.gz", ".json.zst", ".jsonl.zst")
# What may stand right after a newline where a line is blank, or looks so at first sight.
BLANK_STARTS = tuple(b"\n" + bytes([mark]) for mark in b"\n" + BLANK)


@dataclass(frozen=True)
class Segment:
    """A stretch of whole lines that one task reads: offset and length in (decompressed) bytes."""

    offset: int
    length: int
    first_line: int
    crc32: int


@dataclass(frozen=True)
class Inspection:
    """What one pass saw. `failure` may pass on another try; `problem` never will and parks the file.

    `lines` counts every line, also of a file that is parked; `blank_lines` only those before a problem.
    """

    size: int
    sha256: str
    is_compressed: bool = False
    lines: int = 0
    blank_lines: int = 0
    segments: tuple[Segment, ...] = ()
    failure: str = ""
    problem: str = ""


@dataclass
class _Seen:
    lines: int = 0
    blank_lines: int = 0
    segments: list[Segment] = field(default_factory=list)


class _Hashing:
    """Counts and hashes the raw bytes on their way."""

    def __init__(self) -> None:
        self.size = 0
        self.sha256 = hashlib.sha256()

    def pieces(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.size += len(piece)
            self.sha256.update(piece)
            yield piece


def inspect(name: str, stream: BinaryIO, *, segment_bytes: int, max_line_bytes: int) -> Inspection:
    """Read a file once, to its end.

    Args:
        name: the file's name; its ending must be one of `ENDINGS`.
        stream: the raw bytes.
        segment_bytes: a plain file is cut into segments of about this size.
        max_line_bytes: a longer line parks the file.
    """
    raw, seen = _Hashing(), _Seen()
    source = raw.pieces(chunks(stream))
    failure = problem = ""
    make = None
    try:
        head = next(source, b"")
        make = decompressor(head)
        pieces = chain([head], source)
        text = _counted(decompressed(pieces, make) if make else pieces, seen)
        problem = _wrong_ending(name) or _scan(text, seen, None if make else segment_bytes, max_line_bytes)
        _drain(text)
    except UNREADABLE as error:
        failure = f"can't be read: {error}"
        _drain_quietly(source)
    return Inspection(
        size=raw.size,
        sha256=raw.sha256.hexdigest(),
        is_compressed=make is not None,
        lines=seen.lines,
        blank_lines=seen.blank_lines,
        segments=tuple(seen.segments),
        failure=failure,
        problem=problem,
    )


def _counted(text: Iterator[bytes], seen: _Seen) -> Iterator[bytes]:
    """The text, its lines counted on their way; the last one counts without a newline too."""
    last = b"\n"
    for piece in text:
        seen.lines += piece.count(b"\n")
        last = piece[-1:] or last
        yield piece
    seen.lines += last != b"\n"


def _wrong_ending(name: str) -> str:
    return "" if name.lower().endswith(ENDINGS) else f"found the name {name!r}; wanted one of {', '.join(ENDINGS)}"


def _scan(text: Iterator[bytes], seen: _Seen, segment_bytes: int | None, max_line_bytes: int) -> str:
    """Count blank lines and cut segments; returns what parks the file, or nothing."""
    head = next(text, b"")
    if head.removeprefix(BOM).lstrip()[:1] == b"[":
        return "an array; send one object a line"
    start, offset, line, first_line, crc = 0, 0, 1, 1, 0
    try:
        for block in line_blocks(chain([head], text), BLOCK_BYTES, max_line_bytes):
            seen.blank_lines += blank_lines(block, is_first=offset == 0)
            offset, line, crc = offset + len(block), line + block.count(b"\n"), zlib.crc32(block, crc)
            if segment_bytes and offset - start >= segment_bytes:
                seen.segments.append(Segment(start, offset - start, first_line, crc))
                start, first_line, crc = offset, line, 0
    except ValueError as error:
        return str(error)
    if offset > start:
        seen.segments.append(Segment(start, offset - start, first_line, crc))
    return ""


def blank_lines(block: bytes, *, is_first: bool) -> int:
    """How many lines of a block hold nothing but white space; a file's first block may begin with a BOM."""
    block = block.removeprefix(BOM) if is_first else block
    if block[:1].strip(BLANK + b"\n") and not any(mark in block for mark in BLANK_STARTS):
        return 0
    lines = block.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return sum(not line.strip(BLANK) for line in lines)


def _drain(pieces: Iterator[bytes]) -> None:
    """Read on to the end: size, hash and lines are of the whole file, even where the scan stopped early."""
    for _ in pieces:
        pass


def _drain_quietly(pieces: Iterator[bytes]) -> None:
    try:
        _drain(pieces)
    except UNREADABLE:
        return
