"""How a promote ended."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from lakehouse.gates.gate import HELD
from lakehouse.gates.holds import Hold
from lakehouse.promote.admit import Admission
from lakehouse.release import Release


@dataclass
class Promoted:
    """What a promote did.

    Attributes:
        release: the current release, made by this promote or before it.
        is_new: whether this promote made it.
        data_docs: where Great Expectations' docs of it are.
        accepted: records accepted, by feed.
        refused: records refused, by feed.
        holds: the batches that it held, or that one held which died before it could say so.
        standing: (feed, batch) of all batches that wait for a decision.
        failures: why the audit refused the release.
        exit_code: what the job ends with.
    """

    release: Release | None
    is_new: bool = False
    data_docs: str | None = None
    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    holds: list[Hold] = field(default_factory=list)
    standing: list[tuple[str, int]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    exit_code: int = 0


def exit_code(admissions: Iterable[Admission]) -> int:
    """3 where a suite held a batch, 4 where nothing but shares of refused records did."""
    codes = {admission.exit_code for admission in admissions}
    return HELD if HELD in codes else max(codes, default=0)
