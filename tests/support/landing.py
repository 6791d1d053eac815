"""A lake with a landing folder, for tests of ingest: put files there, take them in, see where each line is."""

import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import zstandard

from lakehouse.config import load_config
from lakehouse.l1.feeds import FEEDS
from lakehouse.l1.ingest import IngestResult, ingest
from lakehouse.l1.ledger import read_ledger
from lakehouse.storage.files import Files, LocalFiles
from lakehouse.storage.lake import Lake

DAY = "donors/2024/03/01"
CONF = load_config(
    "local",
    {
        "ingest": {"settle_seconds": 0, "max_line_bytes": 2000, "segment_bytes": 300, "attempts": 2},
        "pipeline": {"threads": 1},
    },
)


def clock() -> datetime:
    return datetime.now(UTC)


def donor(number: int, **more: Any) -> bytes:
    return json.dumps({"donor_id": f"D{number}", "birthdate": "1980-05-17"} | more).encode()


def lines(*numbers: int) -> bytes:
    return b"".join(donor(number) + b"\n" for number in numbers)


@dataclass
class World:
    """A lake and its landing folder."""

    lake: Lake
    root: Path
    files: Files

    @classmethod
    def at(cls, lake: Lake, root: Path) -> "World":
        root.mkdir()
        return cls(lake, root, LocalFiles(str(root)))

    def put(self, path: str, content: bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    def ingest(self, files: Files | None = None) -> IngestResult:
        return ingest(self.lake, files or self.files, CONF, clock)

    def rows(self, *columns: str, feed: str = "donors") -> list[tuple[Any, ...]]:
        if self.lake.version(FEEDS[feed].l1) is None:
            return []
        return sorted(map(tuple, self.lake.read(FEEDS[feed].l1).select(*columns).collect()), key=str)

    def ends(self) -> dict[str, tuple[str, str]]:
        """Path -> how it stands, and why."""
        return {path: (event.event, event.message) for path, event in read_ledger(self.lake).known().items()}

    def assert_conserved(self) -> None:
        """Every line that lies in landing is an L1 row, blank, or in a file that is a duplicate, parked or failed."""
        in_files = Counter[str]()
        for info in self.files.walk():
            in_files[info.path] += len([line for line in opened(self.root / info.path) if line.strip(b" \t\r")])
        ends = self.ends()
        loaded = sum(count for path, count in in_files.items() if ends[path][0] == "loaded")
        assert loaded == sum(len(self.rows("_line", feed=feed)) for feed in FEEDS)


def opened(path: Path) -> list[bytes]:
    """The lines of a file, read with other means than the lake's; of a truncated one, what can be read."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except EOFError:
            content = zlib.decompressobj(31).decompress(content)
    elif content[:4] == b"\x28\xb5\x2f\xfd":
        content = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(content), read_across_frames=True).read()
    return content.removeprefix(b"\xef\xbb\xbf").split(b"\n")


class Loading(LocalFiles):
    """Files that change when a worker opens them: a copy knows that it is one."""

    def __init__(self, root: str, change: Callable[[Path], None]) -> None:
        super().__init__(root)
        self.change, self.is_copy = change, False

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"is_copy": True}

    def open(self, path: str, offset: int = 0) -> BinaryIO:
        if self.is_copy:
            self.change(self._base / path)
        return super().open(path, offset)


def grow(path: Path) -> None:
    """Append a line to a file."""
    with path.open("ab") as stream:
        stream.write(lines(3))


def replace(path: Path) -> None:
    """Put other bytes in the place of a file's."""
    path.write_bytes(lines(9))
