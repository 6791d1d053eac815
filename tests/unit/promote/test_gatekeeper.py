"""The gate on real tables, against the faults that gates have had: each test is one of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.gates.audit import audit
from lakehouse.gates.gate import judge_feed
from lakehouse.gates.suite import Rule
from lakehouse.l1.feeds import FEEDS
from lakehouse.storage.lake import Lake
from lakehouse.table import Table
from tests.support.gates import BATCH, FEED, GOOD, NAME, SUITE, Doorway, without
from tests.support.rows import frame

BAD = GOOD | {"kind": "eaten"}
EMPTY = {name: None for name in GOOD} | {"_ingested_at": GOOD["_ingested_at"], "disposition_id": None}
KIND = "dispositions.kind.known_value"
MANY = 40


@pytest.fixture
def door(spark: SparkSession, tmp_path: Path) -> Doorway:
    return Doorway(spark, tmp_path / "lake")


class Heard:
    """Hears every write, and breaks off before one of them."""

    def __init__(self, breaks: str = "") -> None:
        self.moments: list[str] = []
        self._breaks = breaks

    def __call__(self, moment: str) -> None:
        if moment == self._breaks:
            raise OSError(moment)
        self.moments.append(moment)


def test_row__never_in_both_outputs_nor_in_neither(
    spark: SparkSession, door: Doorway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A predicate evaluated once for the good and once more for the refused may answer twice."""

    def flickering(lake: Lake, table: Table, version: int | None = None) -> DataFrame:
        rows = read(lake, table, version)
        if table != door.feed.l1:
            return rows
        chance = F.when(F.expr("random() < 0.5"), "eaten").otherwise("transfused")
        return rows.withColumn("kind", chance)

    door.land(*[GOOD] * MANY)
    read: Callable[..., DataFrame] = Lake.read
    with monkeypatch.context() as patch:
        patch.setattr(Lake, "read", flickering)
        admission = door.run(BATCH)
    refused, accepted = [place[:2] for place in door.events()], list(door.conformed())
    assert sorted(refused + accepted) == [(BATCH, line) for line in range(1, MANY + 1)]
    assert (admission.refused, admission.accepted) == (len(refused), len(accepted))
    assert refused and accepted


def test_quarantine__that_can_not_be_written_ends_the_run(door: Doorway) -> None:
    door.land(GOOD, BAD)
    with pytest.raises(OSError, match="ops/quarantine:insert"):
        door.run(BATCH, probe=Heard("ops/quarantine:insert:before"))
    assert (door.conformed(), door.events()) == ({}, [])


def test_good_rows__are_written_after_the_refused(door: Doorway) -> None:
    door.land(GOOD, BAD)
    heard = Heard()
    door.run(BATCH, probe=heard)
    assert heard.moments == [
        "ops/quarantine:insert:before",
        "ops/quarantine:insert:after",
        "l2/dispositions:append:before",
        "l2/dispositions:append:after",
    ]


def test_rules__are_joined_each_by_itself(spark: SparkSession) -> None:
    """Joined without parentheses, an `or` inside one rule would swallow the next."""
    year = {"column": "happened_at", "min_value": "2024-01-01", "max_value": "2024-12-31"}
    rules = [
        Rule("x.year", "expect_column_values_to_be_between", year, "critical", "row", "of this year"),
        Rule(
            "x.unit",
            "expect_column_values_to_be_in_set",
            {"column": "unit_id", "value_set": ["u1"]},
            "critical",
            "row",
            "of this unit",
        ),
    ]
    other_year, other_unit = {"happened_at": "2023-03-05"}, {"unit_id": "u2"}
    changes: list[dict[str, Any]] = [{}, other_year, other_unit, other_year | other_unit]
    rows = [GOOD | change | {"_line": line} for line, change in enumerate(changes, 1)]
    judged = judge_feed(frame(spark, FEED.l1, rows), FEED, replace(SUITE, rules=tuple(rules)))
    found = [[broken["rule"] for broken in row["_violations"]] for row in judged.frame.orderBy("_line").collect()]
    assert found == [[], ["x.year"], ["x.unit"], ["x.year", "x.unit"]]


def test_row_of_nulls__is_refused_and_not_lost(door: Doorway) -> None:
    """`where not predicate` drops the row for which the predicate is NULL."""
    door.land(GOOD, EMPTY)
    admission = door.run(BATCH)
    assert (admission.accepted, admission.refused) == (1, 1)
    assert door.events() == [(BATCH, 2, "refused")]


def test_quarantine__receives_no_good_row(door: Doorway) -> None:
    door.land(GOOD, BAD, GOOD | {"patient_id": None}, BAD)
    door.run(BATCH)
    assert [line for _, line, _ in door.events()] == [2, 4]
    assert door.conformed() == {(BATCH, 1): [], (BATCH, 3): ["dispositions.patient_id.of_transfusion"]}


def test_counts__are_the_same_of_kept_and_of_fresh_rows(spark: SparkSession, door: Doorway) -> None:
    door.land(*[GOOD] * MANY, *[BAD] * 3)
    judged = judge_feed(door.lake().read(door.feed.l1), door.feed, SUITE)
    counted = []
    for rows in (judged.frame, judged.frame.persist()):
        (result,) = [result for result in audit(rows, SUITE, "row").results if result.rule == KIND]
        counted.append((result.unexpected_count, result.element_count, rows.count()))
    judged.frame.unpersist()
    assert counted == [(3, MANY + 3, MANY + 3)] * 2


def test_held_batch__leaves_no_row_anywhere(spark: SparkSession, tmp_path: Path) -> None:
    """A target that is written before the last check of its batch can't be called back."""
    door = Doorway(spark, tmp_path / "lake", feed=FEEDS[NAME])
    door.land(GOOD, BAD)
    door.land(GOOD, GOOD, batch=BATCH + 1)
    heard = Heard()
    admission = door.run(BATCH, BATCH + 1, probe=heard)
    assert ([hold.batch_seq for hold in admission.holds], admission.exit_code) == ([BATCH], 4)
    assert sorted(door.conformed()) == [(BATCH + 1, 1), (BATCH + 1, 2)]
    assert door.events() == []


def test_clean_rows__break_nothing(door: Doorway) -> None:
    """A tool that reads "satisfied" as "violated" refuses exactly the good."""
    door.land(*[GOOD] * 3)
    admission = door.run(BATCH)
    assert (admission.accepted, admission.refused, door.events()) == (3, 0, [])
    assert set(map(tuple, door.conformed().values())) == {()}


def test_batch__judged_twice_is_quarantined_once(door: Doorway) -> None:
    """The run before it died after its quarantine was written."""
    door.land(GOOD, BAD)
    door.run(BATCH)
    door.published.clear()
    door.run(BATCH)
    assert door.events() == [(BATCH, 2, "refused")]


def test_batch__judged_again_under_a_better_rule_says_that_it_was_taken(door: Doorway) -> None:
    door.land(GOOD, BAD)
    door.run(BATCH)
    door.published.clear()
    door.suite = without(SUITE, KIND)
    door.run(BATCH)
    assert door.events() == [(BATCH, 2, "refused"), (BATCH, 2, "replayed")]
    assert door.standing() == {(BATCH, 2): "replayed"}
    assert sorted(door.conformed()) == [(BATCH, 1), (BATCH, 2)]
