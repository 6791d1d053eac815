"""Loading: the planned segments of landing files, read by Spark's workers into rows of an L1 table."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import BinaryIO
from zlib import crc32

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.errors import LandingChangedError
from lakehouse.l1.codec import UNREADABLE, chunks, decompressed, decompressor, line_blocks
from lakehouse.l1.inspect import Segment
from lakehouse.l1.ledger import FileEvent
from lakehouse.l1.parse import RecordParser
from lakehouse.storage.files import Files
from lakehouse.table import Feed

BLOCK_BYTES = 4 << 20
TASK_BYTES = 128 << 20
ReadBins = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class Stretch:
    """A segment together with the file that it is of."""

    path: str
    file_id: int
    delivered_on: date | None
    is_compressed: bool
    segment: Segment


@dataclass(frozen=True)
class Loader:
    """What a worker needs to read segments of one feed."""

    files: Files
    parser: RecordParser
    max_line_bytes: int

    def rows(self, stretch: Stretch) -> Iterator[pa.RecordBatch]:
        """The rows of one segment, block by block.

        Raises:
            LandingChangedError: the bytes are not those that the inspection saw.
        """
        line, crc = stretch.segment.first_line, 0
        for block in self._blocks(stretch):
            crc = crc32(block, crc)
            batch = self.parser.parse(block, line)
            line += block.count(b"\n")
            if batch.num_rows:
                yield _with_file(batch, stretch)
        if crc != stretch.segment.crc32:
            raise LandingChangedError(f"{stretch.path} changed after its inspection; run again")

    def _blocks(self, stretch: Stretch) -> Iterator[bytes]:
        try:
            with self.files.open(stretch.path, stretch.segment.offset) as stream:
                yield from line_blocks(_text(stream, stretch), BLOCK_BYTES, self.max_line_bytes)
        except (*UNREADABLE, ValueError) as error:
            raise LandingChangedError(f"{stretch.path} changed after its inspection ({error}); run again") from error


def _text(stream: BinaryIO, stretch: Stretch) -> Iterator[bytes]:
    pieces = chunks(stream)
    if not stretch.is_compressed:
        return _first_bytes(pieces, stretch.segment.length)
    head = next(pieces, b"")
    make = decompressor(head)
    if make is None:
        raise EOFError("it is not compressed any more")
    return decompressed(chain([head], pieces), make)


def load(
    spark: SparkSession, feed: Feed, files: Files, events: list[FileEvent], *, max_line_bytes: int, tasks: int
) -> DataFrame:
    """The rows of a feed's planned files, without the columns of the batch.

    Memory stays at a few blocks a task, whatever the size of the files.
    """
    bins = pack([stretch for event in events for stretch in _stretches(event)], tasks)
    loader = Loader(files, RecordParser(feed.source_fields), max_line_bytes)

    def read_bins(ids: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in ids:
            for number in batch.column(0).to_pylist():
                for stretch in bins[number]:
                    yield from loader.rows(stretch)

    columns = [field for field in feed.l1.schema.fields if field.name not in ("_batch_seq", "_ingested_at")]
    schema = type(feed.l1.schema)(columns)
    return spark.range(0, len(bins), 1, len(bins)).mapInArrow(_reordered(read_bins, schema.names), schema)


def with_batch(rows: DataFrame, feed: Feed, batch_seq: int, ingested_at: object) -> DataFrame:
    """The rows with the columns that are the same for a whole batch."""
    rows = rows.withColumns({"_batch_seq": F.lit(batch_seq).cast("bigint"), "_ingested_at": F.lit(ingested_at)})
    return rows.select(*feed.l1.columns)


def pack(stretches: list[Stretch], tasks: int) -> list[list[Stretch]]:
    """Share the stretches out over tasks: few for little data, a whole number of rounds for much."""
    total = sum(stretch.segment.length for stretch in stretches)
    rounds = -(-total // (TASK_BYTES * tasks))
    wanted = 1 if total <= BLOCK_BYTES * tasks else rounds * tasks
    bins: list[list[Stretch]] = [[] for _ in range(max(1, min(wanted, len(stretches))))]
    sizes = [0] * len(bins)
    for stretch in sorted(stretches, key=lambda s: -s.segment.length):
        smallest = sizes.index(min(sizes))
        bins[smallest].append(stretch)
        sizes[smallest] += stretch.segment.length
    return bins


def _stretches(event: FileEvent) -> list[Stretch]:
    return [
        Stretch(event.path, event.file_id, event.delivered_on, event.is_compressed, segment)
        for segment in event.segments
    ]


def _with_file(batch: pa.RecordBatch, stretch: Stretch) -> pa.RecordBatch:
    size = batch.num_rows
    file_ids = pa.repeat(pa.scalar(stretch.file_id, pa.int64()), size)
    days = pa.repeat(pa.scalar(stretch.delivered_on, pa.date32()), size)
    return batch.append_column("_file_id", file_ids).append_column("_delivered_on", days)


def _reordered(read: ReadBins, names: list[str]) -> ReadBins:
    def run(ids: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in read(ids):
            yield batch.select(names)

    return run


def _first_bytes(pieces: Iterator[bytes], length: int) -> Iterator[bytes]:
    """The first `length` bytes: a file that grew meanwhile gives no more than was inspected."""
    for piece in pieces:
        yield piece[:length]
        length -= len(piece)
        if length <= 0:
            return
