"""Reads spreadsheets without the library that writes them: XLSX is a zip of XML."""

import io
import zipfile
from xml.etree import ElementTree

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def parts(content: bytes) -> dict[str, bytes]:
    """Every file in the zip, unpacked."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return {name: book.read(name) for name in book.namelist()}


def sheets(content: bytes) -> dict[str, list[dict[str, str]]]:
    """Name of every sheet -> its rows by the names in its first line; cells are text, missing ones left out."""
    files = parts(content)
    words = ["".join(item.itertext()) for item in ElementTree.fromstring(files["xl/sharedStrings.xml"])]
    names = [sheet.get("name", "") for sheet in ElementTree.fromstring(files["xl/workbook.xml"]).iter(f"{MAIN}sheet")]
    found = {}
    for number, name in enumerate(names, 1):
        rows = ElementTree.fromstring(files[f"xl/worksheets/sheet{number}.xml"]).iter(f"{MAIN}row")
        lines = [{_column(cell): _text(cell, words) for cell in row} for row in rows]
        found[name] = [{lines[0][place]: text for place, text in line.items()} for line in lines[1:]]
    return found


def _column(cell: ElementTree.Element) -> str:
    return cell.get("r", "").rstrip("0123456789")


def _text(cell: ElementTree.Element, words: list[str]) -> str:
    value = cell.findtext(f"{MAIN}v") or ""
    return words[int(value)] if cell.get("t") == "s" else value
