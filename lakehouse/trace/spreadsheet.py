"""Sheets as a spreadsheet. Text stays text: nothing that a record says becomes a formula or a link."""

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import xlsxwriter

from lakehouse.errors import UsageError

ROWS_MAX = 1_048_575  # of a sheet, without its head; Excel's limit
TEXT_MAX = 32_767  # characters of a cell
INSTANT_FORM, DAY_FORM = "yyyy-mm-dd hh:mm:ss", "yyyy-mm-dd"
WIDTH_MAX = 40


def workbook(
    sheets: Mapping[str, Sequence[Mapping[str, Any]]], columns: Mapping[str, Sequence[str]], made_at: datetime
) -> bytes:
    """Make an XLSX file, the same for the same input. Instants are written in UTC, without a zone.

    Args:
        sheets: name -> rows.
        columns: name -> columns, in order; every sheet of it is made, an empty one with its head only.
        made_at: what the file's properties say.

    Raises:
        UsageError: a sheet has more rows than a spreadsheet can hold.
    """
    for name, rows in sheets.items():
        if len(rows) > ROWS_MAX:
            raise UsageError(f"the answer has {len(rows)} {name}; a sheet holds {ROWS_MAX}: ask for less")
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        book.set_properties({"created": made_at.replace(tzinfo=None)})
        forms = {
            datetime: book.add_format({"num_format": INSTANT_FORM}),
            date: book.add_format({"num_format": DAY_FORM}),
        }
        head = book.add_format({"bold": True, "bottom": 1})
        for name, names in columns.items():
            _write(book.add_worksheet(name), names, sheets.get(name, ()), forms, head)
    return buffer.getvalue()


def _write(sheet: Any, names: Sequence[str], rows: Sequence[Mapping[str, Any]], forms: Any, head: Any) -> None:
    for place, name in enumerate(names):
        sheet.write_string(0, place, name, head)
        longest = max((len(str(row[name])) for row in rows if row[name] is not None), default=0)
        sheet.set_column(place, place, min(max(len(name), longest) + 2, WIDTH_MAX))
    for number, row in enumerate(rows, 1):
        for place, name in enumerate(names):
            _cell(sheet, number, place, row[name], forms)
    sheet.freeze_panes(1, 0)
    if rows:
        sheet.autofilter(0, 0, len(rows), len(names) - 1)


def _cell(sheet: Any, row: int, place: int, value: Any, forms: Any) -> None:
    """Write one value by its type: never by what it looks like, which is how `=…` would become a formula."""
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, place, value)
    elif isinstance(value, int | float):
        sheet.write_number(row, place, value)
    elif isinstance(value, datetime):
        utc = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        sheet.write_datetime(row, place, utc, forms[datetime])
    elif isinstance(value, date):
        sheet.write_datetime(row, place, value, forms[date])
    else:
        sheet.write_string(row, place, str(value)[:TEXT_MAX])
