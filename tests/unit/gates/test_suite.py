"""A suite that can't do what it says is refused when it is read, and the message names the culprit."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from lakehouse.errors import SuiteError
from lakehouse.gates import gx
from lakehouse.gates.suite import prove, read_suite, read_suites

RULE: dict[str, Any] = {
    "type": "expect_column_values_to_be_between",
    "kwargs": {"column": "beds", "min_value": 0},
    "severity": "critical",
    "meta": {"rule": "hospitals.beds.plausible", "scope": "row", "doc": "a count"},
}


def write(folder: Path, *rules: Any, name: str = "hospitals") -> Path:
    path = folder / "hospitals.json"
    path.write_text(json.dumps({"name": name, "expectations": list(rules)}), encoding="utf-8")
    return path


def changed(**parts: Any) -> dict[str, Any]:
    rule = deepcopy(RULE)
    for part, value in parts.items():
        (rule["meta"] if part in ("rule", "scope", "doc") else rule)[part] = value
    return rule


def test_read_suite__reads_the_rules_in_order(tmp_path: Path) -> None:
    suite = prove(read_suite(write(tmp_path, RULE, changed(rule="hospitals.rows", scope="table"))))
    assert [rule.id for rule in suite.rules] == ["hospitals.beds.plausible", "hospitals.rows"]
    assert [rule.id for rule in suite.scoped("table")] == ["hospitals.rows"]
    assert suite.rules[0].severity == "critical"


def test_prove__keeps_two_rules_on_one_column(tmp_path: Path) -> None:
    second = changed(rule="hospitals.beds.possible", kwargs={"column": "beds", "max_value": 9})
    suite = prove(read_suite(write(tmp_path, RULE, second)))
    assert len(gx.suite(suite.name, suite.rules).expectations) == 2


def test_sha256__depends_on_content_and_not_on_layout(tmp_path: Path) -> None:
    path = write(tmp_path, RULE)
    first = prove(read_suite(path)).sha256
    path.write_text(json.dumps(json.loads(path.read_text()), indent=4), encoding="utf-8")
    assert prove(read_suite(path)).sha256 == first
    assert prove(read_suite(write(tmp_path, changed(doc="another reason")))).sha256 != first


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([], "declares no rule"),
        ([changed(type="expect_column_values_to_be_betwen")], "expect_column_values_to_be_betwen not found"),
        ([changed(severity="fatal")], "severity of hospitals.beds.plausible is 'fatal'; wanted critical"),
        ([changed(scope="cell")], "scope of hospitals.beds.plausible is 'cell'"),
        ([changed(kwargs={"colum": "beds", "min_value": 0})], "hospitals.beds.plausible: expect_column_values_to_be_b"),
        ([changed(kwargs={"column": "beds"})], "min_value and max_value cannot both be None"),
        ([changed(kwargs={"column": "beds", "min_value": 0, "mostly": 0.9})], "takes no `mostly`"),
        ([changed(kwargs={"column": "beds", "min_value": 0, "strict": True})], "extra fields not permitted"),
        ([changed(kwargs={"column": "beds", "min_value": "soon"})], "invalid datetime format"),
        ([changed(kwargs={"column": "beds", "min_value": "1700000000"})], "neither a number nor an ISO date"),
        ([changed(type="expect_column_values_to_be_unique", kwargs={"column": "beds"})], "can't be judged row by row"),
        ([changed(type="expect_column_values_to_match_regex", kwargs={"column": "b", "regex": "^("})], "not compile"),
        ([changed(type="expect_column_values_to_match_regex", kwargs={"column": "b", "regex": "x"})], "not anchored"),
        ([changed(type="expect_column_values_to_be_in_set", kwargs={"column": "b", "value_set": []})], "value_set"),
        ([changed(type="expect_column_values_to_be_in_set", kwargs={"column": "b", "value_set": [None]})], "value_set"),
        ([RULE, RULE], "used twice: hospitals.beds.plausible"),
        ([{**RULE, "mostly": 1}], "rule 1 has kwargs, meta, mostly"),
        ([changed(doc="")], "meta of rule 1"),
    ],
)
def test_prove__names_the_culprit(tmp_path: Path, rules: list[Any], said: str) -> None:
    path = write(tmp_path, *rules)
    with pytest.raises(SuiteError, match=r"hospitals\.json") as caught:
        prove(read_suite(path))
    assert said in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("content", ["{", "[]", '{"name": "hospitals"}'])
def test_read_suite__refuses_what_is_no_suite(tmp_path: Path, content: str) -> None:
    path = tmp_path / "hospitals.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SuiteError, match=r"hospitals\.json"):
        prove(read_suite(path))


def test_read_suites__refuses_a_missing_or_misnamed_suite(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="no suite at"):
        read_suites(tmp_path, ("hospitals",))
    write(tmp_path, RULE, name="beds")
    with pytest.raises(SuiteError, match="is named 'beds'; wanted 'hospitals'"):
        read_suites(tmp_path, ("hospitals",))


def test_prove__sees_a_rule_that_great_expectations_drops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = gx.suite
    monkeypatch.setattr(gx, "suite", lambda name, rules: real(name, rules[:-1]))
    with pytest.raises(SuiteError, match="keeps 0 of 1 rules"):
        prove(read_suite(write(tmp_path, RULE)))
