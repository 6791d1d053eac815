"""The kinds of fault: what each does to a record, to the records of a watched unit, or to a file.

A record's fault is a function of the record and of a number between 0 and 1 that is drawn for it. It gives what is
sent instead, today or some days later, or nothing where the record can't carry the fault.
"""

import gzip
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from lakehouse.domain.check_character import check_character
from lakehouse.l1.feeds import FEEDS

Record = dict[str, Any]

SWAPPED = {"O": "A", "A": "O", "B": "AB", "AB": "B"}
NUMBERS = {"components": "volume_ml", "donation_events": "planned_units"}
"""The number that arrives as text, by feed: none that decides what the record is or when it was."""
ENDS = "dispositions"
"""The feed whose record ends a unit's life, and the watch over it."""
UNANNOUNCED = "parking_spaces"
_WITHOUT_DONATION = ("deferred", "left", "no_show")
_WRONG_G_DL = 1.3  # what a correction takes back


@dataclass(frozen=True)
class Sent:
    """What is sent of a record: its line, which part of the fault it is (none: no fault), how many days from now."""

    line: bytes
    part: str = "record"
    days: int = 0


@dataclass(frozen=True)
class RecordFault:
    """What a fault does to a record of some feeds (None: of any)."""

    plant: Callable[[str, Record, float, tuple[int, int]], Sequence[Sent]]
    feeds: tuple[str, ...] | None = None


def dumped(record: Mapping[str, Any]) -> bytes:
    """A record as a line, without its end."""
    return orjson.dumps(record)


def moved(instant: str, **by: float) -> str:
    """An instant, that much later."""
    return f"{datetime.fromisoformat(instant) + timedelta(**by):%Y-%m-%dT%H:%M:%SZ}"


def _duplicate(_: str, record: Record, __: float, ___: tuple[int, int]) -> Sequence[Sent]:
    return Sent(dumped(record), ""), Sent(dumped(record), "again", 1)


def _late(_: str, record: Record, drawn: float, days: tuple[int, int]) -> Sequence[Sent]:
    fewest, most = days
    return (Sent(dumped(record), days=fewest + int(drawn * (most - fewest + 1))),)


def _corrected(_: str, record: Record, __: float, ___: tuple[int, int]) -> Sequence[Sent]:
    hemoglobin = record.get("hemoglobin_g_dl")
    if hemoglobin is None:
        return ()
    wrong = record | {"hemoglobin_g_dl": round(hemoglobin + _WRONG_G_DL, 1)}
    right = record | {"recorded_at": moved(record["recorded_at"], days=1)}
    return Sent(dumped(wrong), "wrong"), Sent(dumped(right), "correction", 1)


def _voided(_: str, record: Record, __: float, ___: tuple[int, int]) -> Sequence[Sent]:
    if not _is_without_donation(record):
        return ()
    spurious = record | {"visit_id": record["visit_id"] + "W"}
    withdrawal = {"visit_id": spurious["visit_id"], "is_void": True}
    withdrawal |= {name: record[name] for name in ("recorded_at", "source_system")}
    withdrawal["recorded_at"] = moved(record["recorded_at"], days=1)
    return Sent(dumped(record), ""), Sent(dumped(spurious), "spurious"), Sent(dumped(withdrawal), "withdrawal", 1)


def _wrong_type(feed: str, record: Record, _: float, __: tuple[int, int]) -> Sequence[Sent]:
    return _changed(record, NUMBERS[feed], "not measured")


def _impossible_date(_: str, record: Record, drawn: float, __: tuple[int, int]) -> Sequence[Sent]:
    if not _is_without_donation(record):
        return ()
    ahead = moved(record["visited_at"], days=366)
    return _changed(record, "visited_at", "1970-01-01T00:00:00Z" if drawn < 0.5 else ahead)


def _swapped_abo(_: str, record: Record, __: float, ___: tuple[int, int]) -> Sequence[Sent]:
    if record["component"] != "red_cells" or not is_of_donation(record):
        return ()
    abo, rhd = record["blood_type"].split(" ")
    return _changed(record, "blood_type", f"{SWAPPED[abo]} {rhd}")


def _orphan_key(_: str, record: Record, __: float, ___: tuple[int, int]) -> Sequence[Sent]:
    din = "Z" + record["unit_id"][1:13]
    unknown = {"unit_id": din + check_character(din) + record["unit_id"][14:]}
    orphan = record | unknown | {"unit_event_id": record["unit_event_id"] + "W"}
    return Sent(dumped(record), ""), Sent(dumped(orphan))


def _encoding_damage(_: str, record: Record, __: float, ___: tuple[int, int]) -> Sequence[Sent]:
    if not _is_without_donation(record):
        return ()
    line = dumped(record | {"deferral_reason": "d\u00e9lai"})
    return (Sent(line.replace("\u00e9".encode(), "\u00e9".encode("latin-1"))),)


def _grams_per_litre(_: str, record: Record, __: float, ___: tuple[int, int]) -> Sequence[Sent]:
    hemoglobin = record.get("hemoglobin_g_dl")
    if hemoglobin is None or not _is_without_donation(record):
        return ()
    return _changed(record, "hemoglobin_g_dl", round(hemoglobin * 10, 1))


def _changed(record: Record, name: str, value: Any) -> Sequence[Sent]:
    return (Sent(dumped(record | {name: value})),) if name in record else ()


def is_of_donation(component: Record) -> bool:
    """Whether a unit's donation is ours: it was typed and tested here."""
    return "din" in component and not component.get("is_imported", False)


def _is_without_donation(visit: Record) -> bool:
    return visit["outcome"] in _WITHOUT_DONATION


RECORD_FAULTS = {
    "duplicate": RecordFault(_duplicate),
    "late": RecordFault(_late),
    "corrected": RecordFault(_corrected, ("donor_visits",)),
    "voided": RecordFault(_voided, ("donor_visits",)),
    "wrong_type": RecordFault(_wrong_type, tuple(NUMBERS)),
    "impossible_date": RecordFault(_impossible_date, ("donor_visits",)),
    "swapped_abo": RecordFault(_swapped_abo, ("components",)),
    "orphan_key": RecordFault(_orphan_key, ("unit_events",)),
    "encoding_damage": RecordFault(_encoding_damage, ("donor_visits",)),
    "grams_per_litre": RecordFault(_grams_per_litre, ("donor_visits",)),
}


@dataclass(frozen=True)
class WatchedFault:
    """A fault of a unit's later records: which units are watched for it, in which feed, and what is changed then."""

    component: str
    feed: str
    seen: str
    """The component's instant that the change starts from."""
    plant: Callable[[Record, str, float], Record | None]


def _shipped_early(movement: Record, prepared_at: str, _: float) -> Record | None:
    if movement["kind"] != "issue" or "shipped_at" not in movement:
        return None
    early = moved(prepared_at, hours=1)
    return movement | {"shipped_at": early, "distribution_date": early}


def _given_late(disposition: Record, expires_at: str, drawn: float) -> Record | None:
    if disposition["kind"] != "transfused":
        return None
    given = moved(expires_at, hours=6 + 12 * drawn)
    ended = {"ended_at": moved(given, hours=1)} if "ended_at" in disposition else {}
    return disposition | {"happened_at": given, "recorded_at": moved(given, hours=2)} | ended


WATCHED_FAULTS = {
    "shipped_before_tested": WatchedFault("red_cells", "distribution", "prepared_at", _shipped_early),
    "transfused_after_dating": WatchedFault("platelets", ENDS, "expires_at", _given_late),
}
WATCHED_FEEDS = ("distribution", ENDS)


@dataclass(frozen=True)
class FileFault:
    """What a fault makes of a file's lines: lines with a fault each, or bytes that are put in the file's place.

    `again`: the lines are delivered beside as well, as they should be.
    """

    lines: Callable[[str, bytes], bytes] | None = None
    bytes: Callable[[bytes], bytes] | None = None
    is_per_record: bool = False
    again: bool = False
    suffix: str = ".json"


def _with_unannounced(_: str, line: bytes) -> bytes:
    return dumped(orjson.loads(line) | {UNANNOUNCED: 12})


def _renamed(feed: str, line: bytes) -> bytes:
    """The last field of the key under a name of another system."""
    name = FEEDS[feed].key[-1]
    record = orjson.loads(line)
    return dumped({(f"{name}_no" if key == name else key): value for key, value in record.items()})


def _cut(body: bytes) -> bytes:
    packed = gzip.compress(body, mtime=0)
    return packed[: len(packed) // 2]


FILE_FAULTS = {
    "unknown_field": FileFault(lines=_with_unannounced, is_per_record=True),
    "renamed_field": FileFault(lines=_renamed),
    "truncated_file": FileFault(bytes=_cut, again=True, suffix=".json.gz"),
    "stuck_feed": FileFault(again=True),
}
