"""The places of the service, and its staff.

A row of `facilities` is a place units can be at or donors can come to, a row of `hospitals` a hospital,
a row of `employees` a member of staff.
"""

from functools import lru_cache

import numpy as np

from datagen.days import weekday
from datagen.ids import Array, Ints
from datagen.plan import Plan, Service
from datagen.wire import Column, chosen, dates, joined, numbered, plain
from datagen.world import Day, World

CENTRE, HUB, EXTERNAL, MOBILE = range(4)
FIRST_SITE = 4
ROLES = ("phlebotomist", "nurse", "driver", "recruiter")


def first_hospital(plan: Plan) -> int:
    """The number of the first hospital among the places."""
    return FIRST_SITE + plan.service.fixed_sites


def hospitals(plan: Plan) -> range:
    """The numbers of the hospitals among the places."""
    return range(first_hospital(plan), first_hospital(plan) + len(plan.service.hospital_beds))


def facility_ids(plan: Plan) -> tuple[str, ...]:
    """Facility ids by place number."""
    return _facility_ids(plan.service)


@lru_cache(maxsize=8)
def _facility_ids(service: Service) -> tuple[str, ...]:
    sites = [f"COL{number:02d}" for number in range(1, service.fixed_sites + 1)]
    wards = [f"HOS{number:02d}" for number in range(1, len(service.hospital_beds) + 1)]
    return tuple(f"{service.code}-{place}" for place in ("CEN01", "HUB01", "EXT01", "MOB01", *sites, *wards))


def npis(plan: Plan) -> tuple[str | None, ...]:
    """NPI by place number, null where the place is no hospital.

    Issued NPIs begin with 1 or 2; these begin with 9, so that none can be a real one.
    """
    issued = [
        f"9{plan.service.number:02d}00000{number:02d}" for number in range(1, len(plan.service.hospital_beds) + 1)
    ]
    return (*[None] * first_hospital(plan), *issued)


def _coordinates(world: World, count: int) -> tuple[Array, Array]:
    places, service = np.arange(count), world.plan.service
    north = world.draws.at("latitude", 0).normal(places, 0, 0.3)
    east = world.draws.at("longitude", 0).normal(places, 0, 0.45)
    return np.round(service.latitude + north, 4), np.round(service.longitude + east, 4)


def _level(beds: int) -> str:
    return "level_1" if beds >= 450 else "level_2" if beds >= 250 else "level_3" if beds >= 120 else "community"


def hospital_names(world: World) -> list[str]:
    """Names of the hospitals."""
    return [f"{town} Hospital" for town in world.names.towns[: len(world.plan.service.hospital_beds)]]


def open_places(day: Day) -> None:
    """Send the registers of facilities, hospitals and staff, once, on the first day."""
    world, service = day.world, day.world.plan.service
    ids, codes, wards = facility_ids(world.plan), npis(world.plan), hospital_names(world)
    latitude, longitude = _coordinates(world, len(ids))
    kinds = ["processing", "hub", "external", *["collection"] * (service.fixed_sites + 1), *["hospital"] * len(wards)]
    sites = [f"Donor Centre {number}" for number in range(1, service.fixed_sites + 1)]
    called = ["Blood Centre", "Distribution Hub", "Other Services", "Mobile Teams", *sites, *wards]
    day.outbox.emit(
        "facilities",
        facility_id=chosen(ids, np.arange(len(ids))),
        kind=chosen(kinds, np.arange(len(ids))),
        name=chosen(called, np.arange(len(ids))),
        NPI=chosen(codes, np.arange(len(ids))),
        region=service.region,
        timezone=service.timezone,
        latitude=plain(latitude),
        longitude=plain(longitude),
        known_at=day.times(240, len(ids)),
    )
    _open_hospitals(day, wards, latitude, longitude)
    _hire(day)


def _open_hospitals(day: Day, wards: list[str], latitude: Array, longitude: Array) -> None:
    world, service = day.world, day.world.plan.service
    number, first = np.arange(len(wards)), first_hospital(world.plan)
    street, given, family = (
        world.draws.at(purpose, 0).integers(number, 0, service.name_pool)
        for purpose in ("hospital street", "contact given", "contact family")
    )
    day.outbox.emit(
        "hospitals",
        NPI=chosen(npis(world.plan), first + number),
        address=joined(plain(100 + 10 * number), " ", chosen(world.names.streets, street)),
        tel=numbered("701-555-", 1000 + number, 4),
        POC=world.names.full(number % 2, given, family),
        name=chosen(wards, number),
        region=service.region,
        latitude=plain(latitude[first:]),
        longitude=plain(longitude[first:]),
        beds=plain(np.array(service.hospital_beds)),
        level=chosen([_level(beds) for beds in service.hospital_beds], number),
        known_at=day.times(240, len(wards)),
    )


def _employee_ids(world: World, numbers: Ints) -> Column:
    return numbered("E", world.plan.service.number * 10_000 + numbers, 6)


def _hire(day: Day) -> None:
    world, service = day.world, day.world.plan.service
    number = np.arange(1, service.employees + 1)
    given, family = (
        world.draws.at(purpose, 0).integers(number, 0, service.name_pool) for purpose in ("staff given", "staff family")
    )
    day.outbox.emit(
        "employees",
        employee_id=_employee_ids(world, number),
        name=world.names.full(world.draws.at("staff sex", 0).integers(number, 0, 2), given, family),
        hire_date=dates(world.start - world.draws.at("hired", 0).integers(number, 30, 6000)),
        role=chosen(ROLES, world.draws.at("role", 0).picks(number, (0.55, 0.2, 0.15, 0.1))),
        region=service.region,
        known_at=day.times(240, service.employees),
    )


def staff_sessions(day: Day, events: Ints, hours: Array) -> None:
    """Send who worked at each of the day's sessions, three to five of the staff each."""
    staff = day.world.plan.service.employees
    order = np.argsort(day.draw("staff").uniform(np.arange(staff)), kind="stable")
    sizes = np.minimum(day.draw("team").integers(events, 3, 6), max(1, staff // max(1, len(events))))
    event = np.repeat(np.arange(len(events)), sizes)[:staff]
    day.outbox.emit(
        "event_employees",
        event_id=event_ids(events[event]),
        employee_id=_employee_ids(day.world, order[: len(event)] + 1),
        hours=plain(hours[event]),
        known_at=day.times(1290 if weekday(day.number) < 5 else 1110, len(event)),
    )


def event_ids(events: Ints) -> Column:
    """Ids of sessions: region, day and number."""
    return numbered("EV", events, 13)
