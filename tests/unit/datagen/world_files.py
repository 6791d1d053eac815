"""Living a tiny world and reading back what it wrote."""

from pathlib import Path
from typing import Any

from datagen.cli import main

Record = dict[str, Any]
Records = dict[str, list[Record]]
START, DAYS, DONORS = "2024-01-15", 60, 2000


def live(out: Path, *options: str, seed: int = 7, days: int = DAYS, donors: int = DONORS) -> Path:
    arguments = ["history", "--seed", str(seed), "--start", START, "--days", str(days), "--donors", str(donors)]
    assert main([*arguments, "--out", str(out), *options]) == 0
    return out


def lines_of(landing: Path) -> dict[str, list[bytes]]:
    """Every line of every feed, in the order of delivery."""
    lines: dict[str, list[bytes]] = {}
    for path in sorted(landing.glob("[!.]*/**/*.json")):
        lines.setdefault(path.relative_to(landing).parts[0], []).extend(path.read_bytes().splitlines())
    return lines


def files_of(landing: Path) -> dict[str, bytes]:
    """Every file, hidden ones too."""
    return {str(path.relative_to(landing)): path.read_bytes() for path in landing.rglob("*") if path.is_file()}


def current(records: list[Record], key: str) -> dict[str, Record]:
    """The last version of each record, by its key."""
    return {record[key]: record for record in sorted(records, key=lambda record: str(record["recorded_at"]))}
