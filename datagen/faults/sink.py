"""Deliveries with faults: takes the records of some days, plants the faults, writes files and manifest.

A record or file carries one fault at most. Which one depends on the seed, the region and the record or path
alone, so a world with faults is as reproducible as one without.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from zlib import crc32

import numpy as np
import orjson
import polars as pl

from datagen.days import number_of
from datagen.draws import Draws
from datagen.faults.kinds import (
    ENDS,
    FILE_FAULTS,
    RECORD_FAULTS,
    WATCHED_FAULTS,
    WATCHED_FEEDS,
    FileFault,
    Record,
    dumped,
    is_of_donation,
)
from datagen.faults.labels import Label, file_label, label_of, write_manifest
from datagen.faults.plan import Fault
from datagen.faults.state import Due, FaultState, save_faults
from datagen.ids import Array
from datagen.landing import LandingFiles, path_of
from datagen.writer import SOURCES, lines

_Line = tuple[bytes, Label | None]


@dataclass
class FaultyFiles:
    """Landing files of one region, with faults."""

    files: LandingFiles
    draws: Draws
    state: FaultState
    _labels: list[Label] = field(default_factory=list)

    def take(self, frames: dict[str, pl.DataFrame], *, first: date, last: date) -> None:
        """Write the records as files of `first`..`last`, what is due with them, and the manifest."""
        self._labels = []
        for feed in SOURCES:
            sent = lines(frames[feed]).splitlines() if feed in frames else []
            due = self._due(feed, last)
            if sent or due:
                self._deliver(feed, sent, due, first, last)
        write_manifest(self._labels, self.files.store, self.files.region, first, last)
        save_faults(self.state, self.files.store, self.files.region, last)

    def _deliver(self, feed: str, sent: list[bytes], due: list[_Line], first: date, last: date) -> None:
        path = path_of(feed, self.files.region, first, last)
        fault = self._fault_of_file(feed, path) if sent else None
        if fault is None:
            self._write(path, [*self._faulty(feed, sent, number_of(last)), *due])
            self.state.last_files[feed] = self.files.named(path)
            return
        kind = FILE_FAULTS[fault.name]
        self._write_damaged(fault, kind, path, sent)
        self.state.last_files.pop(feed, None)
        again: list[_Line] = [(line, None) for line in sent] if kind.again else []
        if again or due:
            self._write(path_of(feed, self.files.region, first, last, "-again"), [*again, *due])

    def _write(self, path: str, delivered: Sequence[_Line]) -> None:
        place = self.files.write(path, b"".join(line + b"\n" for line, _ in delivered))
        numbered = enumerate(delivered, 1)
        self._labels.extend(label.at(place, number) for number, (_, label) in numbered if label is not None)

    def _fault_of_file(self, feed: str, path: str) -> Fault | None:
        for fault in self.state.faults:
            can = fault.name in FILE_FAULTS and feed in fault.feeds
            if can and self._chance(fault.name, [path.encode()])[0] < fault.rate:
                is_stuck_on_nothing = fault.name == "stuck_feed" and feed not in self.state.last_files
                return None if is_stuck_on_nothing else fault
        return None

    def _write_damaged(self, fault: Fault, kind: FileFault, path: str, sent: list[bytes]) -> None:
        feed = path.split("/", maxsplit=1)[0]
        if kind.lines is not None:
            damaged = [kind.lines(feed, line) for line in sent]
            labels = [label_of(fault.name, feed, orjson.loads(line)) if kind.is_per_record else None for line in sent]
            self._write(path, list(zip(damaged, labels, strict=True)))
            place = self.files.named(path)
        elif kind.bytes is not None:
            place = path.removesuffix(".json") + kind.suffix
            self.files.store.write(place, kind.bytes(b"".join(line + b"\n" for line in sent)))
        else:
            place = self.files.named(path)
            with self.files.store.open(self.state.last_files[feed]) as stream:
                self.files.store.write(place, stream.read())
        if not kind.is_per_record:
            self._labels.append(file_label(fault.name, feed, place))

    def _due(self, feed: str, last: date) -> list[_Line]:
        waiting: list[Due] = []
        now: list[Due] = []
        for due in self.state.due:
            (now if due.feed == feed and due.on <= number_of(last) else waiting).append(due)
        self.state.due = waiting
        return [(due.line.encode(), due.label) for due in now]

    def _faulty(self, feed: str, sent: list[bytes], today: int) -> Iterator[_Line]:
        """The lines of one file with the faults of its records, those of watched units first."""
        planted: dict[int, list[_Line]] = dict(self._of_watched(feed, sent, today))
        for fault in self.state.faults:
            if feed not in fault.feeds or fault.name in FILE_FAULTS:
                continue
            drawn = self._chance(fault.name, sent)
            for row in np.flatnonzero(drawn < fault.rate).tolist():
                if row in planted:
                    continue
                if fault.name in WATCHED_FAULTS:
                    self._watch(fault.name, orjson.loads(sent[row]))
                elif (found := self._plant(fault, feed, sent[row], drawn[row] / fault.rate, today)) is not None:
                    planted[row] = found
        for row, line in enumerate(sent):
            yield from planted.get(row, ((line, None),))

    def _plant(self, fault: Fault, feed: str, line: bytes, drawn: float, today: int) -> list[_Line] | None:
        """What is sent of a record today, nothing where all of it is late; None where it can't carry the fault."""
        record, now = orjson.loads(line), []
        planted = RECORD_FAULTS[fault.name].plant(feed, record, drawn, fault.days)
        if not planted:
            return None
        for sent in planted:
            # What was withdrawn or orphaned has a key of its own; damaged bytes have the key that they had.
            told = record if fault.name == "encoding_damage" else orjson.loads(sent.line)
            label = label_of(fault.name, feed, told, sent.part) if sent.part else None
            if sent.days:
                assert label is not None
                self.state.due.append(Due(feed, today + sent.days, sent.line.decode(), label))
            else:
                now.append((sent.line, label))
        return now

    def _watch(self, name: str, component: Record) -> None:
        kind = WATCHED_FAULTS[name]
        # A unit that was irradiated is made when its donation has long been tested.
        is_first = is_of_donation(component) and "irradiated_at" not in component
        if component["component"] == kind.component and is_first:
            self.state.watched[component["unit_id"]] = (name, component[kind.seen])

    def _of_watched(self, feed: str, sent: list[bytes], today: int) -> Iterable[tuple[int, list[_Line]]]:
        if feed not in WATCHED_FEEDS or not self.state.watched:
            return
        for row, line in enumerate(sent):
            record = orjson.loads(line)
            watched = self.state.watched.get(record.get("unit_id", ""))
            if watched is None:
                continue
            name, seen = watched
            kind = WATCHED_FAULTS[name]
            changed = kind.plant(record, seen, self._chance(name, [line])[0]) if kind.feed == feed else None
            if feed == ENDS:
                del self.state.watched[record["unit_id"]]
            if changed is not None:
                yield row, self._sent_when_known(label_of(name, feed, changed), changed, today)

    def _sent_when_known(self, label: Label, record: Record, today: int) -> list[_Line]:
        """A record is delivered when it was written, and not before."""
        written_on = number_of(date.fromisoformat(record["recorded_at"][:10]))
        if written_on <= today:
            return [(dumped(record), label)]
        self.state.due.append(Due(label.feed, written_on, dumped(record).decode(), label))
        return []

    def _chance(self, name: str, of: Sequence[bytes]) -> Array:
        """A number between 0 and 1 for each line or path."""
        return self.draws.at(f"fault/{name}", 0).uniform(np.array([crc32(one) for one in of], np.int64))
