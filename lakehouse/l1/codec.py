"""Streams of landing files: plain, gzip or zstd, told apart by their first bytes, and cut into whole lines."""

import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import zstandard

BOM = b"\xef\xbb\xbf"
READ_BYTES = 1 << 20
COMPRESSED_READ_BYTES = 1 << 16
MAGIC: dict[bytes, Callable[[], Any]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(31),
    b"\x28\xb5\x2f\xfd": lambda: zstandard.ZstdDecompressor().decompressobj(),
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
    """Decompress a stream of one or more gzip members or zstd frames.

    Raises:
        EOFError: the stream ends in the middle of one.
    """
    engine = make()
    started = False
    for piece in pieces:
        rest = piece
        while rest:
            if engine.eof:
                engine = make()
            started = True
            yield engine.decompress(rest)
            rest = engine.unused_data if engine.eof else b""
    if started and not engine.eof:
        raise EOFError("the compressed stream is truncated")


def line_blocks(pieces: Iterator[bytes], block_bytes: int, max_line_bytes: int) -> Iterator[bytes]:
    """Cut a stream into blocks of whole lines; only the last may lack its newline.

    Raises:
        ValueError: a line is longer than `max_line_bytes`.
    """
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= block_bytes and (cut := held.rfind(b"\n") + 1):
            yield _checked(bytes(held[:cut]), max_line_bytes)
            del held[:cut]
        elif len(held) > block_bytes + max_line_bytes:
            _checked(bytes(held), max_line_bytes)
    if held:
        yield _checked(bytes(held), max_line_bytes)


def _checked(block: bytes, max_line_bytes: int) -> bytes:
    if len(block) > max_line_bytes:
        longest = max(map(len, block.split(b"\n")))
        if longest > max_line_bytes:
            raise ValueError(f"a line of at least {longest:,} bytes; wanted at most {max_line_bytes:,}")
    return block
