"""Files below an S3 prefix, through boto3; credentials come from the usual AWS places."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, BinaryIO, TypeVar

import boto3
from botocore.config import Config as BotoConfig
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    InvalidRegionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
)

from lakehouse.errors import StorageError, UsageError
from lakehouse.storage.files import FileInfo

T = TypeVar("T")
RETRIES = BotoConfig(retries={"max_attempts": 4, "mode": "standard"}, connect_timeout=5, read_timeout=30)
NOT_FOUND = {"404", "NoSuchKey"}
TAKEN = {"412", "PreconditionFailed"}
REFUSED = {
    *("403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"),
    *("NoSuchBucket", "InvalidBucketName", "301", "PermanentRedirect", "AuthorizationHeaderMalformed"),
}
MISUSED = (NoCredentialsError, PartialCredentialsError, ProfileNotFound, ParamValidationError, InvalidRegionError)


class _Body:
    """An object's bytes; the connection may break on any read."""

    def __init__(self, body: Any, call: Callable[[Callable[[], Any]], Any]) -> None:
        self._body, self._call = body, call

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; all where it is negative."""
        found: bytes = self._call(lambda: self._body.read(None if size < 0 else size))
        return found

    def __enter__(self) -> "_Body":
        return self

    def __exit__(self, *_: object) -> None:
        self._body.close()


class S3Files:
    """Files below s3a://bucket/prefix."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.bucket, _, self.prefix = root.removeprefix("s3a://").partition("/")

    def __getstate__(self) -> dict[str, Any]:
        """A client does not pickle; each process makes its own."""
        return {key: value for key, value in self.__dict__.items() if key not in ("client", "_session")}

    @cached_property
    def _session(self) -> Any:
        """A session of its own: the shared one is not safe to make clients from in several threads."""
        return boto3.session.Session()

    @cached_property
    def client(self) -> Any:
        """The boto3 client of this process."""
        try:
            return self._session.client("s3", config=RETRIES)
        except ValueError as error:
            raise UsageError(f"can't use {self.root}: {error}") from error

    def is_there(self) -> bool:
        """Always: a prefix without objects is as good as any."""
        return True

    def walk(self, below: str = "") -> Iterator[FileInfo]:
        """Every object below a prefix, sorted by key."""
        for page in self._pages(self._key(below, folder=True)):
            for item in page.get("Contents", ()):
                path = item["Key"].removeprefix(self._key("", folder=True))
                # Consoles keep a folder as an empty object whose name ends so.
                if path and not path.endswith("/"):
                    yield FileInfo(path, item["Size"], item["LastModified"].timestamp(), item["ETag"].strip('"'))

    def names(self, below: str = "") -> list[str]:
        """Names directly below a prefix, sorted."""
        base = self._key(below, folder=True)
        found: set[str] = set()
        for page in self._pages(base, Delimiter="/"):
            found.update(item["Key"] for item in page.get("Contents", ()))
            found.update(item["Prefix"] for item in page.get("CommonPrefixes", ()))
        return sorted(key.removeprefix(base).rstrip("/") for key in found if key != base)

    def stat(self, path: str) -> FileInfo | None:
        """The object, or None."""
        try:
            head = self._call(lambda: self.client.head_object(Bucket=self.bucket, Key=self._key(path)))
        except FileNotFoundError:
            return None
        return FileInfo(path, head["ContentLength"], head["LastModified"].timestamp(), head["ETag"].strip('"'))

    def open(self, path: str, offset: int = 0) -> BinaryIO:
        """The object's body from `offset` on."""
        extra = {"Range": f"bytes={offset}-"} if offset else {}
        got = self._call(lambda: self.client.get_object(Bucket=self.bucket, Key=self._key(path), **extra))
        body: BinaryIO = _Body(got["Body"], self._call)  # type: ignore[assignment]
        return body

    def write(self, path: str, content: bytes) -> None:
        """Put the whole object."""
        self._call(lambda: self._put(path, content))

    def create(self, path: str, content: bytes) -> bool:
        """Put the whole object on the condition that there is none."""
        try:
            self._call(lambda: self._put(path, content, IfNoneMatch="*"))
        except FileExistsError:
            return False
        return True

    def remove(self, path: str) -> None:
        """Delete the object; nothing where there is none."""
        self._call(lambda: self.client.delete_object(Bucket=self.bucket, Key=self._key(path)))

    def _put(self, path: str, content: bytes, **conditions: str) -> None:
        kinds = {"html": "text/html; charset=utf-8", "css": "text/css", "json": "application/json"}
        kind = kinds.get(path.rpartition(".")[2], "application/octet-stream")
        self.client.put_object(Bucket=self.bucket, Key=self._key(path), Body=content, ContentType=kind, **conditions)

    def check_writable(self) -> None:
        """Put and remove a small object."""
        probe = self._key(".writable")
        self._call(lambda: self.client.put_object(Bucket=self.bucket, Key=probe, Body=b""))
        self._call(lambda: self.client.delete_object(Bucket=self.bucket, Key=probe))

    def delta_options(self) -> dict[str, str]:
        """The credentials and the address that boto3 finds, and commits by conditional puts."""
        found = self._session.get_credentials()
        if found is None:
            raise UsageError(f"can't use {self.root}: {NoCredentialsError()}")
        known, endpoint = found.get_frozen_credentials(), self.client.meta.endpoint_url
        options = {
            "aws_access_key_id": known.access_key,
            "aws_secret_access_key": known.secret_key,
            "aws_session_token": known.token,
            "aws_region": self.client.meta.region_name,
            "aws_endpoint_url": endpoint,
            "aws_allow_http": str(endpoint.startswith("http:")).lower(),
            "aws_conditional_put": "etag",
            "connect_timeout": f"{RETRIES.connect_timeout}s",
            "timeout": f"{RETRIES.read_timeout}s",
            "max_retries": "4",
        }
        return {name: value for name, value in options.items() if value}

    def _key(self, path: str, folder: bool = False) -> str:
        key = "/".join(part for part in (self.prefix, path.strip("/")) if part)
        return f"{key}/" if folder and key else key

    def _pages(self, prefix: str, **more: str) -> Iterator[dict[str, Any]]:
        lister = self._call(lambda: self.client.get_paginator("list_objects_v2"))
        pages = iter(lister.paginate(Bucket=self.bucket, Prefix=prefix, **more))
        while (page := self._call(lambda: next(pages, None))) is not None:
            yield page

    def _call(self, request: Callable[[], T]) -> T:
        try:
            return request()
        except MISUSED as error:
            raise UsageError(f"can't use {self.root}: {error}") from error
        except ClientError as error:
            raise self._translated(error) from error
        except BotoCoreError as error:
            raise StorageError(f"{self.root} is out of reach: {error}") from error

    def _translated(self, error: ClientError) -> Exception:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in NOT_FOUND:
            return FileNotFoundError(f"{self.root}: {error}")
        if code in TAKEN:
            return FileExistsError(f"{self.root}: {error}")
        if code in REFUSED:
            return UsageError(f"{self.root} refused the request: {error}")
        return StorageError(f"{self.root} failed: {error}")
