"""Leases: only one run at a time may ingest, and only one may promote.

A row of `ops/leases` is a step in the life of a lease. Every step is appended under a transaction id
one above the last, so that of two racers one is refused.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from lakehouse.config import LeaseConf
from lakehouse.errors import LeaseTakenError
from lakehouse.storage.lake import Lake
from lakehouse.storage.writes import no_guard
from lakehouse.table import INSTANT, LONG, TEXT, Field, Table

Clock = Callable[[], datetime]
log = logging.getLogger(__name__)

LEASES = Table(
    tier="ops",
    name="leases",
    grain="a step in the life of a lease",
    key=("lease", "step"),
    fields=(
        Field("lease", TEXT, "ingest or promote", required=True),
        Field("step", LONG, "counts up with every step of this lease: the fencing number", required=True),
        Field("event", TEXT, "taken, renewed or released", required=True),
        Field("owner", TEXT, "the run", required=True),
        Field("process", TEXT, "host:pid:start of the process", required=True),
        Field("expires_at", INSTANT, "lapses then, unless renewed", required=True),
        Field("happened_at", INSTANT, "when", required=True),
    ),
    law="steps of a lease are 1, 2, 3, …; between taken and released every step has one owner",
)


@dataclass
class Lease:
    """A lease on the lake, held while the `with` block runs and renewed by a thread.

    Raises:
        LeaseTakenError: on entry, when another run holds it or wins the race; at the next write, when
            it was lost meanwhile.
    """

    lake: Lake
    name: str
    conf: LeaseConf
    clock: Clock
    _step: int = 0
    _is_lost: bool = False
    _expires_at: datetime | None = None
    _outer_guard: Callable[[], None] = no_guard
    _done: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "Lease":
        """Take the lease."""
        self.lake.create(LEASES)
        last = self._last()
        if last is not None and self._is_live(last):
            owner, until = last["owner"], f"{last['expires_at']:%Y-%m-%d %H:%M:%S} UTC"
            raise LeaseTakenError(f"run {owner} holds the {self.name} lease until {until}; run again later")
        self._step = last["step"] if last is not None else 0
        self._write("taken")
        self._outer_guard, self.lake.guard = self.lake.guard, self._check
        self._thread = threading.Thread(target=self._renew, name=f"lease-{self.name}", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the lease back, unless it was lost."""
        self._done.set()
        if self._thread is not None:
            self._thread.join()
        try:
            if not self._is_over():
                self._write("released")
        except Exception:
            # The first error matters more; the lease lapses by itself.
            if error is None:
                raise
        finally:
            self.lake.guard = self._outer_guard

    def _check(self) -> None:
        if self._is_over():
            raise LeaseTakenError(f"the {self.name} lease lapsed or was lost to another run; run again")

    def _is_over(self) -> bool:
        return self._is_lost or (self._expires_at is not None and self.clock() >= self._expires_at)

    def _renew(self) -> None:
        while not self._done.wait(self.conf.renew_seconds):
            try:
                self._write("renewed")
            except LeaseTakenError:
                self._is_lost = True
                return
            except Exception:
                # It is tried again, for as long as the lease holds; then the next write is refused.
                log.warning("the %s lease could not be renewed", self.name, exc_info=True)

    def _write(self, event: str) -> None:
        now = self.clock()
        expires_at = now if event == "released" else now + timedelta(seconds=self.conf.seconds)
        row = (self.name, self._step + 1, event, self.lake.run_id, this_process(), expires_at, now)
        try:
            self.lake.append_rows(LEASES, [row], once=(self._app_id, self._step + 1))
        except LeaseTakenError as error:
            raise LeaseTakenError(f"another run won the {self.name} lease; run again later") from error
        self._step += 1
        self._expires_at = expires_at

    @property
    def _app_id(self) -> str:
        return f"lease/{self.name}"

    def _last(self) -> dict[str, Any] | None:
        step = self.lake.journals.sequence(LEASES, self._app_id)
        return self.lake.journals.rows(LEASES, lease=self.name, step=step)[0] if step else None

    def _is_live(self, last: dict[str, Any]) -> bool:
        is_lapsed = last["event"] == "released" or last["expires_at"] <= self.clock()
        return not is_lapsed and not is_dead(last["process"])


def this_process() -> str:
    """host:pid:start of this process."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def is_dead(process: str) -> bool:
    """Whether a process of this host is gone; of other hosts nothing is known, so they count as alive."""
    host, pid, started = process.rsplit(":", 2)
    if host != socket.gethostname():
        return False
    return _started(int(pid)) != started


def _started(pid: int) -> str:
    """When a process started, in the kernel's ticks; "gone" where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except FileNotFoundError:
        pass
    if Path("/proc/self").exists():
        return "gone"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "gone"
    return "alive"
