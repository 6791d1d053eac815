"""Orders of hospitals and what leaves the hub for them.

A row of `blood_requests` is a version of an order: one placed the day before is sent open and again when closed,
one placed and answered within the day is sent once.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from datagen import flow, places
from datagen.days import as_instants
from datagen.groups import GROUPS
from datagen.ids import numbered, optional
from datagen.products import COMPONENTS
from datagen.world import Day, logged

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

    def ship(self, row: int, place: int, shipped: int, received: int, request: int) -> None:
        """Put one unit on its way to a hospital."""
        self.moves.append((row, place, shipped, received, request))
        self.arrivals[row] = received

    def send(self, day: Day) -> None:
        """Send orders and movements; the units are at the hospitals from then on."""
        send_requests(day, self.requests)
        if self.moves:
            row, to, shipped, received, request = np.array(self.moves, np.int64).T
            flow.move(day, row, to, shipped, received, request_id=numbered("RQ", request))
        self.requests, self.moves = [], []


def _status(request: Request) -> str:
    if request.got is None:
        return "open"
    if request.cancelled == request.units:
        return "cancelled"
    return "filled" if request.got >= request.units - request.cancelled else "partial"


def send_requests(day: Day, requests: list[Request]) -> None:
    """Send versions of orders."""
    if not requests:
        return
    columns: dict[str, Any] = {
        name: np.array([getattr(request, name) for request in requests])
        for name in ("number", "place", "asked", "needed", "units", "group", "component", "patient", "closed")
    }
    is_patient = columns["patient"] != NOBODY
    day.outbox.emit(
        "blood_requests",
        request_id=numbered("RQ", columns["number"]),
        NPI=places.npis(day.world.plan)[columns["place"]],
        request_datetime=as_instants(columns["asked"]),
        units_requested=columns["units"],
        blood_type=np.array([*GROUPS, "unknown"], object)[columns["group"]],
        status=[_status(request) for request in requests],
        patient_id=optional(numbered("P", columns["patient"] + 1), is_patient),
        order_kind=np.where(is_patient, "patient", "stock"),
        component=np.array(COMPONENTS, object)[columns["component"]],
        urgency=[request.urgency for request in requests],
        needed_at=as_instants(columns["needed"]),
        units_cancelled=[request.cancelled for request in requests],
        closed_at=as_instants(columns["closed"]),
        needs_irradiated=[request.is_irradiated for request in requests],
        recorded_at=logged(np.maximum(columns["asked"], columns["closed"])),
    )
