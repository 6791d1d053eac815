"""The interface to files: what local folders and S3 prefixes must both do, and what each refuses."""

import os
import pickle
import socket
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from lakehouse.errors import StorageError, UsageError
from lakehouse.storage import s3
from lakehouse.storage.files import Files, LocalFiles, files_at
from tests.support.s3 import S3Server, s3_bucket, s3_endpoint, s3_server

__all__ = ["s3_bucket", "s3_endpoint", "s3_server"]


@pytest.fixture(
    params=["local", pytest.param("s3", marks=pytest.mark.s3), pytest.param("bucket", marks=pytest.mark.s3)]
)
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    if request.param == "local":
        return files_at(str(tmp_path / "lake"))
    prefix = "/a lake/é" if request.param == "s3" else ""
    return files_at(f"s3a://{request.getfixturevalue('s3_bucket')}{prefix}/")


def test_files__give_back_what_was_written(files: Files) -> None:
    files.write("l1/ü b.json", b"0123456789")
    with files.open("l1/ü b.json") as stream:
        assert (stream.read(3), stream.read(), stream.read(5)) == (b"012", b"3456789", b"")
    with files.open("l1/ü b.json", offset=7) as stream:
        assert stream.read() == b"789"
    files.write("l1/ü b.json", b"new")
    with files.open("l1/ü b.json") as stream:
        assert stream.read() == b"new"


def test_files__are_removed(files: Files) -> None:
    files.write("a/b", b"1")
    files.remove("a/b")
    files.remove("a/b")
    assert files.stat("a/b") is None and list(files.walk()) == []


def test_files__create_what_is_not_there(files: Files) -> None:
    assert files.create("l1/log/0.json", b"first")
    assert not files.create("l1/log/0.json", b"second")
    with files.open("l1/log/0.json") as stream:
        assert stream.read() == b"first"
    assert files.names("l1/log") == ["0.json"]


def test_files__walk_and_name_what_is_there(files: Files) -> None:
    for path in ("b/2.json", "b/c d/1.json", "a/x", "ab/x", "top"):
        files.write(path, path.encode())
    assert sorted(info.path for info in files.walk()) == ["a/x", "ab/x", "b/2.json", "b/c d/1.json", "top"]
    assert sorted(info.path for info in files.walk("b")) == ["b/2.json", "b/c d/1.json"]
    assert (files.names(), files.names("b"), files.names("b/c d")) == (
        ["a", "ab", "b", "top"],
        ["2.json", "c d"],
        ["1.json"],
    )
    assert (list(files.walk("none")), files.names("none"), files.names("a/x")) == ([], [], [])


def test_files__say_size_and_a_mark_that_changes_with_the_bytes(files: Files) -> None:
    assert files.stat("a.json") is None
    files.write("a.json", b"one")
    before = files.stat("a.json")
    assert before is not None and (before.path, before.size) == ("a.json", 3)
    assert before == next(iter(files.walk())) == files.stat("a.json")
    files.write("a.json", b"two")
    after = files.stat("a.json")
    assert after is not None and after.etag != before.etag


def test_files__that_are_missing_are_not_found(files: Files) -> None:
    files.write("other", b"")
    with pytest.raises(FileNotFoundError):
        files.open("a.json")


def test_files__are_the_same_after_pickling(files: Files) -> None:
    files.write("a.json", b"one")
    copy = pickle.loads(pickle.dumps(files))
    assert copy.root == files.root
    with copy.open("a.json") as stream:
        assert stream.read() == b"one"


def test_check_writable__leaves_nothing_behind(files: Files) -> None:
    files.check_writable()
    assert list(files.walk()) == []


def test_local_files__can_not_be_written_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("no folder")
    with pytest.raises(UsageError, match=r"lake is not writable: (File exists|Not a directory)$"):
        LocalFiles(str(tmp_path / "lake")).check_writable()
    with pytest.raises(UsageError, match=r"is not writable: Not a directory$"):
        LocalFiles(str(tmp_path / "lake" / "below")).check_writable()


def test_local_files__follow_links_once_and_pass_over_what_is_no_file(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "deep").mkdir(parents=True)
    (elsewhere / "deep/a.json").write_bytes(b"{}")
    root = tmp_path / "landing"
    root.mkdir()
    (root / "donors").symlink_to(elsewhere)
    (elsewhere / "deep/again").symlink_to(elsewhere)
    (elsewhere / "dangling.json").symlink_to(tmp_path / "none")
    os.mkfifo(elsewhere / "pipe.json")
    assert [info.path for info in LocalFiles(str(root)).walk()] == ["donors/deep/a.json"]


def test_local_files__do_not_take_a_folder_that_can_not_be_listed_for_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    (tmp_path / "secret").mkdir()
    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(UsageError, match=r"can't list .*secret: Permission denied"):
        list(LocalFiles(str(tmp_path)).walk())


def test_files_at__knows_paths_and_uris(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    roots = {uri: files_at(uri).root for uri in ("lake", "/a/b", "file:///a/b", "file:/a/b", "s3://b/p/", "s3a://b")}
    assert roots == {
        "lake": str(tmp_path / "lake"),
        "/a/b": "/a/b",
        "file:///a/b": "/a/b",
        "file:/a/b": "/a/b",
        "s3://b/p/": "s3a://b/p",
        "s3a://b": "s3a://b",
    }


@pytest.mark.parametrize("uri", ["hdfs://x/y", "gs://b", "s3a://", "http://x"])
def test_files_at__refuses_other_places(uri: str) -> None:
    with pytest.raises(UsageError, match="wanted a path or s3a://bucket/prefix"):
        files_at(uri)


EVERY_CALL: list[Callable[[Files], object]] = [
    lambda files: list(files.walk()),
    lambda files: files.names("landing"),
    lambda files: files.write("a", b""),
    lambda files: files.check_writable(),
]


@pytest.mark.s3
@pytest.mark.parametrize("call", EVERY_CALL)
def test_s3_files__refuse_a_bucket_that_is_not_there(s3_endpoint: str, call: Callable[[Files], object]) -> None:
    for bucket in ("no-such-bucket", "not_A bucket!"):
        with pytest.raises(UsageError, match=f"s3a://{bucket}"):
            call(files_at(f"s3a://{bucket}/lake"))


@pytest.mark.s3
@pytest.mark.parametrize("call", EVERY_CALL)
def test_s3_files__say_that_there_are_no_credentials(
    s3_bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, call: Callable[[Files], object]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(UsageError, match=r"can't use s3a://.*redentials"):
        call(files_at(f"s3a://{s3_bucket}"))


@pytest.mark.s3
@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied"])
@pytest.mark.parametrize("call", EVERY_CALL)
def test_s3_files__say_that_credentials_were_refused(
    s3_bucket: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, code: str, call: Callable[[Files], object]
) -> None:
    # moto takes any credentials, so the refusal is made in front of it, as S3 words it.
    monkeypatch.setattr(s3_server, "_app", _refusing(code))
    with pytest.raises(UsageError, match=f"s3a://{s3_bucket} refused the request: .*{code}"):
        call(files_at(f"s3a://{s3_bucket}"))


def _refusing(code: str) -> Callable[..., list[bytes]]:
    def app(_: object, start_response: Callable[..., object]) -> list[bytes]:
        body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        start_response("403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [body]

    return app


@pytest.mark.s3
@pytest.mark.parametrize("call", EVERY_CALL)
def test_s3_files__that_are_out_of_reach_are_a_storage_error(
    s3_endpoint: str, monkeypatch: pytest.MonkeyPatch, call: Callable[[Files], object]
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
    monkeypatch.setattr(s3, "RETRIES", s3.RETRIES.merge(s3.BotoConfig(retries={"max_attempts": 0})))
    with pytest.raises(StorageError, match="s3a://some-bucket is out of reach"):
        call(files_at("s3a://some-bucket"))


@pytest.mark.s3
def test_s3_files__refuse_an_endpoint_that_is_no_url(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "not a url")
    with pytest.raises(UsageError, match=r"can't use s3a://some-bucket: Invalid endpoint: not a url"):
        files_at("s3a://some-bucket").names()


@pytest.mark.s3
def test_s3_files__pass_over_the_mark_of_an_empty_folder(s3_bucket: str, s3_endpoint: str) -> None:
    client = boto3.client("s3", endpoint_url=s3_endpoint)
    for key in ("lake/", "lake/donors/", "lake/donors/a.json"):
        client.put_object(Bucket=s3_bucket, Key=key, Body=b"")
    files = files_at(f"s3a://{s3_bucket}/lake")
    assert [info.path for info in files.walk()] == ["donors/a.json"]
    assert (files.names(), files.names("donors")) == (["donors"], ["a.json"])


@pytest.mark.s3
def test_s3_files__that_break_off_while_they_are_read_are_a_storage_error(
    s3_bucket: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(_: object, start_response: Callable[..., object]) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "100")])
        return [b"only this"]

    monkeypatch.setattr(s3_server, "_app", short)
    with pytest.raises(StorageError, match="out of reach"), files_at(f"s3a://{s3_bucket}").open("a") as stream:
        while stream.read(5):
            pass
