"""What was delivered before: the deliveries that new ones are held against."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any

from lakehouse.gates.drift import stream_of
from lakehouse.gates.profile import PROFILE
from lakehouse.gates.streams import Past, Stream
from lakehouse.l1.ledger import read_ledger
from lakehouse.storage.lake import Lake

Batches = Mapping[str, list[int]]


def past_of(lake: Lake, pending: Batches) -> dict[str, Past]:
    """The past of every feed that has pending batches, without those batches: a run that died may have judged them."""
    names: dict[str, dict[int, str]] = {feed: {} for feed in pending}
    for event in read_ledger(lake).last.values():
        if event.batch_seq in pending.get(event.feed, ()):
            names[event.feed][event.file_id] = stream_of(event.path)
    # A batch that was judged twice, by a run that died and by the next, counts once: the last word of each delivery.
    last: dict[tuple[str, str, date, int], dict[str, Any]] = {}
    for row in sorted(lake.journals.rows(PROFILE), key=lambda row: row["run_id"]):
        if row["feed"] in pending and row["_batch_seq"] not in pending[row["feed"]] and row["_delivered_on"]:
            last[row["feed"], row["stream"], row["_delivered_on"], row["_batch_seq"]] = row
    streams: dict[str, dict[str, Stream]] = {feed: defaultdict(Stream) for feed in pending}
    for (feed, name, day, _), row in last.items():
        streams[feed][name].learn(day, row["rows"], dict(row["mix"] or {}))
    return {feed: Past(names[feed], streams[feed]) for feed in pending}
