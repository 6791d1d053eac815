"""Patients: who is admitted, what blood they will need, when they go home.

A row of `patients` is a version of an admission: sent on admission, and again on discharge or death.
"""

from typing import Any

import numpy as np

from datagen import places
from datagen.days import date_of, is_holiday, weekday
from datagen.groups import GROUPS
from datagen.ids import Ints
from datagen.people import SEXES
from datagen.products import CRYO, PLASMA, PLATELETS, RED_CELLS
from datagen.wire import Column, chosen, dates, numbered, plain
from datagen.world import Day, World

WINDOW_DAYS = 21
REMEMBERED_DAYS = 730
NEVER = 10**6
SCENARIO_DONORS = 20_000
"""Registered donors that the counts of scenarios are for."""


def patient_ids(numbers: Ints) -> Column:
    """Ids of patients by their number."""
    return numbered("P", numbers)


def patient_rows(world: World, numbers: Ints) -> Ints:
    """Rows of `patients` by their number."""
    return np.searchsorted(world["patients"]["patient"], numbers)


def admit(day: Day) -> None:
    """Admit today's patients with blood to be ordered, and plan what each will need."""
    world, plan = day.world, day.world.plan.hospitals
    wounded = _casualties(day)
    place, casualties = np.concatenate([_arrivals(day), wounded]), len(wounded)
    admission = world.ids("admission", len(place))
    if len(place) == 0:
        return
    service = day.draw("service").picks(admission, plan.shares)
    service[len(service) - casualties :] = plan.services.index("trauma")
    length = np.array(plan.length_of_stay_days)[service] * day.draw("length").gamma(admission, 2.0)
    stay = np.minimum(1 + day.draw("stay").poisson(admission, length), WINDOW_DAYS)
    dies = day.draw("dies").chance(admission, np.array(plan.mortality)[service])
    rows = world["admissions"].append(
        admission=admission,
        patient=_persons(day, admission, place, service, np.where(dies, NEVER, day.number + stay)),
        admitted=day.number,
        discharged=day.number + stay,
        service=service,
        place=place,
        dies=dies,
    )
    _send(day, rows, is_over=False)
    _plan_needs(day, admission, stay, service)


def _arrivals(day: Day) -> Ints:
    """The hospital of each admission: negative binomial around beds, weekday and month."""
    plan, world = day.world.plan, day.world
    index = plan.calendar.admission_weekday[weekday(day.number)]
    index *= plan.calendar.admission_month[date_of(day.number).month - 1]
    index *= (plan.calendar.holiday_admissions if is_holiday(day.number) else 1.0) * day.ramp
    index *= day.factor("admissions")
    beds, hospitals = np.array(plan.service.hospital_beds, float), np.array(places.hospitals(plan))
    mean = plan.hospitals.admissions_per_1000_donors_a_day * world.size / 1000 * index * beds / beds.sum()
    busy = day.draw("busy").gamma(hospitals, plan.hospitals.admission_shape)
    return np.repeat(hospitals, day.draw("admissions").poisson(hospitals, mean * busy))


def _casualties(day: Day) -> Ints:
    """The hospital of each person wounded in a scenario."""
    plan, effects = day.world.plan, day.world.course.effects("casualties", day.number)
    count = round(sum(effect.count for effect, _ in effects) * day.world.size / SCENARIO_DONORS)
    nearest = day.draw("casualties").picks(np.arange(count), plan.service.hospital_beds)
    return places.first_hospital(plan) + nearest


def _persons(day: Day, admission: Ints, place: Ints, service: Ints, until: Ints) -> Ints:
    """The persons admitted: some known to the hospital and at home, the others new."""
    table, plan = day.world["patients"], day.world.plan.hospitals
    table.keep(table["until"] > day.number - REMEMBERED_DAYS) if date_of(day.number).day == 1 else None
    person = np.full(len(admission), -1, np.int64)
    back = np.flatnonzero(day.draw("comes back").chance(admission, np.array(plan.returning_share)[service]))
    home = np.flatnonzero(table["until"] < day.number - 2)
    home = home[np.argsort(table["place"][home], kind="stable")]
    ends = np.searchsorted(table["place"][home], place[back], side="right")
    known = ends - np.searchsorted(table["place"][home], place[back])
    which = (day.draw("who comes back").uniform(admission[back]) * known).astype(np.int64)
    found, first = np.unique(home[(ends - known + which)[known > 0]], return_index=True)
    person[back[known > 0][first]] = table["patient"][found]
    new = np.flatnonzero(person < 0)
    person[new] = day.world.ids("patient", len(new))
    _register(day, person[new], place[new], service[new])
    table["until"][patient_rows(day.world, person)] = until
    return person


def _register(day: Day, person: Ints, place: Ints, service: Ints) -> None:
    plan, is_mother = day.world.plan.hospitals, service == 3
    age = day.draw("patient age").normal(person, np.where(is_mother, 30, 62), np.where(is_mother, 5, 18))
    if len(person):
        day.world["patients"].append(
            patient=person,
            birth_year=date_of(day.number).year - np.clip(age, 1, 97).astype(np.int64),
            until=-1,
            sex=~day.draw("patient sex").chance(person, np.array(plan.female_share)[service]),
            group=day.draw("patient group").picks(person, plan.patient_group_shares),
            place=place,
        )


def _plan_needs(day: Day, admission: Ints, stay: Ints, service: Ints) -> None:
    plan, even = day.world.plan.hospitals, (1.0,) * 7
    platelet_days = day.world.plan.calendar.platelet_weekday
    needs = (
        (RED_CELLS, plan.red_cell_episodes, even, 0.55),
        (PLATELETS, plan.platelet_episodes, platelet_days, 1.0),
        (PLASMA, plan.plasma_episodes, even, 0.6),
        (CRYO, plan.cryo_episodes, even, 0.5),
    )
    for component, means, weekdays, fading in needs:
        episodes = day.draw(f"episodes {component}").poisson(admission, np.array(means)[service])
        which = np.repeat(np.arange(len(admission)), episodes)
        if len(which) == 0:
            continue
        need = day.world.ids("need", len(which))
        offset = _offsets(day, need, stay[which], weekdays, fading)
        units, used = _amounts(day, need, component)
        is_first = np.concatenate([[True], which[1:] != which[:-1]])
        is_urgent = is_first & day.draw("urgent").chance(need, np.array(plan.emergency_share)[service[which]])
        is_irradiated = day.draw("irradiated").chance(need, np.array(plan.irradiated_share)[service[which]])
        day.world["needs"].append(
            need=need,
            due=day.number + np.where(is_urgent, 0, offset),
            admission=admission[which],
            request=-1,
            asked=-1,
            component=component,
            units=units,
            used=used,
            is_emergency=is_urgent & (component == RED_CELLS),
            is_irradiated=is_irradiated & ~is_urgent & (component <= PLATELETS),
        )


def _offsets(day: Day, need: Ints, stay: Ints, weekdays: tuple[float, ...], fading: float) -> Ints:
    """Days from admission to each need: weights fade with the stay and follow the weekdays."""
    offset = np.arange(WINDOW_DAYS)
    weight = fading**offset * np.array(weekdays)[(weekday(day.number) + offset) % 7]
    cumulated = np.cumsum(weight * (offset < stay[:, None]), axis=1)
    return np.asarray((day.draw("when").uniform(need)[:, None] * cumulated[:, -1:] > cumulated).sum(axis=1), np.int64)


def _amounts(day: Day, need: Ints, component: int) -> tuple[Ints, Ints]:
    """Units ordered, and how many of them will be given."""
    plan = day.world.plan.hospitals
    if component == RED_CELLS:
        units = np.minimum(1 + day.draw("crossmatched").poisson(need, plan.crossmatch_extra), 12)
        return units, day.draw("given").binomial(need, units, plan.transfused_share)
    extra = {PLATELETS: 0.03, PLASMA: 1.6, CRYO: 0.4}[component]
    units = 1 + day.draw("ordered").poisson(need, extra)
    return units, units * ~day.draw("slippage").chance(need, plan.platelet_slippage)


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
    plan, patients = day.world.plan, day.world["patients"]
    person = patient_rows(day.world, admission["patient"])
    ended: dict[str, Any] = {}
    if is_over:
        died = np.where(admission["dies"], day.number, -1)
        ended = {"discharged_on": dates(np.full(len(rows), day.number)), "died_on": dates(died)}
    day.outbox.emit(
        "patients",
        patient_id=patient_ids(admission["patient"]),
        admission_date=dates(admission["admitted"]),
        admission_id=numbered("A", admission["admission"]),
        hospital=chosen(places.hospital_names(day.world), admission["place"] - places.first_hospital(plan)),
        NPI=chosen(places.npis(plan), admission["place"]),
        sex=chosen(SEXES, patients["sex"][person]),
        birth_year=plain(patients["birth_year"][person]),
        blood_type=chosen(GROUPS, patients["group"][person]),
        service=chosen(plan.hospitals.services, admission["service"]),
        **ended,
        known_at=day.times(1410 if is_over else 360, len(rows)),
    )
