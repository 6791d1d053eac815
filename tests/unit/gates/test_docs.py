"""Data Docs: a page an audit and an index, which load nothing and show no value."""

import re
from pathlib import Path

from pyspark.sql import SparkSession

from lakehouse.gates.audit import audit
from lakehouse.gates.docs import build_docs
from lakehouse.gates.suite import Rule, Suite

RULES = (
    Rule(
        "people.name.known",
        "expect_column_values_to_be_in_set",
        {"column": "name", "value_set": ["x"]},
        "critical",
        "table",
        "why <b>",
    ),
    Rule("people.name.required", "expect_column_values_to_not_be_null", {"column": "name"}, "warning", "table", "why"),
)


def test_build_docs__writes_a_site_that_stands_alone(spark: SparkSession, tmp_path: Path) -> None:
    people = spark.createDataFrame([("Zelda Secret",)], "name string")
    held, passed = (audit(people, Suite("people", rules, ""), "table") for rules in (RULES, RULES[1:]))
    index = build_docs([held, passed], tmp_path / "docs")
    pages = {path.name: path.read_text(encoding="utf-8") for path in index.parent.iterdir()}
    assert set(pages) == {"index.html", "people-table.html", "people-table-2.html"}
    for name, html in pages.items():
        assert "Secret" not in html, name
        assert re.findall(r"https?://|<script|<link|@import|url\(", html) == [], name
        links = re.findall(r'href="([^"#]+)', html)
        assert set(links) <= set(pages), name
    assert "people.name.known" in pages["index.html"]
    assert "why &lt;b&gt;" in pages["index.html"]
    assert 'class="bad">held' in pages["index.html"]
    assert 'class="good">passed' in pages["index.html"]
    assert "1 unexpected values found. 100% of 1 total rows." in pages["people-table.html"]
    assert "values must belong to this set" in pages["people-table.html"]
