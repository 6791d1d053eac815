"""What every job shares: options, exit codes, logging, and the one line of JSON at the end."""

import argparse
import json
import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from pyspark.sql import SparkSession

from lakehouse.config import ENVIRONMENTS, Config, load_config
from lakehouse.errors import LakeError, StorageError, full_disk
from lakehouse.l2.derivatives.units import TABLE as UNITS
from lakehouse.session import build_session
from lakehouse.storage.files import Files, files_at
from lakehouse.storage.lake import Lake

Clock = Callable[[], datetime]
UNREACHABLE = (
    "SdkClientException",
    "ConnectException",
    "SocketTimeoutException",
    "UnknownHostException",
    "Unable to execute HTTP request",
)
log = logging.getLogger("lakehouse")


@dataclass(frozen=True)
class Outcome:
    """How a job ended: its verdict in a word, its exit code, and what its last line says besides."""

    verdict: str
    exit_code: int = 0
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class Run:
    """One run of a job: its options, settings and lake."""

    job: str
    args: argparse.Namespace
    config: Config
    clock: Clock
    run_id: str

    @cached_property
    def lake(self) -> Lake:
        """The lake; Spark starts where it is first needed."""
        window_days = self.config.lake.release_window_days
        return Lake(self._session, self.args.lake, run_id=self.run_id, window_days=window_days)

    def _session(self) -> SparkSession:
        # By the log, before there is a session: what the JVM is started with can't be changed later.
        try:
            units = self.lake.size(UNITS).rows if self.lake.version(UNITS) is not None else 0
        except LakeError:
            units = 0  # What is wrong there is told by whoever needs it.
        return build_session(self.config.for_units(units), self.job)

    @cached_property
    def landing(self) -> Files:
        """Where files land."""
        return files_at(self.args.landing or f"{self.args.lake.rstrip('/')}/landing")

    def check_writable(self) -> None:
        """Raise UsageError where the lake can't be written, before Spark starts."""
        files_at(self.args.lake).check_writable()

    @cached_property
    def as_of(self) -> date:
        """The day that this run speaks about: as given, else today (UTC)."""
        given: date | None = self.args.as_of
        return given or self.clock().date()


Body = Callable[[Run], Outcome]
Arguments = Callable[[argparse.ArgumentParser], None]


def main(
    job: str, about: str, body: Body, clock: Clock, arguments: Arguments | None = None, argv: list[str] | None = None
) -> int:
    """Run a job and return its exit code.

    Args:
        job: its name, in logs and in the last line.
        about: what `--help` says.
        body: the work.
        clock: the time of day; nothing below reads it elsewhere.
        arguments: adds the job's own options.
        argv: the command line, for tests.
    """
    args = _parser(job, about, arguments).parse_args(argv)
    # Python is given instants without a zone, in that of the process: what is printed and shown is in UTC.
    os.environ["TZ"] = "UTC"
    time.tzset()
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", force=True
    )
    for noisy in ("py4j", "great_expectations", "botocore", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    started = clock()
    try:
        outcome = _run(job, body, args, clock, started)
    except Exception:
        # Told here, not by the interpreter: spark-submit joins both streams, and the line of JSON must be the last.
        log.exception("a bug")
        outcome = Outcome("bug", 1)
    seconds = round((clock() - started).total_seconds(), 1)
    line = {"job": job, **outcome.facts, "seconds": seconds, "verdict": outcome.verdict}
    print(json.dumps(line, default=str), flush=True)
    return outcome.exit_code


def _run(job: str, body: Body, args: argparse.Namespace, clock: Clock, started: datetime) -> Outcome:
    run_id = f"{started:%Y%m%dT%H%M%S%f}-{socket.gethostname()}-{os.getpid()}"
    try:
        return body(Run(job, args, load_config(args.conf_env), clock, run_id))
    except LakeError as error:
        return _failed(error)
    except Exception as error:
        if full := full_disk(error):
            return _failed(full)
        if any(sign in str(error) for sign in UNREACHABLE):
            return _failed(StorageError(f"storage is out of reach: {str(error).splitlines()[0]}"))
        raise


def _failed(error: LakeError) -> Outcome:
    # What no one can act on without the code comes with its traceback.
    log.error("%s", error, exc_info=error if error.exit_code == 1 else None)
    verdict = {2: "usage", 3: "held", 5: "busy", 6: "unreachable"}.get(error.exit_code, "failed")
    return Outcome(verdict, error.exit_code, {"message": str(error)})


def _parser(job: str, about: str, arguments: Arguments | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=job, description=about)
    parser.add_argument(
        "--lake",
        default=os.environ.get("LAKE", "lake"),
        metavar="URI",
        help="path or s3a://bucket/prefix (default: $LAKE, else ./lake)",
    )
    parser.add_argument("--landing", metavar="URI", help="where files land (default: landing/ in the lake)")
    parser.add_argument(
        "--conf-env", default="local", metavar="ENV", help=f"{' | '.join(ENVIRONMENTS)} (default: local)"
    )
    if arguments is not None:
        arguments(parser)
    return parser


def as_of_option(parser: argparse.ArgumentParser, default: str = "today, UTC") -> None:
    """The option of jobs that make a release."""
    parser.add_argument("--as-of", type=_day, metavar="YYYY-MM-DD", help=f"the day to speak about (default: {default})")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"found {text!r}; wanted a day YYYY-MM-DD") from None
