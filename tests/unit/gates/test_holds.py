"""Which batches wait for a decision under a release: by the steps in their lives, and by what a roll back took away."""

from datetime import UTC, datetime
from typing import Any

import pytest

from lakehouse.gates.holds import ROLLED_BACK, standing_under

BATCH = ("donors", 7)


def step(hour: int, event: str, reason: str | None = None) -> dict[str, Any]:
    at = datetime(2024, 3, 1, hour, tzinfo=UTC)
    return {
        "feed": "donors",
        "batch_seq": 7,
        "event": event,
        "reason": reason,
        "by": None,
        "why": None,
        "happened_at": at,
    }


@pytest.mark.parametrize(
    ("steps", "stands"),
    [
        ([], ("held", ROLLED_BACK)),
        ([step(8, "held", "odd")], ("held", "odd")),
        ([step(8, "held", "odd"), step(9, "accepted", "odd")], ("held", ROLLED_BACK)),
        ([step(8, "held", "odd"), step(11, "accepted", "odd")], ("accepted", "odd")),
        ([step(8, "held", "odd"), step(9, "discarded", "odd")], ("discarded", "odd")),
        ([step(11, "discarded")], ("discarded", None)),
    ],
    ids=["nobody held it", "held", "accepted before", "accepted after", "discarded before", "discarded after"],
)
def test_standing_under__a_release_at_ten_that_holds_the_batch(steps: list[dict[str, Any]], stands: Any) -> None:
    found = standing_under(steps, [BATCH], datetime(2024, 3, 1, 10, tzinfo=UTC))[BATCH]
    assert (found.event, found.reason) == stands


def test_standing_under__what_the_release_does_not_hold_is_as_it_was_left() -> None:
    found = standing_under([step(8, "held"), step(9, "accepted")], [], datetime(2024, 3, 1, 10, tzinfo=UTC))
    assert {place: hold.event for place, hold in found.items()} == {BATCH: "accepted"}
