"""Random plans and the worlds that they make, for properties that hold whatever the constants are."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from random import Random
from typing import Any

import polars as pl
from hypothesis import strategies as st
from world_files import delivered

from datagen.days import number_of
from datagen.plan import Plan
from datagen.planner import load_plans
from datagen.scenarios import FOLDER, Course, load_scenario
from datagen.simulate import new_world

PLANS = load_plans()
SCENARIOS = tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))
ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles")
MOST_CONSTANTS = 15

Value = Callable[[Random, Any], Any]
"""A new value of a constant, from its usual one."""


def _of(low: float, high: float) -> Value:
    """A number between two, an integer where both are."""
    is_whole = isinstance(low, int) and isinstance(high, int)
    return lambda random, _: random.randint(int(low), int(high)) if is_whole else round(random.uniform(low, high), 3)


def _times(low: float, high: float) -> Value:
    """The usual number, or every number of a list, so many times."""
    return lambda random, usual: _scaled(usual, round(random.uniform(low, high), 2))


def _scaled(value: Any, factor: float) -> Any:
    return tuple(_scaled(item, factor) for item in value) if isinstance(value, tuple) else value * factor


def _beds(random: Random, _: Any) -> tuple[int, ...]:
    return tuple(random.randint(15, 900) for _ in range(random.randint(1, 12)))


def _mixed(random: Random, usual: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(round(random.uniform(0.02, 1), 2) for _ in usual)


SHARE, HALF = _of(0.0, 1.0), _of(0.0, 0.5)
# From nothing at all to several times what is usual.
DRAWN: dict[str, Value] = {
    "service.hospital_beds": _beds,
    "service.fixed_sites": _of(1, 4),
    "service.employees": _of(1, 80),
    "service.timezone": lambda random, _: random.choice(ZONES),
    "donors.is_active_share": SHARE,
    "donors.female_share": SHARE,
    "donors.never_returns_shares": _mixed,
    "donors.age_churn": _times(0, 3),
    "donors.new_per_1000_a_day": _times(0, 15),
    "donors.deaths_a_year": _times(0, 100),
    "donors.opt_outs_a_year": _times(0, 20),
    "habits.shares": _mixed,
    "habits.visits_a_year": _times(0, 5),
    "habits.to_platelets": _times(0, 50),
    "appeal.target_days": _times(0.2, 3),
    "appeal.power": _of(0.0, 2.0),
    "appeal.memory_days": _of(7, 60),
    "collection.fixed_share": SHARE,
    "collection.visits_a_mobile_event": _of(2, 60),
    "collection.no_show_share": HALF,
    "collection.left_share": HALF,
    "collection.failed_share": HALF,
    "collection.rejected_share": HALF,
    "deferral.other_share": HALF,
    "deferral.low_hb_days": _of(1, 90),
    "testing.reactive": _times(0, 60),
    "testing.initial_only": HALF,
    "testing.supplemental_days": _of(1, 9),
    "testing.culture_reactive": HALF,
    "testing.post_donation_calls": HALF,
    "testing.calls_lifted_share": SHARE,
    "components.plasma_share": HALF,
    "components.recovered_share": HALF,
    "components.pool_size": _of(2, 6),
    "components.pools_a_1000_donors_a_day": _of(0.0, 12.0),
    "components.cryo_pool_size": _of(1, 8),
    "components.plasma_target_days": _of(1, 60),
    "hospitals.admissions_per_1000_donors_a_day": _times(0, 4),
    "hospitals.ramp_days": _of(1, 25),
    "hospitals.length_of_stay_days": _times(0.2, 3),
    "hospitals.platelet_episodes": _times(0, 4),
    "hospitals.plasma_episodes": _times(0, 8),
    "hospitals.cryo_episodes": _times(0, 8),
    "hospitals.emergency_share": _times(0, 2),
    "hospitals.irradiated_share": _times(0, 2.5),
    "hospitals.returning_share": _times(0, 1.8),
    "hospitals.mortality": _times(0, 6),
    "hospitals.crossmatch_extra": _of(0.0, 4.0),
    "hospitals.transfused_share": SHARE,
    "hospitals.cancelled_share": HALF,
    "hospitals.platelet_slippage": HALF,
    "hospitals.wasted_per_crossmatch": HALF,
    "stock.hospital_days": _of(0.0, 12.0),
    "stock.platelet_days": _of(0.0, 4.0),
    "stock.platelet_beds": _of(0, 900),
    "stock.return_below_days": _of(2, 41),
    "stock.import_below_days": _of(0.0, 4.0),
    "stock.import_units_per_1000_donors": _of(0.0, 20.0),
}


@dataclass(frozen=True)
class Life:
    """How a world is lived: by the plan of a region but for some constants."""

    region: str
    changed: dict[str, Any]
    seed: int
    start: date
    days: int
    donors: int
    scenarios: tuple[str, ...]

    @property
    def plan(self) -> Plan:
        """The plan that is lived; few names are drawn, because that takes long."""
        plan = PLANS[self.region]
        for place, value in {"service.name_pool": 40, **self.changed}.items():
            section, name = place.split(".")
            plan = replace(plan, **{section: replace(getattr(plan, section), **{name: value})})
        return plan

    def feeds(self) -> dict[str, pl.DataFrame]:
        """The records of all days, by feed, with the day on which each was `delivered`."""
        course = Course(load_scenario(asked) for asked in self.scenarios)
        start = number_of(self.start)
        world = new_world(self.plan, seed=self.seed, start=start, donors=self.donors, course=course)
        return delivered(world, self.days)


def random_life(random: Random) -> Life:
    """A life in which some constants are drawn anew, and scenarios come as they may."""
    region = random.choice(sorted(PLANS))
    plan, names = PLANS[region], random.sample(sorted(DRAWN), random.randint(3, MOST_CONSTANTS))
    usual = {name: getattr(getattr(plan, name.split(".")[0]), name.split(".")[1]) for name in names}
    start, days = date(2016, 1, 1) + timedelta(random.randint(0, 5000)), random.randint(20, 50)
    since = partial(random.randint, 0, days - 1)
    scenarios = random.sample(SCENARIOS, random.randint(0, 3))
    return Life(
        region,
        {name: DRAWN[name](random, usual[name]) for name in names},
        random.randint(0, 2**31),
        start,
        days,
        random.randint(150, 500),
        tuple(f"{scenario}@{start + timedelta(since())}" for scenario in scenarios),
    )


SEEN = (
    # Plasma that was held after a donor's call became cryoprecipitate before the hold was lifted.
    Life(
        "high_mesa",
        {
            "testing.post_donation_calls": 0.5,
            "testing.calls_lifted_share": 0.9,
            "components.plasma_share": 1.0,
            "components.cryo_pool_size": 1,
            "components.cryo_target_days": 10_000,
        },
        seed=3,
        start=date(2024, 3, 4),
        days=20,
        donors=500,
        scenarios=(),
    ),
)
"""Lives that broke a law once."""
# Every constant is drawn by Python's generator, from a seed that Hypothesis chooses: by Hypothesis itself a few
# examples would be a few variations of one.
LIVES = st.randoms(use_true_random=True).map(random_life)
