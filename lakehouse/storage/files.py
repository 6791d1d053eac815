"""Plain files below a root: a local folder or an S3 prefix, behind one small interface.

Landing files, commit logs and pages are read and written here; table data goes through Delta.
Instances pickle, so that Spark's workers can open what the driver listed.
"""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from lakehouse.errors import UsageError


@dataclass(frozen=True)
class FileInfo:
    """A file as listed: `path` below the root, `size` in bytes, `modified_at` in epoch seconds."""

    path: str
    size: int
    modified_at: float
    etag: str


class Files(Protocol):
    """What the lake asks of a place that keeps files."""

    root: str

    def walk(self, below: str = "") -> Iterator[FileInfo]:
        """Every file below a folder, sorted by path; none where the folder is missing."""

    def names(self, below: str = "") -> list[str]:
        """Names directly in a folder, sorted."""

    def is_there(self) -> bool:
        """Whether there is such a place; an object store knows none that is empty, and has them all."""

    def stat(self, path: str) -> FileInfo | None:
        """The file, or None."""

    def open(self, path: str, offset: int = 0) -> BinaryIO:
        """A binary stream from `offset` on."""

    def write(self, path: str, content: bytes) -> None:
        """Put a whole file in place at once."""

    def create(self, path: str, content: bytes) -> bool:
        """Put a whole file in place at once where there is none; False, and nothing done, where there is one."""

    def remove(self, path: str) -> None:
        """Remove a file; nothing where there is none."""

    def check_writable(self) -> None:
        """Raise UsageError where nothing can be written."""

    def delta_options(self) -> dict[str, str]:
        """What delta-rs must be told to reach tables below the root."""


class LocalFiles:
    """Files in a local folder."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._base = Path(root)

    def walk(self, below: str = "") -> Iterator[FileInfo]:
        """Every file below a folder, sorted by path."""
        seen: set[str] = set()
        for folder, folders, files in os.walk(self._base / below, onerror=_unlisted, followlinks=True):
            # A folder may be linked from elsewhere; one that holds itself is walked once.
            if (place := os.path.realpath(folder)) in seen:
                folders.clear()
                continue
            seen.add(place)
            folders.sort()
            for name in sorted(files):
                path = Path(folder) / name
                if path.is_file() and (info := self.stat(str(path.relative_to(self._base)))):
                    yield info

    def names(self, below: str = "") -> list[str]:
        """Names directly in a folder, sorted."""
        folder = self._base / below
        return sorted(os.listdir(folder)) if folder.is_dir() else []

    def is_there(self) -> bool:
        """Whether the folder is there."""
        return self._base.is_dir()

    def stat(self, path: str) -> FileInfo | None:
        """The file, or None."""
        try:
            found = (self._base / path).stat()
        except FileNotFoundError:
            return None
        etag = f"{found.st_mtime_ns}-{found.st_ino}"
        return FileInfo(path, found.st_size, found.st_mtime, etag)

    def open(self, path: str, offset: int = 0) -> BinaryIO:
        """A binary stream from `offset` on."""
        stream = (self._base / path).open("rb")
        stream.seek(offset)
        return stream

    def write(self, path: str, content: bytes) -> None:
        """Write beside, then rename, so that no reader sees half a file."""
        os.replace(self._written_beside(path, content), self._base / path)

    def create(self, path: str, content: bytes) -> bool:
        """Write beside, then link, which only the first can."""
        beside = self._written_beside(path, content)
        try:
            os.link(beside, self._base / path)
        except FileExistsError:
            return False
        finally:
            os.unlink(beside)
        return True

    def remove(self, path: str) -> None:
        """Remove a file; nothing where there is none."""
        (self._base / path).unlink(missing_ok=True)

    def _written_beside(self, path: str, content: bytes) -> str:
        folder = (self._base / path).parent
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as stream:
            try:
                stream.write(content)
                stream.flush()
            except OSError:
                os.unlink(stream.name)
                raise
        os.chmod(stream.name, 0o644)
        return stream.name

    def check_writable(self) -> None:
        """Raise UsageError where nothing can be written."""
        try:
            self._base.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._base, prefix="."):
                pass
        except OSError as error:
            raise UsageError(f"the lake {self.root} is not writable: {error.strerror}") from error

    def delta_options(self) -> dict[str, str]:
        """Nothing."""
        return {}


def _unlisted(error: OSError) -> None:
    """A folder that is gone holds nothing; one that can't be listed must not pass for empty."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise UsageError(f"can't list {error.filename}: {error.strerror}") from error


def files_at(uri: str) -> Files:
    """The files below a path or an s3a:// (s3://) URI.

    Raises:
        UsageError: another scheme, or no bucket.
    """
    scheme, mark, rest = uri.partition(":/")
    if not mark:
        return LocalFiles(os.path.abspath(uri))
    rest = rest.lstrip("/")
    if scheme == "file":
        return LocalFiles(f"/{rest}")
    if scheme in ("s3a", "s3") and rest:
        from lakehouse.storage.s3 import S3Files  # noqa: PLC0415  boto3 only where S3 is used

        return S3Files(f"s3a://{rest.rstrip('/')}")
    raise UsageError(f"can't keep a lake at {uri!r}; wanted a path or s3a://bucket/prefix")
