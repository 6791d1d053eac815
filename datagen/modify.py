"""Units made of units: pools, cryoprecipitate, irradiation; and plasma that leaves for further manufacture.

A row of `unit_parents` is one parent of a unit. The parent ends as `consumed` at the moment the unit is made.
"""

from typing import Any

import numpy as np

from datagen import flow, places
from datagen.components import CONCENTRATE, CRYO_REDUCED, CRYO_UNIT
from datagen.days import LAST_MINUTE, weekday
from datagen.donations import POOLED, is_imported, is_pool, number_donations
from datagen.ids import IRRADIATED, Ints
from datagen.products import (
    COMPONENT_OF,
    CRYO,
    IRRADIATED_OF,
    IS_FOR_MANUFACTURE,
    NUMBER_OF,
    PLASMA,
    RED_CELLS,
)
from datagen.wire import donation_numbers, instants, optional, plain, unit_numbers
from datagen.world import CRYO_DEMAND, ENDED, IN_STOCK, MADE, PLASMA_DEMAND, Day

PLASMA_LEAVES = (1, 4)
"""Frozen plasma and cryoprecipitate leave the centre on Tuesdays and Fridays."""


def _link(day: Day, children: Ints, parents: Ints, kind: str, at: Ints) -> None:
    """Send which units were made of which; both are unit numbers."""
    day.outbox.emit(
        "unit_parents",
        unit_id=unit_numbers(children),
        parent_unit_id=unit_numbers(parents),
        kind=kind,
        made_at=instants(at),
        facility_id=places.facility_ids(day.world.plan)[places.CENTRE if kind == "pooled" else places.HUB],
        known_at=at,
    )


def _pool(day: Day, sets: Ints, product: str, at: int) -> Ints:
    """Pool each row of `sets` (unit rows, one group a set) into one unit at the centre; return the pools' rows."""
    units, count = day.world["units"], len(sets)
    times = np.full(count, at)
    flat = sets.reshape(-1)
    flow.end(day, flat, "consumed", np.full(len(flat), at), reason="pooled")
    pool = number_donations(day, POOLED, count) * 100 + CONCENTRATE
    _link(day, np.repeat(pool, sets.shape[1]), units["unit"][flat], "pooled", np.full(len(flat), at))
    made = {
        "unit": pool,
        "product": NUMBER_OF[product],
        "group": units["group"][sets[:, 0]],
        "place": places.CENTRE,
        "state": MADE,
        "collected": units["collected"][sets].min(axis=1),
        "prepared": times,
        "ready": times,
        "born": units["born"][sets].min(axis=1),
        "expires": units["expires"][sets].min(axis=1),
    }
    return flow.make(day, made, din=None)


def _sets(rows: Ints, keys: Ints, size: int, most: int) -> Ints:
    """Sets of `size` rows with one key each, at most `most` of them."""
    found = [
        chosen[start : start + size]
        for chosen in (rows[keys == key] for key in np.unique(keys))
        for start in range(0, len(chosen) - size + 1, size)
    ]
    return np.array(found[:most], np.int64).reshape(-1, size)


def pool_platelets(day: Day) -> None:
    """Pool the whole-blood platelets released this morning; what fills no pool is wasted."""
    units = day.world["units"]
    rows = np.flatnonzero((units["product"] == NUMBER_OF["PL31"]) & (units["state"] == IN_STOCK))
    if len(rows) == 0:
        return
    sets = _sets(rows, units["group"][rows], day.world.plan.components.pool_size, len(rows))
    left = np.setdiff1d(rows, sets)
    flow.end(day, left, "wasted", day.times(450, len(left)), reason="incomplete pool")
    if len(sets):
        pools = _pool(day, sets, "PL32", day.instant(450))
        flow.release(day, pools, day.times(480, len(pools)))


def courier_platelets(day: Day) -> None:
    """Platelets can't wait for the night: a courier takes them to the hub in the morning."""
    units = day.world["units"]
    is_platelet = np.isin(units["product"], [NUMBER_OF[code] for code in ("PL11", "PL12", "PL32")])
    rows = np.flatnonzero(is_platelet & (units["state"] == IN_STOCK) & (units["place"] == places.CENTRE))
    times = day.times(500, len(rows))
    flow.move(day, rows, np.full(len(rows), places.HUB), times, times + 2700, "transfer")


def make_cryo(day: Day) -> None:
    """When cryoprecipitate runs low, make it of the frozen plasma at the centre, and pool it five by five."""
    if weekday(day.number) not in PLASMA_LEAVES:
        return
    units, plan = day.world["units"], day.world.plan.components
    alive = units["state"] != ENDED
    pools = alive & (units["product"] == NUMBER_OF["CR31"]) & (units["place"] <= places.HUB)
    missing = day.world.demand[CRYO_DEMAND] * plan.cryo_target_days - pools.sum()
    is_source = (units["product"] == NUMBER_OF["PF11"]) & (units["state"] == IN_STOCK)
    rows = np.flatnonzero(is_source & (units["place"] == places.CENTRE))
    sets = _sets(rows, units["group"][rows], plan.cryo_pool_size, max(0, int(np.ceil(missing))))
    if len(sets) == 0:
        return
    source, at = sets.reshape(-1), day.instant(990)
    times = np.full(len(source), at)
    flow.end(day, source, "consumed", times, reason="cryoprecipitate")
    single = _split(day, source, CRYO_UNIT, "CR11", at)
    reduced = _split(day, source, CRYO_REDUCED, "PF31", at)
    flow.release(day, reduced, times + 600)
    pooled = _pool(day, single.reshape(sets.shape), "CR31", day.instant(1050))
    flow.release(day, pooled, day.times(1065, len(pooled)))


def _split(day: Day, source: Ints, place: int, product: str, at: int) -> Ints:
    """One product made of each unit of plasma in `source`; it keeps the plasma's dating."""
    units, times = day.world["units"], np.full(len(source), at)
    number = units["unit"][source] // 100 * 100 + place
    _link(day, number, units["unit"][source], "modified", times)
    copied = {name: units[name][source] for name in ("group", "place", "collected", "born", "expires")}
    made: dict[str, Any] = {**copied, "unit": number, "product": NUMBER_OF[product], "state": MADE}
    made |= {"prepared": times, "ready": times}
    return flow.make(day, made)


def can_be_irradiated(product: int) -> bool:
    """Whether a product has an irradiated form: those irradiated or pathogen-reduced already have none."""
    return bool(IRRADIATED_OF[product] >= 0)


def irradiate(day: Day, source: Ints, times: Ints) -> None:
    """Irradiate units at the hub just before they leave; the new units are the last rows, in the same order.

    Red cells then keep 28 days, or to their own date if that is earlier; platelets keep their date.
    """
    units = day.world["units"]
    product = IRRADIATED_OF[units["product"][source]]
    limit = day.world.zone.instant(day.number + 28, LAST_MINUTE)
    is_red = COMPONENT_OF[product] == RED_CELLS
    expires = np.where(is_red, np.minimum(units["expires"][source], limit), units["expires"][source])
    number = units["unit"][source] + IRRADIATED
    flow.end(day, source, "consumed", times, reason="irradiated")
    _link(day, number, units["unit"][source], "modified", times)
    copied = {name: units[name][source] for name in ("group", "place", "collected", "born")}
    made: dict[str, Any] = {**copied, "unit": number, "product": product, "expires": expires}
    made |= {"state": MADE, "prepared": times, "ready": times}
    din = optional(donation_numbers(number // 100), ~is_pool(number))
    # What came from another service stays its unit: its donation is never here.
    is_foreign = plain(is_imported(number))
    new = flow.make(day, made, irradiated_at=instants(times), din=din, is_imported=is_foreign)
    flow.release(day, new, times + 300)


def ship_for_manufacture(day: Day) -> None:
    """On Fridays recovered plasma leaves the centre, and frozen plasma beyond the target leaves the hub."""
    if weekday(day.number) != 4:
        return
    units, plan = day.world["units"], day.world.plan.components
    in_stock = units["state"] == IN_STOCK
    recovered = np.flatnonzero(in_stock & IS_FOR_MANUFACTURE[units["product"]])
    flow.end(day, recovered, "further_manufacture", day.times(1140, len(recovered)), reason="recovered plasma")
    is_plasma = in_stock & (COMPONENT_OF[units["product"]] == PLASMA) & (units["place"] == places.HUB)
    shelf = np.flatnonzero(is_plasma & (units["state"] == IN_STOCK))
    spare = max(0, len(shelf) - int(day.world.demand[PLASMA_DEMAND] * plan.plasma_target_days))
    oldest = shelf[np.lexsort((units["unit"][shelf], units["expires"][shelf]))][:spare]
    flow.end(day, oldest, "further_manufacture", day.times(1140, len(oldest)), reason="surplus plasma")


def send_to_hub(day: Day) -> None:
    """Red cells that are released go to the hub overnight, frozen plasma and cryoprecipitate twice a week."""
    units = day.world["units"]
    is_ready = (units["state"] == IN_STOCK) & (units["place"] == places.CENTRE)
    is_leaving = COMPONENT_OF[units["product"]] == RED_CELLS
    if weekday(day.number) in PLASMA_LEAVES:
        is_frozen = np.isin(COMPONENT_OF[units["product"]], (PLASMA, CRYO))
        is_leaving |= is_frozen & ~IS_FOR_MANUFACTURE[units["product"]]
    rows = np.flatnonzero(is_ready & is_leaving)
    flow.send_overnight(day, rows, day.times(1200, len(rows)))
