"""Memory: what the loader holds of a file does not grow with the file."""

import io
import tracemalloc
import zlib
from typing import BinaryIO

import pyarrow as pa
import pytest

from lakehouse.l1.feeds import FEEDS
from lakehouse.l1.inspect import Segment
from lakehouse.l1.load import Loader, Stretch
from lakehouse.l1.parse import RecordParser
from lakehouse.storage.files import LocalFiles
from tests.support.landing import donor

TWO_GIGABYTES = 2 << 30
RECORDS = 250
PIECE = b"".join(donor(number, name="x" * 4000) + b"\n" for number in range(RECORDS))
PIECES = TWO_GIGABYTES // len(PIECE) + 1


class Repeating(io.BytesIO):
    """A stream of more than two gigabytes, a piece at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._left = PIECES

    def read(self, size: int | None = -1) -> bytes:
        self._left -= 1
        return PIECE if self._left >= 0 else b""


class OneFile(LocalFiles):
    def open(self, path: str, offset: int = 0) -> BinaryIO:
        return Repeating()


@pytest.mark.slow
def test_loader__of_two_gigabytes_holds_a_few_blocks() -> None:
    crc = 0
    for _ in range(PIECES):
        crc = zlib.crc32(PIECE, crc)
    stretch = Stretch("donors/a", 1, None, False, Segment(0, PIECES * len(PIECE), 1, crc))
    loader = Loader(OneFile("/"), RecordParser(FEEDS["donors"].source_fields), 64 << 20)
    tracemalloc.start()
    last, peak_arrow = 0, 0
    for batch in loader.rows(stretch):
        assert batch.column("_line")[0].as_py() == last + 1
        last += batch.num_rows
        peak_arrow = max(peak_arrow, pa.total_allocated_bytes())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert last == RECORDS * PIECES
    assert peak < 64 << 20 and peak_arrow < 128 << 20
