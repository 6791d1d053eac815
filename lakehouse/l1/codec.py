"""Streams of landing files: plain, gzip or zstd, told apart by their first bytes, and cut into whole lines."""

import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import zstandard

BOM = b"\xef\xbb\xbf"
BLANK = b" \t\r"
"""What a blank line may hold: JSON's white space."""
READ_BYTES = 1 << 20
# A frame of zstd may swell 32,000-fold: so little at a time keeps what comes out below 64 MB.
COMPRESSED_BYTES = 1 << 11


def _gunzip() -> Any:
    return zlib.decompressobj(31)


def _unzstd() -> Any:
    return zstandard.ZstdDecompressor().decompressobj()


MAGIC: dict[bytes, Callable[[], Any]] = {
    b"\x1f\x8b": _gunzip,
    b"\x28\xb5\x2f\xfd": _unzstd,
    # Parallel compressors begin with a frame to be skipped, which says how long the next one is.
    **{bytes([0x50 + n]) + b"\x2a\x4d\x18": _unzstd for n in range(16)},
}
UNREADABLE = (OSError, EOFError, zlib.error, zstandard.ZstdError)


def decompressor(head: bytes) -> Callable[[], Any] | None:
    """What makes a decompressor for a file that begins with `head`; None for a plain file."""
    return next((make for magic, make in MAGIC.items() if head.startswith(magic)), None)


def chunks(stream: BinaryIO, size: int = READ_BYTES) -> Iterator[bytes]:
    """The stream's bytes, piece by piece."""
    while piece := stream.read(size):
        yield piece


def decompressed(pieces: Iterator[bytes], make: Callable[[], Any]) -> Iterator[bytes]:
    """Decompress a stream of one or more gzip members or zstd frames; what comes out is never empty.

    Raises:
        EOFError: the stream ends in the middle of one.
    """
    engine, is_started = make(), False
    for piece in pieces:
        for start in range(0, len(piece), COMPRESSED_BYTES):
            rest = piece[start : start + COMPRESSED_BYTES]
            while rest:
                if engine.eof:
                    engine = make()
                is_started = True
                if text := engine.decompress(rest):
                    yield text
                rest = engine.unused_data if engine.eof else b""
    if is_started and not engine.eof:
        raise EOFError("the compressed stream is truncated")


def line_blocks(pieces: Iterator[bytes], block_bytes: int, max_line_bytes: int) -> Iterator[bytes]:
    """Cut a stream into blocks of whole lines; only the last may lack its newline.

    Raises:
        ValueError: a line is longer than `max_line_bytes`, its newline not counted.
    """
    held, whole = bytearray(), 0
    for piece in pieces:
        newline = piece.rfind(b"\n") + 1
        whole = len(held) + newline if newline else whole
        held += piece
        if len(held) - whole > max_line_bytes:
            raise ValueError(_too_long(len(held) - whole, max_line_bytes))
        if whole and len(held) >= block_bytes:
            yield _checked(bytes(held[:whole]), max_line_bytes)
            del held[:whole]
            whole = 0
    if held:
        yield _checked(bytes(held), max_line_bytes)


def _checked(block: bytes, max_line_bytes: int) -> bytes:
    if len(block) > max_line_bytes:
        longest = max(map(len, block.split(b"\n")))
        if longest > max_line_bytes:
            raise ValueError(_too_long(longest, max_line_bytes))
    return block


def _too_long(found: int, wanted: int) -> str:
    return f"a line of at least {found:,} bytes; wanted at most {wanted:,}"
