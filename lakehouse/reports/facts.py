"""What a report must be told, because no table holds it."""

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
        is_incomplete: whether something was held back or could not be read.
        held: (feed, batch, reason) of every batch that is held.
        data_docs_href: where the Great Expectations docs are, relative to the page.
        lake: root URI of the lake.
        judged: records that the gate has judged so far, by feed; what was refused is a share of these.
        params: the definitions of `[params]` in conf/base.toml.
        versions: Delta version of every released table, by name.
        suites_sha: hash of the suites that judged.
        parked: (file, reason) of every landing file that could not be taken in.
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
