"""Donations: from a visit that reached the needle to a bag with a number, waiting for its tests.

A row of `donations` is sent twice: on the day of collection without a result, and when the tests are out.
"""

from typing import Any

import numpy as np

from datagen import people, places
from datagen.days import date_of
from datagen.ids import Array, Ints, scattered
from datagen.plan import Plan
from datagen.wire import Column, chosen, dates, donation_numbers, hexadecimal, instants, joined, numbered, plain
from datagen.world import Day

DONATED, FAILED = 0, 1
COMPLETE, REJECTED, SHORT = 0, 1, 2
WHOLE_BLOOD, DOUBLE_RED, APHERESIS_PLATELETS, APHERESIS_PLASMA = range(4)
COLLECTED, POOLED, IMPORTED = 1, 2, 9
"""What a donation number is given to: the last digit of its facility code."""
_OUTCOMES = ("complete", "short", "failed")
_MEAN_VOLUME_ML = np.array([500.0, 360.0, 330.0, 600.0])


def number_donations(day: Day, kind: int, count: int) -> Ints:
    """New donation numbers: region and kind, year, running number within the year."""
    year = date_of(day.number).year
    running = day.world.numbers(f"din-{kind}-{year}", count)
    return (day.world.plan.service.number * 10 + kind) * 10**8 + year % 100 * 10**6 + running


def is_pool(units: Ints) -> Array:
    """Whether units were pooled of several donations."""
    return np.asarray(units // 10**10 % 10 == POOLED)


def is_imported(units: Ints) -> Array:
    """Whether units were bought from other services."""
    return np.asarray(units // 10**10 % 10 == IMPORTED)


def donate(day: Day, rows: Ints, visit: Ints, event: Ints, visited: Ints, outcome: Ints) -> Array:
    """Collect from the donors in `rows`; return which donations are complete.

    Donors leave with their counts and their next eligible day; the donations wait in `pending`.
    """
    donors, plan, count = day.world["donors"], day.world.plan, len(rows)
    habit = donors["habit"][rows].astype(np.int64)
    is_apheresis = habit >= APHERESIS_PLATELETS
    share = np.where(is_apheresis, plan.collection.apheresis_rejected_share, plan.collection.rejected_share)
    ending = np.where(day.draw("rejected").chance(rows, share), REJECTED, COMPLETE)
    ending = np.where(outcome == FAILED, SHORT, ending)
    apheresis_minutes = 60 + 20 * day.draw("apheresis minutes").integers(rows, 0, 3)
    minutes = np.where(habit == WHOLE_BLOOD, 30 + day.draw("minutes").integers(rows, 0, 15), apheresis_minutes)
    full = day.draw("volume").normal(rows, _MEAN_VOLUME_ML[habit], 12)
    volume = np.where(ending == SHORT, 30 + 220 * day.draw("short volume").uniform(rows), full)
    if count:
        day.world["pending"].append(
            din=number_donations(day, COLLECTED, count),
            donor=rows,
            visit=visit,
            event=event,
            collected=visited + minutes * 60,
            group=donors["group"][rows],
            habit=habit,
            outcome=ending,
            reason=day.draw("reject reason").picks(rows, plan.collection.reject_shares),
            doses=1 + day.draw("doses").picks(rows, plan.components.platelet_splits),
            is_first=donors["total"][rows] == 0,
            is_group_known=donors["total"][rows] > 0,
            volume=np.round(volume),
        )
        send_donations(day, len(day.world["pending"]) - count + np.arange(count), tested_at=None)
    _remember(day, rows, habit, ending)
    return np.asarray(ending == COMPLETE)


def _remember(day: Day, rows: Ints, habit: Ints, ending: Ints) -> None:
    """The donors after their donation: history, next eligible day, and whether they will come back."""
    donors, plan = day.world["donors"], day.world.plan
    given, habits = rows[ending != SHORT], habit[ending != SHORT]
    donors["first_on"][given] = np.where(donors["total"][given] == 0, day.number, donors["first_on"][given])
    donors["last_on"][given] = day.number
    donors["total"][given] += 1
    donors["ready_on"][rows] = day.number + np.array(plan.habits.interval_days)[habit]
    churn = np.array(plan.habits.churn)[habits]
    churn *= np.array(plan.donors.age_churn)[people.age_bands(day, donors["birth"][given])]
    is_last = day.draw("last for long").chance(given, churn)
    donors["rate"][given] = np.where(is_last, plan.donors.lapsed_rate, donors["rate"][given])
    is_won = (habits == WHOLE_BLOOD) & ~is_last & day.draw("won for platelets").chance(given, plan.habits.to_platelets)
    won = given[is_won]
    donors["habit"][won] = APHERESIS_PLATELETS
    donors["rate"][won] = plan.habits.visits_a_year[APHERESIS_PLATELETS]


def _reject_reason(plan: Plan, ending: Ints, reason: Ints, is_reactive: Array) -> Column:
    """Why a donation gives no units: the quantity, a reactive test, or what was found at processing."""
    reasons = (*plan.collection.reject_reasons, "reactive")
    found = np.where(ending == REJECTED, reason, -1)
    found = np.where(is_reactive, len(reasons) - 1, found)
    return chosen(reasons, np.where(ending == SHORT, reasons.index("qns"), found))


def send_donations(day: Day, rows: Ints, tested_at: Ints | None, is_passed: Array | None = None) -> None:
    """Send the donations in `rows` of `pending`: with their result when `tested_at` is given."""
    pending = {name: day.world["pending"][name][rows] for name in day.world["pending"].dtypes}
    plan, din, ending = day.world.plan, pending["din"], pending["outcome"]
    is_drawn, is_tested = ending != SHORT, tested_at is not None
    is_reactive = np.zeros(len(rows), bool)
    born = day.number - is_tested
    result: dict[str, Any] = {}
    if is_passed is not None:
        is_reactive = ~is_passed & is_drawn
        result = {
            "test_date": dates(np.where(is_drawn, day.number, -1)),
            "test_result": chosen((False, True), np.where(is_drawn, is_passed, -1)),
            "status": chosen(("discarded", "available"), is_passed & (ending == COMPLETE)),
        }
    habit = pending["habit"].astype(np.int64)
    known = np.where(pending["is_group_known"], pending["group"], people.UNKNOWN_GROUP)
    day.outbox.emit(
        "donations",
        bag_id=joined(chosen(people.KNOWN_GROUPS, known), "-", hexadecimal(scattered(din))),
        donor_id=people.donor_ids(day.world, pending["donor"]),
        event_id=places.event_ids(pending["event"]),
        donation_date=dates(np.full(len(rows), born)),
        **result,
        din=donation_numbers(din),
        visit_id=numbered("V", pending["visit"]),
        procedure=chosen(plan.habits.names, habit),
        donation_type="allogeneic",
        collected_at=instants(pending["collected"]),
        volume_ml=plain(pending["volume"]),
        red_cell_units=plain(np.where(is_drawn, np.array([1, 2, 0, 0])[habit], 0)),
        platelet_doses=plain(np.where(is_drawn & (habit == APHERESIS_PLATELETS), pending["doses"], 0).astype(float)),
        plasma_units=plain(np.where(is_drawn & (habit == APHERESIS_PLASMA), 1, 0)),
        # Only a quantity not sufficient (the first reason) shows in the bag; the rest is complete and rejected.
        outcome=chosen(_OUTCOMES, np.where((ending == REJECTED) & (pending["reason"] != 0), COMPLETE, ending)),
        reject_reason=_reject_reason(plan, ending, pending["reason"], is_reactive),
        bag_lot=f"BL{born // 14:05d}",
        known_at=pending["collected"] if tested_at is None else tested_at,
    )
