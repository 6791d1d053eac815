"""The one place that touches Great Expectations: its quiet context, and our rules as its expectations.

Nothing is sent anywhere: analytics are off before the library is loaded. One ephemeral context serves the
process; it keeps no frame once a batch is judged.
"""

import functools
import logging
import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from lakehouse.errors import SuiteError

if TYPE_CHECKING:  # pragma: no cover
    from lakehouse.gates.suite import Rule

os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations
from great_expectations.core.expectation_suite import ExpectationSuite
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.exceptions.exceptions import GreatExpectationsError
from great_expectations.expectations.expectation import (
    ColumnMapExpectation,
    ColumnPairMapExpectation,
    MulticolumnMapExpectation,
)
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metadata_types import FailureSeverity
from great_expectations.expectations.registry import get_expectation_impl

Engine = Literal["spark", "pandas"]
_OF_THREAD = threading.local()
_MAKING = threading.Lock()

# Counts without a single sampled value: what a result holds can be shown to anyone.
COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}
_MAPS = (ColumnMapExpectation, ColumnPairMapExpectation, MulticolumnMapExpectation)
_SAMPLES = (".unexpected_values", ".unexpected_index_list", ".unexpected_index_query", ".unexpected_rows")


class _CountsOnly:
    """Row rules that ask for counts and for no sample of values: each sample would be a job of its own."""

    def get_validation_dependencies(self, *args: Any, **kwargs: Any) -> Any:
        needed = super().get_validation_dependencies(*args, **kwargs)  # type: ignore[misc]
        for metric in needed.get_metric_names():
            if metric.endswith(_SAMPLES):
                needed.remove_metric_configuration(metric)
        return needed


@functools.cache
def _count_only(kind: str) -> None:
    """Put the counting form of a row rule in the place of the library's, under the same name."""
    found = get_expectation_impl(kind)
    if issubclass(found, _MAPS):
        # Its registry warns when a custom expectation replaces one of its own, which is the purpose here.
        logging.getLogger("great_expectations.expectations.registry").setLevel(logging.ERROR)
        metaclass: Any = type(found)
        metaclass(found.__name__, (_CountsOnly, found), {"__module__": __name__})


@functools.cache
def context() -> Any:
    """The ephemeral context of this process."""
    made = great_expectations.get_context(mode="ephemeral")
    made.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    made.variables.analytics_enabled = False
    return made


def batch_definition(engine: Engine) -> Any:
    """A whole-dataframe batch definition of this thread: a data source holds one batch at a time."""
    with _MAKING:
        if not hasattr(_OF_THREAD, engine):
            setattr(_OF_THREAD, engine, _batch_definition(engine, f"{engine}-{threading.get_ident()}"))
    return getattr(_OF_THREAD, engine)


def _batch_definition(engine: Engine, name: str) -> Any:
    sources = context().data_sources
    source = (
        sources.add_or_update_spark(name, persist=False) if engine == "spark" else sources.add_or_update_pandas(name)
    )
    return source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("whole")


def configuration(rule: "Rule") -> ExpectationConfiguration:
    """The rule as Great Expectations writes one down; its meta carries the rule's id."""
    meta = {"rule": rule.id, "scope": rule.scope, "doc": rule.doc}
    return ExpectationConfiguration(
        type=rule.type, kwargs=dict(rule.kwargs), severity=FailureSeverity(rule.severity), meta=meta, notes=rule.doc
    )


def expectation(rule: "Rule") -> Any:
    """The rule as an expectation that can run.

    Raises:
        SuiteError: no such expectation, or arguments that it does not take.
    """
    try:
        _count_only(rule.type)
        return configuration(rule).to_domain_obj()
    except (GreatExpectationsError, ValueError, TypeError) as error:
        raise SuiteError(f"{rule.type}: {' '.join(str(error).split())}") from error


def suite(name: str, rules: "Sequence[Rule]") -> ExpectationSuite:
    """The rules as a suite; adding them one by one would replace a rule by the next on the same column."""
    return ExpectationSuite(name=name, expectations=[expectation(rule) for rule in rules])
