"""The audit: Great Expectations itself judges a frame, and its verdict is read rule by rule.

Results hold counts and no value of any row, so they can be stored and shown. A rule that raised, or whose column
is missing, has failed; a rule without a result is an error.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.storagelevel import StorageLevel

from lakehouse.errors import SuiteError
from lakehouse.gates.compile import columns_of
from lakehouse.gates.suite import Rule, Scope, Severity, Suite

_NEEDS_NO_COLUMN = {"expect_table_row_count_to_be_between", "expect_table_row_count_to_equal"}


@dataclass(frozen=True)
class RuleResult:
    """What came of one rule. `unexpected_count` is NULL for rules that count no rows."""

    rule: str
    type: str
    severity: Severity
    scope: Scope
    success: bool
    observed: str | None
    unexpected_count: int | None
    message: str
    element_count: int | None = None  # rows that the rule looked at


@dataclass(frozen=True)
class Audit:
    """The results of a suite on one frame; `validation` is Great Expectations' own record of it, for its docs."""

    name: str
    results: tuple[RuleResult, ...]
    validation: Any

    @property
    def broken(self) -> tuple[RuleResult, ...]:
        """The critical rules that failed."""
        return tuple(result for result in self.results if result.severity == "critical" and not result.success)

    @property
    def holds(self) -> bool:
        """Whether a critical rule failed: what was judged must not go on."""
        return bool(self.broken)


def audit(frame: DataFrame | pd.DataFrame, suite: Suite, *scopes: Scope, keep: bool = False) -> Audit:
    """Let Great Expectations judge `frame` by the rules of `scopes`.

    Args:
        frame: a Spark frame, of which only the columns that the rules use are read; or a pandas one, for small
            aggregates.
        suite: where the rules are from.
        scopes: at least one scope.
        keep: read a Spark frame once and keep it while it is judged, which takes a pass a condition and a key.

    Raises:
        SuiteError: the suite has no rule of these scopes, or a rule came back without a result.
    """
    rules = suite.scoped(*scopes)
    if not rules:
        raise SuiteError(f"suite {suite.name} has no rule of scope {', '.join(scopes)}: it would pass anything")
    columns = list(frame.columns)
    used = _used(frame, rules)
    kept = used.persist(StorageLevel.MEMORY_AND_DISK) if keep and isinstance(used, DataFrame) else None
    try:
        validation = _validate(used, suite.name, rules)
    finally:
        if kept:
            kept.unpersist()
    found = {result.expectation_config.meta["rule"]: result for result in validation.results}
    if len(validation.results) != len(rules) or set(found) != {rule.id for rule in rules}:
        lost = sorted({rule.id for rule in rules} - set(found))
        raise SuiteError(f"suite {suite.name}: {len(found)} results for {len(rules)} rules; without one: {lost}")
    return Audit(suite.name, tuple(_result(rule, found[rule.id], columns) for rule in rules), validation)


def _validate(frame: DataFrame | pd.DataFrame, name: str, rules: Sequence[Rule]) -> Any:
    # The library takes seconds to import, and most that reads this module judges nothing.
    from lakehouse.gates import gx  # noqa: PLC0415

    engine = gx.batch_definition("pandas" if isinstance(frame, pd.DataFrame) else "spark")
    batch = engine.get_batch(batch_parameters={"dataframe": frame})
    return batch.validate(gx.suite(name, rules), result_format=gx.COUNTS_ONLY)


def _used(frame: DataFrame | pd.DataFrame, rules: Sequence[Rule]) -> DataFrame | pd.DataFrame:
    """The columns that the rules name, or all where a rule looks at more than columns that it names."""
    if any(not columns_of(rule) and rule.type not in _NEEDS_NO_COLUMN for rule in rules):
        return frame
    named = {column for rule in rules for column in (*columns_of(rule), *_words(rule.kwargs.get("row_condition", "")))}
    used = [column for column in frame.columns if column in named] or list(frame.columns[:1])
    return frame[used] if isinstance(frame, pd.DataFrame) else frame.select(*used)


def _words(condition: str) -> list[str]:
    """What may be a column's name in a condition."""
    return re.findall(r"\w+", condition)


def _result(rule: Rule, found: Any, columns: Sequence[str]) -> RuleResult:
    missing = [column for column in columns_of(rule) if column not in columns]
    raised = _exception(found.exception_info)
    success = bool(found.success) and not missing and raised is None
    counts = cast(Mapping[str, Any], found.result or {})
    count = counts.get("unexpected_count")
    return RuleResult(
        rule=rule.id,
        type=rule.type,
        severity=rule.severity,
        scope=rule.scope,
        success=success,
        observed=_observed(counts),
        unexpected_count=None if count is None else int(count),
        message="" if success else _message(rule, counts, missing, raised),
        element_count=counts.get("element_count"),
    )


def _message(rule: Rule, counts: Mapping[str, Any], missing: Sequence[str], raised: str | None) -> str:
    if missing:
        return f"{rule.id}: the frame has no column {', '.join(missing)}"
    if raised is not None:
        return f"{rule.id} could not be judged: {raised}"
    return f"{rule.id}: {_observed(counts) or 'not met'} ({rule.doc})"


def _observed(counts: Mapping[str, Any]) -> str | None:
    """What was seen, as text without any row's value."""
    if counts.get("unexpected_count") is not None:
        return f"{counts['unexpected_count']} of {counts.get('element_count')} rows"
    if counts.get("observed_value") is not None:
        return json.dumps(counts["observed_value"], default=str)
    return None


def _exception(info: Any) -> str | None:
    """The message of an exception that Great Expectations caught: it keeps one, or one a metric."""
    if not isinstance(info, Mapping):
        return None
    several = [info] if "raised_exception" in info else [part for part in info.values() if isinstance(part, Mapping)]
    messages = [str(part.get("exception_message")) for part in several if part.get("raised_exception")]
    return "; ".join(dict.fromkeys(messages)) or None
