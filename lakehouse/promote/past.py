"""What was delivered before: the deliveries that new ones are held against."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date

from lakehouse.gates.drift import added, stream_of
from lakehouse.gates.profile import PROFILE, Past
from lakehouse.l1.ledger import read_ledger
from lakehouse.storage.lake import Lake

Batches = Mapping[str, list[int]]


def past_of(lake: Lake, pending: Batches) -> dict[str, Past]:
    """The past of every feed that has pending batches, without those batches: a run that died may have judged them."""
    streams: dict[str, dict[int, str]] = {feed: {} for feed in pending}
    for event in read_ledger(lake).last.values():
        if event.batch_seq in pending.get(event.feed, ()):
            streams[event.feed][event.file_id] = stream_of(event.path)
    days: dict[str, dict[str, dict[tuple[date, int], int]]] = {feed: defaultdict(dict) for feed in pending}
    for row in lake.journals.rows(PROFILE):
        feed, batch = row["feed"], row["_batch_seq"]
        if feed in pending and batch not in pending[feed] and row["_delivered_on"]:
            # A batch that was judged twice, by a run that died and by the next, counts once.
            days[feed][row["stream"]][row["_delivered_on"], batch] = row["rows"]
    return {
        feed: Past(
            streams[feed],
            {stream: added((day, rows) for (day, _), rows in found.items()) for stream, found in days[feed].items()},
        )
        for feed in pending
    }
