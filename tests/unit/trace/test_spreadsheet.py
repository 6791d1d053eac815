"""Spreadsheets: text stays text, instants are UTC, the same input gives the same bytes."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from lakehouse.errors import UsageError
from lakehouse.trace import spreadsheet
from lakehouse.trace.spreadsheet import TEXT_MAX, workbook
from tests.support.spreadsheets import parts, sheets

MADE = datetime(2024, 3, 1, 12, tzinfo=UTC)
RISKY = ("=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")', "{=A1}", "http://example.org", "mailto:a@b")


def one(value: Any) -> str | None:
    found = sheets(workbook({"units": [{"x": value, "y": "-"}]}, {"units": ("x", "y")}, MADE))
    return found["units"][0].get("x")


def test_text__never_becomes_a_formula_or_a_link() -> None:
    content = workbook({"units": [{"x": text} for text in RISKY]}, {"units": ("x",)}, MADE)
    assert [row["x"] for row in sheets(content)["units"]] == list(RISKY)
    written = parts(content)["xl/worksheets/sheet1.xml"]
    assert written.count(b'<c r="A') == written.count(b't="s"') == len(RISKY) + 1
    assert b"<f>" not in written and b"<hyperlink" not in written


def test_values__are_written_by_their_type() -> None:
    assert one(None) is None
    assert (one(True), one(False), one(3), one(2.5)) == ("1", "0", "3", "2.5")
    assert one(date(1900, 3, 1)) == "61"
    local = datetime(2024, 3, 10, 20, 30, tzinfo=timezone(timedelta(hours=-4)))
    utc = datetime(2024, 3, 11, 0, 30, tzinfo=UTC)
    assert one(local) == one(utc) == one(utc.replace(tzinfo=None))
    assert one("x" * (TEXT_MAX + 1)) == "x" * TEXT_MAX


def test_sheets__are_all_there_in_order_empty_ones_too() -> None:
    content = workbook({"b": [{"x": "1"}]}, {"a": ("y",), "b": ("x",)}, MADE)
    assert sheets(content) == {"a": [], "b": [{"x": "1"}]}


def test_bytes__are_the_same_for_the_same_input() -> None:
    rows: Any = ({"units": [{"x": "a"}]}, {"units": ("x",)}, MADE)
    assert workbook(*rows) == workbook(*rows)


def test_a_sheet_that_is_too_long__is_refused_with_its_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "ROWS_MAX", 2)
    with pytest.raises(UsageError, match="3 units; a sheet holds 2"):
        workbook({"units": [{"x": "a"}] * 3}, {"units": ("x",)}, MADE)
