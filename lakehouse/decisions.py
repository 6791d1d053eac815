"""What people decide about batches, as the options of a run say it: to let a held one through, or to leave one out."""

from datetime import date

from lakehouse.cli import Run
from lakehouse.errors import UsageError
from lakehouse.gates.holds import HOLDS, Hold, hold_rows
from lakehouse.l1.ledger import batch_id, batch_number
from lakehouse.promote import batchwork, places
from lakehouse.release import current_release
from lakehouse.storage.leases import Lease


def day_of(run: Run) -> date:
    """The day to speak about: as given; where a batch is decided about, the current release's; else today."""
    release = current_release(run.lake) if run.args.accept or run.args.discard else None
    return release.as_of if release and run.args.as_of is None else run.as_of


def decide(run: Run) -> None:
    """Write down who lets held batches through, or leaves them out, and why; not while another run promotes."""
    if run.args.accept or run.args.discard:
        with Lease(run.lake, "promote", run.config.lease, run.clock):
            run.lake.append_rows(HOLDS, hold_rows(decisions(run), run.lake.run_id, run.clock()))


def decisions(run: Run) -> list[Hold]:
    """What a person decides about batches.

    Raises:
        UsageError: a batch that does not wait for it, or no word of who and why.
    """
    chosen = [(name, "accepted") for name in run.args.accept] + [(name, "discarded") for name in run.args.discard]
    if chosen and not (run.args.by and run.args.why):
        raise UsageError("--accept and --discard need --by and --why")
    if not chosen:
        return []
    work = batchwork(run.lake, current_release(run.lake))
    steps = []
    for name, event in chosen:
        # Those of releases that were rolled back are held, too. What was not judged yet may be kept from it.
        known = sorted(places(work.held) | (places(work.pending) if event == "discarded" else set()))
        found = [place for place in known if _names(name, *place)]
        if not found:
            wanted = ", ".join(f"{feed}/{batch_id(batch)}" for feed, batch in known) or "none"
            waits = "held" if event == "accepted" else "held or waiting to be judged"
            raise UsageError(f"batch {name!r} is not {waits}; these are: {wanted}")
        reasons = {place: work.holds[place].reason for place in found if place in work.holds}
        steps += [Hold(*place, event, reasons.get(place), run.args.by, run.args.why) for place in found]
    return steps


def _names(name: str, feed: str, batch_seq: int) -> bool:
    """Whether a text means this batch of this feed; one without a feed means all feeds' of that number."""
    of_feed, _, batch = name.rpartition("/")
    return of_feed in ("", feed) and batch_number(batch) == batch_seq
