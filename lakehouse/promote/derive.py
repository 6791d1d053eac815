"""The derivatives of a promote: each is built from the versions that this run made, those of a wave side by side."""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

from lakehouse.l2.pipeline import DERIVATIVES, L2_TABLES, Derivative, affected, waves
from lakehouse.release import live
from lakehouse.storage.lake import Lake


def derive(
    lake: Lake, changed: Collection[str], *, everything: bool, as_of: date, params: Mapping[str, Any], threads: int
) -> list[str]:
    """Build the derivatives that must be built anew.

    Args:
        lake: where conformed tables are read and derivatives written.
        changed: names of the tables that this run wrote.
        everything: build all, because the as-of date, a parameter or the code changed.
        as_of: the day to speak about.
        params: the definitions that builds take.
        threads: how many builds may run side by side.

    Returns:
        Names of the tables built.
    """
    steps = list(DERIVATIVES) if everything else affected(changed)

    def build(step: Derivative) -> str:
        inputs = [live(L2_TABLES[name], lake.read(L2_TABLES[name])) for name in step.inputs]
        lake.replace(step.table, step.build(*inputs, as_of=as_of, params=params))
        return step.table.name

    built: list[str] = []
    with ThreadPoolExecutor(threads) as pool:
        for wave in waves(steps):
            built += pool.map(build, wave)
    return built
