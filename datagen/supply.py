"""The hub: its estimate of demand, imports, hospitals' stock orders, returns."""

import numpy as np

from datagen import flow, places
from datagen.days import weekday
from datagen.donations import IMPORTED, is_imported, number_donations
from datagen.draws import Draws
from datagen.ids import Array, Ints
from datagen.orders import Dispatch, Request
from datagen.plan import Plan
from datagen.products import COMPONENT_OF, NUMBER_OF, PLATELETS, RED_CELLS
from datagen.shelves import Shelves
from datagen.world import ENDED, IN_STOCK, MADE, ONE, PLATELET_DEMAND, Day

DAY_SECONDS = 86_400
EXPORT_DAYS, EXPORT_MINUTE = 14, 360
"""Days that a unit sent to another region must still have; when it leaves."""


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
    """Update the estimate of demand with what was issued today, once demand has its full size."""
    if day.ramp >= 1:
        day.world.demand += (day.issued - day.world.demand) / day.world.plan.appeal.memory_days


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


def _targets(day: Day) -> Array:
    """Red cells that each hospital orders up to: one row a hospital, one column a group."""
    plan = day.world.plan
    beds = np.array(plan.service.hospital_beds, float)
    use = day.world.demand[:8] * (beds / beds.sum())[:, None] * plan.stock.hospital_days
    target = np.ceil(use + plan.stock.hospital_safety * np.sqrt(use))
    return np.asarray(np.where(use >= plan.stock.least_expected, target, 0).astype(np.int64))


def _platelet_targets(day: Day) -> Array:
    plan = day.world.plan
    beds = np.array(plan.service.hospital_beds, float)
    use = day.world.demand[PLATELET_DEMAND] * beds / beds.sum() * plan.stock.platelet_days
    return np.where(beds >= plan.stock.platelet_beds, np.round(use), 0).astype(np.int64)


def stock_orders(day: Day, shelves: Shelves, dispatch: Dispatch) -> None:
    """In the morning hospitals order up to their targets; not on Sundays. The hub sends the oldest of the group."""
    if weekday(day.number) == 6:
        return
    plan, targets, platelets = day.world.plan, _targets(day), _platelet_targets(day)
    for place in np.roll(np.array(places.hospitals(plan)), day.number).tolist():
        hospital = place - places.first_hospital(plan)
        for group in range(8):
            missing = int(targets[hospital, group]) - shelves.count(place, RED_CELLS, group)
            if missing > 0:
                _restock(day, shelves, dispatch, place, RED_CELLS, (group,), missing)
        kept = sum(shelves.count(place, PLATELETS, group) for group in range(8))
        if platelets[hospital] > kept:
            _restock(day, shelves, dispatch, place, PLATELETS, (0, 2), int(platelets[hospital]) - kept)


def _restock(
    day: Day, shelves: Shelves, dispatch: Dispatch, place: int, component: int, order: tuple[int, ...], missing: int
) -> None:
    minute = 345 if component == RED_CELLS else 570
    taken = shelves.take(places.HUB, component, order, missing)
    shipped, received = day.instant(minute + 30), day.instant(minute + 90 + 10 * (place % 5))
    number = int(day.world.ids("request", 1)[0])
    units, closed = day.world["units"], received if taken else day.instant(minute + 30)
    needed = day.instant(minute + 240)
    request = Request(
        number, place, day.instant(minute), needed, missing, order[0], component, got=len(taken), closed=closed
    )
    dispatch.requests.append(request)
    for entry in taken:
        group = int(units["group"][entry[2]])
        dispatch.ship(entry[2], place, shipped, received, number)
        shelves.put(place, component, group, entry)
        day.issued[group if component == RED_CELLS else PLATELET_DEMAND] += 1


def send_back(day: Day) -> None:
    """On Wednesdays small hospitals return red cells that they will hardly use in time."""
    if weekday(day.number) != 2:
        return
    units, plan = day.world["units"], day.world.plan
    beds = np.concatenate([np.zeros(places.first_hospital(plan)), plan.service.hospital_beds])[units["place"]]
    is_small = (beds > 0) & (beds < plan.stock.return_beds) & (units["state"] == IN_STOCK)
    days_left = (units["expires"] - day.instant(0)) // DAY_SECONDS
    is_short = (days_left < plan.stock.return_below_days) & (days_left >= 2)
    is_idle = units["ready"] < day.instant(0)
    rows: Ints = np.flatnonzero(is_small & is_short & is_idle & (COMPONENT_OF[units["product"]] == RED_CELLS))
    shipped = day.times(1000, len(rows))
    flow.move(day, rows, np.full(len(rows), places.HUB), shipped, shipped + 5400, "return")
