"""Every row rule of every feed's suite can fail: a record that breaks it is seen, and nothing else is blamed."""

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.config import HOME
from lakehouse.gates.audit import audit
from lakehouse.gates.checks import with_checks
from lakehouse.gates.gate import judge_feed
from lakehouse.gates.suite import Rule, Suite, read_suites
from lakehouse.l1.feeds import FEEDS
from lakehouse.table import Feed
from tests.support.rows import frame
from tests.unit.gates.breakers import breaker
from tests.unit.gates.clean import CLEAN, ORIGINAL, PLACE

SUITES = read_suites(Path(HOME) / "expectations" / "l1", tuple(FEEDS))


def broken_frame(spark: SparkSession, feed: Feed, suite: Suite) -> DataFrame:
    """Line 0 is clean; line n breaks the n-th row rule."""
    clean = PLACE | CLEAN[feed.name]
    rules = suite.scoped("row")
    rows = [clean | {"_line": 0}, *(clean | breaker(rule, feed) | {"_line": n} for n, rule in enumerate(rules, 1))]
    return frame(spark, feed.l1, rows)


def may_follow(rule: Rule, other: Rule) -> bool:
    """A value outside the critical range is outside the plausible one of the same column too."""
    return (
        rule.severity == "critical"
        and other.severity == "warning"
        and rule.kwargs.get("column") == other.kwargs.get("column")
    )


@pytest.mark.parametrize("name", FEEDS)
def test_every_row_rule__is_reported_by_a_record_that_breaks_it_and_no_other(spark: SparkSession, name: str) -> None:
    feed, suite = FEEDS[name], SUITES[name]
    rules = suite.scoped("row")
    judged = judge_feed(broken_frame(spark, feed, suite), feed, suite)
    rows = judged.frame.select("_line", "_violations").collect()
    found = {
        row["_line"]: [(violation["rule"], violation["severity"]) for violation in row["_violations"]] for row in rows
    }
    assert found[0] == []
    by_id = {rule.id: rule for rule in rules}
    for line, rule in enumerate(rules, 1):
        blamed = [by_id[other] for other, _ in found[line]]
        assert (rule.id, rule.severity) in found[line], rule.id
        extra = [other.id for other in blamed if other != rule and not may_follow(rule, other)]
        assert extra == [], f"{rule.id} also blames {extra}"


@pytest.mark.parametrize("name", FEEDS)
def test_great_expectations__counts_the_same_violations(spark: SparkSession, name: str) -> None:
    feed, suite = FEEDS[name], SUITES[name]
    dirty = broken_frame(spark, feed, suite)
    rows = judge_feed(dirty, feed, suite).frame.select("_violations").collect()
    ours = {rule.id: 0 for rule in suite.scoped("row")}
    for row in rows:
        for violation in row["_violations"]:
            ours[violation["rule"]] += 1
    theirs = {result.rule: result.unexpected_count for result in audit(with_checks(dirty, feed), suite, "row").results}
    assert theirs == ours
    assert min(ours.values()) >= 1


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
