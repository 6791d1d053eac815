"""Patients: who is admitted, what blood they will need, when they go home.

A row of `patients` is a version of an admission: sent on admission, and again on discharge or death.
"""

from typing import Any

import numpy as np

from datagen import places
from datagen.days import as_dates, date_of, is_holiday, weekday
from datagen.groups import GROUPS
from datagen.ids import Array, Ints, numbered
from datagen.people import SEXES
from datagen.products import CRYO, PLASMA, PLATELETS, RED_CELLS
from datagen.world import Day, logged, picks

WINDOW_DAYS = 21
NEVER = 10**6


def admit(day: Day) -> None:
    """Admit today's patients with blood to be ordered, and plan what each will need."""
    world, plan, rng = day.world, day.world.plan.hospitals, day.rng("admit")
    calendar = world.plan.calendar
    index = calendar.admission_weekday[weekday(day.number)] * calendar.admission_month[date_of(day.number).month - 1]
    index *= (calendar.holiday_admissions if is_holiday(day.number) else 1.0) * day.ramp
    count = int(rng.poisson(plan.admissions_per_1000_donors_a_day * world.size / 1000 * index))
    if count == 0:
        return
    place = places.first_hospital(world.plan) + picks(rng, world.plan.service.hospital_beds, count)
    service = picks(rng, plan.shares, count)
    stay = 1 + rng.poisson(np.array(plan.length_of_stay_days)[service] * rng.gamma(2.0, 0.5, count))
    stay = np.minimum(stay, WINDOW_DAYS)
    dies = rng.random(count) < np.array(plan.mortality)[service]
    patient = _persons(day, rng, place, service, day.number + stay, dies)
    rows = world["admissions"].append(
        admission=world.numbers("admission", count),
        patient=patient,
        admitted=day.number,
        discharged=day.number + stay,
        service=service,
        place=place,
        dies=dies,
    )
    _send(day, rows, is_over=False)
    _plan_needs(day, rng, rows, stay, service)


def _persons(day: Day, rng: np.random.Generator, place: Ints, service: Ints, until: Ints, dies: Array) -> Ints:
    """The persons admitted: some known to the hospital and at home, the others new."""
    table, plan, count = day.world["patients"], day.world.plan.hospitals, len(place)
    person = np.full(count, -1, np.int64)
    is_back = rng.random(count) < np.array(plan.returning_share)[service]
    choice, taken = rng.random(count), set()
    for admission in np.flatnonzero(is_back):
        home = np.flatnonzero((table["place"] == place[admission]) & (table["until"] < day.number - 2))
        known = home[int(choice[admission] * len(home))] if len(home) else -1
        if known >= 0 and known not in taken:
            taken.add(known)
            person[admission] = known
    new = np.flatnonzero(person < 0)
    if len(new):
        age = np.clip(rng.normal(np.where(service[new] == 3, 30, 62), np.where(service[new] == 3, 5, 18)), 1, 97)
        person[new] = table.append(
            birth_year=date_of(day.number).year - age.astype(np.int64),
            until=-1,
            sex=rng.random(len(new)) >= np.array(plan.female_share)[service[new]],
            group=picks(rng, plan.patient_group_shares, len(new)),
            place=place[new],
        )
    table["until"][person] = np.where(dies, NEVER, until)
    return person


def _plan_needs(day: Day, rng: np.random.Generator, rows: Ints, stay: Ints, service: Ints) -> None:
    plan, even = day.world.plan.hospitals, (1.0,) * 7
    platelet_days = day.world.plan.calendar.platelet_weekday
    needs = (
        (RED_CELLS, plan.red_cell_episodes, even, 0.55),
        (PLATELETS, plan.platelet_episodes, platelet_days, 1.0),
        (PLASMA, plan.plasma_episodes, even, 0.6),
        (CRYO, plan.cryo_episodes, even, 0.5),
    )
    for component, means, weekdays, fading in needs:
        episodes = rng.poisson(np.array(means)[service])
        which = np.repeat(np.arange(len(rows)), episodes)
        if len(which) == 0:
            continue
        offset = _offsets(day, rng, stay[which], weekdays, fading)
        units, used = _amounts(day, rng, component, len(which))
        is_first = np.concatenate([[True], which[1:] != which[:-1]])
        is_urgent = is_first & (rng.random(len(which)) < np.array(plan.emergency_share)[service[which]])
        is_irradiated = rng.random(len(which)) < np.array(plan.irradiated_share)[service[which]]
        day.world["needs"].append(
            due=day.number + np.where(is_urgent, 0, offset),
            admission=day.world["admissions"]["admission"][rows[which]],
            request=-1,
            asked=-1,
            component=component,
            units=units,
            used=used,
            is_emergency=is_urgent & (component == RED_CELLS),
            is_irradiated=is_irradiated & ~is_urgent & (component <= PLATELETS),
        )


def _offsets(day: Day, rng: np.random.Generator, stay: Ints, weekdays: tuple[float, ...], fading: float) -> Ints:
    """Days from admission to each need: weights fade with the stay and follow the weekdays."""
    offset = np.arange(WINDOW_DAYS)
    weight = fading**offset * np.array(weekdays)[(weekday(day.number) + offset) % 7]
    cumulated = np.cumsum(weight * (offset < stay[:, None]), axis=1)
    return np.asarray((rng.random(len(stay))[:, None] * cumulated[:, -1:] > cumulated).sum(axis=1), np.int64)


def _amounts(day: Day, rng: np.random.Generator, component: int, count: int) -> tuple[Ints, Ints]:
    """Units ordered, and how many of them will be given."""
    plan = day.world.plan.hospitals
    if component == RED_CELLS:
        units = np.minimum(1 + rng.poisson(plan.crossmatch_extra, count), 12)
        return units, rng.binomial(units, plan.transfused_share)
    extra = {PLATELETS: 0.03, PLASMA: 1.6, CRYO: 0.4}[component]
    units = 1 + rng.poisson(extra, count)
    return units, units * (rng.random(count) >= plan.platelet_slippage)


def discharge(day: Day) -> None:
    """Send home (or record the death of) whoever's stay ends today."""
    table = day.world["admissions"]
    is_over = table["discharged"] == day.number
    rows = np.flatnonzero(is_over)
    if len(rows):
        _send(day, rows, is_over=True)
    table.keep(~is_over)


def _send(day: Day, rows: Ints, *, is_over: bool) -> None:
    admission = {name: day.world["admissions"][name][rows] for name in day.world["admissions"].dtypes}
    plan, person = day.world.plan, admission["patient"]
    patients = day.world["patients"]
    wards = np.array(places.hospital_names(day.world), object)
    ended: dict[str, Any] = {}
    if is_over:
        died = np.where(admission["dies"], day.number, -1)
        ended = {"discharged_on": as_dates(np.full(len(rows), day.number)), "died_on": as_dates(died)}
    day.outbox.emit(
        "patients",
        patient_id=numbered("P", person + 1),
        admission_date=as_dates(admission["admitted"]),
        admission_id=numbered("A", admission["admission"]),
        hospital=wards[admission["place"] - places.first_hospital(plan)],
        NPI=places.npis(plan)[admission["place"]],
        sex=SEXES[patients["sex"][person]],
        birth_year=patients["birth_year"][person],
        blood_type=np.array(GROUPS, object)[patients["group"][person]],
        service=np.array(plan.hospitals.services, object)[admission["service"]],
        **ended,
        recorded_at=logged(day.at(np.full(len(rows), 1410 if is_over else 360))),
    )
