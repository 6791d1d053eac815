"""Row rules as Columns: each is true where the row breaks the rule, and never NULL.

The meaning is that of Great Expectations on Spark: NULL passes a rule on a value (being there is a rule of its
own), and a rule on a pair needs both values. A predicate that is NULL although its operands are not counts as a
violation. A rule with a `row_condition` is about the rows for which that is true.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.errors import SuiteError

if TYPE_CHECKING:  # pragma: no cover
    from lakehouse.gates.suite import Rule

Kwargs = Mapping[str, Any]
CONDITION = {"row_condition", "condition_parser"}
BOUNDS = ("min_value", "max_value", "strict_min", "strict_max")


def violated(rule: "Rule") -> Column:
    """True where a row breaks the rule, else false.

    Raises:
        SuiteError: the rule is none that can be judged row by row.
    """
    check_row_rule(rule)
    broken = _COMPILERS[rule.type](rule.kwargs)
    condition = condition_of(rule)
    return broken if condition is None else F.coalesce(condition, F.lit(False)) & broken


def condition_of(rule: "Rule") -> Column | None:
    """Which rows a rule is about; None for all. A row for which the condition is NULL is none of them."""
    return F.expr(rule.kwargs["row_condition"]) if "row_condition" in rule.kwargs else None


def columns_of(rule: "Rule") -> tuple[str, ...]:
    """The columns that a rule names."""
    named = [rule.kwargs[name] for name in ("column", "column_A", "column_B") if name in rule.kwargs]
    return (*named, *rule.kwargs.get("column_list", ()))


def check_row_rule(rule: "Rule") -> None:
    """Prove that the rule can be judged row by row, and means the same to Great Expectations.

    Raises:
        SuiteError: what is wrong with it, in one clause.
    """
    if rule.type not in _COMPILERS:
        raise SuiteError(f"{rule.type} can't be judged row by row; wanted one of {', '.join(sorted(_COMPILERS))}")
    if "mostly" in rule.kwargs:
        raise SuiteError("a row rule takes no `mostly`: the feed has a threshold for refused records")
    unknown = set(rule.kwargs) - _KWARGS[rule.type] - CONDITION
    if unknown:
        raise SuiteError(f"{rule.type} takes no {', '.join(sorted(unknown))} here")
    if rule.kwargs.keys() & CONDITION and not (
        rule.kwargs.keys() >= CONDITION and rule.kwargs["condition_parser"] == "spark"
    ):
        raise SuiteError('a condition needs both: row_condition, in SQL, and "condition_parser": "spark"')
    _check_values(rule.kwargs)


def _check_values(kwargs: Kwargs) -> None:
    if "value_set" in kwargs and (not kwargs["value_set"] or None in kwargs["value_set"]):
        raise SuiteError("value_set is empty or holds null: null always passes, and an empty set never does")
    if "regex" in kwargs:
        _check_regex(kwargs["regex"])
    for bound in ("min_value", "max_value"):
        _check_bound(kwargs.get(bound))


def _check_regex(regex: Any) -> None:
    """Spark's dialect is Java's; only what Python reads as well, anchored at both ends, is taken."""
    try:
        re.compile(regex)
    except (re.error, TypeError) as error:
        raise SuiteError(f"regex {regex!r} does not compile: {error}") from error
    if not (regex.startswith("^") and regex.endswith("$")):
        raise SuiteError(f"regex {regex!r} is not anchored: it would be searched for, so write ^...$")


def _check_bound(bound: Any) -> None:
    if isinstance(bound, str):
        try:
            datetime.fromisoformat(bound)
        except ValueError:
            raise SuiteError(f"bound {bound!r} is neither a number nor an ISO date or instant") from None


def _broken(operands: Iterable[Column], holds: Column) -> Column:
    """True where all operands are there and `holds` is not true."""
    broken = ~F.coalesce(holds, F.lit(False))
    for operand in operands:
        broken = operand.isNotNull() & broken
    return broken


def _on_value(predicate: Callable[[Column, Kwargs], Column]) -> Callable[[Kwargs], Column]:
    def compiled(kwargs: Kwargs) -> Column:
        value = F.col(kwargs["column"])
        return _broken([value], predicate(value, kwargs))

    return compiled


def _not_null(kwargs: Kwargs) -> Column:
    return F.col(kwargs["column"]).isNull()


def _null(kwargs: Kwargs) -> Column:
    return F.col(kwargs["column"]).isNotNull()


def _between(value: Column, kwargs: Kwargs) -> Column:
    """Great Expectations reads whole-number bounds as floats; so does this."""
    low, high = (_literal(kwargs.get(bound)) for bound in ("min_value", "max_value"))
    above = F.lit(True) if low is None else (value > low if kwargs.get("strict_min") else value >= low)
    below = F.lit(True) if high is None else (value < high if kwargs.get("strict_max") else value <= high)
    return above & below


def _literal(bound: Any) -> Column | None:
    if bound is None:
        return None
    return F.lit(bound if isinstance(bound, str) else float(bound))


def _greater(kwargs: Kwargs) -> Column:
    a, b = F.col(kwargs["column_A"]), F.col(kwargs["column_B"])
    return _broken([a, b], a >= b if kwargs.get("or_equal") else a > b)


def _equal(kwargs: Kwargs) -> Column:
    a, b = F.col(kwargs["column_A"]), F.col(kwargs["column_B"])
    return _broken([a, b], a == b)


_COMPILERS: dict[str, Callable[[Kwargs], Column]] = {
    "expect_column_values_to_not_be_null": _not_null,
    "expect_column_values_to_be_null": _null,
    "expect_column_values_to_be_in_set": _on_value(lambda value, kwargs: value.isin(*kwargs["value_set"])),
    "expect_column_values_to_not_be_in_set": _on_value(lambda value, kwargs: ~value.isin(*kwargs["value_set"])),
    "expect_column_values_to_be_between": _on_value(_between),
    "expect_column_values_to_match_regex": _on_value(lambda value, kwargs: value.rlike(kwargs["regex"])),
    "expect_column_values_to_not_match_regex": _on_value(lambda value, kwargs: ~value.rlike(kwargs["regex"])),
    "expect_column_value_lengths_to_be_between": _on_value(lambda value, kwargs: _between(F.length(value), kwargs)),
    "expect_column_value_lengths_to_equal": _on_value(lambda value, kwargs: F.length(value) == kwargs["value"]),
    "expect_column_pair_values_a_to_be_greater_than_b": _greater,
    "expect_column_pair_values_to_be_equal": _equal,
}
_KWARGS: dict[str, set[str]] = {
    "expect_column_values_to_not_be_null": {"column"},
    "expect_column_values_to_be_null": {"column"},
    "expect_column_values_to_be_in_set": {"column", "value_set"},
    "expect_column_values_to_not_be_in_set": {"column", "value_set"},
    "expect_column_values_to_be_between": {"column", *BOUNDS},
    "expect_column_values_to_match_regex": {"column", "regex"},
    "expect_column_values_to_not_match_regex": {"column", "regex"},
    "expect_column_value_lengths_to_be_between": {"column", *BOUNDS},
    "expect_column_value_lengths_to_equal": {"column", "value"},
    "expect_column_pair_values_a_to_be_greater_than_b": {"column_A", "column_B", "or_equal", "ignore_row_if"},
    "expect_column_pair_values_to_be_equal": {"column_A", "column_B", "ignore_row_if"},
}
