"""The judgement of rows: one column, `_violations`, says which rules each record breaks."""

from collections.abc import Sequence
from functools import reduce

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from lakehouse.errors import SuiteError
from lakehouse.gates.compile import columns_of, condition_of, violated
from lakehouse.gates.suite import Rule, Severity, Suite

VIOLATIONS = ArrayType(StructType([StructField("rule", StringType()), StructField("severity", StringType())]))


def judge(rows: DataFrame, suite: Suite) -> DataFrame:
    """Add `_violations`: the row rules that each row breaks, with their severities, in declared order.

    Raises:
        SuiteError: a rule names a column that `rows` does not have; all such rules are named.
    """
    rules = suite.scoped("row")
    require_columns(rows, suite.name, rules)
    return rows.withColumn("_violations", violations(rules))


def is_refused() -> Column:
    """Whether a judged row breaks a critical rule."""
    return _has_severity("critical")


def is_warned() -> Column:
    """Whether a judged row is accepted with a warning."""
    return ~is_refused() & _has_severity("warning")


def is_flagged() -> Column:
    """Whether a judged row breaks any rule. Asked first, it spares the clean rows all looking into `_violations`."""
    return F.size("_violations") > 0


def as_warnings() -> Column:
    """The violations of a row that a person lets pass: what was critical travels with it as a warning."""
    softened = F.lit("warning")
    return F.transform(
        "_violations",
        lambda v: F.struct(
            v["rule"].alias("rule"),
            F.when(v["severity"] == "critical", softened).otherwise(v["severity"]).alias("severity"),
        ),
    )


def _has_severity(severity: Severity) -> Column:
    """A filter on it is pushed below the judgement, so it must compile: a lambda would have every rule interpreted."""
    return is_flagged() & F.array_contains("_violations.severity", severity)


def violations(rules: Sequence[Rule]) -> Column:
    """The broken rules of a row. A clean row, the usual case, costs one evaluation of each and no loop."""
    none = F.array().cast(VIOLATIONS)
    if not rules:
        return none
    flags = [violated(rule) for rule in rules]
    broken = [F.when(flag, _violation(rule)) for flag, rule in zip(flags, rules, strict=True)]
    named = F.filter(F.array(*broken), lambda violation: violation.isNotNull())
    return F.when(reduce(lambda some, flag: some | flag, flags), named).otherwise(none)


def require_columns(rows: DataFrame, name: str, rules: Sequence[Rule]) -> None:
    """Check that every column that a rule names is there.

    Raises:
        SuiteError: the rules whose columns are missing.
    """
    there = set(rows.columns)
    missing = [f"{rule.id} needs {column}" for rule in rules for column in columns_of(rule) if column not in there]
    if missing:
        raise SuiteError(f"suite {name}: {'; '.join(missing)}; the frame has {', '.join(rows.columns)}")
    for rule in rules:
        _require_condition(rows, name, rule)


def _require_condition(rows: DataFrame, name: str, rule: Rule) -> None:
    condition = condition_of(rule)
    if condition is None:
        return
    try:
        rows.where(condition)
    except PySparkException as error:
        raise SuiteError(f"suite {name}: {rule.id}: row_condition: {str(error).splitlines()[0]}") from error


def _violation(rule: Rule) -> Column:
    return F.struct(F.lit(rule.id).alias("rule"), F.lit(rule.severity).alias("severity"))
