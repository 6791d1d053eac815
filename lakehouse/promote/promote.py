"""One promote, from the released versions to a new release.

gate -> conformed -> derivatives -> audit -> publish. Readers see nothing of it before the last write.
"""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from lakehouse.config import Config
from lakehouse.gates.gate import HELD
from lakehouse.gates.holds import HOLDS, Hold
from lakehouse.gates.profile import PROFILE
from lakehouse.gates.quarantine import QUARANTINE
from lakehouse.gates.results import GATE_RESULTS
from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.pipeline import L2_TABLES, RESELECTED, Wiring
from lakehouse.l2.pseudonym import key_id, pseudonymiser
from lakehouse.l2.shared import Frames
from lakehouse.promote.admit import Admission, Gatekeeper
from lakehouse.promote.again import Again
from lakehouse.promote.audit import Auditor
from lakehouse.promote.derive import derive
from lakehouse.promote.frames import frames_of
from lakehouse.promote.outcome import Promoted, exit_code
from lakehouse.promote.past import past_of
from lakehouse.promote.slices import Slices, slices_of
from lakehouse.promote.start import (
    Batches,
    Batchwork,
    Fingerprint,
    batchwork,
    by_feed,
    create_tables,
    day_of,
    fingerprint,
    places,
    require_own_commits,
    require_sound,
    settle,
)
from lakehouse.promote.suites import Suites
from lakehouse.promote.told import write_docs, write_holds, write_results
from lakehouse.release import RELEASES, Release, current_release, lineage, list_releases, publish, sequence_name
from lakehouse.storage.lake import Lake
from lakehouse.storage.leases import Lease

log = logging.getLogger(__name__)
OPS_TABLES = (QUARANTINE, GATE_RESULTS, PROFILE, HOLDS, RELEASES)


def check(lake: Lake, config: Config, *, as_of: date | None, key: bytes, full: bool = False) -> None:
    """Raise the UsageError that `promote` would, before anything is written."""
    Wiring.without(config.pipeline.leave_out)
    base = current_release(lake)
    require_sound(base, day_of(base, as_of), key_id(key), full=full)


def promote(
    lake: Lake,
    config: Config,
    clock: Callable[[], datetime],
    *,
    as_of: date | None,
    key: bytes,
    full: bool = False,
    again: Again | None = None,
    reselect: bool = False,
) -> Promoted:
    """Promote every batch that no release holds yet, and publish a release for `as_of`.

    Args:
        lake: the lake.
        config: settings.
        clock: the time of day, for logs and leases.
        as_of: the day that the release speaks about; None for the day of the release before.
        key: the pseudonym key.
        full: build every derivative whole, and allow an as-of date before the current release's.
        again: instead of what is new, send these records of the current release's batches to the gate again.
        reselect: choose the forecasts' models again, whatever their age.

    Raises:
        UsageError: another key than the lake's, an earlier as-of date without `full`, or no release to go back to.
        SuiteError: a rule can't run.
        LeaseTakenError: another run promotes, or published meanwhile.
    """
    suites, wiring = Suites.read(), Wiring.without(config.pipeline.leave_out)
    create_tables(lake, OPS_TABLES, config.pipeline.threads)
    with Lease(lake, "promote", config.lease, clock):
        releases = list_releases(lake)
        base = releases[-1] if releases else None
        mark = fingerprint(suites.all, config.params, key_id(key), config.pipeline.leave_out)
        day = day_of(base, as_of)
        require_sound(base, day, mark.key_id, full=full)
        work = batchwork(lake, base)
        asked = again or reselect or full
        if base and not (asked or work.is_new_to(base)) and base.as_of == day and mark.is_of(base):
            return Promoted(base, standing=sorted(places(work.held)))
        suites.prove()
        lake.start()
        create_tables(lake, wiring.tables, config.pipeline.threads, base)
        behind = frozenset(release.run_id for release in lineage(releases, base))
        return _Promote(
            lake, config, clock, day, key, suites, wiring, base, mark, work, behind, again, reselect, full
        ).run()


@dataclass
class _Promote:
    lake: Lake
    config: Config
    clock: Callable[[], datetime]
    as_of: date
    key: bytes
    suites: Suites
    wiring: Wiring
    base: Release | None
    mark: Fingerprint
    work: Batchwork
    behind: frozenset[str]  # the runs whose decisions the base holds
    again: Again | None
    reselect: bool
    full: bool

    def run(self) -> Promoted:
        """Everything between the lease and the release."""
        threads = self.config.pipeline.threads
        since = settle(self.lake, self.wiring.tables, self.base, threads)
        admissions = self._admit()
        standing, refused = self._standing(admissions), Counter({a.feed: a.refused for a in admissions if a.refused})
        if self.again and not any(admission.is_written for admission in admissions):
            return Promoted(self.base, refused=refused, standing=standing)
        write_holds(self.lake, admissions, self.clock())
        with self.lake.reading_whole():
            frames = frames_of(self.lake, since, anew=RESELECTED if self.reselect else ())
            written = self._derive(frames, [name for admission in admissions for name in admission.written])
            audited = self._auditor(frames).audit(written)
        write_results(self.lake, admissions, audited)
        require_own_commits(self.lake, self.wiring.tables, since)
        label = f"refused-{self.lake.run_id}" if audited.failures else sequence_name(self._sequence)
        docs = write_docs(self.lake, label, [audit for a in admissions for audit in a.audits] + audited.audits)
        release = None if audited.failures else self._publish(admissions, by_feed(standing))
        untold = self._untold_holds()
        return Promoted(
            release=release or self.base,
            is_new=release is not None,
            data_docs=docs,
            accepted=Counter({a.feed: a.accepted for a in admissions if a.accepted}),
            refused=refused,
            holds=[hold for admission in admissions for hold in admission.holds] + untold,
            standing=standing,
            failures=audited.failures,
            exit_code=HELD if audited.failures or untold else exit_code(admissions),
        )

    def _standing(self, admissions: list[Admission]) -> list[tuple[str, int]]:
        """(feed, batch) of all that is held, by this run or before it."""
        held = {(hold.feed, hold.batch_seq) for admission in admissions for hold in admission.holds}
        return sorted(held | places(self.work.held))

    def _untold_holds(self) -> list[Hold]:
        """Batches that a run held and then died, so that nobody was told: this run tells."""
        told = places(self.base.held) if self.base else set()
        return [self.work.holds[place] for place in sorted(places(self.work.held) - told)]

    def _admit(self) -> list[Admission]:
        gate = Gatekeeper(
            self.lake,
            self.suites.l1,
            pseudonymiser(self.key),
            self.clock,
            self.work.accepted,
            sequence_name(self._sequence),
            self.behind,
            past_of(self.lake, {} if self.again else self.work.pending),
        )
        if self.again and self.base:
            return self.again.admit(gate, FEEDS, self.base.consumed)
        log.info("gating %s", {feed: len(batches) for feed, batches in self.work.pending.items()} or "nothing new")
        return gate.admit_all(FEEDS, self.work.pending, self.config.pipeline.threads)

    @property
    def _sequence(self) -> int:
        return self.base.sequence + 1 if self.base else 1

    def _auditor(self, frames: Frames) -> Auditor:
        params, threads = self.config.params, self.config.pipeline.threads
        suites, wiring = self.suites.l2, self.wiring
        return Auditor(self.lake.run_id, frames, suites, wiring, self.clock, self.as_of, params, threads)

    def _derive(self, frames: Frames, changed: list[str]) -> list[str]:
        is_changed = self.base is None or self.base.as_of != self.as_of or not self.mark.is_of(self.base)
        everything = is_changed or self.full or self.reselect
        log.info("deriving as of %s", self.as_of)
        built = derive(
            self.lake,
            frames,
            self.wiring.derivatives if everything else self.wiring.affected(changed),
            as_of=self.as_of,
            params=self.config.params,
            threads=self.config.pipeline.threads,
            slices=self._slices(frames, changed),
        )
        return changed + built

    def _slices(self, frames: Frames, changed: list[str]) -> Slices | None:
        """Nothing where all is built whole. A rejudgement leaves records out that no batch brought."""
        if self.base is None or self.full or self.again or not self.mark.is_of(self.base):
            return None
        if self.lake.size(L2_TABLES["units"]).rows < self.config.pipeline.slice_units:
            return None
        return slices_of(frames, changed, self.as_of, self.base.as_of)

    def _publish(self, admissions: list[Admission], held: Batches) -> Release:
        base = self.base
        consumed = {feed: set(batches) for feed, batches in (base.consumed if base else {}).items()}
        for admission in admissions:
            consumed.setdefault(admission.feed, set()).update(admission.batches)
        versions = {table.path: self.lake.version(table) for table in self.wiring.tables}
        release = Release(
            sequence=self._sequence,
            as_of=self.as_of,
            tables={path: version for path, version in versions.items() if version is not None},
            consumed={feed: sorted(batches) for feed, batches in consumed.items()},
            held=held,
            **vars(self.mark),
            run_id=self.lake.run_id,
            published_at=self.clock(),
            parent=base.release_id if base else None,
            **_decided(self.again),
        )
        publish(self.lake, release)
        return release


def _decided(again: Again | None) -> dict[str, Any]:
    """What a release says of itself that a person has asked for."""
    if again is None:
        return {}
    said = [text for text in (again.by, again.why) if text]
    return {"kind": again.kind, "why": ": ".join(said) or None}
