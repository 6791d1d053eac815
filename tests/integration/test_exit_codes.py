"""Every exit code that a job promises, reached through spark-submit, in one lake from its first run on."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse.config import load_config
from lakehouse.storage.lake import Lake
from lakehouse.storage.leases import Lease
from tests.support.lakes import LAST_DAY, land, now
from tests.support.processes import spark_submit

pytestmark = pytest.mark.slow
AS_OF = ("--as-of", str(LAST_DAY))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("codes")


@pytest.fixture(scope="module")
def held(root: Path) -> Path:
    """A lake in which a feed whose key was renamed is held."""
    land(root / "landing", "employees", [{"employee": f"e{number}"} for number in range(3)], name="renamed.json")
    ended = spark_submit("run", root, *AS_OF)
    assert (ended.code, ended.line["verdict"]) == (3, "incomplete"), ended.printed[-2000:]
    assert ended.line["held"] == ["employees/b000001"]
    return root


@pytest.fixture(scope="module")
def refused(held: Path) -> Path:
    """The same lake, and in it a delivery of which too much is refused."""
    land(held / "landing", "facilities", b"junk\njunk\n", name="junk.json")
    ended = spark_submit("run", held, *AS_OF)
    assert (ended.code, ended.line["held"]) == (4, ["facilities/b000002"]), ended.printed[-2000:]
    return held


@pytest.fixture
def lease(refused: Path) -> Iterator[None]:
    lake = Lake(_no_spark, str(refused), run_id="another")
    with Lease(lake, "ingest", load_config("local").lease, now):
        yield


def _no_spark() -> None:
    raise AssertionError("a lease needs no Spark")


def test_0__nothing_to_do(refused: Path) -> None:
    ended = spark_submit("run", refused, *AS_OF)
    assert (ended.code, ended.line["verdict"]) == (0, "nothing to do")


def test_2__a_folder_that_is_no_feeds(refused: Path) -> None:
    strange = refused / "landing" / "donars"
    strange.mkdir()
    ended = spark_submit("run", refused, *AS_OF)
    strange.rmdir()
    assert (ended.code, ended.line["verdict"]) == (2, "usage")
    assert "landing holds donars" in ended.line["message"]
    assert "Traceback" not in ended.printed


def test_3_and_4__a_suite_or_a_share_holds_a_batch(refused: Path) -> None:
    assert sorted(path.name for path in (refused / "reports").iterdir()) == ["r000001", "r000002"]


def test_5__another_run_is_at_work(refused: Path, lease: None) -> None:
    ended = spark_submit("ingest", refused)
    assert (ended.code, ended.line["verdict"]) == (5, "busy")


def test_6__storage_is_out_of_reach() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    ended = spark_submit("release", "s3a://bucket/lake", "--conf-env", "s3", "list", AWS_ENDPOINT_URL=nobody, **keys)
    assert (ended.code, ended.line["verdict"]) == (6, "unreachable"), ended.printed[-2000:]


def test_1__a_lake_that_somebody_damaged(refused: Path) -> None:
    """What nobody has foreseen shows where it happened, and still says how it ended."""
    shutil.rmtree(refused / "l2" / "units")
    ended = spark_submit("report", refused)
    assert (ended.code, ended.line["verdict"]) == (1, "bug")
    assert "Traceback" in ended.printed
