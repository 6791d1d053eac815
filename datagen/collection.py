"""Collection: who comes to which session, and how the visit ends.

A row of `donation_events` is a session at a site, a row of `donor_visits` a presentation (or an appointment
that was not kept), a row of `donations` a bag or an apheresis procedure that was begun.
"""

from dataclasses import dataclass

import numpy as np

from datagen import people, places
from datagen.days import date_of, is_holiday, weekday
from datagen.donations import DONATED, FAILED, donate
from datagen.groups import EVENT_COUNTS
from datagen.ids import Array, Ints
from datagen.plan import Plan
from datagen.wire import chosen, dates, instants, joined, numbered, optional, plain
from datagen.world import ONE, Day

DEFERRED, LEFT, NO_SHOW = 2, 3, 4
EXCLUSION = "RSK"
"""The code under which a scenario's new rule defers."""
OUTCOMES = ("donated", "failed", "deferred", "left", "no_show")


@dataclass(frozen=True)
class Sessions:
    """The day's sessions: fixed sites first; `kind` numbers `site_kinds`, `opens` and `closes` are local minutes."""

    event: Ints
    place: Ints
    kind: Ints
    opens: Ints
    closes: Ints
    fixed: int


def donation_index(day: Day) -> float:
    """How much is collected on this day, relative to a mean day."""
    calendar = day.world.plan.calendar
    index = calendar.donation_weekday[weekday(day.number)] * calendar.donation_month[date_of(day.number).month - 1]
    return index * (calendar.holiday_donations if is_holiday(day.number) else 1.0) * day.factor("donations")


def _presenters(day: Day, appeal: Array, platelet_appeal: float) -> Ints:
    """Rows of the donors who come today, newcomers last."""
    donors, plan, index = day.world["donors"], day.world.plan, donation_index(day)
    is_free = ~donors["is_stopped"] & (donors["ready_on"] <= day.number) & (donors["deferred_until"] < day.number)
    pull = np.where(donors["habit"] == 2, platelet_appeal, appeal[donors["group"]])
    # Hazard to probability: a donor with a high rate still comes once a day at most.
    chance = 1 - np.exp(-donors["rate"] / 365 * pull * index * is_free)
    known = np.flatnonzero(day.draw("come").chance(np.arange(len(donors)), chance))
    mean = plan.donors.new_per_1000_a_day * day.world.size / 1000 * index
    newcomers = int(day.draw("newcomers").poisson(ONE, mean * day.factor("newcomers"))[0])
    return np.concatenate([known, people.join(day, newcomers)]) if newcomers else known


def _sessions(day: Day, visits: int) -> Sessions:
    plan = day.world.plan
    is_sunday, is_saturday = weekday(day.number) == 6, weekday(day.number) == 5
    sites = places.FIRST_SITE + np.arange(plan.service.fixed_sites)
    if day.world.course.effects("closed_site", day.number) and len(sites) > 1:
        sites = sites[1:]
    fixed = 1 if is_sunday else len(sites)
    wanted = visits * (1 - plan.collection.fixed_share) / plan.collection.visits_a_mobile_event
    mobile = 0 if is_sunday else max(1, round(wanted))
    number = np.arange(fixed + mobile)
    kind = np.where(number < fixed, 0, 1 + day.draw("kind").picks(number, plan.collection.mobile_kind_shares))
    # Schools hold no sessions in their summer holidays, nor at weekends.
    if date_of(day.number).month in (6, 7, 8) or is_saturday:
        kind[kind == 1 + plan.collection.mobile_kinds.index("school")] = 1
    opens = np.where(kind == 0, 7 * 60, 9 * 60 + 30 * day.draw("opens").integers(number, 0, 4))
    closes = np.where(kind == 0, (15 if is_saturday or is_sunday else 19) * 60, opens + 360)
    stamp = (plan.service.number * 10**8 + int(f"{date_of(day.number):%Y%m%d}")) * 1000
    return Sessions(
        event=stamp + 1 + number,
        place=np.where(number < fixed, sites[np.minimum(number, fixed - 1)], places.MOBILE),
        kind=kind,
        opens=opens,
        closes=closes,
        fixed=fixed,
    )


def site_kinds(plan: Plan) -> tuple[str, ...]:
    """Kinds of sites by number; sites that stay come first."""
    return ("fixed", *plan.collection.mobile_kinds)


def _choose_session(day: Day, sessions: Sessions, rows: Ints, habit: Ints) -> Ints:
    """Apheresis of platelets and plasma only at fixed sites; the others as the plan shares them out."""
    at_fixed = day.draw("which fixed").integers(rows, 0, sessions.fixed)
    mobile = len(sessions.event) - sessions.fixed
    if mobile == 0:
        return at_fixed
    is_fixed = (habit >= 2) | day.draw("to fixed").chance(rows, day.world.plan.collection.fixed_share)
    return np.where(is_fixed, at_fixed, sessions.fixed + day.draw("which mobile").integers(rows, 0, mobile))


@dataclass(frozen=True)
class Judgement:
    """How each visit ends; `reason` numbers the plan's deferral reasons, -1 for haemoglobin or none."""

    outcome: Ints
    hemoglobin: Array
    reason: Ints
    until: Ints
    is_permanent: Array


def _judge(day: Day, rows: Ints) -> Judgement:
    donors, plan = day.world["donors"], day.world.plan
    rules, shares = plan.deferral, plan.collection
    hemoglobin = np.round(day.draw("haemoglobin").normal(rows, donors["hemoglobin"][rows], rules.within_donor), 1)
    factor = np.where(donors["total"][rows] == 0, rules.first_time_factor, 1.0)
    is_sent_away = day.draw("other deferral").chance(rows, rules.other_share * factor)
    reason = np.where(is_sent_away, day.draw("reason").picks(rows, rules.shares), -1)
    excluded = day.draw("excluded").chance(rows, day.world.course.share("deferrals", day.number))
    reason = np.where(excluded, rules.codes.index(EXCLUSION), reason)
    is_low = hemoglobin < np.array(rules.minimum)[donors["sex"][rows]]
    is_permanent = (reason >= 0) & day.draw("permanent").chance(rows, np.array(rules.permanent_shares)[reason])
    is_permanent |= excluded
    outcome = np.where(day.draw("fails").chance(rows, shares.failed_share), FAILED, DONATED)
    outcome = np.where((reason >= 0) | is_low, DEFERRED, outcome)
    outcome = np.where(day.draw("leaves").chance(rows, shares.left_share), LEFT, outcome)
    outcome = np.where(day.draw("no show").chance(rows, shares.no_show_share), NO_SHOW, outcome)
    days = np.where(reason >= 0, np.array(rules.days)[reason], rules.low_hb_days)
    until = np.where((outcome == DEFERRED) & ~is_permanent, day.number + days - 1, -1)
    return Judgement(outcome, hemoglobin, reason, until, is_permanent & (outcome == DEFERRED))


def collect(day: Day, appeal: Array, platelet_appeal: float) -> None:
    """Live the day's sessions: visits, deferrals, donations; donors are as they are afterwards."""
    rows = _presenters(day, appeal, platelet_appeal)
    donors = day.world["donors"]
    sessions = _sessions(day, len(rows))
    session = _choose_session(day, sessions, rows, donors["habit"][rows])
    opens, closes = sessions.opens[session], sessions.closes[session]
    visited = day.at(np.floor(opens + day.draw("arrive").uniform(rows) * (closes - opens - 45)))
    registered = donors["registered"][rows]
    donors["registered"][rows] = np.where(registered < 0, visited - 600, registered)
    judgement = _judge(day, rows)
    visit = day.world.ids("visit", len(rows))
    _send_visits(day, rows, judgement, visit, visited, sessions.event[session])
    newcomers = rows[registered < 0]
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
    day.outbox.emit(
        "donor_visits",
        visit_id=numbered("V", visit),
        donor_id=people.donor_ids(day.world, rows),
        event_id=places.event_ids(event),
        visited_at=instants(visited),
        outcome=chosen(OUTCOMES, judged.outcome),
        deferral_code=chosen(("HGB", *plan.deferral.codes), np.where(is_deferred, judged.reason + 1, -1)),
        deferral_reason=chosen(
            ("low haemoglobin", *plan.deferral.reasons), np.where(is_deferred, judged.reason + 1, -1)
        ),
        deferred_until=dates(judged.until),
        is_permanent=optional(plain(judged.is_permanent), is_deferred),
        hemoglobin_g_dl=optional(plain(judged.hemoglobin), judged.outcome <= DEFERRED),
        procedure=chosen(plan.habits.names, habit),
        known_at=visited,
    )


def _send_sessions(day: Day, sessions: Sessions, booked: Ints, group: Ints, where: Ints, is_complete: Array) -> None:
    count, plan = len(sessions.event), day.world.plan
    collected = np.zeros((count, 8), np.int64)
    np.add.at(collected, (where[is_complete], group[is_complete]), 1)
    visits = np.bincount(booked, minlength=count)
    towns, kind = day.world.names.towns, chosen(site_kinds(plan), sessions.kind)
    day.outbox.emit(
        "donation_events",
        event_id=places.event_ids(sessions.event),
        start_datetime=instants(day.at(sessions.opens)),
        end_datetime=instants(day.at(sessions.closes)),
        total_units=plain(collected.sum(axis=1)),
        **{name: plain(collected[:, group]) for group, name in enumerate(EVENT_COUNTS)},
        facility_id=chosen(places.facility_ids(plan), sessions.place),
        site_name=joined(chosen(towns, sessions.event % len(towns)), " ", kind, " site"),
        site_kind=kind,
        region=plan.service.region,
        planned_units=plain(np.maximum(5, (visits * 0.85 + 2).astype(np.int64))),
        appointments=plain(visits),
        known_at=day.at(sessions.closes + 30),
    )
    places.staff_sessions(day, sessions.event, np.round((sessions.closes - sessions.opens) / 60 + 1, 1))
