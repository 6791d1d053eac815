"""The places of the service, and its staff.

A row of `facilities` is a place units can be at or donors can come to, a row of `hospitals` a hospital,
a row of `employees` a member of staff.
"""

import numpy as np

from datagen.days import as_dates, weekday
from datagen.ids import Array, Ints, digits, numbered, text
from datagen.plan import Plan
from datagen.world import Day, World, logged, picks

CENTRE, HUB, EXTERNAL, MOBILE = range(4)
FIRST_SITE = 4
ROLES = ("phlebotomist", "nurse", "driver", "recruiter")


def first_hospital(plan: Plan) -> int:
    """The number of the first hospital among the places."""
    return FIRST_SITE + plan.service.fixed_sites


def hospitals(plan: Plan) -> range:
    """The numbers of the hospitals among the places."""
    return range(first_hospital(plan), first_hospital(plan) + len(plan.service.hospital_beds))


def facility_ids(plan: Plan) -> Array:
    """Facility ids by place number."""
    sites = [f"COL{number:02d}" for number in range(1, plan.service.fixed_sites + 1)]
    wards = [f"HOS{number:02d}" for number in range(1, len(plan.service.hospital_beds) + 1)]
    return np.array(["CEN01", "HUB01", "EXT01", "MOB01", *sites, *wards], object)


def npis(plan: Plan) -> Array:
    """NPI by place number, null where the place is no hospital.

    Issued NPIs begin with 1 or 2; these begin with 9, so that none can be a real one.
    """
    numbers = np.arange(1, len(plan.service.hospital_beds) + 1)
    issued = text("90000000", digits(numbers, 2)).astype(object)
    return np.concatenate([np.full(first_hospital(plan), None, object), issued])


def _coordinates(world: World, count: int) -> tuple[Array, Array]:
    rng = world.streams.at("coordinates", 0)
    service = world.plan.service
    latitude = np.round(service.latitude + rng.normal(0, 0.3, count), 4)
    return latitude, np.round(service.longitude + rng.normal(0, 0.45, count), 4)


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
    recorded = logged(np.full(len(ids), day.instant(240)))
    kinds = ["processing", "hub", "external", *["collection"] * (service.fixed_sites + 1), *["hospital"] * len(wards)]
    sites = [f"Donor Centre {number}" for number in range(1, service.fixed_sites + 1)]
    day.outbox.emit(
        "facilities",
        facility_id=ids,
        kind=kinds,
        name=["Blood Centre", "Distribution Hub", "Other Services", "Mobile Teams", *sites, *wards],
        NPI=codes,
        region=service.region,
        timezone=service.timezone,
        latitude=latitude,
        longitude=longitude,
        recorded_at=recorded,
    )
    first = first_hospital(world.plan)
    rng = world.streams.at("hospitals", 0)
    street = world.names.streets[rng.integers(0, service.name_pool, len(wards))]
    contact = rng.integers(0, service.name_pool, (2, len(wards)))
    day.outbox.emit(
        "hospitals",
        NPI=codes[first:],
        address=[f"{100 + 10 * number} {name}" for number, name in enumerate(street)],
        tel=[f"701-555-{1000 + number}" for number in range(len(wards))],
        POC=world.names.full(np.arange(len(wards)) % 2, contact[0], contact[1]),
        name=wards,
        region=service.region,
        latitude=latitude[first:],
        longitude=longitude[first:],
        beds=list(service.hospital_beds),
        level=[_level(beds) for beds in service.hospital_beds],
        recorded_at=recorded[first:],
    )
    _hire(day)


def _hire(day: Day) -> None:
    world, service = day.world, day.world.plan.service
    rng = world.streams.at("employees", 0)
    count = service.employees
    name = rng.integers(0, service.name_pool, (2, count))
    day.outbox.emit(
        "employees",
        employee_id=numbered("E", np.arange(1, count + 1), 4),
        name=world.names.full(rng.integers(0, 2, count), name[0], name[1]),
        hire_date=as_dates(world.start - rng.integers(30, 6000, count)),
        role=np.array(ROLES, object)[picks(rng, (0.55, 0.2, 0.15, 0.1), count)],
        region=service.region,
        recorded_at=logged(np.full(count, day.instant(240))),
    )


def staff_sessions(day: Day, events: Ints, hours: Array) -> None:
    """Send who worked at each of the day's sessions, three to five of the staff each."""
    staff = day.world.plan.service.employees
    rng = day.rng("staff")
    order = rng.permutation(staff)
    sizes = np.minimum(rng.integers(3, 6, len(events)), max(1, staff // max(1, len(events))))
    event = np.repeat(np.arange(len(events)), sizes)
    ended = day.at(np.full(len(event), 1290 if weekday(day.number) < 5 else 1110))
    day.outbox.emit(
        "event_employees",
        event_id=numbered("EV", events[event], 10),
        employee_id=numbered("E", order[: len(event)] + 1, 4),
        hours=hours[event],
        recorded_at=logged(ended),
    )
