"""Donations: from a visit that reached the needle to a bag with a number, waiting for its tests.

A row of `donations` is sent twice: on the day of collection without a result, and when the tests are out.
"""

from typing import Any

import numpy as np

from datagen.days import as_dates, as_instants, date_of
from datagen.groups import GROUPS
from datagen.ids import Array, Ints, bag_hex, donation_numbers, numbered, optional
from datagen.world import Day, logged, picks

DONATED, FAILED = 0, 1
COMPLETE, REJECTED, SHORT = 0, 1, 2
WHOLE_BLOOD, DOUBLE_RED, APHERESIS_PLATELETS, APHERESIS_PLASMA = range(4)
FACILITY_CODE, POOL_CODE, IMPORT_CODE = 1, 2, 901
_OUTCOMES = np.array(["complete", "short", "failed"], object)
_MEAN_VOLUME_ML = np.array([500.0, 360.0, 330.0, 600.0])


def number_donations(day: Day, facility_code: int, count: int) -> Ints:
    """New donation numbers of a facility: code, year, running number within the year."""
    year = date_of(day.number).year
    running = day.world.numbers(f"din-{facility_code}-{year}", count)
    return facility_code * 10**8 + year % 100 * 10**6 + running


def donate(day: Day, rows: Ints, visit: Ints, event: Ints, visited: Ints, outcome: Ints) -> Array:
    """Collect from the donors in `rows`; return which donations are complete.

    Donors leave with their counts and their next eligible day; the donations wait in `pending`.
    """
    donors, plan, rng = day.world["donors"], day.world.plan, day.rng("donate")
    count = len(rows)
    habit = donors["habit"][rows].astype(np.int64)
    is_apheresis = habit >= APHERESIS_PLATELETS
    share = np.where(is_apheresis, plan.collection.apheresis_rejected_share, plan.collection.rejected_share)
    ending = np.where(rng.random(count) < share, REJECTED, COMPLETE)
    ending = np.where(outcome == FAILED, SHORT, ending)
    minutes = np.where(habit == WHOLE_BLOOD, 30 + rng.integers(0, 15, count), 60 + 20 * rng.integers(0, 3, count))
    volume = np.where(ending == SHORT, rng.uniform(30, 250, count), _MEAN_VOLUME_ML[habit] + rng.normal(0, 12, count))
    if count:
        day.world["pending"].append(
            din=number_donations(day, FACILITY_CODE, count),
            donor=rows,
            visit=visit,
            event=event,
            collected=visited + minutes * 60,
            group=donors["group"][rows],
            habit=habit,
            outcome=ending,
            reason=picks(rng, plan.collection.reject_shares, count),
            doses=1 + picks(rng, plan.components.platelet_splits, count),
            is_first=donors["total"][rows] == 0,
            is_group_known=donors["total"][rows] > 0,
            volume=np.round(volume),
        )
        send_donations(day, len(day.world["pending"]) - count + np.arange(count), tested_at=None)
    _remember(day, rows, habit, ending, rng)
    return np.asarray(ending == COMPLETE)


def _remember(day: Day, rows: Ints, habit: Ints, ending: Ints, rng: np.random.Generator) -> None:
    """The donors after their donation: history, next eligible day, and whether they will come back."""
    donors, plan = day.world["donors"], day.world.plan
    given, habits = rows[ending != SHORT], habit[ending != SHORT]
    donors["first_on"][given] = np.where(donors["total"][given] == 0, day.number, donors["first_on"][given])
    donors["last_on"][given] = day.number
    donors["total"][given] += 1
    donors["ready_on"][rows] = day.number + np.array(plan.habits.interval_days)[habit]
    is_last = rng.random(len(given)) < np.array(plan.habits.churn)[habits]
    donors["rate"][given] = np.where(is_last, plan.donors.lapsed_rate, donors["rate"][given])
    is_won = (habits == WHOLE_BLOOD) & ~is_last & (rng.random(len(given)) < plan.habits.to_platelets)
    won = given[is_won]
    donors["habit"][won] = APHERESIS_PLATELETS
    donors["rate"][won] = plan.habits.visits_a_year[APHERESIS_PLATELETS]


def send_donations(day: Day, rows: Ints, tested_at: Ints | None, is_passed: Array | None = None) -> None:
    """Send the donations in `rows` of `pending`: with their result when `tested_at` is given."""
    pending = {name: day.world["pending"][name][rows] for name in day.world["pending"].dtypes}
    plan, din, ending = day.world.plan, pending["din"], pending["outcome"]
    known = np.where(pending["is_group_known"], np.array(GROUPS, object)[pending["group"]], "unknown")
    is_drawn = ending != SHORT
    result: dict[str, Any] = {}
    born = day.number
    if tested_at is not None and is_passed is not None:
        born = day.number - 1
        result = {
            "test_date": as_dates(np.where(is_drawn, day.number, -1)),
            "test_result": optional(is_passed, is_drawn),
            "status": np.where(is_passed & (ending == COMPLETE), "available", "discarded").astype(object),
        }
    is_reactive = ~is_passed & is_drawn if is_passed is not None else np.zeros(len(rows), bool)
    reason = optional(np.array(plan.collection.reject_reasons, object)[pending["reason"]], ending == REJECTED)
    reason = np.where(ending == SHORT, "qns", np.where(is_reactive, "reactive", reason))
    habit = pending["habit"].astype(np.int64)
    day.outbox.emit(
        "donations",
        bag_id=[f"{group}-{bag}" for group, bag in zip(known, bag_hex(din), strict=True)],
        donor_id=numbered("D", pending["donor"] + 1),
        event_id=numbered("EV", pending["event"], 10),
        donation_date=as_dates(np.full(len(rows), born)),
        **result,
        din=donation_numbers(din),
        visit_id=numbered("V", pending["visit"]),
        procedure=np.array(plan.habits.names, object)[habit],
        donation_type="allogeneic",
        collected_at=as_instants(pending["collected"]),
        volume_ml=pending["volume"],
        red_cell_units=np.where(is_drawn, np.array([1, 2, 0, 0])[habit], 0),
        platelet_doses=np.where(is_drawn & (habit == APHERESIS_PLATELETS), pending["doses"], 0).astype(float),
        plasma_units=np.where(is_drawn & (habit == APHERESIS_PLASMA), 1, 0),
        # Only a quantity not sufficient (the first reason) shows in the bag; the rest is complete and rejected.
        outcome=_OUTCOMES[np.where((ending == REJECTED) & (pending["reason"] != 0), COMPLETE, ending)],
        reject_reason=reason,
        bag_lot=f"BL{born // 14:05d}",
        recorded_at=logged(pending["collected"]) if tested_at is None else logged(tested_at),
    )
