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
    """What a promote did."""

    release: Release | None
    is_new: bool = False
    label: str = ""
    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    holds: list[Hold] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    exit_code: int = 0


def exit_code(admissions: Iterable[Admission]) -> int:
    """3 where a suite held a batch, 4 where nothing but shares of refused records did."""
    codes = {admission.exit_code for admission in admissions}
    return HELD if HELD in codes else max(codes, default=0)
