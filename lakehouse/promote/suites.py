"""Every suite that a promote judges by."""

from dataclasses import dataclass

from lakehouse.config import HOME
from lakehouse.gates.suite import Suite, prove, read_suites
from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.pipeline import L2_TABLES
from lakehouse.promote.start import suites_sha
from lakehouse.release import Release


@dataclass(frozen=True)
class Suites:
    """Every suite that a promote needs."""

    l1: dict[str, Suite]
    l2: dict[str, Suite]

    @classmethod
    def read(cls) -> "Suites":
        """Read them from expectations/."""
        folder = HOME / "expectations"
        return cls(read_suites(folder / "l1", tuple(FEEDS)), read_suites(folder / "l2", tuple(L2_TABLES)))

    def prove(self) -> None:
        """Raise SuiteError where a rule can't run."""
        for suite in self.all:
            prove(suite)

    def are_of(self, release: Release | None) -> bool:
        """Whether a release was built under them, so that they were proved."""
        return release is not None and release.suites_sha == suites_sha(self.all)

    @property
    def all(self) -> list[Suite]:
        """All of them."""
        return [*self.l1.values(), *self.l2.values()]
