"""Living the seeds of the fidelity protocol: every region, burn-in, and the years that are measured."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from datagen.days import date_of, number_of
from datagen.fidelity.tally import Tally, added
from datagen.plan import PLAN_PATH
from datagen.planner import load_plans
from datagen.simulate import live_day, new_world
from datagen.writer import Outbox

START = date(2019, 1, 1)


@dataclass(frozen=True)
class Protocol:
    """How much is lived: so many seeds, years of burn-in, years measured, donors in each region."""

    seeds: int = 5
    burn_in: int = 2
    years: int = 3
    donors: int = 20_000
    processes: int = 2
    plan: Path = PLAN_PATH

    @property
    def since(self) -> date:
        """The first measured day."""
        return START + timedelta(days=365 * self.burn_in)


def lived(protocol: Protocol) -> Iterator[Tally]:
    """The added tallies of all regions, seed by seed."""
    regions = list(load_plans(protocol.plan))
    works = [(seed, region) for seed in range(1, protocol.seeds + 1) for region in regions]
    with ProcessPoolExecutor(protocol.processes, mp_context=get_context("spawn")) as pool:
        tallies = pool.map(partial(_region, protocol), works)
        for _ in range(protocol.seeds):
            yield added([next(tallies) for _ in regions])


def _region(protocol: Protocol, work: tuple[int, str]) -> Tally:
    seed, region = work
    plan = load_plans(protocol.plan)[region]
    world = new_world(plan, seed=seed, start=number_of(START), donors=protocol.donors)
    outbox, tally, first = Outbox(), Tally(protocol.since), START
    for _ in range(365 * (protocol.burn_in + protocol.years)):
        live_day(world, outbox)
        last = date_of(world.next_day - 1)
        if last >= protocol.since:
            tally.look(world)
        tomorrow = last + timedelta(days=1)
        if tomorrow.day == 1 or tomorrow == protocol.since:
            tally.take(outbox.frames(), first=first, last=last)
            first = tomorrow
    tally.take(outbox.frames(), first=first, last=date_of(world.next_day - 1))
    tally.finish()
    return tally
