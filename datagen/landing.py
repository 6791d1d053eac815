"""Landing files: NDJSON, whole or not at all.

A file is written under a hidden name beside its place and renamed, so that no reader meets half a file.
"""

import gzip
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO, Protocol

import polars as pl

from datagen.writer import lines


class Sink(Protocol):
    """Where the records of some days go."""

    def take(self, frames: dict[str, pl.DataFrame], *, first: date, last: date) -> None:
        """Take the records of `first`..`last`, by feed."""


def span_of(first: date, last: date) -> str:
    """The days of a delivery, as its files are named."""
    return f"{first:%Y%m%d}" if first == last else f"{first:%Y%m%d}-{last:%Y%m%d}"


def path_of(feed: str, region: str, first: date, last: date, mark: str = "") -> str:
    """Where a feed's records of some days land, below the landing folder."""
    return f"{feed}/{last:%Y/%m/%d}/{feed}-{region}-{span_of(first, last)}{mark}.json"


@dataclass(frozen=True)
class LandingFiles:
    """One file a feed and span of days, below the last of them."""

    store: "Store"
    region: str
    is_gzip: bool = False

    def take(self, frames: dict[str, pl.DataFrame], *, first: date, last: date) -> None:
        """Write the records as files of `first`..`last`."""
        for feed, frame in frames.items():
            self.write(path_of(feed, self.region, first, last), lines(frame))

    def named(self, path: str) -> str:
        """The path that a file gets: it tells whether the file is packed."""
        return path + ".gz" if self.is_gzip else path

    def write(self, path: str, body: bytes) -> str:
        """Write one file, and say where."""
        content = gzip.compress(body, compresslevel=6, mtime=0) if self.is_gzip else body
        self.store.write(self.named(path), content)
        return self.named(path)


class Store(Protocol):
    """A landing place: whole files by their path below `root`. The lake's own `Files` are one."""

    root: str

    def write(self, path: str, content: bytes) -> None:
        """Put a file in place, so that it is either absent or complete."""

    def open(self, path: str) -> BinaryIO:
        """A file's content; FileNotFoundError where there is none."""

    def names(self, below: str = "") -> list[str]:
        """Names directly in a folder, sorted; none where there is no folder."""

    def remove(self, path: str) -> None:
        """Remove a file."""


class Folder:
    """A landing place on this machine."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)

    def write(self, path: str, content: bytes) -> None:
        """Write beside, then rename; nothing is left beside where that fails."""
        place = Path(self.root) / path
        place.parent.mkdir(parents=True, exist_ok=True)
        hidden = place.with_name(f".{place.name}.tmp")
        try:
            with hidden.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            hidden.replace(place)
        except BaseException:
            hidden.unlink(missing_ok=True)
            raise

    def open(self, path: str) -> BinaryIO:
        """A file's content."""
        return (Path(self.root) / path).open("rb")

    def names(self, below: str = "") -> list[str]:
        """Names directly in a folder, sorted."""
        place = Path(self.root) / below
        return sorted(path.name for path in place.iterdir()) if place.is_dir() else []

    def remove(self, path: str) -> None:
        """Remove a file."""
        (Path(self.root) / path).unlink()
