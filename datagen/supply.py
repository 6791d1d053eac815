"""The hub: its estimate of demand, imports, hospitals' stock orders, returns."""

from dataclasses import dataclass

import numpy as np

from datagen import flow, places
from datagen.days import weekday
from datagen.donations import IMPORTED, is_imported, number_donations
from datagen.draws import Draws
from datagen.groups import A_POSITIVE, O_POSITIVE
from datagen.ids import Array, Ints
from datagen.orders import Dispatch, Request
from datagen.plan import Plan
from datagen.products import COMPONENT_OF, NUMBER_OF, PLATELETS, RED_CELLS
from datagen.shelves import Entry, Shelves
from datagen.world import ENDED, IN_STOCK, MADE, ONE, PLATELET_DEMAND, Day

DAY_SECONDS = 86_400
EXPORT_DAYS, EXPORT_MINUTE = 14, 360
"""Days that a unit sent to another region must still have; when it leaves."""
LEAST_DEMAND = 0.01
"""Units a day below which no estimate falls: one in a hundred days."""


def expected_demand(plan: Plan, size: int) -> Array:
    """Units a day that the centre expects to issue at the start: red cells by group, platelets, plasma, cryo."""
    stock, thousands = plan.stock, size / 1000
    mix = np.array(stock.order_mix) / sum(stock.order_mix)
    others = (
        stock.platelets_per_1000_donors_a_day,
        stock.plasma_per_1000_donors_a_day,
        stock.cryo_per_1000_donors_a_day,
    )
    return np.concatenate([mix * stock.red_cells_per_1000_donors_a_day, others]) * thousands


def appeals(day: Day) -> tuple[Array, float]:
    """How strongly donors are called: by group for red cells, and for platelets.

    While the shelves fill for the first time they say nothing about the need for donors.
    """
    if day.ramp < 1:
        return np.ones(8), 1.0
    units, plan = day.world["units"], day.world.plan.appeal
    is_ours = (units["state"] != ENDED) & (units["place"] <= places.HUB)
    component = COMPONENT_OF[units["product"]]
    red = np.bincount(units["group"][is_ours & (component == RED_CELLS)], minlength=8)
    days = np.maximum(red / day.world.demand[:8], 0.1)
    by_group = np.clip((np.array(plan.target_days) / days) ** plan.power, plan.lowest, plan.highest)
    is_dose = is_ours & (component == PLATELETS) & (units["product"] != NUMBER_OF["PL31"])
    platelet_days = max(is_dose.sum() / day.world.demand[PLATELET_DEMAND], 0.1)
    pull = float(np.clip((plan.platelet_target_days / platelet_days) ** plan.power, plan.lowest, plan.highest))
    return by_group, pull


def learn(day: Day) -> None:
    """Update the estimate of demand with what was issued today net of returns, once demand has its full size."""
    if day.ramp >= 1:
        day.world.demand += (day.issued - day.world.demand) / day.world.plan.appeal.memory_days
        # A day on which more comes back than goes out must not make the demand of a rare group nothing, or less.
        np.maximum(day.world.demand, LEAST_DEMAND, out=day.world.demand)


def import_units(day: Day) -> None:
    """Buy red cells of other services for the groups whose shelf at the hub is nearly empty."""
    units, plan = day.world["units"], day.world.plan.stock
    if day.ramp < 1:
        return
    at_hub = (units["state"] == IN_STOCK) & (units["place"] == places.HUB)
    is_red = at_hub & (COMPONENT_OF[units["product"]] == RED_CELLS)
    shelf = np.bincount(units["group"][is_red], minlength=8)
    short = np.flatnonzero(shelf < np.floor(day.world.demand[:8] * plan.import_below_days))
    count = max(2, round(plan.import_units_per_1000_donors * day.world.size / 1000))
    _receive(day, np.repeat(short, count))


def _receive(day: Day, group: Ints) -> None:
    """Red cells of these groups come from outside, and can be used from the morning on."""
    total = len(group)
    unit = number_donations(day, IMPORTED, total) * 100 + 1
    born = day.number - day.draw("import age").integers(unit, 4, 15)
    product = np.full(total, NUMBER_OF["RC11"])
    collected = day.world.zone.instants(born, 600 + day.draw("import time").integers(unit, 0, 480))
    rows = flow.make(
        day,
        {
            "unit": unit,
            "product": product,
            "group": group,
            "place": places.EXTERNAL,
            "state": MADE,
            "collected": collected,
            "prepared": collected + 21_600,
            "ready": day.instant(310),
            "born": born,
            "expires": flow.label_expiry(day, product, born),
        },
        known_at=day.times(320, total),
        is_imported=True,
    )
    shipped = day.times(240, len(rows))
    flow.move(day, rows, np.full(len(rows), places.HUB), shipped, day.times(320, len(rows)), "import")
    flow.release(day, rows, day.times(335, len(rows)))


def trade(day: Day) -> None:
    """On Tuesdays the hub gets and sends what the regions have arranged, oldest usable units first."""
    if weekday(day.number) != 1 or day.ramp < 1:
        return
    mine, mix = day.world.plan.service.region, np.array(day.world.plan.stock.order_mix)
    for transfer in day.world.plan.transfers:
        if mine in (transfer.sender, transfer.receiver):
            # The pair's own draws: both regions read the same, whether the other is lived or not.
            pair = Draws(day.world.seed, f"{transfer.sender}>{transfer.receiver}")
            count = int(pair.at("units", day.number).poisson(ONE, transfer.units_a_week)[0])
            group = pair.at("group", day.number).picks(np.arange(count), mix)
            _receive(day, group) if mine == transfer.receiver else _send_out(day, group)


def _send_out(day: Day, group: Ints) -> None:
    units = day.world["units"]
    is_there = (units["state"] == IN_STOCK) & (units["place"] == places.HUB) & ~is_imported(units["unit"])
    is_good = is_there & (units["expires"] > day.instant(0) + EXPORT_DAYS * DAY_SECONDS)
    shelf = np.flatnonzero(is_good & (COMPONENT_OF[units["product"]] == RED_CELLS))
    shelf = shelf[np.lexsort((units["unit"][shelf], units["expires"][shelf]))]
    rows = [
        shelf[units["group"][shelf] == wanted][:count] for wanted, count in enumerate(np.bincount(group, minlength=8))
    ]
    row: Ints = np.concatenate(rows)
    shipped = day.times(EXPORT_MINUTE, len(row))
    flow.move(day, row, np.full(len(row), places.EXTERNAL), shipped, shipped + 14_400, "export")
    flow.end(day, row, "exported", shipped + 14_400)


def _targets(day: Day) -> Ints:
    """Red cells that each hospital orders up to: one row a hospital, one column a group.

    Hospitals reckon with the groups of their patients, not with what was issued: else a group that was given in
    place of another once would be ordered for ever, and the other never again.
    """
    stock, beds = day.world.plan.stock, np.array(day.world.plan.service.hospital_beds, float)
    mix = np.array(stock.order_mix) / sum(stock.order_mix)
    days = np.where(beds <= stock.remote_beds, stock.remote_days, stock.hospital_days)
    use = day.world.demand[:8].sum() * mix * (beds / beds.sum() * days)[:, None]
    target = np.ceil(use + stock.hospital_safety * np.sqrt(use))
    return np.asarray(np.where(use >= stock.least_expected, target, 0).astype(np.int64))


def _platelet_targets(day: Day) -> Array:
    plan = day.world.plan
    beds = np.array(plan.service.hospital_beds, float)
    use = day.world.demand[PLATELET_DEMAND] * beds / beds.sum() * plan.stock.platelet_days
    return np.where(beds >= plan.stock.platelet_beds, np.round(use), 0).astype(np.int64)


def _lasting(day: Day) -> Ints:
    """Until when red cells for each hospital's shelf must keep: longer where they turn over slowly."""
    stock, beds = day.world.plan.stock, np.array(day.world.plan.service.hospital_beds)
    days = np.where(beds < stock.rotating_beds, stock.fresh_days, stock.least_days)
    return np.asarray(day.instant(0) + days * DAY_SECONDS)


@dataclass(frozen=True)
class Order:
    """A hospital's order for its own shelf, placed at `minute` of the day."""

    place: int
    component: int
    group: int
    units: int
    minute: int


def stock_orders(day: Day, shelves: Shelves, dispatch: Dispatch) -> None:
    """In the morning hospitals order up to their targets; not on Sundays.

    The hub sends the oldest red cells that last until such a hospital has used them.
    """
    if weekday(day.number) == 6:
        return
    plan, targets, lasting, platelets = day.world.plan, _targets(day), _lasting(day), _platelet_targets(day)
    for place in np.roll(np.array(places.hospitals(plan)), day.number).tolist():
        hospital = place - places.first_hospital(plan)
        for group in range(8):
            missing = int(targets[hospital, group]) - shelves.count(place, RED_CELLS, group)
            if missing > 0:
                taken = shelves.take_lasting(places.HUB, RED_CELLS, group, missing, int(lasting[hospital]))
                _restock(day, shelves, dispatch, Order(place, RED_CELLS, group, missing, 345), taken)
        missing = int(platelets[hospital]) - sum(shelves.count(place, PLATELETS, group) for group in range(8))
        if missing > 0:
            taken = shelves.take(places.HUB, PLATELETS, (O_POSITIVE, A_POSITIVE), missing)
            _restock(day, shelves, dispatch, Order(place, PLATELETS, O_POSITIVE, missing, 570), taken)


def _restock(day: Day, shelves: Shelves, dispatch: Dispatch, order: Order, taken: list[Entry]) -> None:
    """Answer an order with the units `taken`: they are on their way, and on the hospital's shelf."""
    shipped = day.instant(order.minute + 30)
    received = day.instant(order.minute + 90 + 10 * (order.place % 5))
    number = int(day.world.ids("request", 1)[0])
    request = Request(
        number,
        order.place,
        day.instant(order.minute),
        day.instant(order.minute + 240),
        order.units,
        order.group,
        order.component,
        got=len(taken),
        closed=received if taken else shipped,
    )
    dispatch.requests.append(request)
    for entry in taken:
        group = int(day.world["units"]["group"][entry[2]])
        dispatch.ship(entry[2], order.place, shipped, received, number)
        shelves.put(order.place, order.component, group, entry)
        day.issued[group if order.component == RED_CELLS else PLATELET_DEMAND] += 1


def send_back(day: Day) -> None:
    """On Wednesdays hospitals whose shelves rotate return red cells that a larger one will still use in time."""
    if weekday(day.number) != 2:
        return
    units, plan = day.world["units"], day.world.plan
    beds = np.concatenate([np.zeros(places.first_hospital(plan)), plan.service.hospital_beds])[units["place"]]
    is_rotating = (beds > plan.stock.remote_beds) & (beds < plan.stock.rotating_beds)
    days_left = (units["expires"] - day.instant(0)) // DAY_SECONDS
    is_due = (days_left < plan.stock.return_below_days) & (days_left >= plan.stock.return_above_days)
    is_idle = (units["state"] == IN_STOCK) & (units["ready"] < day.instant(0))
    rows: Ints = np.flatnonzero(is_rotating & is_due & is_idle & (COMPONENT_OF[units["product"]] == RED_CELLS))
    shipped = day.times(1000, len(rows))
    flow.move(day, rows, np.full(len(rows), places.HUB), shipped, shipped + 5400, "return")
    day.issued[:8] -= np.bincount(units["group"][rows], minlength=8)
