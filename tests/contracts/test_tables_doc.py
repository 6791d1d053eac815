"""docs/tables.md is what the declarations say, and the declarations say enough."""

import re

import pytest

from lakehouse import tables_doc
from lakehouse.catalogue import L1, OPS, TABLES
from lakehouse.l1.feeds import FEEDS
from lakehouse.l2.pipeline import L2_TABLES


def test_page__is_what_the_declarations_say():
    assert tables_doc.PAGE.read_text(encoding="utf-8") == tables_doc.render(), "run `make docs`"


def test_check__notices_a_page_that_was_edited(tmp_path, monkeypatch, capsys):
    page = tmp_path / "tables.md"
    monkeypatch.setattr(tables_doc, "PAGE", page)
    assert tables_doc.main(["--check"]) == 1, "no page at all"
    assert tables_doc.main(["--write"]) == 0
    assert tables_doc.main(["--check"]) == 0
    page.write_text(page.read_text(encoding="utf-8").replace("donor", "giver", 1), encoding="utf-8")
    assert tables_doc.main(["--check"]) == 1
    assert "make docs" in capsys.readouterr().err


def test_page__has_every_table_with_every_column():
    page = tables_doc.render()
    for path, table in TABLES.items():
        start = page.index(f"### {path}\n")
        section = page[start : page.index("\n### ", start + 1)] if "\n### " in page[start + 1 :] else page[start:]
        common = page.index("### Columns of every"), page.index("### l1/")
        shared = page[slice(*common)] + page[page.index("### Columns of every conformed") :].split("\n### ")[0]
        for column in table.columns:
            assert f"| `{column}` |" in section + shared, f"{path}.{column}"


def test_page__has_no_broken_row():
    for line in tables_doc.render().splitlines():
        if line.startswith("|"):
            assert len(re.split(r"(?<!\\)\|", line)) == 6, line


def test_catalogue__has_every_table_once():
    assert len(TABLES) == len(L1) + len(L2_TABLES) + len(OPS)
    assert {f"l1/{name}" for name in FEEDS} <= set(TABLES)


@pytest.mark.parametrize("path", sorted(TABLES))
def test_declaration__states_grain_key_law_and_every_column(path):
    table = TABLES[path]
    assert table.grain and table.law and table.key
    assert set(table.key) <= set(table.columns)
    assert len(set(table.columns)) == len(table.columns)
    assert [field.name for field in table.fields if not field.doc] == []


@pytest.mark.parametrize("path", sorted(table.path for table in (*L2_TABLES.values(), *OPS)))
def test_declaration__lets_no_identity_out_of_l1(path):
    assert [field.name for field in TABLES[path].fields if field.pii] == []
