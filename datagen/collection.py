"""Collection: who comes to which session, and how the visit ends.

A row of `donation_events` is a session at a site, a row of `donor_visits` a presentation (or an appointment
that was not kept), a row of `donations` a bag or an apheresis procedure that was begun.
"""

from dataclasses import dataclass

import numpy as np

from datagen import people, places
from datagen.days import as_dates, as_instants, date_of, is_holiday, weekday
from datagen.donations import DONATED, FAILED, donate
from datagen.groups import EVENT_COUNTS
from datagen.ids import Array, Ints, numbered, optional
from datagen.world import Day, logged, picks

DEFERRED, LEFT, NO_SHOW = 2, 3, 4
OUTCOMES = np.array(["donated", "failed", "deferred", "left", "no_show"], object)


@dataclass(frozen=True)
class Sessions:
    """The day's sessions: fixed sites first; `opens` and `closes` in local minutes."""

    event: Ints
    place: Ints
    kind: Array
    opens: Ints
    closes: Ints
    fixed: int


def donation_index(day: Day) -> float:
    """How much is collected on this day, relative to a mean day."""
    calendar = day.world.plan.calendar
    index = calendar.donation_weekday[weekday(day.number)] * calendar.donation_month[date_of(day.number).month - 1]
    return index * (calendar.holiday_donations if is_holiday(day.number) else 1.0)


def _presenters(day: Day, appeal: Array, platelet_appeal: float) -> Ints:
    """Rows of the donors who come today, newcomers last."""
    donors, plan, index = day.world["donors"], day.world.plan, donation_index(day)
    is_free = ~donors["is_stopped"] & (donors["ready_on"] <= day.number) & (donors["deferred_until"] < day.number)
    pull = np.where(donors["habit"] == 2, platelet_appeal, appeal[donors["group"]])
    # Hazard to probability: a donor with a high rate still comes once a day at most.
    chance = 1 - np.exp(-donors["rate"] / 365 * pull * index * is_free)
    known = np.flatnonzero(day.rng("come").random(len(donors)) < chance)
    mean = plan.donors.new_per_1000_a_day * day.world.size / 1000 * index
    newcomers = day.rng("newcomers").poisson(mean)
    return np.concatenate([known, people.join(day, newcomers)]) if newcomers else known


def _sessions(day: Day, visits: int) -> Sessions:
    plan, rng = day.world.plan, day.rng("sessions")
    is_sunday, is_saturday = weekday(day.number) == 6, weekday(day.number) == 5
    fixed = 1 if is_sunday else plan.service.fixed_sites
    wanted = visits * (1 - plan.collection.fixed_share) / plan.collection.visits_a_mobile_event
    mobile = 0 if is_sunday else max(1, round(wanted))
    kinds = np.array(["fixed", *plan.collection.mobile_kinds], object)
    kind = np.concatenate([np.zeros(fixed, np.int64), 1 + picks(rng, plan.collection.mobile_kind_shares, mobile)])
    # Schools hold no sessions in their summer holidays, nor at weekends.
    if date_of(day.number).month in (6, 7, 8) or is_saturday:
        kind[kind == 1 + plan.collection.mobile_kinds.index("school")] = 1
    opens = np.where(kind == 0, 7 * 60, 9 * 60 + 30 * rng.integers(0, 4, fixed + mobile))
    closes = np.where(kind == 0, (15 if is_saturday or is_sunday else 19) * 60, opens + 360)
    stamp = int(f"{date_of(day.number):%Y%m%d}") * 100
    return Sessions(
        event=stamp + np.arange(1, fixed + mobile + 1, dtype=np.int64),
        place=np.where(kind == 0, places.FIRST_SITE + np.arange(fixed + mobile), places.MOBILE),
        kind=kinds[kind],
        opens=opens,
        closes=closes,
        fixed=fixed,
    )


def _choose_session(day: Day, sessions: Sessions, habit: Ints) -> Ints:
    """Apheresis of platelets and plasma only at fixed sites; the others as the plan shares them out."""
    rng = day.rng("choose")
    at_fixed = rng.integers(0, sessions.fixed, len(habit))
    mobile = len(sessions.event) - sessions.fixed
    if mobile == 0:
        return at_fixed
    is_fixed = (habit >= 2) | (rng.random(len(habit)) < day.world.plan.collection.fixed_share)
    return np.where(is_fixed, at_fixed, sessions.fixed + rng.integers(0, mobile, len(habit)))


@dataclass(frozen=True)
class Judgement:
    """How each visit ends; `reason` numbers the plan's deferral reasons, -1 for haemoglobin or none."""

    outcome: Ints
    hemoglobin: Array
    reason: Ints
    until: Ints
    is_permanent: Array


def _judge(day: Day, rows: Ints) -> Judgement:
    donors, plan, rng = day.world["donors"], day.world.plan, day.rng("judge")
    rules, count = plan.deferral, len(rows)
    hemoglobin = np.round(donors["hemoglobin"][rows] + rng.normal(0, rules.within_donor, count), 1)
    factor = np.where(donors["total"][rows] == 0, rules.first_time_factor, 1.0)
    reason = np.where(rng.random(count) < rules.other_share * factor, picks(rng, rules.shares, count), -1)
    is_low = hemoglobin < np.array(rules.minimum)[donors["sex"][rows]]
    is_permanent = (reason >= 0) & (rng.random(count) < np.array(rules.permanent_shares)[reason])
    draw, shares = rng.random((3, count)), plan.collection
    outcome = np.where(draw[0] < shares.failed_share, FAILED, DONATED)
    outcome = np.where((reason >= 0) | is_low, DEFERRED, outcome)
    outcome = np.where(draw[1] < shares.left_share, LEFT, outcome)
    outcome = np.where(draw[2] < shares.no_show_share, NO_SHOW, outcome)
    days = np.where(reason >= 0, np.array(rules.days)[reason], rules.low_hb_days)
    until = np.where((outcome == DEFERRED) & ~is_permanent, day.number + days - 1, -1)
    return Judgement(outcome, hemoglobin, reason, until, is_permanent & (outcome == DEFERRED))


def collect(day: Day, appeal: Array, platelet_appeal: float) -> None:
    """Live the day's sessions: visits, deferrals, donations; donors are as they are afterwards."""
    rows = _presenters(day, appeal, platelet_appeal)
    donors = day.world["donors"]
    sessions = _sessions(day, len(rows))
    session = _choose_session(day, sessions, donors["habit"][rows])
    opens, closes = sessions.opens[session], sessions.closes[session]
    visited = day.at(np.floor(opens + day.rng("arrive").random(len(rows)) * (closes - opens - 45)))
    registered = donors["registered"][rows]
    donors["registered"][rows] = np.where(registered < 0, visited - 600, registered)
    judgement = _judge(day, rows)
    visit = day.world.numbers("visit", len(rows))
    _send_visits(day, rows, judgement, visit, visited, sessions.event[session])
    newcomers = rows[donors["total"][rows] == 0]
    people.send(day, newcomers, donors["registered"][newcomers])
    donors["deferred_until"][rows] = np.maximum(donors["deferred_until"][rows], judgement.until)
    donors["is_stopped"][rows] |= judgement.is_permanent
    given = judgement.outcome <= FAILED
    where = session[given]
    collected = donate(day, rows[given], visit[given], sessions.event[where], visited[given], judgement.outcome[given])
    _send_sessions(day, sessions, session, donors["group"][rows[given]], where, collected)


def _send_visits(day: Day, rows: Ints, judged: Judgement, visit: Ints, visited: Ints, event: Ints) -> None:
    plan, habit = day.world.plan, day.world["donors"]["habit"][rows]
    is_deferred = judged.outcome == DEFERRED
    is_seen = judged.outcome <= DEFERRED
    code = np.array(["HGB", *plan.deferral.codes], object)[judged.reason + 1]
    reason = np.array(["low haemoglobin", *plan.deferral.reasons], object)[judged.reason + 1]
    day.outbox.emit(
        "donor_visits",
        visit_id=numbered("V", visit),
        donor_id=numbered("D", rows + 1),
        event_id=numbered("EV", event, 10),
        visited_at=as_instants(visited),
        outcome=OUTCOMES[judged.outcome],
        deferral_code=optional(code, is_deferred),
        deferral_reason=optional(reason, is_deferred),
        deferred_until=as_dates(judged.until),
        is_permanent=optional(judged.is_permanent, is_deferred),
        hemoglobin_g_dl=optional(judged.hemoglobin, is_seen),
        procedure=np.array(plan.habits.names, object)[habit],
        recorded_at=logged(visited),
    )


def _send_sessions(day: Day, sessions: Sessions, booked: Ints, group: Ints, where: Ints, is_complete: Array) -> None:
    count = len(sessions.event)
    collected = np.zeros((count, 8), np.int64)
    np.add.at(collected, (where[is_complete], group[is_complete]), 1)
    visits = np.bincount(booked, minlength=count)
    service, town = day.world.plan.service, day.world.names.towns
    site = [f"{town[event % len(town)]} {kind} site" for event, kind in zip(sessions.event, sessions.kind, strict=True)]
    day.outbox.emit(
        "donation_events",
        event_id=numbered("EV", sessions.event, 10),
        start_datetime=as_instants(day.at(sessions.opens)),
        end_datetime=as_instants(day.at(sessions.closes)),
        total_units=collected.sum(axis=1),
        **{name: collected[:, group] for group, name in enumerate(EVENT_COUNTS)},
        facility_id=places.facility_ids(day.world.plan)[sessions.place],
        site_name=site,
        site_kind=sessions.kind,
        region=service.region,
        planned_units=np.maximum(5, (visits * 0.85 + 2).astype(np.int64)),
        appointments=visits,
        recorded_at=logged(day.at(sessions.closes + 30)),
    )
    places.staff_sessions(day, sessions.event, np.round((sessions.closes - sessions.opens) / 60 + 1, 1))
