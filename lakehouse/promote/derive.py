"""The derivatives of a promote: each is built from the versions that this run made, those of a wave side by side."""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

from lakehouse.l2.pipeline import Derivative, Wiring, waves
from lakehouse.l2.shared import Frames
from lakehouse.storage.lake import Lake


def derive(
    lake: Lake,
    frames: Frames,
    wiring: Wiring,
    changed: Collection[str],
    *,
    everything: bool,
    as_of: date,
    params: Mapping[str, Any],
    threads: int,
) -> list[str]:
    """Build the derivatives that must be built anew.

    Args:
        lake: where derivatives are written.
        frames: what they are built from.
        wiring: the derivatives of the lake.
        changed: names of the tables that this run wrote.
        everything: build all, because the as-of date, a parameter or the code changed.
        as_of: the day to speak about.
        params: the definitions that builds take.
        threads: how many builds may run side by side.

    Returns:
        Names of the tables built.
    """
    steps = list(wiring.derivatives) if everything else wiring.affected(changed)

    def build(step: Derivative) -> str:
        lake.replace(step.table, step.build(*frames.of(step.inputs), as_of=as_of, params=params))
        return step.table.name

    built: list[str] = []
    with ThreadPoolExecutor(threads) as pool:
        for wave in waves(steps):
            built += pool.map(build, wave)
    return built
