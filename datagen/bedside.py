"""The hospitals' day: crossmatch, order, transfuse, return to the shelf.

Every need of a patient that is due today is served from the hospital's own shelf first, then by an order
to the hub. What is reserved and not given goes back on the shelf in the evening.
"""

from dataclasses import dataclass, field

import numpy as np

from datagen import flow, modify, places
from datagen.groups import EMERGENCY_ORDER, PLASMA_ORDER, PLATELET_ORDER, RED_CELL_ORDER
from datagen.ids import Array
from datagen.orders import ANY_GROUP, Dispatch, Request, send_requests
from datagen.patients import patient_ids, patient_rows
from datagen.products import CRYO, PLASMA, PLATELETS, RED_CELLS, THAWED_OF
from datagen.shelves import Entry, Shelves
from datagen.wire import chosen, instants, numbered, optional
from datagen.world import CRYO_DEMAND, PLASMA_DEMAND, PLATELET_DEMAND, Day

_DEMAND = {PLATELETS: PLATELET_DEMAND, PLASMA: PLASMA_DEMAND, CRYO: CRYO_DEMAND}
METHODS = ("electronic", "serologic", "none", None)
EMERGENCY, NO_METHOD = 2, 3
LAST_START_MINUTE = 1340
THAW_SECONDS, LABEL_SECONDS = 1200, 600
"""What it takes to thaw a unit in a water bath, and to label and release it [A]."""


@dataclass(frozen=True)
class Need:
    """One row of `needs` with its patient; `minute` is when the ward asks."""

    row: int
    admission: int
    patient: int
    place: int
    group: int
    component: int
    units: int
    used: int
    is_emergency: bool
    is_irradiated: bool
    request: int
    asked: int
    minute: int
    is_cancelled: bool
    method: int

    @property
    def order(self) -> tuple[int, ...]:
        """Groups that this patient may get, best first."""
        if self.is_emergency:
            return EMERGENCY_ORDER[self.group % 2]
        table = {RED_CELLS: RED_CELL_ORDER, PLATELETS: PLATELET_ORDER}.get(self.component, PLASMA_ORDER)
        return table[self.group]


@dataclass
class Ward:
    """What is reserved today, one element a unit: row, instant, need, and whether it is given (its turn)."""

    reserved: list[tuple[int, int, int, int]] = field(default_factory=list)


def _needs(day: Day, is_mine: Array) -> list[Need]:
    """The rows of `needs` under the mask, emergencies first, each with its patient."""
    table, admissions, patients = day.world["needs"], day.world["admissions"], day.world["patients"]
    rows = np.flatnonzero(is_mine)
    rows = rows[np.argsort(~table["is_emergency"][rows], kind="stable")]
    need = table["need"][rows]
    admission = table["admission"][rows]
    stay = np.searchsorted(admissions["admission"], admission)
    patient = admissions["patient"][stay]
    component = table["component"][rows]
    minute = np.where(
        component == RED_CELLS,
        420 + day.draw("asked").integers(need, 0, 620),
        480 + day.draw("by ten").integers(need, 0, 120),
    )
    share = day.world.plan.hospitals.cancelled_share
    is_cancelled = day.draw("cancelled").chance(need, share) & (table["request"][rows] >= 0)
    method = np.where(component == RED_CELLS, day.draw("method").picks(need, (0.75, 0.25)), NO_METHOD)
    method = np.where(table["is_emergency"][rows], EMERGENCY, method)
    columns = (
        rows,
        admission,
        patient,
        admissions["place"][stay],
        patients["group"][patient_rows(day.world, patient)],
        component,
        table["units"][rows],
        table["used"][rows],
        table["is_emergency"][rows],
        table["is_irradiated"][rows],
        table["request"][rows],
        table["asked"][rows],
        minute,
        is_cancelled,
        method,
    )
    return [Need(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]


def order_ahead(day: Day) -> None:
    """In the afternoon wards order tomorrow's platelets and irradiated red cells."""
    table = day.world["needs"]
    is_planned = (table["component"] == PLATELETS) | table["is_irradiated"]
    needs = _needs(day, (table["due"] == day.number + 1) & is_planned & (table["request"] < 0))
    needed, asked = day.world.zone.instant(day.number + 1, 840), day.instant(930)
    numbers = day.world.ids("request", len(needs)).tolist()
    requests = []
    for need, number in zip(needs, numbers, strict=True):
        table["request"][need.row] = number
        table["asked"][need.row] = asked
        requests.append(_request(need, number, asked, needed, need.units))
    send_requests(day, requests)


def _request(need: Need, number: int, asked: int, needed: int, units: int, **closing: int) -> Request:
    return Request(
        number,
        need.place,
        asked,
        needed,
        units,
        ANY_GROUP if need.is_emergency else need.group,
        need.component,
        need.patient,
        "emergency" if need.is_emergency else "routine" if need.request >= 0 else "urgent",
        need.is_irradiated,
        **closing,
    )


def serve(day: Day, shelves: Shelves, dispatch: Dispatch) -> None:
    """Serve every need that is due today, and forget it."""
    table, ward = day.world["needs"], Ward()
    needs = _needs(day, table["due"] == day.number)
    plan = day.world.plan.stock
    soon_days = {RED_CELLS: plan.soon_days, PLATELETS: plan.platelet_soon_days, PLASMA: plan.plasma_soon_days}
    for number, need in enumerate(needs):
        soon = day.instant(0) + soon_days.get(need.component, 0) * 86_400
        taken: list[Entry] = []
        if not need.is_irradiated and need.request < 0:
            taken = shelves.take(need.place, need.component, need.order, need.units, soon)
        if len(taken) < need.units:
            taken = taken + _from_hub(day, shelves, dispatch, need, need.units - len(taken), soon)
        _reserve(day, ward, dispatch, number, need, taken)
    dispatch.send(day)
    _thaw(day, ward)
    _transfuse(day, ward, needs)
    table.keep(table["due"] > day.number)


def _from_hub(day: Day, shelves: Shelves, dispatch: Dispatch, need: Need, missing: int, soon: int) -> list[Entry]:
    """Order from the hub what the hospital lacks; the units are on their way within the hour."""
    is_ordered = need.request >= 0
    number = need.request if is_ordered else int(day.world.ids("request", 1)[0])
    asked = need.asked if is_ordered else day.instant(need.minute)
    needed = day.instant(840) if is_ordered else asked + 4 * 3600
    if need.is_cancelled:
        closed = day.instant(480)
        dispatch.requests.append(
            _request(need, number, asked, needed, missing, got=0, cancelled=missing, closed=closed)
        )
        return []
    taken = shelves.take(places.HUB, need.component, need.order, missing, soon)
    shipped = day.instant(660 if is_ordered else max(need.minute + 30, 660))
    received, sent = shipped + 2400, []
    for expires, unit, row in taken:
        day.issued[_DEMAND.get(need.component, int(day.world["units"]["group"][row]))] += 1
        leaving = dispatch.irradiate(day, row, shipped - 1200) if need.is_irradiated else row
        dispatch.ship(leaving, need.place, shipped, received, number)
        sent.append((expires, unit, leaving))
    closed = received if taken else shipped
    dispatch.requests.append(_request(need, number, asked, needed, missing, got=len(taken), closed=closed))
    return sent


def _reserve(day: Day, ward: Ward, dispatch: Dispatch, number: int, need: Need, taken: list[Entry]) -> None:
    """Set the units aside when the last of them has come; the first ones, the oldest, will be given."""
    at = max([day.instant(need.minute), *(dispatch.arrivals.get(row, 0) for _, _, row in taken)]) + 600
    for turn, (_, _, row) in enumerate(sorted(taken)):
        ward.reserved.append((row, at, number, turn if turn < need.used else -1))


def _thaw(day: Day, ward: Ward) -> None:
    """Have the hospital thaw what is reserved and frozen: patients get the new units, half an hour later."""
    reserved = np.array(ward.reserved, np.int64).reshape(-1, 4)
    is_frozen = THAWED_OF[day.world["units"]["product"][reserved[:, 0]]] >= 0
    if not is_frozen.any():
        return
    frozen = reserved[is_frozen]
    frozen[:, 0] = modify.thaw(day, frozen[:, 0], frozen[:, 1] + THAW_SECONDS)
    frozen[:, 1] += THAW_SECONDS + LABEL_SECONDS
    reserved[is_frozen] = frozen
    ward.reserved = [(row, at, number, turn) for row, at, number, turn in reserved.tolist()]


def _transfuse(day: Day, ward: Ward, needs: list[Need]) -> None:
    """Send the reservations, and what became of the units."""
    if not ward.reserved:
        return
    row, at, number, turn = np.array(ward.reserved, np.int64).T
    patient = patient_ids(np.array([need.patient for need in needs])[number])
    admission = numbered("A", np.array([need.admission for need in needs])[number])
    method = chosen(METHODS, np.array([need.method for need in needs])[number])
    is_emergency = np.array([need.is_emergency for need in needs])[number]
    emergency = optional(True, is_emergency)
    flow.note(day, row, "reserved", at, patient_id=patient, method=method, is_emergency=emergency)
    units = day.world["units"]["unit"]
    is_given = turn >= 0
    start = np.minimum(at + 1800 + turn * 1800, day.instant(LAST_START_MINUTE))
    ended = start + 60 * day.draw("minutes given").integers(units[row], 45, 90)
    flow.end(
        day,
        row[is_given],
        "transfused",
        start[is_given],
        ended_at=instants(ended[is_given]),
        patient_id=patient[is_given],
        admission_id=admission[is_given],
    )
    # What was thawed and keeps for hours is given up when they are over.
    evening = np.minimum(day.times(1390, len(row)), day.world["units"]["expires"][row])
    left = ~is_given
    flow.note(day, row[left], "unreserved", evening[left], patient_id=patient[left])
    day.world["units"]["ready"][row[left]] = evening[left]
    is_wasted = left & day.draw("wasted").chance(units[row], day.world.plan.hospitals.wasted_per_crossmatch)
    is_wasted &= day.world["units"]["expires"][row] > evening
    flow.end(day, row[is_wasted], "wasted", evening[is_wasted] + 300, reason="out of temperature range")
