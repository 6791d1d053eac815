"""Jobs through spark-submit, in one lake from its first run on: every exit code that they promise, and no identity of
a person in anything that they write outside L1 or say."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from lakehouse.config import load_config
from lakehouse.storage.lake import Lake
from lakehouse.storage.leases import Lease
from tests.support.homes import lean_home
from tests.support.lakes import LAST_DAY, land, now
from tests.support.processes import spark_submit

pytestmark = pytest.mark.slow
AS_OF = ("--as-of", str(LAST_DAY))


# No other text has this in it; it stands in every field that identifies a person.
SECRET = "Zyxwvu"
PERSON = {field: f"{SECRET} {field}" for field in ("name", "address", "city", "postal_code", "phone", "email")}
DONOR = PERSON | {"donor_id": f"{SECRET}-donor", "birthdate": "1980-05-17", "sex": "Female"}
PATIENT = {"admission_id": "a1", "patient_id": f"{SECRET}-patient", "admission_date": "2024-02-01"}
PEOPLE: dict[str, list[dict[str, Any]]] = {
    "donors": [
        *[DONOR | {"donor_id": f"{SECRET}-donor-{number}"} for number in range(200)],
        DONOR | {"donor_id": None},
        DONOR | {"donor_id": f"{SECRET}-unknown-field", "maiden_name": SECRET},
        DONOR | {"donor_id": f"{SECRET}-misfit", "birthdate": SECRET},
        DONOR | {"donor_id": f"{SECRET}-future", "registered_at": "2999-01-01T00:00:00Z"},
    ],
    "patients": [PATIENT, PATIENT | {"patient_id": None, "admission_id": f"{SECRET}-admission"}, *[PATIENT] * 40],
}


@dataclass(frozen=True)
class First:
    """The lake of the first run, and all that the run said."""

    root: Path
    said: str


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> First:
    """A lake in which a feed whose key was renamed is held, and some people's records are refused.

    It leaves out what the report is not made of; Spark is as it is set for everybody.
    """
    root = tmp_path_factory.mktemp("submitted")
    home = {"LAKEHOUSE_HOME": str(lean_home(tmp_path_factory.mktemp("shipped"), {}))}
    for feed, records in PEOPLE.items():
        land(root / "landing", feed, records, name="people.json")
    land(root / "landing", "donors", f"{SECRET} no record\n".encode(), name="junk.json")
    renamed = [{"employee": f"{SECRET}-{number}", "name": SECRET} for number in range(3)]
    land(root / "landing", "employees", renamed, name="renamed.json")
    events = root / "events"
    events.mkdir()
    conf = {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.compress": "false",
        "spark.eventLog.dir": f"file://{events}",
    }
    ended = spark_submit("run", root, *AS_OF, conf=conf, environment=home)
    assert (ended.code, ended.line["verdict"]) == (3, "incomplete"), ended.printed[-2000:]
    assert ended.line["held"] == ["employees/b000001"]
    assert ended.line["refused"] == {"donors": 3, "patients": 1}
    return First(root, ended.printed)


@pytest.fixture(scope="module")
def held(first: First) -> Path:
    return first.root


def test_no_identity__leaves_l1(first: First) -> None:
    """Not into a table, a report, the Data Docs, a log, or Spark's own event log; names nor raw ids."""
    outside = [
        path
        for path in first.root.rglob("*")
        if path.is_file() and path.parts[len(first.root.parts)] not in ("landing", "l1")
    ]
    kinds = {path.relative_to(first.root).parts[0] for path in outside}
    assert {"events", "l2", "ops", "reports"} <= kinds
    assert [path for path in outside if SECRET in _text(path)] == []
    assert SECRET not in first.said
    assert any(SECRET in _text(path) for path in (first.root / "l1").rglob("*.parquet")), "it is what we look for"


def _text(path: Path) -> str:
    if path.suffix == ".parquet":
        return str(pq.ParquetFile(path).read().to_pylist())
    return path.read_bytes().decode("utf-8", errors="replace")


@pytest.fixture(scope="module")
def lean(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """From here on Spark compiles nothing, which exit codes are not about."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_HOME", str(lean_home(tmp_path_factory.mktemp("lean"))))
        yield


@pytest.fixture(scope="module")
def refused(held: Path, lean: None) -> Path:
    """The same lake, and in it a delivery of which too much is refused."""
    land(held / "landing", "facilities", b"junk\njunk\n", name="junk.json")
    ended = spark_submit("run", held, *AS_OF)
    assert ended.code == 4, ended.printed[-2000:]
    assert ended.line["held"] == ["employees/b000001", "facilities/b000002"], "all that is held, not the news alone"
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
    ended = spark_submit(
        "release", "s3a://bucket/lake", "--conf-env", "s3", "list", environment=keys | {"AWS_ENDPOINT_URL": nobody}
    )
    assert (ended.code, ended.line["verdict"]) == (6, "unreachable"), ended.printed[-2000:]


def test_1__a_table_that_somebody_removed(refused: Path) -> None:
    """Neither reader nor writer takes an empty one for it."""
    units, backup = refused / "l2" / "units", refused / "backup"
    units.rename(backup)
    for job, options in (("report", ()), ("promote", ("--full",))):
        ended = spark_submit(job, refused, *options)
        assert (ended.code, ended.line["verdict"]) == (1, "failed")
        assert "l2/units: found no table, wanted version" in ended.line["message"]
    assert not units.exists()
    backup.rename(units)


def test_1__a_lake_that_somebody_damaged(refused: Path) -> None:
    """What nobody has foreseen shows where it happened, and still says how it ended."""
    for commit in (refused / "l2" / "units" / "_delta_log").glob("*.json"):
        commit.write_text("no json", encoding="utf-8")
    ended = spark_submit("report", refused)
    assert (ended.code, ended.line["verdict"]) == (1, "bug")
    assert "Traceback" in ended.printed
