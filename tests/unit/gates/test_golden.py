"""Every rule refuses what was written down that it must refuse, and a rule that somebody spoils is found out."""

from collections.abc import Callable

import pytest
from pyspark.sql import SparkSession

from lakehouse.config import HOME
from lakehouse.gates.audit import audit
from lakehouse.gates.checks import with_checks
from lakehouse.gates.suite import Suite, read_suites
from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.pipeline import L2_TABLES
from tests.support.golden import Found, golden, judged_days, judged_records, judged_rows
from tests.support.mutations import spoilt_suites
from tests.support.rows import frame
from tests.unit.gates.clean import CLEAN, PLACE

Judge = Callable[[Suite], Found]
L1 = read_suites(HOME / "expectations" / "l1", tuple(FEEDS))
L2 = read_suites(HOME / "expectations" / "l2", tuple(L2_TABLES))


@pytest.mark.parametrize("name", FEEDS)
def test_records_and_days__break_what_they_are_here_to_break(spark: SparkSession, name: str) -> None:
    content = golden("l1", name)
    assert judged_records(spark, FEEDS[name], L1[name], content) == content.records
    assert judged_days(L1[name], content) == content.days
    assert {*content.records, *content.days} == {rule.id for rule in L1[name].rules}


@pytest.mark.parametrize("name", FEEDS)
def test_a_clean_record__breaks_nothing(spark: SparkSession, name: str) -> None:
    assert golden("l1", name).content["records"][0] == {"breaks": [], "change": {}}


@pytest.mark.parametrize("name", FEEDS)
def test_great_expectations__counts_the_same_records(spark: SparkSession, name: str) -> None:
    content = golden("l1", name)
    changes = [case["change"] for case in content.content["records"]]
    rows = frame(spark, FEEDS[name].l1, [PLACE | CLEAN[name] | change | {"_line": 1} for change in changes])
    results = audit(with_checks(rows, FEEDS[name]), L1[name], "row").results
    theirs = {result.rule: (result.severity, result.unexpected_count) for result in results}
    assert theirs == {rule: (severity, len(cases)) for rule, (severity, cases) in content.records.items()}


@pytest.mark.parametrize("name", L2_TABLES)
def test_rows__break_what_they_are_here_to_break(spark: SparkSession, name: str) -> None:
    content = golden("l2", name)
    assert judged_rows(spark, L2_TABLES[name], L2[name], content) == content.rows
    assert set(content.rows) == {rule.id for rule in L2[name].rules}


@pytest.mark.parametrize("name", FEEDS)
def test_a_spoilt_rule_of_a_feed__is_found_out(spark: SparkSession, name: str) -> None:
    feed, content = FEEDS[name], golden("l1", name)
    for suite in spoilt_suites(L1[name]):
        found: Found = {}
        if suite.scoped("row"):
            found |= judged_records(spark, feed, suite, content)
        if suite.scoped("batch"):
            found |= judged_days(suite, content)
        assert survivors(suite, found, content.records | content.days) == []


@pytest.mark.parametrize("name", L2_TABLES)
def test_a_spoilt_rule_of_a_table__is_found_out(spark: SparkSession, name: str) -> None:
    content = golden("l2", name)
    for suite in spoilt_suites(L2[name]):
        assert survivors(suite, judged_rows(spark, L2_TABLES[name], suite, content), content.rows) == []


def survivors(suite: Suite, found: Found, wanted: Found) -> list[str]:
    """Spoilt rules of which nobody would hear: they find just what the rules should find."""
    return [f"{rule.id}: {dict(rule.kwargs)}" for rule in suite.rules if found.get(rule.id) == wanted[rule.id]]
