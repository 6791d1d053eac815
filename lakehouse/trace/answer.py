"""What a trail says, as sheets: each a list of rows under the names of its columns."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lakehouse.l2.derivatives.look_back_units import FATE_OF, FATES
from lakehouse.trace.find import Finder, Row
from lakehouse.trace.follow import Trail

Sheet = list[Row]
COLUMNS: Mapping[str, Sequence[str]] = {
    "summary": ("what", "value"),
    "units": (
        *("unit_id", "donation_key", "donor_key", "path", "component", "abo_rhd", "collected_at", "expires_at"),
        *("fate", "state", "is_to_quarantine", "facility_id", "facility_name", "facility_kind", "region", "issued_at"),
        *("ended_at", "patient_key", "is_reactive"),
    ),
    "movements": (
        *("unit_id", "happened_at", "what", "from_facility_id", "from_facility_name", "to_facility_id"),
        *("to_facility_name", "arrived_at", "patient_key", "other_unit_id", "reason", "feed", "record"),
    ),
    "patients": (
        *("patient_key", "unit_id", "component", "abo_rhd", "transfused_at", "facility_id", "facility_name"),
        *("admission_key", "record"),
    ),
    "tests": (
        *("din", "bag_id", "unit_id", "marker", "stage", "method", "result", "resulted_at", "is_final", "kit_lot"),
        "test_id",
    ),
    "donations": (
        *("donation_key", "donor_key", "din", "bag_id", "donated_on", "collected_at", "procedure", "donation_type"),
        *("outcome", "reject_reason", "bag_lot", "event_id"),
    ),
    "cases": (
        *("case_id", "trigger", "marker", "donation_key", "donor_key", "unit_id", "lot", "triggered_at"),
        *("window_rule", "is_window_sourced", "window_from", "window_to", "last_screen_on", "nat_result"),
        *("antibody_result", "supplemental_result", "quarantine_by", "consignee_by", "recipient_by"),
        *("opened_by_feed", "opened_by_record"),
    ),
}
"""Sheets and their columns, in order."""
PLACES = {f"{column}_id": f"{column}_name" for column in ("facility", "from_facility", "to_facility")}
"""Columns with the id of a facility -> those with its name."""


@dataclass(frozen=True)
class Answer:
    """The sheets, and their counts."""

    sheets: Mapping[str, Sheet]
    counts: Mapping[str, int]


def answer(find: Finder, trail: Trail, about: Mapping[str, Any]) -> Answer:
    """Look up all that happened to the units of a trail.

    Args:
        find: the release.
        trail: donations and units.
        about: what the summary says first: the question and the release.
    """
    unit_ids, donations = list(trail.units), list(trail.donations.values())
    dins, bags = [row["din"] for row in donations], [row["bag_id"] for row in donations]
    ends, events, moves, bag_moves, cultures, by_din, by_bag, listed = find.all_of(
        ("dispositions", "unit_id", unit_ids),
        ("unit_events", "unit_id", unit_ids),
        ("distribution", "unit_id", unit_ids),
        ("distribution", "bag_id", bags),
        ("test_results", "unit_id", unit_ids),
        ("test_results", "din", dins),
        ("test_results", "bag_id", bags),
        ("look_back_units", "unit_id", unit_ids),
    )
    about_bags = {row["distribution_id"]: row for row in bag_moves if row["unit_id"] is None}
    tests = {row["test_id"]: row for row in (*cultures, *by_din, *by_bag)}
    ids = {row["case_id"] for row in listed}
    index = find.rows("look_backs", "donation_key", trail.donations)
    cases = {row["case_id"]: row for row in (*index, *find.rows("look_backs", "case_id", ids))}
    sheets = {
        **_with_names(
            find,
            {
                "units": [_unit(trail, row) for row in trail.units.values()],
                "movements": _movements(trail, ends, events, [*moves, *about_bags.values()]),
                "patients": _patients(trail, ends),
            },
        ),
        "tests": list(tests.values()),
        "donations": donations,
        "cases": list(cases.values()),
    }
    counts = _counts(sheets)
    summary = [{"what": name, "value": value} for name, value in {**about, **counts}.items()]
    return Answer({"summary": summary} | {name: _sorted(name, rows) for name, rows in sheets.items()}, counts)


def _with_names(find: Finder, sheets: Mapping[str, Sheet]) -> dict[str, Sheet]:
    """The sheets, with the name of every facility beside its id; of a hospital that only its NPI tells, that name."""
    rows = [row for sheet in sheets.values() for row in sheet]
    ids = {row[column] for row in rows for column in PLACES if row.get(column)}
    hospitals, facilities = find.all_of(("hospitals", "npi", ids), ("facilities", "facility_id", ids))
    names = {row["npi"]: row["name"] for row in hospitals}
    names |= {row["facility_id"]: row["name"] for row in facilities}
    return {
        sheet: [row | {PLACES[column]: names.get(row[column]) for column in PLACES if column in row} for row in listed]
        for sheet, listed in sheets.items()
    }


def _unit(trail: Trail, row: Row) -> Row:
    """The unit with its fate; a patient for whom it is only reserved is not named."""
    fate = FATE_OF[row["state"]]
    is_free = fate in ("in_stock", "in_transit") and row["state"] != "quarantined"
    recipient = row["patient_key"] if fate == "transfused" else None
    return row | {
        "path": trail.path(row["unit_id"]),
        "fate": fate,
        "is_to_quarantine": is_free,
        "patient_key": recipient,
    }


def _movements(trail: Trail, ends: Sheet, events: Sheet, moves: Sheet) -> Sheet:
    """All that records say happened, replaced records too; a movement of a bag alone stands without a unit."""
    return [
        *(_end(row) for row in ends),
        *(_event(row) for row in events),
        *(_move(row) for row in moves),
        *(_making(row) for row in trail.makings.values()),
    ]


def _end(row: Row) -> Row:
    where = {"from_facility_id": row["facility_id"], "feed": "dispositions", "record": row["disposition_id"]}
    return row | where | {"what": row["kind"]}


def _event(row: Row) -> Row:
    where = {"from_facility_id": row["facility_id"], "feed": "unit_events", "record": row["unit_event_id"]}
    return row | where | {"what": row["kind"]}


def _move(row: Row) -> Row:
    return row | {
        "happened_at": row["shipped_at"] or row["distributed_at"],
        "what": row["kind"] or "issue",
        "to_facility_id": row["to_facility_id"] or row["npi"],
        "arrived_at": row["received_at"],
        "feed": "distribution",
        "record": row["distribution_id"],
    }


def _making(row: Row) -> Row:
    return {
        "unit_id": row["unit_id"],
        "happened_at": row["made_at"],
        "what": f"{row['kind']} from",
        "from_facility_id": row["facility_id"],
        "other_unit_id": row["parent_unit_id"],
        "feed": "unit_parents",
        "record": f"{row['unit_id']}|{row['parent_unit_id']}",
    }


def _patients(trail: Trail, ends: Sheet) -> Sheet:
    """Who received a unit: by every live record of a transfusion, and by the unit's state where no record tells."""
    told = [row for row in live(ends) if row["kind"] == "transfused"]
    found = [
        _recipient(trail.units[row["unit_id"]], row["patient_key"], row["happened_at"], row["facility_id"])
        | {"admission_key": row["admission_key"], "record": row["disposition_id"]}
        for row in told
    ]
    recorded = {row["unit_id"] for row in told}
    by_state = [row for row in trail.units.values() if row["state"] == "transfused" and row["unit_id"] not in recorded]
    return found + [
        _recipient(row, row["patient_key"], row["ended_at"], row["ended_at_facility_id"]) for row in by_state
    ]


def _recipient(unit: Row, patient_key: str | None, at: Any, facility_id: str | None) -> Row:
    kept = {name: unit[name] for name in ("unit_id", "component", "abo_rhd")}
    return kept | {"patient_key": patient_key, "transfused_at": at, "facility_id": facility_id}


def live(ends: Iterable[Row]) -> Sheet:
    """Dispositions that no other one replaces; two that replace each other are both live."""
    rows = list(ends)
    pairs = {(row["disposition_id"], row["replaces_disposition_id"]) for row in rows}
    replaced = {old for new, old in pairs if old != new and (old, new) not in pairs}
    return [row for row in rows if row["disposition_id"] not in replaced]


def _counts(sheets: Mapping[str, Sheet]) -> dict[str, int]:
    fates = Counter(row["fate"] for row in sheets["units"])
    return {
        "donors": len({row["donor_key"] for row in sheets["donations"]}),
        "donations": len(sheets["donations"]),
        "units": len(sheets["units"]),
        **{fate: fates[fate] for fate in FATES},
        "to_quarantine": sum(row["is_to_quarantine"] for row in sheets["units"]),
        "patients": len({row["patient_key"] for row in sheets["patients"]} - {None}),
        "cases": len(sheets["cases"]),
    }


def _sorted(name: str, rows: Sheet) -> Sheet:
    """The rows cut to the sheet's columns, in an order of their own: of movements the order of events."""
    cut = [{column: row.get(column) for column in COLUMNS[name]} for row in rows]
    return sorted(cut, key=lambda row: [str(value or "") for value in row.values()])
