"""Where a promote starts: on the released versions, and with the batches that no release holds yet."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from lakehouse.errors import LakeError, LeaseTakenError, UsageError
from lakehouse.gates.holds import HOLDS, Hold, standing, standing_under
from lakehouse.gates.suite import Suite
from lakehouse.l1.ledger import read_ledger
from lakehouse.release import Release, require_table
from lakehouse.storage.lake import Lake
from lakehouse.table import Table

Batches = dict[str, list[int]]
_L1_CODE = ("l1/feeds", "l1/parse.py", "l1/records.py", "l1/values.py")
# What decides which rows of the release before stay as they are.
_REFRESH_CODE = ("promote/derive.py", "promote/frames.py", "promote/slices.py", "storage/journal.py", "storage/lake.py")
BUILDING_CODE = ("table.py", "columns.py", "domain", "gates", *_L1_CODE, "l2", *_REFRESH_CODE)


@dataclass(frozen=True)
class Fingerprint:
    """What a release's figures depend on besides its data."""

    suites_sha: str
    params_sha: str
    code_sha: str
    key_id: str

    def is_of(self, release: Release) -> bool:
        """Whether a release was built under the same suites, parameters, code and key."""
        return all(getattr(release, name) == getattr(self, name) for name in self.__dataclass_fields__)


def fingerprint(
    suites: Iterable[Suite], params: Mapping[str, Any], key_id: str, left_out: Iterable[str] = ()
) -> Fingerprint:
    """The fingerprint of a run."""
    return Fingerprint(
        suites_sha=suites_sha(suites),
        params_sha=_sha([dict(params), sorted(left_out)]),
        code_sha=_code_sha(),
        key_id=key_id,
    )


def suites_sha(suites: Iterable[Suite]) -> str:
    """The hash of several suites."""
    return _sha(sorted(suite.sha256 for suite in suites))


def _sha(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def _code_sha() -> str:
    """The hash of the code that runs, which need not lie in the home: a cluster has the package as a zip."""
    sha, package = hashlib.sha256(), resources.files("lakehouse")
    for part in BUILDING_CODE:
        for name, file in _modules(package.joinpath(part), f"lakehouse/{part}"):
            sha.update(name.encode() + file.read_bytes())
    return sha.hexdigest()


def _modules(place: Traversable, name: str) -> Iterator[tuple[str, Traversable]]:
    """A module, or those of a folder in the order of their names, each with its path."""
    if not place.is_dir():
        yield name, place
        return
    for below in sorted(place.iterdir(), key=lambda found: found.name):
        if below.is_dir() or below.name.endswith(".py"):
            yield from _modules(below, f"{name}/{below.name}")


def day_of(base: Release | None, as_of: date | None) -> date:
    """The day that a run speaks about: the one asked for, else that of the release before.

    Raises:
        UsageError: there is neither.
    """
    if as_of is not None:
        return as_of
    if base is None:
        raise UsageError("there is no release yet; run jobs/run.py first")
    return base.as_of


def require_sound(base: Release | None, as_of: date, found_key: str, *, full: bool) -> None:
    """Refuse what can't follow the release before.

    Raises:
        UsageError: another key than the lake's, or an earlier day without `full`.
    """
    if base is None:
        return
    if base.key_id != found_key:
        raise UsageError(
            f"the lake's pseudonyms are of key {base.key_id}; found key {found_key}: a lake has one key for good"
        )
    if as_of < base.as_of and not full:
        raise UsageError(f"--as-of {as_of} is before the current release's {base.as_of}; add --full to go back")


def create_tables(lake: Lake, tables: Iterable[Table], threads: int, base: Release | None = None) -> None:
    """Create what is missing, side by side.

    Raises:
        LakeError: what is missing is a table of the release before.
    """

    def created(table: Table) -> None:
        require_table(lake, table, base)
        lake.create(table)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(created, tables))


def settle(lake: Lake, tables: Iterable[Table], base: Release | None, threads: int) -> dict[str, int]:
    """Bring every table back to its released version, where a dead or abandoned run left commits on top.

    Returns:
        Path of each table -> the version that this run builds on.
    """

    def settled(table: Table) -> tuple[str, int]:
        wanted = base.tables.get(table.path, 0) if base else 0
        if lake.version(table) != wanted:
            lake.restore(table, wanted)
        version = lake.version(table)
        if version is None:
            raise LakeError(f"there is no table {lake.uri(table)}")
        return table.path, version

    with ThreadPoolExecutor(threads) as pool:
        return dict(pool.map(settled, tables))


def require_own_commits(lake: Lake, tables: Iterable[Table], since: Mapping[str, int]) -> None:
    """Refuse to go on where another run committed to a table that this run builds on.

    Raises:
        LeaseTakenError: it names the table and the other run.
    """
    for table in tables:
        for commit in lake.commits_after(table, since[table.path]):
            if commit.note != lake.run_id:
                raise LeaseTakenError(f"run {commit.note} wrote {table.path} meanwhile; run again")


@dataclass(frozen=True)
class Batchwork:
    """The batches of each feed: those to promote now, those that are held, and those let through by a person."""

    pending: Batches
    held: Batches
    accepted: frozenset[tuple[str, int]]
    holds: dict[tuple[str, int], Hold]

    def is_new_to(self, release: Release) -> bool:
        """Whether a release does not tell it: batches to promote, or others that wait for a decision."""
        return bool(self.pending) or places(self.held) != places(release.held)


def batchwork(lake: Lake, base: Release | None) -> Batchwork:
    """What is loaded, but in no release yet."""
    events = read_ledger(lake).last.values()
    loaded = {(event.feed, event.batch_seq) for event in events if event.event == "loaded" and event.records}
    consumed = places(base.consumed) if base else set()
    holds = _holds(lake, base)
    waiting = {place for place, hold in holds.items() if hold.event == "held"}
    discarded = {place for place, hold in holds.items() if hold.event == "discarded"}
    accepted = frozenset(place for place, hold in holds.items() if hold.event == "accepted")
    pending = loaded - consumed - waiting - discarded
    return Batchwork(by_feed(pending), by_feed(waiting - consumed), accepted, holds)


def _holds(lake: Lake, base: Release | None) -> dict[tuple[str, int], Hold]:
    """The last step of each hold."""
    steps = lake.journals.rows(HOLDS) if lake.version(HOLDS) is not None else []
    return standing_under(steps, places(base.held), base.published_at) if base else standing(steps)


def by_feed(places: Iterable[tuple[str, int]]) -> Batches:
    """(feed, batch) pairs, as batches by feed."""
    batches: defaultdict[str, list[int]] = defaultdict(list)
    for feed, batch in sorted(places):
        batches[feed].append(batch)
    return dict(batches)


def places(batches: Mapping[str, Iterable[int]]) -> set[tuple[str, int]]:
    """Batches by feed, as (feed, batch) pairs."""
    return {(feed, batch) for feed, numbers in batches.items() for batch in numbers}
