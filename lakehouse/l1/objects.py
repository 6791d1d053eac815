"""JSON objects as they were sent: what orjson says of a line, and what it would lose."""

import json
import re
from collections import Counter
from typing import Any

import orjson

ROUNDED = re.compile(r"[:,[]-?\d+(\.\d+)?e")
"""How orjson writes a number that it may have rounded: whole ones keep 64 bits."""


def object_of(line: bytes) -> dict[str, Any] | None:
    """The JSON object that a line is; None where it is none."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return record if isinstance(record, dict) else None


class AsSent:
    """Builds objects in which a repeated name has the list of its values, and knows what was repeated."""

    def __init__(self) -> None:
        self.has_repeats = False
        self.repeated: set[str] = set()

    def take(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Build one object; the outermost comes last, so that `repeated` is left with its names."""
        self.repeated = {name for name, times in Counter(name for name, _ in pairs).items() if times > 1}
        self.has_repeats |= bool(self.repeated)
        last = dict(pairs)
        return last | {name: [value for other, value in pairs if other == name] for name in self.repeated}


def as_json(value: dict[str, Any]) -> str | None:
    """The object as JSON text; None for an empty one."""
    return orjson.dumps(value).decode() if value else None


def as_exact_json(value: dict[str, Any]) -> str | None:
    """The same for numbers that `as_json` would round; None for an empty object."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if value else None
