"""The derivatives of a promote: each is built from the versions that this run made, those of a wave side by side."""

import logging
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

from lakehouse.config import PipelineConf
from lakehouse.l2.pipeline import Derivative, waves
from lakehouse.l2.shared import Frames
from lakehouse.promote.slices import Slices
from lakehouse.storage.lake import Lake

log = logging.getLogger(__name__)


def derive(
    lake: Lake,
    frames: Frames,
    steps: Collection[Derivative],
    *,
    as_of: date,
    params: Mapping[str, Any],
    pipeline: PipelineConf,
    slices: Slices | None = None,
) -> list[str]:
    """Build derivatives anew.

    Args:
        lake: where derivatives are written.
        frames: what they are built from.
        steps: which; what a step reads of others that are not among them stays as it is.
        as_of: the day to speak about.
        params: the definitions that builds take.
        pipeline: how many builds run side by side, and from how many rows on a table is refreshed by slices.
        slices: what the run touches; where None, all are built whole.

    Returns:
        Names of the tables built.
    """
    sliced = {
        step.table.name
        for step in steps
        if slices and step.is_sliced and lake.size(step.table).rows >= pipeline.slice_rows
    }
    log.info("refreshing by slices: %s", sorted(sliced) or "nothing")

    def build(step: Derivative) -> str:
        if slices and step.table.name in sliced:
            told = slices.refreshed(step, params)
            lake.refresh(step.table, told.rows, gone=told.gone, where=told.where)
        else:
            lake.replace(step.table, step.build(*frames.of(step.inputs), as_of=as_of, params=params))
        return step.table.name

    built: list[str] = []
    if slices and sliced:
        slices.prepare()
    with ThreadPoolExecutor(pipeline.threads) as pool:
        for wave in waves(steps):
            built += pool.map(build, wave)
    return built
