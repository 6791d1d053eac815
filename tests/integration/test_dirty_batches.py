"""Random dirty deliveries: whatever lies in a file, its lines are accepted or refused, each once.

Hypothesis makes the files. Ingest takes them all, one frame a feed is judged; five of them go the whole way.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from lakehouse.catalogue import TABLES
from lakehouse.config import HOME, load_config
from lakehouse.gates.quarantine import QUARANTINE
from lakehouse.gates.suite import read_suites
from lakehouse.l1.feeds import FEEDS
from lakehouse.l1.ingest import ingest
from lakehouse.l1.ledger import FILES
from lakehouse.l2.conformed import CONFORMED
from lakehouse.promote.admit import Gatekeeper
from lakehouse.storage.files import files_at
from lakehouse.storage.lake import Lake
from tests.support.gates import Clock
from tests.support.lakes import KEY, land, now, run
from tests.unit.gates.clean import CLEAN

pytestmark = pytest.mark.slow
BATCHES, WHOLE_WAY = 200, 5
DELIVERED_ON = date(2024, 3, 5)  # as the clean records say
# One key each, so that a record that is taken is a row of its own.
KEYS = {"dispositions": "disposition_id", "donor_visits": "visit_id"}
HOLDING = (".batch.required_fields", ".batch.refused_share")
VALUES = st.one_of(
    st.none(),
    st.text(max_size=8),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.booleans(),
    st.sampled_from(
        ["0001-01-01", "9999-12-31T23:59:59Z", "2024-02-30", "2024-03-05T10:00:00+14:00", "transfused", ""]
    ),
    st.lists(st.integers(0, 9), max_size=2),
    st.dictionaries(st.text(max_size=3), st.booleans(), max_size=2),
)
JUNK = (
    b"junk",
    b"{",
    b"[1]",
    b'"text"',
    b"null",
    b"{}",
    b"\xff\xfe{}",
    b'{"a": 1} b',
    b'{"is_void": true}',
    b"  ",
    b"",
)

ALWAYS_THE_SAME = settings(
    derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


@dataclass(frozen=True)
class Batch:
    """One delivered file: its feed, and its lines without the ids that make each record one of its own."""

    feed: str
    lines: tuple[bytes | dict[str, Any], ...]

    def bytes_of(self, number: int) -> bytes:
        """The file; an id is missing where the record has none left."""
        return b"\n".join(self._line(number, place, line) for place, line in enumerate(self.lines)) + b"\n"

    def _line(self, number: int, place: int, line: bytes | dict[str, Any]) -> bytes:
        if isinstance(line, bytes):
            return line
        key = KEYS[self.feed]
        return json.dumps(line | {key: f"{number}-{place}"} if key in line else line).encode()


def records(feed: str) -> st.SearchStrategy[dict[str, Any]]:
    """Clean records in which some fields have other values, some are gone, and some are new."""
    clean = CLEAN[feed]
    changes = st.dictionaries(st.sampled_from([*clean, "is_void", "recorded_at", "surprise"]), VALUES, max_size=3)
    lost = st.frozensets(st.sampled_from(list(clean)), max_size=1)
    return st.builds(
        lambda change, gone: {name: value for name, value in (clean | change).items() if name not in gone},
        changes,
        lost,
    )


def batches() -> st.SearchStrategy[Batch]:
    """Files of a few lines: most are records, some are none."""
    return st.sampled_from(list(KEYS)).flatmap(
        lambda feed: st.builds(
            Batch, st.just(feed), st.lists(records(feed) | records(feed) | st.sampled_from(JUNK), max_size=8).map(tuple)
        )
    )


@pytest.fixture(scope="module")
def made() -> Sequence[Batch]:
    """The batches; the same in every run."""
    found: list[Batch] = []

    @settings(ALWAYS_THE_SAME, max_examples=BATCHES)
    @given(batches())
    def collect(batch: Batch) -> None:
        found.append(batch)

    collect()
    return found


def test_every_line__of_two_hundred_dirty_batches_is_accepted_or_refused(
    spark: SparkSession, tmp_path: Path, made: Sequence[Batch]
) -> None:
    assert len(made) == BATCHES
    for number, batch in enumerate(made):
        land(tmp_path / "landing", batch.feed, batch.bytes_of(number), name=f"{number}.json", day=DELIVERED_ON)
    lake = Lake(spark, str(tmp_path / "lake"), run_id="dirty")
    taken = ingest(lake, files_at(str(tmp_path / "landing")), load_config("local"), now)
    feeds = {name: replace(FEEDS[name], refused_share_max=1.0) for name in KEYS}
    for table in (QUARANTINE, *[CONFORMED[name].table for name in feeds]):
        lake.create(table)
    admissions = gate(lake).admit_all(feeds, {name: [1] for name in feeds}, 1)
    assert [admission.holds for admission in admissions] == [[], []]
    refused = places(lake.read(QUARANTINE).collect())
    accepted = places([row for name in feeds for row in lake.read(CONFORMED[name].table).collect()])
    landed = places([row for name in feeds for row in lake.read(FEEDS[name].l1).select("_file_id", "_line").collect()])
    assert refused + accepted == landed
    assert landed.total() == sum(taken.rows.values())
    assert min(refused.total(), accepted.total()) > BATCHES / 2


def gate(lake: Lake) -> Gatekeeper:
    """The gate of the two feeds, which holds no batch however much of it is refused."""
    suites = {
        name: replace(suite, rules=tuple(rule for rule in suite.rules if not rule.id.endswith(HOLDING)))
        for name, suite in read_suites(HOME / "expectations" / "l1", tuple(KEYS)).items()
    }
    return Gatekeeper(lake, suites, lambda ids: ids, Clock(), frozenset(), "r000001", frozenset())


def places(rows: Sequence[Any]) -> Counter[tuple[int, int]]:
    return Counter((row["_file_id"], row["_line"]) for row in rows)


def test_five_dirty_batches__go_the_whole_way(
    spark: SparkSession, tmp_path: Path, made: Sequence[Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is accepted in part or held, and every line of those that went on is accounted for."""
    monkeypatch.setenv("LAKEHOUSE_KEY", KEY)
    chosen = [batch for batch in made if len(batch.lines) == max(len(batch.lines) for batch in made)][:WHOLE_WAY]
    for number, batch in enumerate(chosen):
        land(tmp_path / "landing", batch.feed, batch.bytes_of(number), name=f"{number}.json", day=DELIVERED_ON)
    assert len(chosen) == WHOLE_WAY
    first = run("run", tmp_path, "--as-of", str(DELIVERED_ON))
    assert first.code in (0, 3, 4), first
    if first.line["held"]:
        decided = [word for name in first.line["held"] for word in ("--accept", name)]
        first = run(
            "run", tmp_path, "--as-of", str(DELIVERED_ON), *decided, "--by", "a test", "--why", "to see all of it"
        )
    assert (first.code, first.line["verdict"]) == (0, "done"), first
    lake = Lake(spark, str(tmp_path), run_id="look")
    lines = {
        row["path"]: row["lines"] - row["blank_lines"] for row in lake.read(FILES).where("event = 'loaded'").collect()
    }
    refused = lake.read(QUARANTINE).count()
    accepted = sum(lake.read(TABLES[f"l2/{name}"]).count() for name in {batch.feed for batch in chosen})
    assert (len(lines), sum(lines.values())) == (WHOLE_WAY, refused + accepted)
