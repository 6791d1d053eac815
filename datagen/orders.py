"""Orders of hospitals and what leaves the hub for them.

A row of `blood_requests` is a version of an order: one placed the day before is sent open and again when closed,
one placed and answered within the day is sent once.
"""

from dataclasses import dataclass, field

import numpy as np

from datagen import flow, modify, places
from datagen.groups import GROUPS
from datagen.patients import patient_ids
from datagen.products import COMPONENTS
from datagen.wire import chosen, instants, numbered, optional, plain
from datagen.world import Day

ANY_GROUP = len(GROUPS)
"""The group ordered before the patient's is known."""
NOBODY = -1


@dataclass(frozen=True)
class Request:
    """One order; `got` is None while it is open, `patient` is NOBODY for the hospital's own stock."""

    number: int
    place: int
    asked: int
    needed: int
    units: int
    group: int
    component: int
    patient: int = NOBODY
    urgency: str = "routine"
    is_irradiated: bool = False
    cancelled: int = 0
    got: int | None = None
    closed: int = -1


@dataclass
class Dispatch:
    """What leaves the hub today, one element a unit, and the orders answered."""

    requests: list[Request] = field(default_factory=list)
    moves: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    arrivals: dict[int, int] = field(default_factory=dict)
    irradiated: list[tuple[int, int]] = field(default_factory=list)

    def irradiate(self, day: Day, row: int, at: int) -> int:
        """Have a unit irradiated before it leaves; return the row that the new unit will have."""
        units = day.world["units"]
        if not modify.can_be_irradiated(int(units["product"][row])):
            return row
        self.irradiated.append((row, at))
        return len(units) + len(self.irradiated) - 1

    def ship(self, row: int, place: int, shipped: int, received: int, request: int) -> None:
        """Put one unit on its way to a hospital."""
        self.moves.append((row, place, shipped, received, request))
        self.arrivals[row] = received

    def send(self, day: Day) -> None:
        """Send orders and movements; the units are at the hospitals from then on."""
        if self.irradiated:
            modify.irradiate(day, *np.array(self.irradiated, np.int64).T)
        send_requests(day, self.requests)
        if self.moves:
            row, to, shipped, received, request = np.array(self.moves, np.int64).T
            flow.move(day, row, to, shipped, received, request_id=numbered("RQ", request))
        self.requests, self.moves, self.irradiated = [], [], []


STATUSES = ("open", "filled", "partial", "cancelled")
URGENCIES = ("routine", "urgent", "emergency")
OPEN, FILLED, PARTIAL, CANCELLED = range(4)


def _status(request: Request) -> int:
    if request.got is None:
        return OPEN
    if request.cancelled == request.units:
        return CANCELLED
    return FILLED if request.got >= request.units - request.cancelled else PARTIAL


def send_requests(day: Day, requests: list[Request]) -> None:
    """Send versions of orders."""
    if not requests:
        return
    names = ("number", "place", "asked", "needed", "units", "group", "component", "patient", "closed", "cancelled")
    columns = {name: np.array([getattr(request, name) for request in requests]) for name in names}
    is_patient = columns["patient"] != NOBODY
    day.outbox.emit(
        "blood_requests",
        request_id=numbered("RQ", columns["number"]),
        NPI=chosen(places.npis(day.world.plan), columns["place"]),
        request_datetime=instants(columns["asked"]),
        units_requested=plain(columns["units"]),
        blood_type=chosen((*GROUPS, "unknown"), columns["group"]),
        status=chosen(STATUSES, np.array([_status(request) for request in requests])),
        patient_id=optional(patient_ids(np.maximum(columns["patient"], 0)), is_patient),
        order_kind=chosen(("stock", "patient"), is_patient),
        component=chosen(COMPONENTS, columns["component"]),
        urgency=chosen(URGENCIES, np.array([URGENCIES.index(request.urgency) for request in requests])),
        needed_at=instants(columns["needed"]),
        units_cancelled=plain(columns["cancelled"]),
        closed_at=instants(columns["closed"]),
        needs_irradiated=plain(np.array([request.is_irradiated for request in requests])),
        known_at=np.maximum(columns["asked"], columns["closed"]),
    )
