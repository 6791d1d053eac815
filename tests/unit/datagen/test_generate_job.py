"""The job writes, one task a region, what the command writes, local or on S3; and refuses what the command refuses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from world_files import files_of, live

from datagen.cli import history_options
from jobs.generate import generate
from lakehouse import cli
from lakehouse.config import HOME
from lakehouse.storage.files import files_at
from tests.support.lakes import now
from tests.support.s3 import s3_bucket, s3_endpoint, s3_environment, s3_server

__all__ = ["s3_bucket", "s3_endpoint", "s3_server"]
ASKED = ("--seed", "7", "--start", "2024-01-15", "--days", "8", "--donors", "300", "--regions", "high_mesa,north_river")


def generated(lake: str, *options: str) -> int:
    return cli.main("generate", "x", generate, now, history_options, ["--lake", lake, *ASKED, *options])


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("local") / "landing"
    return files_of(live(out, "--regions", "high_mesa,north_river", days=8, donors=300))


def test_generate__writes_the_bytes_of_the_command(
    spark: SparkSession, tmp_path: Path, local: dict[str, bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    assert generated(str(tmp_path)) == 0
    assert files_of(tmp_path / "landing") == local
    before = files_of(tmp_path)
    assert generated(str(tmp_path)) == 2
    assert "there is a world at" in capfd.readouterr().out
    assert files_of(tmp_path) == before


def test_generate__that_can_not_write_a_region_leaves_no_world(
    spark: SparkSession, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # Where the first region's patients were to land, there is a file.
    (tmp_path / "landing/patients/2024/01").mkdir(parents=True)
    (tmp_path / "landing/patients/2024/01/22").write_text("in the way")
    assert generated(str(tmp_path)) == 2
    assert "can't write to" in capfd.readouterr().out
    assert not list((tmp_path / "landing/.world").rglob("world.json"))


@pytest.mark.s3
def test_generate__writes_the_same_to_s3(s3_bucket: str, local: dict[str, bytes]) -> None:
    # By itself: Spark's workers have the credentials of the time when they began.
    command = [sys.executable, "jobs/generate.py", "--lake", f"s3a://{s3_bucket}/lake", "--conf-env", "s3", *ASKED]
    environment = {**os.environ, **s3_environment()}
    done = subprocess.run(command, cwd=HOME, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    landing = files_at(f"s3a://{s3_bucket}/lake/landing")
    found = {}
    for info in landing.walk():
        with landing.open(info.path) as stream:
            found[info.path] = stream.read()
    assert found == local


@pytest.mark.parametrize("wrong", [("--regions", "atlantis"), ("--scenario", "plague@2024-01-20"), ("--days", "0")])
def test_generate__refuses_what_the_command_refuses(wrong: tuple[str, str], tmp_path: Path) -> None:
    assert generated(str(tmp_path), *wrong) == 2
    assert files_of(tmp_path) == {}
