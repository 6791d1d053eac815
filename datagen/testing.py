"""The laboratory: results the morning after collection, release or discard in the afternoon.

A row of `test_results` is one result of one test on a donation, or of one culture of a platelet unit.
"""

import numpy as np

from datagen import flow, people
from datagen.days import as_instants
from datagen.donations import SHORT, send_donations
from datagen.groups import GROUPS
from datagen.ids import Array, Ints, donation_numbers, unit_numbers
from datagen.places import CENTRE
from datagen.products import COMPONENT_OF, PLATELETS
from datagen.world import ENDED, HELD, IN_STOCK, MADE, Day, logged

SEROLOGY, NAT, REPEAT, SUPPLEMENTAL = "S1", "N1", "S2", "C1"
_WITH_NAT = ("hiv", "hbv", "hcv")


def _send(day: Day, din: Ints, marker: str, stage: str, at: Ints, result: Array, is_final: Array) -> None:
    """Send one result for each donation; the id names donation, marker and stage."""
    method = {"typing": "typing", "N1": "nat_pool"}.get("typing" if marker == "abo_rhd" else stage, "serology")
    if marker == "wnv":
        method = "nat_single"
    number = donation_numbers(din)
    day.outbox.emit(
        "test_results",
        test_id=np.char.add(number, f"-{marker.upper()}-{stage}"),
        din=number,
        marker=marker,
        stage={REPEAT: "repeat", SUPPLEMENTAL: "supplemental"}.get(stage, "screen"),
        method=method,
        result=result,
        resulted_at=as_instants(at),
        is_final=is_final,
        kit_lot=f"{marker[:3].upper()}{day.number // 10:05d}",
        recorded_at=logged(at),
    )


def _words(is_reactive: Array) -> Array:
    return np.where(is_reactive, "reactive", "non_reactive").astype(object)


def _screen(day: Day, rows: Ints, number: int) -> Array:
    """Screen the donations in `rows` for one marker; return which are repeatedly reactive."""
    pending, plan = day.world["pending"], day.world.plan.testing
    marker, din = plan.markers[number], pending["din"][rows]
    rng = day.rng(f"screen-{marker}")
    factor = np.where(pending["is_first"][rows], plan.first_time_factor, 1.0)
    draw = rng.random(len(rows))
    is_repeated = draw < plan.reactive[number] * factor
    is_initial = draw < plan.reactive[number] * factor + plan.initial_only
    at = day.at(480 + rng.integers(0, 240, len(rows)))
    _send(day, din, marker, SEROLOGY, at, _words(is_initial), ~is_initial)
    again = np.flatnonzero(is_initial)
    if len(again):
        result = is_repeated[again]
        _send(day, din[again], marker, REPEAT, day.at(np.full(len(again), 750)), _words(result), ~result)
    _ask_supplemental(day, din[is_repeated], number, rng)
    if marker in _WITH_NAT:
        later = day.at(480 + rng.integers(0, 240, len(rows)))
        _send(day, din, marker, NAT, later, _words(np.zeros(len(rows), bool)), np.ones(len(rows), bool))
    return np.asarray(is_repeated)


def _ask_supplemental(day: Day, din: Ints, number: int, rng: np.random.Generator) -> None:
    plan = day.world.plan.testing
    if len(din):
        chance = plan.confirmed_per_100k[number] / 1e5 / plan.reactive[number]
        day.world["supplements"].append(
            due=day.number + plan.supplemental_days,
            din=din,
            marker=number,
            is_confirmed=rng.random(len(din)) < chance,
        )


def confirm(day: Day) -> None:
    """Supplemental results that are due: they end the question of a reactive donation."""
    table, plan = day.world["supplements"], day.world.plan.testing
    is_due = table["due"] == day.number
    for number, marker in enumerate(plan.markers):
        rows = np.flatnonzero(is_due & (table["marker"] == number))
        if len(rows):
            at, final = day.at(np.full(len(rows), 600)), np.ones(len(rows), bool)
            _send(day, table["din"][rows], marker, SUPPLEMENTAL, at, _words(table["is_confirmed"][rows]), final)
    table.keep(~is_due)


def report_donations(day: Day) -> None:
    """Report yesterday's donations: results, donors with their group, units released or discarded."""
    pending, plan = day.world["pending"], day.world.plan.testing
    rows = np.flatnonzero(pending["outcome"] != SHORT)
    is_reactive = np.zeros(len(pending), bool)
    if len(rows):
        at, group = day.at(480 + day.rng("typing").integers(0, 180, len(rows))), pending["group"][rows]
        _send(
            day,
            pending["din"][rows],
            "abo_rhd",
            SEROLOGY,
            at,
            np.array(GROUPS, object)[group],
            np.ones(len(rows), bool),
        )
        for number, marker in enumerate(plan.markers):
            # T. cruzi is looked for once in a donor's life.
            tested = rows[pending["is_first"][rows]] if marker == "t_cruzi" else rows
            if len(tested):
                is_reactive[tested] |= _screen(day, tested, number)
    everyone = np.arange(len(pending))
    send_donations(day, everyone, day.at(np.full(len(pending), 780)), ~is_reactive) if len(pending) else None
    day.world["donors"]["is_stopped"][pending["donor"][is_reactive]] = True
    people.send(day, pending["donor"][rows], day.at(np.full(len(rows), 790)))
    _judge_units(day, pending["din"][is_reactive])
    pending.keep(np.zeros(len(pending), bool))


def _judge_units(day: Day, reactive: Ints) -> None:
    units = day.world["units"]
    is_new = (units["state"] == MADE) & (units["born"] == day.number - 1)
    is_reactive = np.isin(units["unit"] // 100, reactive)
    bad = np.flatnonzero(is_new & is_reactive)
    flow.note(day, bad, "quarantined", day.at(np.full(len(bad), 800)), reason="reactive")
    flow.end(day, bad, "discarded", day.at(np.full(len(bad), 960)), reason="reactive")
    is_platelet = COMPONENT_OF[units["product"]] == PLATELETS
    good = np.flatnonzero(is_new & ~is_reactive & ~is_platelet)
    flow.release(day, good, day.at(840 + day.rng("release").integers(0, 60, len(good))))


def culture(day: Day) -> None:
    """Read the cultures of platelets collected two days ago, before any unit of theirs can be issued.

    A positive culture ends every unit of the donation that is still with the service; the others are released.
    """
    units, plan = day.world["units"], day.world.plan.testing
    is_platelet = COMPONENT_OF[units["product"]] == PLATELETS
    rows = np.flatnonzero(is_platelet & (units["state"] == MADE) & (units["born"] <= day.number - 2))
    if len(rows) == 0:
        return
    is_reactive = day.rng("culture").random(len(rows)) < plan.culture_reactive
    number, at = unit_numbers(units["unit"][rows]), day.at(np.full(len(rows), 330))
    day.outbox.emit(
        "test_results",
        test_id=np.char.add(number, "-BACTERIAL-C1"),
        din=donation_numbers(units["unit"][rows] // 100),
        unit_id=number,
        marker="bacterial",
        stage="screen",
        method="culture",
        result=_words(is_reactive),
        resulted_at=as_instants(at),
        is_final=True,
        kit_lot=f"BAC{day.number // 10:05d}",
        recorded_at=logged(at),
    )
    is_positive = np.isin(units["unit"] // 100, units["unit"][rows[is_reactive]] // 100)
    bad = np.flatnonzero(is_positive & (units["state"] != ENDED))
    flow.note(day, bad, "quarantined", day.at(np.full(len(bad), 340)), reason="positive culture")
    flow.end(day, bad, "discarded", day.at(np.full(len(bad), 360)), reason="positive culture")
    good = rows[~is_positive[rows]]
    flow.release(day, good, day.at(np.full(len(good), 420)))


def hold_after_calls(day: Day) -> None:
    """Donors call after their donation: units at the centre are held, and lifted or discarded the day after."""
    units, plan, rng = day.world["units"], day.world.plan.testing, day.rng("calls")
    held = np.flatnonzero(units["state"] == HELD)
    is_lifted = rng.random(len(held)) < plan.calls_lifted_share
    lifted, dropped = held[is_lifted], held[~is_lifted]
    flow.note(day, lifted, "quarantine_lifted", day.at(np.full(len(lifted), 1100)), reason="donor_callback")
    units["state"][lifted] = IN_STOCK
    flow.end(day, dropped, "discarded", day.at(np.full(len(dropped), 1100)), reason="donor_callback")
    is_new = (units["born"] == day.number - 1) & (units["state"] == IN_STOCK) & (units["place"] == CENTRE)
    called = np.flatnonzero(is_new & (rng.random(len(units)) < plan.post_donation_calls))
    flow.note(day, called, "quarantined", day.at(np.full(len(called), 1120)), reason="donor_callback")
    units["state"][called] = HELD
