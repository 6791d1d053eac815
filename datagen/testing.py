"""The laboratory: results the morning after collection, release or discard in the afternoon.

A row of `test_results` is one result of one test on a donation, or of one culture of a platelet unit.
"""

import numpy as np

from datagen import flow, people
from datagen.donations import SHORT, is_imported, send_donations
from datagen.groups import GROUPS
from datagen.ids import Array, Ints
from datagen.places import CENTRE
from datagen.products import COMPONENT_OF, PLATELETS
from datagen.wire import Column, chosen, donation_numbers, instants, plain, unit_numbers
from datagen.world import ENDED, HELD, IN_STOCK, MADE, Day

SEROLOGY, NAT, REPEAT, SUPPLEMENTAL = "S1", "N1", "S2", "C1"
_WITH_NAT = ("hiv", "hbv", "hcv")


def _send(day: Day, din: Ints, marker: str, stage: str, at: Ints, result: Column, is_final: Array) -> None:
    """Send one result for each donation; the id names donation, marker and stage."""
    method = {"typing": "typing", "N1": "nat_pool"}.get("typing" if marker == "abo_rhd" else stage, "serology")
    if marker == "wnv":
        method = "nat_single"
    day.outbox.emit(
        "test_results",
        test_id=donation_numbers(din, f"-{marker.upper()}-{stage}"),
        din=donation_numbers(din),
        marker=marker,
        stage={REPEAT: "repeat", SUPPLEMENTAL: "supplemental"}.get(stage, "screen"),
        method=method,
        result=result,
        resulted_at=instants(at),
        is_final=plain(is_final),
        kit_lot=f"{marker[:3].upper()}{day.number // 10:05d}",
        known_at=at,
    )


def _words(is_reactive: Array) -> Column:
    return chosen(("non_reactive", "reactive"), is_reactive)


def _screen(day: Day, rows: Ints, number: int) -> Array:
    """Screen the donations in `rows` for one marker; return which are repeatedly reactive."""
    pending, plan = day.world["pending"], day.world.plan.testing
    marker, din = plan.markers[number], pending["din"][rows]
    factor = np.where(pending["is_first"][rows], plan.first_time_factor, 1.0)
    draw = day.draw(f"{marker} reacts").uniform(din)
    is_repeated = draw < plan.reactive[number] * factor
    is_initial = draw < plan.reactive[number] * factor + plan.initial_only
    at = day.at(480 + day.draw(f"{marker} serology").integers(din, 0, 240))
    _send(day, din, marker, SEROLOGY, at, _words(is_initial), ~is_initial)
    again = np.flatnonzero(is_initial)
    if len(again):
        result = is_repeated[again]
        _send(day, din[again], marker, REPEAT, day.times(750, len(again)), _words(result), ~result)
    _ask_supplemental(day, din[is_repeated], number)
    if marker in _WITH_NAT:
        later = day.at(480 + day.draw(f"{marker} nat").integers(din, 0, 240))
        _send(day, din, marker, NAT, later, _words(np.zeros(len(rows), bool)), np.ones(len(rows), bool))
    return np.asarray(is_repeated)


def _ask_supplemental(day: Day, din: Ints, number: int) -> None:
    plan = day.world.plan.testing
    if len(din):
        # First-timers react more often, so that more react than the plan's rate says.
        mean_factor = 1 + plan.first_time_gifts_share * (plan.first_time_factor - 1)
        chance = plan.confirmed_per_100k[number] / 1e5 / (plan.reactive[number] * mean_factor)
        day.world["supplements"].append(
            due=day.number + plan.supplemental_days,
            din=din,
            marker=number,
            is_confirmed=day.draw(f"{plan.markers[number]} confirmed").chance(din, chance),
        )


def confirm(day: Day) -> None:
    """Supplemental results that are due: they end the question of a reactive donation."""
    table, plan = day.world["supplements"], day.world.plan.testing
    is_due = table["due"] == day.number
    for number, marker in enumerate(plan.markers):
        rows = np.flatnonzero(is_due & (table["marker"] == number))
        if len(rows):
            at, final = day.times(600, len(rows)), np.ones(len(rows), bool)
            _send(day, table["din"][rows], marker, SUPPLEMENTAL, at, _words(table["is_confirmed"][rows]), final)
    table.keep(~is_due)


def report_donations(day: Day) -> None:
    """Report yesterday's donations: results, donors with their group, units released or discarded."""
    pending, plan = day.world["pending"], day.world.plan.testing
    rows = np.flatnonzero(pending["outcome"] != SHORT)
    is_reactive = np.zeros(len(pending), bool)
    if len(rows):
        din = pending["din"][rows]
        at, group = day.at(480 + day.draw("typing").integers(din, 0, 180)), chosen(GROUPS, pending["group"][rows])
        _send(day, din, "abo_rhd", SEROLOGY, at, group, np.ones(len(rows), bool))
        for number, marker in enumerate(plan.markers):
            # T. cruzi is looked for once in a donor's life.
            tested = rows[pending["is_first"][rows]] if marker == "t_cruzi" else rows
            if len(tested):
                is_reactive[tested] |= _screen(day, tested, number)
    everyone = np.arange(len(pending))
    send_donations(day, everyone, day.times(780, len(pending)), ~is_reactive)
    day.world["donors"]["is_stopped"][pending["donor"][is_reactive]] = True
    people.send(day, pending["donor"][rows], day.times(790, len(rows)))
    _judge_units(day, pending["din"][is_reactive])
    pending.keep(np.zeros(len(pending), bool))


def _judge_units(day: Day, reactive: Ints) -> None:
    units = day.world["units"]
    is_new = (units["state"] == MADE) & (units["born"] == day.number - 1)
    is_reactive = np.isin(units["unit"] // 100, reactive)
    bad = np.flatnonzero(is_new & is_reactive)
    flow.note(day, bad, "quarantined", day.times(800, len(bad)), reason="reactive")
    flow.end(day, bad, "discarded", day.times(960, len(bad)), reason="reactive")
    is_platelet = COMPONENT_OF[units["product"]] == PLATELETS
    good = np.flatnonzero(is_new & ~is_reactive & ~is_platelet)
    flow.release(day, good, day.at(840 + day.draw("release").integers(units["unit"][good], 0, 60)))


def culture(day: Day) -> None:
    """Read the cultures of platelets collected two days ago, before any unit of theirs can be issued.

    A positive culture ends every unit of the donation that is still with the service; the others are released.
    """
    units, plan = day.world["units"], day.world.plan.testing
    is_platelet = COMPONENT_OF[units["product"]] == PLATELETS
    rows = np.flatnonzero(is_platelet & (units["state"] == MADE) & (units["born"] <= day.number - 2))
    if len(rows) == 0:
        return
    number, at = units["unit"][rows], day.times(330, len(rows))
    is_reactive = day.draw("culture").chance(number, plan.culture_reactive)
    day.outbox.emit(
        "test_results",
        test_id=unit_numbers(number, suffix="-BACTERIAL-C1"),
        din=donation_numbers(number // 100),
        unit_id=unit_numbers(number),
        marker="bacterial",
        stage="screen",
        method="culture",
        result=_words(is_reactive),
        resulted_at=instants(at),
        is_final=True,
        kit_lot=f"BAC{day.number // 10:05d}",
        known_at=at,
    )
    is_positive = np.isin(units["unit"] // 100, units["unit"][rows[is_reactive]] // 100)
    bad = np.flatnonzero(is_positive & (units["state"] != ENDED))
    flow.note(day, bad, "quarantined", day.times(340, len(bad)), reason="positive culture")
    flow.end(day, bad, "discarded", day.times(360, len(bad)), reason="positive culture")
    good = rows[~is_positive[rows]]
    flow.release(day, good, day.times(420, len(good)))


def recall(day: Day) -> None:
    """A maker recalls test kits: units tested with them that are still in stock are recalled and discarded."""
    units = day.world["units"]
    for effect, _ in day.world.course.effects("kit_recall", day.number):
        is_tested = (units["born"] < day.number) & (units["born"] >= day.number - 1 - effect.back_days)
        is_here = np.isin(units["state"], (IN_STOCK, MADE)) & ~is_imported(units["unit"])
        rows = np.flatnonzero(is_tested & is_here)
        flow.note(day, rows, "recalled", day.times(400, len(rows)), reason=f"{effect.marker} test kits recalled")
        flow.end(day, rows, "discarded", day.times(410, len(rows)), reason=f"{effect.marker} test kits recalled")


def hold_after_calls(day: Day) -> None:
    """Donors call after their donation: units at the centre are held, and lifted or discarded the day after."""
    units, plan = day.world["units"], day.world.plan.testing
    held = np.flatnonzero(units["state"] == HELD)
    is_lifted = day.draw("call is settled").chance(units["unit"][held], plan.calls_lifted_share)
    lifted, dropped = held[is_lifted], held[~is_lifted]
    # At four: what is lifted can be made into cryoprecipitate the same afternoon.
    flow.note(day, lifted, "quarantine_lifted", day.times(960, len(lifted)), reason="donor_callback")
    units["state"][lifted] = IN_STOCK
    flow.end(day, dropped, "discarded", day.times(960, len(dropped)), reason="donor_callback")
    is_new = (units["born"] == day.number - 1) & (units["state"] == IN_STOCK) & (units["place"] == CENTRE)
    called = np.flatnonzero(is_new & day.draw("call").chance(units["unit"], plan.post_donation_calls))
    flow.note(day, called, "quarantined", day.times(1120, len(called)), reason="donor_callback")
    units["state"][called] = HELD
