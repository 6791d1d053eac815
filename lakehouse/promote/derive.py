"""The derivatives of a promote: each is built from the versions that this run made, as soon as these are there."""

import logging
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import date
from functools import partial
from graphlib import TopologicalSorter
from typing import Any

from lakehouse.l2.derivatives import units
from lakehouse.l2.pipeline import Derivative, graph
from lakehouse.l2.shared import Frames
from lakehouse.promote.slices import Slices
from lakehouse.storage.lake import Lake

log = logging.getLogger(__name__)
TOUCHED_MOST = 0.25
"""Where a larger share of the units is touched, to build all of them is no more work."""


def derive(
    lake: Lake,
    frames: Frames,
    steps: Collection[Derivative],
    *,
    as_of: date,
    params: Mapping[str, Any],
    threads: int,
    slices: Slices | None = None,
) -> list[str]:
    """Build derivatives anew.

    Args:
        lake: where derivatives are written.
        frames: what they are built from.
        steps: which; what a step reads of others that are not among them stays as it is.
        as_of: the day to speak about.
        params: the definitions that builds take.
        threads: how many builds may run side by side.
        slices: what the run touches; where None, all are built whole.

    Returns:
        Names of the tables built.
    """
    if slices and slices.count() > TOUCHED_MOST * lake.size(units.TABLE).rows:
        log.info("building whole: most units are touched")
        slices = None
    log.info("refreshing by slices: %s", sorted(step.table.name for step in steps if slices and step.is_sliced))

    def build(step: Derivative) -> str:
        if slices and step.is_sliced:
            told = slices.refreshed(step, params)
            lake.refresh(step.table, told.rows, gone=told.gone, where=told.where)
        else:
            lake.replace(step.table, step.build(*frames.of(step.inputs), as_of=as_of, params=params))
        return step.table.name

    return _in_order({step.table.name: partial(build, step) for step in steps}, graph(steps), threads)


def _in_order(builds: Mapping[str, Callable[[], str]], order: TopologicalSorter[str], threads: int) -> list[str]:
    """Run builds side by side, each when all that it needs is done; names in the order in which they ended.

    After the first that fails no other one begins.
    """
    built: list[str] = []
    order.prepare()
    with ThreadPoolExecutor(threads) as pool:
        running: set[Future[str]] = set()
        while order.is_active():
            running |= {pool.submit(builds[name]) for name in order.get_ready()}
            try:
                ended, running = wait(running, return_when=FIRST_COMPLETED)
                names = [future.result() for future in ended]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            order.done(*names)
            built += names
    return built
