"""Labels: which record or file carries which fault. A label is one line of the manifest.

Manifests are `.faults/<region>/<days>.jsonl` below the landing folder, which the lake does not read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import orjson

from datagen.landing import Store, span_of
from lakehouse.l1.feeds import FEEDS

FOLDER = ".faults"


@dataclass(frozen=True)
class Label:
    """A fault and what carries it.

    `part` tells a fault's records apart where it has several (a wrong version and its correction, say). `path` is
    below landing, `line` from 1 on; a label of a whole file has no line.
    """

    fault: str
    part: str
    feed: str
    key: Mapping[str, Any]
    unit_id: str | None = None
    path: str = ""
    line: int | None = None

    def at(self, path: str, line: int | None = None) -> "Label":
        """The same label, placed."""
        return replace(self, path=path, line=line)


def label_of(fault: str, feed: str, record: Mapping[str, Any], part: str = "record") -> Label:
    """The label of one record, not yet placed."""
    key = {name: record[name] for name in FEEDS[feed].key if name in record}
    return Label(fault, part, feed, key, record.get("unit_id"))


def file_label(fault: str, feed: str, path: str) -> Label:
    """The label of a whole file."""
    return Label(fault, "file", feed, {}, path=path)


def write_manifest(labels: Iterable[Label], store: Store, region: str, first: date, last: date) -> None:
    """Write the labels of what was delivered of some days."""
    lines = b"".join(orjson.dumps(asdict(label)) + b"\n" for label in labels)
    store.write(f"{FOLDER}/{region}/{span_of(first, last)}.jsonl", lines)


def read_manifest(store: Store, region: str) -> list[Label]:
    """All labels of a region."""
    found: list[Label] = []
    for name in store.names(f"{FOLDER}/{region}"):
        if name.endswith(".jsonl"):
            with store.open(f"{FOLDER}/{region}/{name}") as stream:
                found.extend(Label(**orjson.loads(line)) for line in stream)
    return found
