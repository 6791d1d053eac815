"""Leases: who gets one, who does not, and what happens to who lost it."""

import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.config import LeaseConf
from lakehouse.errors import LeaseTakenError
from lakehouse.l1.ledger import FILES
from lakehouse.storage import leases as leases_module
from lakehouse.storage.lake import Lake
from lakehouse.storage.leases import LEASES, Lease, is_dead, this_process

CONF = LeaseConf(seconds=90, renew_seconds=1000)
RENEWING = LeaseConf(seconds=90, renew_seconds=0.01)


@dataclass
class Clock:
    now: datetime = field(default_factory=lambda: datetime(2024, 3, 1, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Runs:
    """Runs on one lake, each with a session of its own, all with one clock."""

    def __init__(self, spark: SparkSession, root: Path) -> None:
        self._spark, self._root, self.clock = spark, str(root), Clock()

    def lake(self, run_id: str) -> Lake:
        return Lake(self._spark.newSession(), self._root, run_id=run_id)

    def lease(self, run_id: str, name: str = "ingest", conf: LeaseConf = CONF) -> Lease:
        return Lease(self.lake(run_id), name, conf, self.clock)

    def steps(self) -> list[tuple[str, int, str, str]]:
        rows = self.lake("reader").journals.rows(LEASES)
        return sorted((row["lease"], row["step"], row["event"], row["owner"]) for row in rows)


@pytest.fixture
def runs(spark: SparkSession, tmp_path: Path) -> Runs:
    return Runs(spark, tmp_path)


def test_lease__is_taken_and_given_back(runs: Runs) -> None:
    for run_id in ("a", "b"):
        with runs.lease(run_id):
            pass
    assert [step[1:] for step in runs.steps()] == [
        (1, "taken", "a"),
        (2, "released", "a"),
        (3, "taken", "b"),
        (4, "released", "b"),
    ]


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Tokyo"])
def test_lease__that_is_held_is_not_given_to_another(runs: Runs, monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        with runs.lease("a"):
            runs.clock.go_on(89)
            with pytest.raises(LeaseTakenError, match=r"^run a holds the ingest lease until 2024-03-01 00:01:30 UTC; "):
                runs.lease("b").__enter__()
            with runs.lease("b", "promote"):
                pass
            assert [step for step in runs.steps() if step[3] == "b"] == [
                ("promote", 1, "taken", "b"),
                ("promote", 2, "released", "b"),
            ]
            runs.clock.go_on(2)
            with runs.lease("c"):
                pass
    finally:
        monkeypatch.undo()
        time.tzset()


def test_lease__is_given_back_after_an_error_which_goes_on(runs: Runs) -> None:
    with pytest.raises(ZeroDivisionError), runs.lease("a"):
        raise ZeroDivisionError
    assert runs.steps()[-1][2] == "released"


def test_lease__of_a_dead_process_is_taken_at_once(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with monkeypatch.context() as patch:
        patch.setattr(leases_module, "this_process", lambda: f"{socket.gethostname()}:{gone.pid}:12345")
        runs.lease("dead").__enter__()
    with runs.lease("b"):
        assert runs.steps()[-1] == ("ingest", 2, "taken", "b")


def test_lease__of_another_host_lasts_until_it_lapses(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(leases_module, "this_process", lambda: "another-host:1:1")
        runs.lease("far").__enter__()
    with pytest.raises(LeaseTakenError):
        runs.lease("b").__enter__()
    runs.clock.go_on(90)
    with runs.lease("b"):
        pass


def test_lease__that_lapsed_stops_the_next_write_and_is_not_given_back(runs: Runs) -> None:
    lease = runs.lease("slow")
    with lease:
        lease.lake.create(FILES)
        runs.clock.go_on(91)
        with runs.lease("b"), pytest.raises(LeaseTakenError, match="the ingest lease lapsed or was lost"):
            lease.lake.append(FILES, lease.lake.read(FILES))
    assert lease.lake.version(FILES) == 0
    assert [step[2:] for step in runs.steps()] == [("taken", "slow"), ("taken", "b"), ("released", "b")]
    # Without the lease, nothing guards the lake any more.
    lease.lake.append(FILES, lease.lake.read(FILES))


def test_lease__that_another_took_is_found_lost_by_its_renewal(runs: Runs) -> None:
    lease = runs.lease("a", conf=RENEWING)
    thief = runs.lease("thief")
    real, holding = lease._write, threading.Event()

    def held_back(event: str) -> None:
        holding.wait() if event == "renewed" else None
        real(event)

    lease._write = held_back  # type: ignore[method-assign]
    with lease:
        thief._step = 1
        thief._write("taken")
        holding.set()
        assert lease._thread is not None
        lease._thread.join(60)
        with pytest.raises(LeaseTakenError):
            lease.lake.create(FILES)
    assert [step[2:] for step in runs.steps()] == [("taken", "a"), ("taken", "thief")]


def wait_for_renewal(runs: Runs) -> None:
    since, deadline = runs.clock(), time.monotonic() + 120
    journals = runs.lake("reader").journals
    while not [row for row in journals.rows(LEASES, event="renewed") if row["happened_at"] >= since]:
        assert time.monotonic() < deadline, "the lease was not renewed"


def test_lease__is_renewed_while_it_is_held(runs: Runs) -> None:
    with runs.lease("a", conf=RENEWING):
        runs.clock.go_on(80)
        wait_for_renewal(runs)
        runs.clock.go_on(80)
        with pytest.raises(LeaseTakenError):
            runs.lease("b").__enter__()
    events = [step[2] for step in runs.steps()]
    assert events[0] == "taken" and events[-1] == "released" and set(events[1:-1]) == {"renewed"}
    assert [step[1] for step in runs.steps()] == list(range(1, len(events) + 1))


def test_lease__tries_a_failed_renewal_again(runs: Runs) -> None:
    lease = runs.lease("a", conf=RENEWING)
    real, failures = lease._write, iter([OSError("no network"), OSError("no network")])

    def flaky(event: str) -> None:
        if event == "renewed" and (error := next(failures, None)):
            raise error
        real(event)

    lease._write = flaky  # type: ignore[method-assign]
    with lease:
        wait_for_renewal(runs)


def test_lease__of_two_racers_goes_to_one(runs: Runs) -> None:
    with runs.lease("before"):
        pass
    barrier = threading.Barrier(2)

    def race(run_id: str) -> str:
        lease = runs.lease(run_id)
        found = lease._last

        def after_both_looked() -> object:
            last = found()
            barrier.wait()
            return last

        lease._last = after_both_looked  # type: ignore[method-assign, assignment]
        try:
            lease.__enter__()
        except LeaseTakenError as error:
            return str(error)
        return "won"

    with ThreadPoolExecutor(2) as pool:
        ends = sorted(pool.map(race, ("a", "b")))
    assert ends == ["another run won the ingest lease; run again later", "won"]
    assert [step[1:3] for step in runs.steps()] == [(1, "taken"), (2, "released"), (3, "taken")]


def test_is_dead__knows_this_process_its_past_and_strangers() -> None:
    host, pid, started = this_process().rsplit(":", 2)
    assert (host, pid) == (socket.gethostname(), str(os.getpid()))
    assert not is_dead(this_process())
    assert is_dead(f"{host}:{pid}:{int(started) - 1}")
    assert not is_dead("another:1:1")
