"""What happens to units, and its records: made, released, moved, ended.

A row of `components` is a unit, of `unit_events` something that happened to one, of `distribution` a movement
(a night transfer is sent twice: when it leaves and when it arrives), of `dispositions` the end of a unit.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from datagen import places
from datagen.days import LAST_MINUTE
from datagen.groups import GROUPS
from datagen.ids import Array, Ints
from datagen.products import COMPONENT_OF, COMPONENTS, DATING_DAYS, LISTED, RED_CELLS
from datagen.wire import chosen, donation_numbers, instants, numbered, plain, unit_numbers
from datagen.world import ENDED, IN_STOCK, IN_TRANSIT, Day

_COPIED = (
    "product_code",
    "anticoagulant",
    "additive",
    "storage",
    "plasma_kind",
    "is_leukoreduced",
    "is_pathogen_reduced",
    "is_irradiated",
    "doses",
)


def label_expiry(day: Day, product: Ints, born: Ints) -> Ints:
    """The label: 23:59 local on the last day; the day of collection is day 0."""
    return day.world.zone.instants(born + DATING_DAYS[product], LAST_MINUTE)


def make(day: Day, units: Mapping[str, Any], *, known_at: Ints | None = None, **sent: Any) -> Ints:
    """Make units and send their `components`; return their rows.

    Args:
        day: the day being lived.
        units: columns of the table `units` (but `shipped` and `movement`).
        known_at: when we learn of them, if that is not when they are prepared.
        sent: further fields of the record, such as `is_imported`; `din` = None for a pool.
    """
    if len(units["unit"]) == 0:
        return np.zeros(0, np.int64)
    rows = day.world["units"].append(**units, shipped=-1, movement=-1)
    unit = {name: day.world["units"][name][rows] for name in day.world["units"].dtypes}
    product = unit["product"].astype(np.int64)
    mean = LISTED["volume_ml"][product].astype(float)
    spread = day.draw("unit volume").normal(unit["unit"], 1.0, 0.04)
    fields = {
        "din": donation_numbers(unit["unit"] // 100),
        "is_washed": False,
        "is_imported": False,
        **{name: chosen(LISTED[name].tolist(), product) for name in _COPIED},
        **sent,
    }
    day.outbox.emit(
        "components",
        unit_id=unit_numbers(unit["unit"]),
        component=chosen(COMPONENTS, COMPONENT_OF[product]),
        blood_type=chosen(GROUPS, unit["group"]),
        volume_ml=plain(np.round(mean * spread)),
        collected_at=instants(unit["collected"]),
        prepared_at=instants(unit["prepared"]),
        expires_at=instants(unit["expires"]),
        facility_id=chosen(places.facility_ids(day.world.plan), unit["place"]),
        known_at=unit["prepared"] if known_at is None else known_at,
        **fields,
    )
    return rows


def note(day: Day, rows: Ints, kind: str, at: Ints, **fields: Any) -> None:
    """Send one `unit_events` record for each unit, at the place where it is."""
    units = day.world["units"]
    day.outbox.emit(
        "unit_events",
        unit_event_id=numbered("UE", day.world.ids("unit_event", len(rows))),
        unit_id=unit_numbers(units["unit"][rows]),
        kind=kind,
        happened_at=instants(at),
        facility_id=chosen(places.facility_ids(day.world.plan), units["place"][rows]),
        **fields,
        known_at=at,
    )


def release(day: Day, rows: Ints, at: Ints) -> None:
    """Label units for use: they are in stock where they are."""
    day.world["units"]["state"][rows] = IN_STOCK
    day.world["units"]["ready"][rows] = at
    note(day, rows, "released", at)


def end(day: Day, rows: Ints, kind: str, at: Ints, **fields: Any) -> None:
    """End units: one disposition each, which is why it can carry the unit's own number."""
    units = day.world["units"]
    if np.any(units["state"][rows] == ENDED) or len(np.unique(rows)) < len(rows):
        raise AssertionError(f"{kind}: a unit would end twice")
    units["state"][rows] = ENDED
    day.outbox.emit(
        "dispositions",
        disposition_id=unit_numbers(units["unit"][rows], prefix="DP-"),
        unit_id=unit_numbers(units["unit"][rows]),
        kind=kind,
        happened_at=instants(at),
        facility_id=chosen(places.facility_ids(day.world.plan), units["place"][rows]),
        **fields,
        known_at=at,
    )


def move(day: Day, rows: Ints, to: Array, shipped: Ints, received: Ints, kind: str = "issue", **fields: Any) -> None:
    """Move units within the day: they are ready at `to` from `received` on."""
    units = day.world["units"]
    units["shipped"][rows] = shipped
    units["movement"][rows] = day.world.ids("movement", len(rows))
    _send_movements(day, rows, to, kind, received=instants(received), known_at=received, **fields)
    units["place"][rows] = to
    units["ready"][rows] = received
    note(day, rows, "received", received)


def send_overnight(day: Day, rows: Ints, shipped: Ints) -> None:
    """Put units on the night transfer from the centre to the hub."""
    units = day.world["units"]
    units["shipped"][rows] = shipped
    units["movement"][rows] = day.world.ids("movement", len(rows))
    units["state"][rows] = IN_TRANSIT
    _send_movements(day, rows, np.full(len(rows), places.HUB), "transfer", known_at=shipped)


def arrive(day: Day) -> None:
    """The night transfer reaches the hub at five in the morning."""
    units = day.world["units"]
    rows = np.flatnonzero(units["state"] == IN_TRANSIT)
    at = day.times(300, len(rows))
    _send_movements(day, rows, np.full(len(rows), places.HUB), "transfer", received=instants(at), known_at=at)
    units["state"][rows] = IN_STOCK
    units["place"][rows] = places.HUB
    units["ready"][rows] = at
    note(day, rows, "received", at)


def _send_movements(day: Day, rows: Ints, to: Array, kind: str, *, known_at: Ints, **fields: Any) -> None:
    units, plan = day.world["units"], day.world.plan
    received = {"received_at": fields.pop("received")} if "received" in fields else {}
    ids = places.facility_ids(plan)
    day.outbox.emit(
        "distribution",
        distribution_id=numbered("DS", units["movement"][rows]),
        unit_id=unit_numbers(units["unit"][rows]),
        NPI=chosen(places.npis(plan), to),
        distribution_date=instants(units["shipped"][rows]),
        from_facility_id=chosen(ids, units["place"][rows]),
        to_facility_id=chosen(ids, to),
        kind=kind,
        shipped_at=instants(units["shipped"][rows]),
        **received,
        **fields,
        known_at=known_at,
    )


def outdate(day: Day) -> None:
    """In the morning, take off every shelf what expired the night before."""
    units = day.world["units"]
    # Not "before midnight": on the day that clocks change, midnight is not exact (see `Zone`).
    morning = day.instant(330)
    rows = np.flatnonzero((units["expires"] < morning) & (units["state"] != ENDED))
    end(day, rows, "outdated", np.full(len(rows), morning))


def fail_cold_store(day: Day) -> None:
    """A scenario's cold store fails overnight: the share of red cells that lay at the hub is wasted."""
    units, share = day.world["units"], day.world.course.share("cold_store", day.number)
    is_there = (units["state"] == IN_STOCK) & (units["place"] == places.HUB)
    is_cold = is_there & (COMPONENT_OF[units["product"]] == RED_CELLS)
    rows = np.flatnonzero(is_cold & day.draw("cold store").chance(units["unit"], share))
    end(day, rows, "wasted", day.times(335, len(rows)), reason="cold store failure")


def clear(day: Day) -> None:
    """Forget the units that have ended."""
    units = day.world["units"]
    units.keep(units["state"] != ENDED)
