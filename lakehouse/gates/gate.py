"""The gate of a feed, without any input or output: judge, weigh the batches, vouch for what goes on.

judged = judge_feed(rows, feed, suite)        # lazy; `_violations` and the computed checks
verdict = weigh(judged)                       # one pass: profile, batch rules, which batches are held
accepted = judged.accepted(verdict.held)      # what goes on
verdict = vouch(verdict, accepted)            # Great Expectations judges it by the row rules
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.gates.audit import Audit, audit
from lakehouse.gates.checks import with_checks
from lakehouse.gates.judge import is_refused, judge
from lakehouse.gates.profile import lacking_messages, profile, profile_files
from lakehouse.gates.streams import NO_PAST, Past
from lakehouse.gates.suite import Suite
from lakehouse.table import Feed

HELD = 3
REFUSED_TOO_MANY = 4
REFUSED_SHARE_RULE = ".batch.refused_share"


@dataclass(frozen=True)
class Judged:
    """L1 rows of a feed with their computed checks and `_violations`; nothing is evaluated yet."""

    feed: Feed
    suite: Suite
    frame: DataFrame

    def accepted(self, held: frozenset[int] = frozenset()) -> DataFrame:
        """Rows that break no critical rule, without the batches that are held."""
        kept = self.frame.where(~is_refused())
        return kept.where(~F.col("_batch_seq").isin(*held)) if held else kept


@dataclass(frozen=True)
class Verdict:
    """What the gate says of the batches of a feed.

    Attributes:
        feed: name of the feed.
        profile: rows of `PROFILE` (dicts in the order of its columns).
        batches: the audit of each batch's profile, by `_batch_seq`.
        vouched: the audit of the accepted rows; None until `vouch`, or where nothing goes on.
        held: batches that must not go on.
        messages: why, by batch: one sentence each.
    """

    feed: str
    profile: tuple[dict[str, Any], ...]
    batches: Mapping[int, Audit]
    held: frozenset[int]
    messages: Mapping[int, tuple[str, ...]]
    vouched: Audit | None = None

    @property
    def holds(self) -> bool:
        """Whether a batch is held."""
        return bool(self.held)

    @property
    def rows(self) -> int:
        """Rows judged."""
        return sum(day["rows"] for day in self.profile)

    @property
    def refused(self) -> int:
        """Rows refused."""
        return sum(day["refused"] for day in self.profile)

    @property
    def exit_code(self) -> int:
        """0, or 3 for a hold; 4 where nothing but a share of refused records holds."""
        if not self.held:
            return 0
        if self.vouched and self.vouched.holds:
            return HELD
        broken = [result for batch in self.held for result in self.batches[batch].broken]
        return REFUSED_TOO_MANY if all(result.rule.endswith(REFUSED_SHARE_RULE) for result in broken) else HELD


def judge_feed(rows: DataFrame, feed: Feed, suite: Suite) -> Judged:
    """Judge L1 rows by the row rules of the feed's suite.

    Raises:
        SuiteError: a rule names a column that is neither in L1 nor computed.
    """
    return Judged(feed, suite, judge(with_checks(rows, feed), suite))


def weigh(judged: Judged, past: Past = NO_PAST) -> Verdict:
    """Profile the judged rows (one pass of Spark) and judge each batch by the batch rules, against the feed's past."""
    feed = judged.feed
    files = [row.asDict() for row in profile_files(judged.frame, feed, judged.suite).collect()]
    days = profile(files, feed, past)
    batches = {batch: audit(_frame(rows), judged.suite, "batch") for batch, rows in _by_batch(days).items()}
    held = frozenset(batch for batch, found in batches.items() if found.holds)
    files_of = _by_batch(tuple(files))
    messages = {batch: _messages(batches[batch], lacking_messages(files_of[batch], feed)) for batch in held}
    return Verdict(feed.name, days, batches, held, messages)


def vouch(verdict: Verdict, accepted: DataFrame, suite: Suite) -> Verdict:
    """Let Great Expectations judge what goes on by the row rules. What it holds, the split let pass by mistake."""
    going_on = frozenset(verdict.batches) - verdict.held
    if not going_on:
        return verdict
    vouched = audit(accepted, suite, "row")
    if not vouched.holds:
        return replace(verdict, vouched=vouched)
    why = tuple(result.message for result in vouched.broken)
    messages = dict(verdict.messages) | dict.fromkeys(going_on, why)
    return replace(verdict, vouched=vouched, held=verdict.held | going_on, messages=messages)


def _messages(found: Audit, lacking: tuple[str, ...]) -> tuple[str, ...]:
    """Why a batch is held; a lacking field is said in its own words, and explains the refusals that it causes."""
    said = tuple(result.message for result in found.broken if not result.rule.endswith(".batch.required_fields"))
    return lacking + said


def _by_batch(rows: tuple[dict[str, Any], ...]) -> dict[int, tuple[dict[str, Any], ...]]:
    grouped: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        grouped[row["_batch_seq"]].append(row)
    return {batch: tuple(of_batch) for batch, of_batch in grouped.items()}


def _frame(days: tuple[dict[str, Any], ...]) -> pd.DataFrame:
    """The numbers of a profile; batch rules judge nothing else."""
    numbers = [{name: value for name, value in day.items() if isinstance(value, int | float)} for day in days]
    return pd.DataFrame(numbers)
