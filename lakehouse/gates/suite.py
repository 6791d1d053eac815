"""Suites: the rules of `expectations/`, read, and proved to be rules that can run.

A suite is plain JSON: `{"name", "expectations": [{"type", "kwargs", "severity", "meta": {"rule", "scope", "doc"}}]}`.
Scope `row` is judged record by record (compiled to Columns, and by Great Expectations again on what goes on),
`batch` over a profile of the batch, `table` over a whole table version by Great Expectations alone.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from lakehouse.errors import SuiteError
from lakehouse.gates.compile import check_row_rule

Severity = Literal["critical", "warning", "info"]
Scope = Literal["row", "batch", "table"]
SEVERITIES: tuple[str, ...] = get_args(Severity)
SCOPES: tuple[str, ...] = get_args(Scope)
_PARTS = ("type", "kwargs", "severity", "meta")


@dataclass(frozen=True)
class Rule:
    """One expectation: `id` is <table>.<column>.<what>, `doc` says why it is one."""

    id: str
    type: str
    kwargs: Mapping[str, Any]
    severity: Severity
    scope: Scope
    doc: str


@dataclass(frozen=True)
class Suite:
    """The rules of one feed or table; `sha256` is over its content, however it is laid out."""

    name: str
    rules: tuple[Rule, ...]
    sha256: str
    path: Path = Path()

    def scoped(self, *scopes: Scope) -> tuple[Rule, ...]:
        """The rules of these scopes, in declared order."""
        return tuple(rule for rule in self.rules if rule.scope in scopes)


def read_suite(path: Path) -> Suite:
    """Read a suite, as it is written down: `prove` shows that its rules can run.

    Raises:
        SuiteError: the file, or the rule that is written wrongly, named with what was found and wanted.
    """
    raw = _read(path)
    rules = tuple(_rule(path, number, entry) for number, entry in enumerate(raw["expectations"], 1))
    repeated = [rule for rule, times in Counter(rule.id for rule in rules).items() if times > 1]
    if repeated:
        raise SuiteError(f"{path}: rule ids used twice: {', '.join(sorted(repeated))}")
    return Suite(raw["name"], rules, _sha256(raw), path)


def read_suites(folder: Path, names: tuple[str, ...]) -> dict[str, Suite]:
    """The suites `<folder>/<name>.json` of all `names`.

    Raises:
        SuiteError: one of them can't be read, or bears another name than its file.
    """
    suites = {name: read_suite(folder / f"{name}.json") for name in names}
    for name, suite in suites.items():
        if suite.name != name:
            raise SuiteError(f"{suite.path} is named {suite.name!r}; wanted {name!r}")
    return suites


def prove(suite: Suite) -> Suite:
    """Let Great Expectations parse every rule, and the compiler those that judge rows.

    Returns:
        The suite.

    Raises:
        SuiteError: the rule that can't run.
    """
    # The library takes seconds to import, and a run that finds nothing to do needs none of it.
    from lakehouse.gates import gx  # noqa: PLC0415

    for rule in suite.rules:
        try:
            gx.expectation(rule)
            if rule.scope == "row":
                check_row_rule(rule)
        except SuiteError as error:
            raise SuiteError(f"{suite.path}: {rule.id}: {error}") from error
    # Great Expectations logs and drops what it does not understand: count what it kept.
    loaded = len(gx.suite(suite.name, suite.rules).expectations)
    if not loaded == len(suite.rules) > 0:
        raise SuiteError(f"{suite.path}: Great Expectations keeps {loaded} of {len(suite.rules)} rules")
    return suite


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SuiteError(f"no suite at {path}") from None
    except ValueError as error:
        raise SuiteError(f"{path} is not JSON: {error}") from None
    if not isinstance(raw, dict) or set(raw) != {"name", "expectations"} or not isinstance(raw["expectations"], list):
        raise SuiteError(f'{path}: wanted an object {{"name", "expectations": [...]}}')
    if not raw["expectations"]:
        raise SuiteError(f"{path} declares no rule: an empty suite would let everything pass")
    return raw


def _rule(path: Path, number: int, entry: Any) -> Rule:
    if not isinstance(entry, dict) or set(entry) != set(_PARTS):
        raise SuiteError(f"{path}: rule {number} has {_names(entry)}; wanted {', '.join(_PARTS)}")
    meta = entry["meta"]
    if not isinstance(meta, dict) or set(meta) != {"rule", "scope", "doc"} or not all(meta.values()):
        raise SuiteError(f"{path}: meta of rule {number} ({entry['type']}) has {_names(meta)}; wanted rule, scope, doc")
    _one_of(path, meta["rule"], "severity", entry["severity"], SEVERITIES)
    _one_of(path, meta["rule"], "scope", meta["scope"], SCOPES)
    if not isinstance(entry["kwargs"], dict):
        raise SuiteError(f"{path}: kwargs of {meta['rule']} are no object")
    severity, scope = cast(Severity, entry["severity"]), cast(Scope, meta["scope"])
    return Rule(meta["rule"], entry["type"], entry["kwargs"], severity, scope, meta["doc"])


def _one_of(path: Path, rule: str, what: str, found: Any, wanted: tuple[str, ...]) -> None:
    if found not in wanted:
        raise SuiteError(f"{path}: {what} of {rule} is {found!r}; wanted {', '.join(wanted)}")


def _names(found: Any) -> str:
    return ", ".join(sorted(found)) if isinstance(found, dict) else repr(found)


def _sha256(raw: Mapping[str, Any]) -> str:
    canonical = json.dumps(raw, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
