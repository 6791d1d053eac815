"""What the reports must be told, because no released table holds it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True)
class ReportFacts:
    """The release that a report speaks about.

    Args:
        release_id: the release.
        as_of: the day at whose end the state is told.
        published_at: when the release was published (UTC).
        parent: the release that it was built on; None for the first.
        is_incomplete: whether a batch is held.
        held: (feed, batch, reason) of every batch that is held.
        data_docs_href: where the Great Expectations docs are, relative to the page; empty where there are none.
        lake: root URI of the lake.
        judged: records that the gate has judged so far, by feed; what was refused is a share of these.
        params: the definitions of `[params]` in conf/base.toml.
        versions: Delta version of every released table, by name.
        suites_sha: hash of the suites that judged.
        parked: (file, reason) of every landing file that could not be taken in.
        unread: (file, reason) of every landing file that the next run tries again.
        discarded: (feed, batch, who, why) of every batch that a person has left out for good.
        standstills: a sentence on each sender that stands still.
    """

    release_id: str
    as_of: date
    published_at: datetime
    parent: str | None
    is_incomplete: bool
    held: tuple[tuple[str, str, str], ...]
    data_docs_href: str
    lake: str
    judged: Mapping[str, int]
    params: Mapping[str, Any]
    versions: Mapping[str, int] = field(default_factory=dict)
    suites_sha: str = ""
    parked: tuple[tuple[str, str], ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    discarded: tuple[tuple[str, str, str, str], ...] = ()
    standstills: tuple[str, ...] = ()


@dataclass(frozen=True)
class Delivery:
    """What came of one feed in one batch.

    Args:
        feed: the feed.
        batch: the batch's number.
        files: files that were taken in.
        records: lines in them that hold something.
        delivered_on: the last day of delivery that their paths name.
        state: released, held, discarded, or new (not judged yet).
    """

    feed: str
    batch: int
    files: int
    records: int
    delivered_on: date | None
    state: str


@dataclass(frozen=True)
class QualityFacts:
    """What the page on data quality must be told.

    Args:
        deliveries: of every feed and batch.
        limits: feed -> the share of refused records above which a batch is held.
        rules: rule -> why it is one.
        paths: file id -> its path below landing.
    """

    deliveries: tuple[Delivery, ...]
    limits: Mapping[str, float]
    rules: Mapping[str, str]
    paths: Mapping[int, str]
