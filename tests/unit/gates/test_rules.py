"""The suites of the feeds: records of the original project pass, and what every suite must have.

What each rule refuses is in `tests/golden`.
"""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.config import HOME
from lakehouse.gates.gate import judge_feed
from lakehouse.gates.suite import read_suites
from lakehouse.l1.feeds import FEEDS
from tests.support.rows import frame
from tests.unit.gates.clean import ORIGINAL, PLACE

SUITES = read_suites(Path(HOME) / "expectations" / "l1", tuple(FEEDS))


@pytest.mark.parametrize("name", ORIGINAL)
def test_an_original_record__is_accepted(spark: SparkSession, name: str) -> None:
    feed = FEEDS[name]
    rows = frame(spark, feed.l1, [PLACE | {"_line": 1} | ORIGINAL[name]])
    judged = judge_feed(rows, feed, SUITES[name])
    assert judged.accepted().count() == 1, judged.frame.select("_violations").collect()


def test_every_required_field__has_a_critical_rule() -> None:
    for name, feed in FEEDS.items():
        critical = {rule.id for rule in SUITES[name].rules if rule.severity == "critical"}
        assert {f"{name}.{field}.required" for field in feed.required} <= critical


def test_rule_ids__begin_with_their_feed() -> None:
    for name, suite in SUITES.items():
        assert [rule.id for rule in suite.rules if not rule.id.startswith(f"{name}.")] == []
