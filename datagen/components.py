"""Preparation: complete donations become units on the evening of their collection."""

import numpy as np

from datagen import flow, places
from datagen.donations import APHERESIS_PLASMA, APHERESIS_PLATELETS, COMPLETE, DOUBLE_RED, WHOLE_BLOOD
from datagen.ids import Array, Ints
from datagen.products import NUMBER_OF
from datagen.world import MADE, ONE, Day

# The place of a unit in its donation (the last two digits of its id).
RED, RED_SECOND, PLATELET, CONCENTRATE, FROZEN, CRYO_UNIT, CRYO_REDUCED = 1, 2, 3, 6, 7, 8, 9


def prepare(day: Day) -> None:
    """Make the units of the donations that are new in `pending` today."""
    pending = day.world["pending"]
    fresh = np.flatnonzero((pending["outcome"] == COMPLETE) & (pending["collected"] >= day.instant(0)))
    if len(fresh) == 0:
        return
    ready = np.maximum(pending["collected"][fresh] + 5400, day.instant(1080))
    habit = pending["habit"][fresh].astype(np.int64)
    at = ready + 60 * day.draw("prepare").integers(pending["din"][fresh], 0, 100)
    is_whole = habit == WHOLE_BLOOD
    parts = [
        _red_cells(day, fresh, at, habit),
        _plasma(day, fresh, at, is_whole),
        _concentrates(day, fresh, at, is_whole),
        _apheresis(day, fresh, at, habit),
    ]
    row, when, place, product = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((place, row))
    _make(day, row[order], when[order], place[order], product[order])


Parts = tuple[Ints, Ints, Ints, Ints]


def _part(rows: Ints, at: Ints, place: Array | int, product: Array | int) -> Parts:
    size = len(rows)
    return rows, at, np.broadcast_to(np.asarray(place), (size,)), np.broadcast_to(np.asarray(product), (size,))


def _red_cells(day: Day, rows: Ints, at: Ints, habit: Ints) -> Parts:
    plan = day.world.plan.components
    listed = np.array([NUMBER_OF[code] for code in plan.red_cell_products])
    drawn = listed[day.draw("additive").picks(day.world["pending"]["din"][rows], plan.red_cell_shares)]
    units = np.select([habit == WHOLE_BLOOD, habit == DOUBLE_RED], [1, 2], 0)
    which = np.repeat(np.arange(len(rows)), units)
    second = np.concatenate([[False], which[1:] == which[:-1]]) if len(which) else np.zeros(0, bool)
    product = np.where(habit == DOUBLE_RED, NUMBER_OF["RC21"], drawn)
    return _part(rows[which], at[which], np.where(second, RED_SECOND, RED), product[which])


def _plasma(day: Day, rows: Ints, at: Ints, is_whole: Array) -> Parts:
    plan = day.world.plan.components
    draw = day.draw("plasma").uniform(day.world["pending"]["din"][rows])
    hours = (at - day.world["pending"]["collected"][rows]) / 3600
    frozen = np.where(hours <= plan.ffp_hours, NUMBER_OF["PF11"], NUMBER_OF["PF12"])
    product = np.where(draw < plan.plasma_share, frozen, NUMBER_OF["PR11"])
    is_made = is_whole & (draw < plan.plasma_share + plan.recovered_share)
    return _part(rows[is_made], at[is_made] + 600, FROZEN, product[is_made])


def _concentrates(day: Day, rows: Ints, at: Ints, is_whole: Array) -> Parts:
    """Platelets of whole blood, made only in sets of one group that will fill a pool."""
    plan, group = day.world.plan.components, day.world["pending"]["group"][rows]
    pools = day.draw("pools").poisson(ONE, plan.pools_a_1000_donors_a_day * day.world.size / 1000)[0]
    chosen: list[Ints] = []
    for wanted in np.argsort(-np.bincount(group[is_whole], minlength=8), kind="stable")[:pools]:
        found = np.flatnonzero(is_whole & (group == wanted))[: plan.pool_size]
        if len(found) == plan.pool_size:
            chosen.append(found)
    which = np.concatenate(chosen) if chosen else np.zeros(0, np.int64)
    return _part(rows[which], at[which] + 300, CONCENTRATE, NUMBER_OF["PL31"])


def _apheresis(day: Day, rows: Ints, at: Ints, habit: Ints) -> Parts:
    doses = np.where(habit == APHERESIS_PLATELETS, day.world["pending"]["doses"][rows], 0)
    doses = np.where(habit == APHERESIS_PLASMA, 1, doses)
    which = np.repeat(np.arange(len(rows)), doses)
    split = np.arange(len(which)) - np.repeat(np.cumsum(doses) - doses, doses)
    share = day.world.plan.components.pathogen_reduced_share
    is_reduced = day.draw("pathogen reduced").chance(day.world["pending"]["din"][rows], share)
    platelets = np.where(is_reduced, NUMBER_OF["PL12"], NUMBER_OF["PL11"])
    is_plasma = habit == APHERESIS_PLASMA
    product = np.where(is_plasma, NUMBER_OF["PF21"], platelets)
    return _part(rows[which], at[which], np.where(is_plasma[which], FROZEN, PLATELET + split), product[which])


def _make(day: Day, row: Ints, at: Ints, place: Ints, product: Ints) -> None:
    pending = day.world["pending"]
    born = np.full(len(row), day.number)
    flow.make(
        day,
        {
            "unit": pending["din"][row] * 100 + place,
            "product": product,
            "group": pending["group"][row],
            "place": places.CENTRE,
            "state": MADE,
            "collected": pending["collected"][row],
            "prepared": at,
            "ready": at,
            "born": born,
            "expires": flow.label_expiry(day, product, born),
        },
    )
