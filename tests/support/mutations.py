"""Rules as somebody may spoil them: turned round, or weakened."""

from dataclasses import replace
from typing import Any

from lakehouse.gates.suite import Rule, Suite

OPPOSITE = {
    "expect_column_values_to_not_be_null": "expect_column_values_to_be_null",
    "expect_column_values_to_be_in_set": "expect_column_values_to_not_be_in_set",
    "expect_column_values_to_match_regex": "expect_column_values_to_not_match_regex",
}
TURNED = OPPOSITE | {after: before for before, after in OPPOSITE.items()}


def spoilt(rule: Rule) -> list[Rule]:
    """The rule turned round, without each of its bounds, and without its condition; as far as it has them."""
    kwargs = dict(rule.kwargs)
    found = [turned(rule)] if rule.type in TURNED or "column_B" in kwargs or _bounds(kwargs) else []
    found += [replace(rule, kwargs=_without(kwargs, bound)) for bound in _bounds(kwargs) if len(_bounds(kwargs)) == 2]
    if "row_condition" in kwargs:
        whole = {name: value for name, value in kwargs.items() if name not in ("row_condition", "condition_parser")}
        found.append(replace(rule, kwargs=whole))
    return found


def turned(rule: Rule) -> Rule:
    """The rule that refuses what it let pass."""
    kwargs = dict(rule.kwargs)
    if rule.type in TURNED:
        return replace(rule, type=TURNED[rule.type])
    if "column_B" in kwargs:
        return replace(rule, kwargs=kwargs | {"column_A": kwargs["column_B"], "column_B": kwargs["column_A"]})
    low, high = kwargs.pop("min_value", None), kwargs.pop("max_value", None)
    return replace(rule, kwargs=kwargs | ({"max_value": low} if high is None else {"min_value": high}))


def spoilt_suites(suite: Suite) -> list[Suite]:
    """The n-th suite has every rule in its n-th spoilt form; rules that have none are left out."""
    forms = [spoilt(rule) for rule in suite.rules]
    most = max(map(len, forms))
    return [replace(suite, rules=tuple(form[n] for form in forms if n < len(form))) for n in range(most)]


def _bounds(kwargs: dict[str, Any]) -> list[str]:
    return [bound for bound in ("min_value", "max_value") if bound in kwargs]


def _without(kwargs: dict[str, Any], bound: str) -> dict[str, Any]:
    strict = bound.replace("_value", "")
    return {name: value for name, value in kwargs.items() if name not in (bound, f"strict_{strict}")}
