"""Donors: who is on the register, who joins, and what the register sends.

A row of `donors` is a version of a donor: sent on joining, after every tested donation, and when
the donor dies or asks not to be called any more.
"""

from typing import Any

import numpy as np

from datagen.groups import GROUPS, O_NEGATIVE, O_POSITIVE
from datagen.ids import Array, Ints
from datagen.wire import Column, birth_dates, chosen, dates, instants, joined, numbered, plain
from datagen.world import Day, World

YEAR_DAYS = 365.25
SEXES = ("Female", "Male")
UNKNOWN_GROUP = len(GROUPS)
KNOWN_GROUPS = (*GROUPS, "unknown")


def donor_ids(world: World, rows: Ints) -> Column:
    """Ids of donors by their row."""
    return numbered("D", world.first_id + rows + 1)


def _identity(day: Day, rows: Ints, age_shares: tuple[float, ...]) -> dict[str, Any]:
    """What each donor is born with: sex, group, age, name, haemoglobin."""
    plan, pool = day.world.plan, day.world.plan.service.name_pool
    donors, deferral = plan.donors, plan.deferral
    sex = (~day.draw("sex").chance(rows, donors.female_share)).astype(np.int64)
    ethnicity = day.draw("ethnicity").picks(rows, donors.ethnicity_shares)
    cumulated = np.cumsum(np.array(donors.group_shares), axis=1)
    cumulated /= cumulated[:, -1:]
    band = day.draw("age band").picks(rows, age_shares)
    bounds = np.array(donors.age_bounds)
    age_years = bounds[band] + day.draw("age").uniform(rows) * (bounds[band + 1] - bounds[band])
    mean = np.array(deferral.mean)[sex] + deferral.african_american_shift * (ethnicity == 1)
    return {
        "sex": sex,
        "ethnicity": ethnicity,
        "group": (day.draw("group").uniform(rows)[:, None] > cumulated[ethnicity]).sum(axis=1),
        "birth": -(age_years * YEAR_DAYS).astype(np.int64),
        "hemoglobin": day.draw("own haemoglobin").normal(rows, mean, deferral.between_donors),
        "first_name": day.draw("first name").integers(rows, 0, pool),
        "last_name": day.draw("last name").integers(rows, 0, pool),
        "street": day.draw("street").integers(rows, 0, pool),
        "house": day.draw("house").integers(rows, 1, 9900),
        "city": day.draw("city").integers(rows, 0, len(day.world.names.towns)),
        "died_on": -1,
        "is_stopped": False,
        "is_contactable": True,
    }


def _habits(day: Day, rows: Ints, groups: Ints) -> Ints:
    """What each donor gives; group O is asked for double red cells more often."""
    plan = day.world.plan.habits
    habit = day.draw("habit").picks(rows, plan.shares)
    asked = np.select([groups == O_NEGATIVE, groups == O_POSITIVE], [plan.o_negative_double_share, plan.o_double_share])
    is_asked = (habit == 0) & day.draw("asked for double").chance(rows, asked)
    return np.where(is_asked, 1, habit)


def age_bands(day: Day, births: Ints) -> Ints:
    """The plan's age band of people by the day of their birth."""
    age = (day.number - births) / YEAR_DAYS
    bounds = day.world.plan.donors.age_bounds
    return np.clip(np.searchsorted(bounds, age, side="right") - 1, 0, len(bounds) - 2)


def _rates(day: Day, rows: Ints, person: dict[str, Any], habit: Ints) -> Array:
    """Visits a year of a donor who is free to come: gamma around the mean of habit and age."""
    plan = day.world.plan
    age_rate = np.array(plan.donors.age_rates)[age_bands(day, day.number + person["birth"])]
    mean = np.array(plan.habits.visits_a_year)[habit] * age_rate
    mean = mean * np.where(person["group"] == O_NEGATIVE, plan.habits.o_negative_rate, 1.0)
    return np.asarray(mean * day.draw("rate").gamma(rows, plan.donors.rate_shape))


def register(day: Day) -> None:
    """Fill the register before the first day: active and lapsed donors, each with a history of donations."""
    world, plan, rows = day.world, day.world.plan, np.arange(day.world.size)
    person = _identity(day, rows, plan.donors.age_shares)
    habit = _habits(day, rows, person["group"])
    rate = _rates(day, rows, person, habit)
    is_active = day.draw("is active").chance(rows, plan.donors.is_active_share)
    interval = np.array(plan.habits.interval_days)[habit]
    # The time since the last donation of a renewal process: within the interval, or waiting after it.
    waits, age = YEAR_DAYS / rate, day.draw("since last")
    is_waiting = day.draw("is waiting").chance(rows, waits / (waits + interval))
    since = np.where(is_waiting, interval + age.exponential(rows, waits), age.uniform(rows) * interval)
    lapsed = 370 + day.draw("since lapse").uniform(rows) * 1830
    since = np.where(is_active, np.minimum(since, 720), lapsed).astype(np.int64) + 1
    room = np.maximum(-person["birth"] - 17 * YEAR_DAYS - since, 0)
    tenure = np.minimum(day.draw("tenure").exponential(rows, plan.donors.tenure_years * YEAR_DAYS), room)
    repeats = day.draw("repeats").poisson(rows, tenure / (interval + waits))
    last_on = day.number - since
    first_on = np.where(repeats > 0, last_on - np.maximum(tenure.astype(np.int64), repeats * interval), last_on)
    # A person is 17 at the first donation: births are moved back where the history would not fit.
    person["birth"] = np.minimum(day.number + person["birth"], first_on - int(17 * YEAR_DAYS) - 1)
    world["donors"].append(
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
    send(day, rows, day.times(240, len(rows)))


def join(day: Day, count: int) -> Ints:
    """Add donors who come for the first time today; return their rows. They are sent by the caller."""
    world, plan = day.world, day.world.plan
    young, shares = day.factor("young_newcomers"), np.array(plan.donors.first_time_age_shares)
    # Those under 45 are fewer; the others stay as many as they were.
    shares = shares * np.where(np.array(plan.donors.age_bounds[:-1]) < 45, young, 1.0)
    count = round(count * float(shares.sum() / np.sum(plan.donors.first_time_age_shares)))
    rows = len(world["donors"]) + np.arange(count)
    person = _identity(day, rows, tuple(shares))
    habit = _habits(day, rows, person["group"])
    rate = _rates(day, rows, person, habit)
    person["birth"] = day.number + person["birth"] - 1
    never_returns = np.array(plan.donors.never_returns_shares)[age_bands(day, person["birth"])]
    is_once = day.draw("never returns").chance(rows, never_returns)
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
    chance = day.draw("leave").uniform(np.arange(len(donors))) * YEAR_DAYS
    is_alive = donors["died_on"] < 0
    is_dying = is_alive & (chance < plan.deaths_a_year)
    is_leaving = is_alive & ~is_dying & donors["is_contactable"] & (chance < plan.deaths_a_year + plan.opt_outs_a_year)
    donors["died_on"][is_dying] = day.number
    donors["is_stopped"][is_dying | is_leaving] = True
    donors["is_contactable"][is_leaving] = False
    rows = np.flatnonzero(is_dying | is_leaving)
    send(day, rows, day.times(1380, len(rows)))


def send(day: Day, rows: Ints, known_at: Ints) -> None:
    """Send today's version of the donors in `rows`; the group is known once a donation was tested."""
    world, names, service = day.world, day.world.names, day.world.plan.service
    donor = {name: world["donors"][name][rows] for name in world["donors"].dtypes}
    number = rows + 1
    day.outbox.emit(
        "donors",
        donor_id=donor_ids(world, rows),
        unique_id=numbered("R", world.first_id + number * 7919 % 99_999_989),
        name=names.full(donor["sex"], donor["first_name"], donor["last_name"]),
        birthdate=birth_dates(donor["birth"]),
        age=plain(((day.number - donor["birth"]) / YEAR_DAYS).astype(np.int64)),
        sex=chosen(SEXES, donor["sex"]),
        ethnicity=chosen(world.plan.donors.ethnicities, donor["ethnicity"]),
        blood_type=chosen(KNOWN_GROUPS, np.where(donor["total"] > 0, donor["group"], UNKNOWN_GROUP)),
        first_donation_date=dates(donor["first_on"]),
        last_donation_date=dates(donor["last_on"]),
        total_donations=plain(donor["total"]),
        address=joined(plain(donor["house"]), " ", chosen(names.streets, donor["street"])),
        city=chosen(names.towns, donor["city"]),
        state=service.state,
        postal_code=chosen(names.postal_codes, donor["city"]),
        phone=numbered("701-555-", number % 10_000, 4),
        email=joined(chosen(names.mailboxes, donor["last_name"]), ".", plain(world.first_id + number), "@example.org"),
        region=service.region,
        registered_at=instants(donor["registered"]),
        is_contactable=plain(donor["is_contactable"]),
        deceased_on=dates(donor["died_on"].astype(np.int64)),
        known_at=known_at,
    )
