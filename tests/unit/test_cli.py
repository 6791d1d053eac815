"""The frame of every job: options, exit codes, and the one line of JSON at the end."""

import argparse
import json
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from lakehouse import cli, errors
from lakehouse.cli import Outcome, Run, as_of_option, main
from lakehouse.config import load_config
from lakehouse.l2.pipeline import L2_TABLES

STARTED = datetime(2024, 3, 1, 23, 30, tzinfo=UTC)


def ticking() -> Callable[[], datetime]:
    """A clock that goes on by a second whenever it is read."""
    ticks = iter(range(1000))
    return lambda: STARTED + timedelta(seconds=next(ticks))


def run_job(body: Callable[[Run], Outcome], *argv: str) -> int:
    return main("job", "A job.", body, ticking(), as_of_option, list(argv))


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    found: dict[str, Any] = json.loads(lines[0])
    return found


def raising(error: Exception) -> Callable[[Run], Outcome]:
    def body(_: Run) -> Outcome:
        raise error

    return body


def test_main__ends_with_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    body = lambda run: Outcome("done", 0, {"batch_id": "b000001", "as_of": run.as_of})  # noqa: E731
    assert run_job(body, "--as-of", "2024-02-29") == 0
    assert last_line(capsys) == {
        "job": "job",
        "batch_id": "b000001",
        "as_of": "2024-02-29",
        "seconds": 1.0,
        "verdict": "done",
    }


def test_main__tells_instants_in_utc_wherever_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    told: list[datetime] = []
    body = lambda _: told.append(datetime.fromtimestamp(0)) or Outcome("done")  # type: ignore[func-returns-value] # noqa: E731 -- as Spark's rows are
    run_job(body)
    assert told == [datetime(1970, 1, 1)]


def test_main__gives_the_body_its_options_settings_and_places(tmp_path: Any) -> None:
    seen: list[Run] = []
    lake = str(tmp_path / "a lake")
    body = lambda run: seen.append(run) or Outcome("done")  # type: ignore[func-returns-value] # noqa: E731
    run_job(body, "--lake", f"{lake}/", "--conf-env", "cluster")
    run_job(body, "--lake", lake, "--landing", str(tmp_path / "in"), "--as-of", "2023-12-31")
    first, second = seen
    assert (first.config.environment, second.config.environment) == ("cluster", "local")
    assert (first.landing.root, second.landing.root) == (f"{lake}/landing", str(tmp_path / "in"))
    assert (first.as_of, second.as_of) == (date(2024, 3, 1), date(2023, 12, 31))
    assert first.run_id.startswith("20240301T233000")


def test_session__is_that_of_a_large_lake_where_it_is_one(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    monkeypatch.setattr(cli, "build_session", lambda config, _: started.append(config.spark.conf["a"]))
    for slice_units in (0, 1):
        spark = {"conf": {"a": "small"}, "large": {"a": "large"}}
        config = load_config("local", {"spark": spark, "pipeline": {"slice_units": slice_units}})
        run = Run("job", argparse.Namespace(lake=str(tmp_path / str(slice_units))), config, ticking(), "r")
        run.lake.start()
        run.lake.create(L2_TABLES["units"])
        run._session()
    assert started == ["large", "large", "small", "small"]


def test_main__takes_the_jobs_own_options() -> None:
    seen: list[Any] = []
    body = lambda run: seen.append(run.args.why) or Outcome("done")  # type: ignore[func-returns-value] # noqa: E731
    main("job", "A job.", body, ticking(), lambda parser: parser.add_argument("--why"), ["--why", "because"])
    assert seen == ["because"]


@pytest.mark.parametrize(
    ("error", "exit_code", "verdict"),
    [
        (errors.UsageError("no"), 2, "usage"),
        (errors.SuiteError("no"), 2, "usage"),
        (errors.HeldError("no"), 3, "held"),
        (errors.LeaseTakenError("no"), 5, "busy"),
        (errors.StorageError("no"), 6, "unreachable"),
        (errors.LandingChangedError("no"), 6, "unreachable"),
        (errors.LakeError("no"), 1, "failed"),
        (errors.SchemaMismatchError("no"), 1, "failed"),
    ],
)
def test_main__turns_errors_into_exit_codes(
    capsys: pytest.CaptureFixture[str], error: errors.LakeError, exit_code: int, verdict: str
) -> None:
    assert run_job(raising(error)) == exit_code
    said = capsys.readouterr()
    line = json.loads(said.out)
    assert (line["verdict"], line["message"]) == (verdict, "no")
    assert ("Traceback" in said.err) == (exit_code == 1)


def test_main__knows_what_spark_says_of_storage_out_of_reach(capsys: pytest.CaptureFixture[str]) -> None:
    error = RuntimeError("AWSClientIOException: Unable to execute HTTP request: Connection refused\n  at x.y")
    assert run_job(raising(error)) == 6
    assert last_line(capsys)["message"].endswith("Unable to execute HTTP request: Connection refused")


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device", "/data/lake/l2/x.parquet"),
        RuntimeError("Job aborted due to stage failure\n  java.io.IOException: No space left on device\n  at x.y"),
        OSError(122, "Disk quota exceeded"),
    ],
)
def test_main__says_that_the_disk_is_full(capsys: pytest.CaptureFixture[str], error: Exception) -> None:
    assert run_job(raising(error)) == 6
    said = capsys.readouterr()
    message = json.loads(said.out)["message"]
    assert message.startswith("the disk is full: free space and run again (") and "\n" not in message
    assert "Traceback" not in said.err


def test_main__of_a_bug_tells_where_before_its_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_job(raising(ZeroDivisionError("bug"))) == 1
    said = capsys.readouterr()
    assert json.loads(said.out.splitlines()[-1])["verdict"] == "bug"
    assert "Traceback" in said.err and "ZeroDivisionError: bug" in said.err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--as-of", "01.03.2024"], "found '01.03.2024'; wanted a day YYYY-MM-DD"),
        (["--what"], "unrecognized arguments: --what"),
    ],
)
def test_main__refuses_wrong_options(capsys: pytest.CaptureFixture[str], argv: list[str], message: str) -> None:
    with pytest.raises(SystemExit) as ended:
        run_job(raising(AssertionError("must not run")), *argv)
    assert ended.value.code == 2 and message in capsys.readouterr().err


def test_main__takes_no_day_where_the_job_reads_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main("job", "A job.", raising(AssertionError("must not run")), ticking(), argv=["--as-of", "2024-03-01"])
    assert ended.value.code == 2 and "unrecognized arguments: --as-of" in capsys.readouterr().err


def test_main__refuses_an_unknown_environment(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_job(raising(AssertionError("must not run")), "--conf-env", "prod") == 2
    assert "wanted one of local, s3, cluster" in last_line(capsys)["message"]


@pytest.mark.parametrize("lake", ["hdfs://x/lake", "s3a://"])
def test_main__refuses_a_place_that_keeps_no_lake(capsys: pytest.CaptureFixture[str], lake: str) -> None:
    assert run_job(lambda run: Outcome(str(run.check_writable())), "--lake", lake) == 2
    assert "wanted a path or s3a://bucket/prefix" in last_line(capsys)["message"]
