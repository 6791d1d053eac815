"""Donors: who is on the register, who joins, and what the register sends.

A row of `donors` is a version of a donor: sent on joining, after every tested donation, and when
the donor dies or asks not to be called any more.
"""

from typing import Any

import numpy as np

from datagen.days import as_dates, as_instants, birth_dates
from datagen.groups import GROUPS
from datagen.ids import Array, Ints, numbered
from datagen.plan import Plan
from datagen.world import Day, World, logged, picks

YEAR_DAYS = 365.25
SEXES = np.array(["Female", "Male"], object)
FEMALE = 0
GROUP_NAMES = np.array(GROUPS, object)


def _identity(world: World, rng: np.random.Generator, count: int, age_shares: tuple[float, ...]) -> dict[str, Any]:
    """What a donor is born with: sex, group, age, name, haemoglobin."""
    plan, pool = world.plan, world.plan.service.name_pool
    donors, deferral = plan.donors, plan.deferral
    sex = (rng.random(count) >= donors.female_share).astype(np.int64)
    ethnicity = picks(rng, donors.ethnicity_shares, count)
    cumulated = np.cumsum(np.array(donors.group_shares), axis=1)
    cumulated /= cumulated[:, -1:]
    band = picks(rng, age_shares, count)
    bounds = np.array(donors.age_bounds)
    age_years = bounds[band] + rng.random(count) * (bounds[band + 1] - bounds[band])
    shift = deferral.african_american_shift * (ethnicity == 1)
    return {
        "sex": sex,
        "ethnicity": ethnicity,
        "group": (rng.random(count)[:, None] > cumulated[ethnicity]).sum(axis=1),
        "birth": -(age_years * YEAR_DAYS).astype(np.int64),
        "hemoglobin": np.array(deferral.mean)[sex] + shift + rng.normal(0, deferral.between_donors, count),
        "first_name": rng.integers(0, pool, count),
        "last_name": rng.integers(0, pool, count),
        "street": rng.integers(0, pool, count),
        "house": rng.integers(1, 9900, count),
        "city": rng.integers(0, len(world.names.towns), count),
        "died_on": -1,
        "is_stopped": False,
        "is_contactable": True,
    }


def _habits(plan: Plan, rng: np.random.Generator, groups: Ints) -> Ints:
    """What each donor gives; group O is asked for double red cells more often."""
    habit = picks(rng, plan.habits.shares, len(groups))
    is_asked = (habit == 0) & (groups < 2) & (rng.random(len(groups)) < plan.habits.o_double_share)
    return np.where(is_asked, 1, habit)


def _rates(plan: Plan, rng: np.random.Generator, person: dict[str, Any], habit: Ints) -> Array:
    """Visits a year of a donor who is free to come: gamma around the mean of habit and age."""
    age = -person["birth"] / YEAR_DAYS
    band = np.clip(np.searchsorted(plan.donors.age_bounds, age, side="right") - 1, 0, 3)
    mean = np.array(plan.habits.visits_a_year)[habit] * np.array(plan.donors.age_rates)[band]
    return np.asarray(mean * rng.gamma(plan.donors.rate_shape, 1 / plan.donors.rate_shape, len(band)))


def register(day: Day) -> None:
    """Fill the register before the first day: active and lapsed donors, each with a history of donations."""
    world, plan, count = day.world, day.world.plan, day.world.size
    rng = day.rng("register")
    person = _identity(world, rng, count, plan.donors.age_shares)
    habit = _habits(plan, rng, person["group"])
    rate = _rates(plan, rng, person, habit)
    is_active = rng.random(count) < plan.donors.is_active_share
    interval = np.array(plan.habits.interval_days)[habit]
    # The time since the last donation of a renewal process: within the interval, or waiting after it.
    waits = YEAR_DAYS / rate
    is_waiting = rng.random(count) < waits / (waits + interval)
    since = np.where(is_waiting, interval + rng.exponential(waits), rng.random(count) * interval)
    since = np.where(is_active, np.minimum(since, 720), rng.uniform(370, 2200, count)).astype(np.int64) + 1
    room = np.maximum(-person["birth"] - 17 * YEAR_DAYS - since, 0)
    tenure = np.minimum(rng.exponential(plan.donors.tenure_years * YEAR_DAYS, count), room)
    repeats = rng.poisson(tenure / (interval + waits))
    last_on = day.number - since
    first_on = np.where(repeats > 0, last_on - np.maximum(tenure.astype(np.int64), repeats * interval), last_on)
    # A person is 17 at the first donation: births are moved back where the history would not fit.
    person["birth"] = np.minimum(day.number + person["birth"], first_on - int(17 * YEAR_DAYS) - 1)
    rows = world["donors"].append(
        **person,
        habit=habit,
        rate=np.where(is_active, rate, plan.donors.lapsed_rate),
        first_on=first_on,
        last_on=last_on,
        ready_on=last_on + interval,
        deferred_until=-1,
        total=1 + repeats,
        registered=world.zone.instants(first_on, 600),
    )
    send(day, rows, np.full(count, day.instant(240)))


def join(day: Day, count: int) -> Ints:
    """Add donors who come for the first time today; return their rows. They are sent by the caller."""
    world, plan = day.world, day.world.plan
    rng = day.rng("join")
    person = _identity(world, rng, count, plan.donors.first_time_age_shares)
    habit = _habits(plan, rng, person["group"])
    rate = _rates(plan, rng, person, habit)
    is_once = rng.random(count) < plan.donors.never_returns_share
    person["birth"] = day.number + person["birth"] - 1
    return world["donors"].append(
        **person,
        # Platelets are given by donors who are known already.
        habit=np.where(habit == 2, 0, habit),
        rate=np.where(is_once, plan.donors.lapsed_rate, rate),
        first_on=-1,
        last_on=-1,
        ready_on=day.number,
        deferred_until=-1,
        total=0,
        registered=-1,
    )


def leave(day: Day) -> None:
    """Deaths, and donors who ask not to be called any more."""
    donors, plan = day.world["donors"], day.world.plan.donors
    chance = day.rng("leave").random(len(donors)) * YEAR_DAYS
    is_alive = donors["died_on"] < 0
    is_dying = is_alive & (chance < plan.deaths_a_year)
    is_leaving = is_alive & ~is_dying & donors["is_contactable"] & (chance < plan.deaths_a_year + plan.opt_outs_a_year)
    donors["died_on"][is_dying] = day.number
    donors["is_stopped"][is_dying | is_leaving] = True
    donors["is_contactable"][is_leaving] = False
    rows = np.flatnonzero(is_dying | is_leaving)
    send(day, rows, np.full(len(rows), day.instant(1380)))


def send(day: Day, rows: Ints, known_at: Ints) -> None:
    """Send today's version of the donors in `rows`; the group is known once a donation was tested."""
    names, service = day.world.names, day.world.plan.service
    donor = {name: day.world["donors"][name][rows] for name in day.world["donors"].dtypes}
    number = rows + 1
    given, family = names.full(donor["sex"], donor["first_name"], donor["last_name"]), names.last[donor["last_name"]]
    day.outbox.emit(
        "donors",
        donor_id=numbered("D", number),
        unique_id=numbered("R", number * 7919 % 100_000_007, 9),
        name=given,
        birthdate=birth_dates(donor["birth"]),
        age=((day.number - donor["birth"]) / YEAR_DAYS).astype(np.int64),
        sex=SEXES[donor["sex"]],
        ethnicity=np.array(day.world.plan.donors.ethnicities, object)[donor["ethnicity"]],
        blood_type=np.where(donor["total"] > 0, GROUP_NAMES[donor["group"]], "unknown"),
        first_donation_date=as_dates(donor["first_on"]),
        last_donation_date=as_dates(donor["last_on"]),
        total_donations=donor["total"],
        address=donor["house"].astype(str).astype(object) + " " + names.streets[donor["street"]],
        city=names.towns[donor["city"]],
        state=service.state,
        postal_code=names.postal_codes[donor["city"]],
        phone=numbered("701-555-", number % 10_000, 4),
        email=[f"{name.lower()}.{row}@example.org" for name, row in zip(family, number.tolist(), strict=True)],
        region=service.region,
        registered_at=as_instants(donor["registered"]),
        is_contactable=donor["is_contactable"],
        deceased_on=as_dates(donor["died_on"].astype(np.int64)),
        recorded_at=logged(known_at),
    )
