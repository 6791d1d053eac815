"""Around every write: the guard and the probe before it, the probe after it, the run's id in its commit, lost races."""

from collections.abc import Callable

from delta.exceptions import (
    ConcurrentAppendException,
    ConcurrentTransactionException,
    ConcurrentWriteException,
    DeltaConcurrentModificationException,
    MetadataChangedException,
    ProtocolChangedException,
)
from pyspark.sql import SparkSession

Probe = Callable[[str], None]
Guard = Callable[[], None]
LOST_RACE = (
    ConcurrentAppendException,
    ConcurrentTransactionException,
    ConcurrentWriteException,
    DeltaConcurrentModificationException,
    MetadataChangedException,
    ProtocolChangedException,
)
"""What Delta raises in the writer that came second."""

NOTE = "spark.databricks.delta.commitInfo.userMetadata"


def no_probe(moment: str) -> None:
    """The probe of a real run: nothing."""


def no_guard() -> None:
    """The guard of a writer that needs no lease."""


class Moment:
    """One write, by its name."""

    def __init__(self, name: str, guard: Guard, probe: Probe) -> None:
        self._name, self._guard, self._probe = name, guard, probe

    def __enter__(self) -> None:
        self._guard()
        self._probe(f"{self._name}:before")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._probe(f"{self._name}:after")


class Write(Moment):
    """One write by Spark, with the run's id in its commit."""

    def __init__(self, name: str, guard: Guard, probe: Probe, spark: SparkSession, run_id: str) -> None:
        super().__init__(name, guard, probe)
        self._spark, self._run_id = spark, run_id

    def __enter__(self) -> None:
        super().__enter__()
        self._spark.conf.set(NOTE, self._run_id)
