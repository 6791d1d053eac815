"""From what is asked to the donations and units that hang on it. A trail is those, and how units came of units."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from lakehouse.trace.find import Finder, Row

STEP = " > "


@dataclass
class Trail:
    """What was found: donations and units by their keys, and the makings between units."""

    donations: dict[str, Row] = field(default_factory=dict)
    units: dict[str, Row] = field(default_factory=dict)
    makings: dict[tuple[str, str], Row] = field(default_factory=dict)
    parents: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found."""
        return not (self.donations or self.units)

    def add_donations(self, rows: Iterable[Row]) -> None:
        """Add rows of donations."""
        self.donations.update((row["donation_key"], row) for row in rows)

    def add_units(self, rows: Iterable[Row]) -> None:
        """Add rows of units."""
        self.units.update((row["unit_id"], row) for row in rows)

    def add_makings(self, rows: Iterable[Row]) -> None:
        """Add rows of unit_parents."""
        for row in rows:
            self.makings[row["unit_id"], row["parent_unit_id"]] = row
            self.parents.setdefault(row["unit_id"], {})[row["parent_unit_id"]] = row["kind"] or "made"

    def path(self, unit_id: str) -> str:
        """How a unit came of its donation: 'donation', 'donation > pooled', …; the longest way where there are several.

        What comes of a unit without a donation of its own begins with 'unit'. Parents that are not in the trail are
        no way to it.
        """
        return max(self._paths(unit_id, frozenset()), key=lambda path: (path.count(STEP), path))

    def _paths(self, unit_id: str, seen: frozenset[str]) -> list[str]:
        beyond = seen | {unit_id}
        made_of = self.parents.get(unit_id, {})
        parents = {parent: kind for parent, kind in made_of.items() if parent in self.units and parent not in beyond}
        if not parents:
            return ["donation" if self.units[unit_id]["donation_key"] else "unit"]
        return [f"{path}{STEP}{kind}" for parent, kind in parents.items() for path in self._paths(parent, beyond)]


def follow(find: Finder, kind: str, value: str) -> Trail:
    """Follow what hangs on one thing.

    Args:
        find: the release.
        kind: one of `KINDS`.
        value: a key: of persons the pseudonym.
    """
    return _FOLLOW[kind](find, value)


def _of_donor(find: Finder, donor_key: str) -> Trail:
    """All donations of the donor, and all that was made of them."""
    trail = Trail()
    trail.add_donations(find.rows("donations", "donor_key", [donor_key]))
    return _downward(find, trail)


def _of_bag(find: Finder, bag_id: str) -> Trail:
    """The donation of a bag, two where the bag was used for two; and units of the bag that have no donation here."""
    return _of_label(find, "bag_id", bag_id)


def _of_din(find: Finder, din: str) -> Trail:
    """The donation of a number; and units of that number that have no donation here, such as imports."""
    return _of_label(find, "din", din)


def _of_label(find: Finder, column: str, value: str) -> Trail:
    donations, labelled = find.all_of(("donations", column, [value]), ("components", column, [value]))
    trail = Trail()
    trail.add_donations(donations)
    return _downward(find, trail, [row["unit_id"] for row in labelled])


def _of_unit(find: Finder, unit_id: str) -> Trail:
    """The unit, the donations behind it, and all that was made of those."""
    return _downward(find, _upward(find, [unit_id]))


def _of_patient(find: Finder, patient_key: str) -> Trail:
    """What the patient received, the donors behind it, all that those gave, and so who else received of it."""
    ends, own = find.all_of(("dispositions", "patient_key", [patient_key]), ("units", "patient_key", [patient_key]))
    received = {row["unit_id"] for row in ends if row["kind"] == "transfused"}
    received |= {row["unit_id"] for row in own if row["state"] == "transfused"}
    trail = _upward(find, received)
    donors = {row["donor_key"] for row in trail.donations.values()}
    trail.add_donations(find.rows("donations", "donor_key", donors))
    return _downward(find, trail)


def _of_lot(find: Finder, lot: str) -> Trail:
    """Donations collected in bags of the lot or tested with kits of it; and units cultured with those."""
    bags, tests = find.all_of(("donations", "bag_lot", [lot]), ("test_results", "kit_lot", [lot]))
    cultured = [row["unit_id"] for row in tests if row["unit_id"]]
    trail = _upward(find, cultured)
    by_din, by_bag = find.all_of(
        ("donations", "din", [row["din"] for row in tests]),
        ("donations", "bag_id", [row["bag_id"] for row in tests if not row["din"]]),
    )
    trail.add_donations([*bags, *by_din, *by_bag])
    return _downward(find, trail)


def _of_case(find: Finder, case_id: str) -> Trail:
    """A look-back as it was released: its units, and the donations in doubt behind them."""
    cases, listed = find.all_of(("look_backs", "case_id", [case_id]), ("look_back_units", "case_id", [case_id]))
    unit_ids = [row["unit_id"] for row in listed]
    keys = [row["donation_key"] for row in (*cases, *listed)]
    trail = Trail()
    donations, units, made = find.all_of(
        ("donations", "donation_key", keys), ("units", "unit_id", unit_ids), ("unit_parents", "unit_id", unit_ids)
    )
    trail.add_donations(donations)
    trail.add_units(units)
    trail.add_makings(made)
    return trail


def _upward(find: Finder, unit_ids: Iterable[str]) -> Trail:
    """The units, all that they were made of, to whatever depth, and the donations behind those."""
    trail = Trail()
    seen = _closure(find, trail, set(unit_ids), "unit_id", "parent_unit_id")
    trail.add_units(find.rows("units", "unit_id", seen))
    units = trail.units.values()
    donations, labels = find.all_of(
        ("donations", "donation_key", [row["donation_key"] for row in units]),
        ("components", "unit_id", [row["unit_id"] for row in units if row["donation_key"] is None]),
    )
    trail.add_donations(donations)
    trail.add_donations(find.rows("donations", "bag_id", [row["bag_id"] for row in labels if _is_by_bag(row)]))
    return trail


def _downward(find: Finder, trail: Trail, labelled: Iterable[str] = ()) -> Trail:
    """Add the units of the donations, and all that was made of any unit, to whatever depth.

    Those of `labelled` that have no donation here are added as well.
    """
    bags = [row["bag_id"] for row in trail.donations.values()]
    own, in_bags = find.all_of(("units", "donation_key", list(trail.donations)), ("components", "bag_id", bags))
    trail.add_units(own)
    asked = {*labelled, *(row["unit_id"] for row in in_bags if _is_by_bag(row))} - set(trail.units)
    trail.add_units(row for row in find.rows("units", "unit_id", asked) if row["donation_key"] is None)
    seen = _closure(find, trail, set(trail.units), "parent_unit_id", "unit_id")
    trail.add_units(find.rows("units", "unit_id", seen - set(trail.units)))
    # What else a pool was made of, so that it shows.
    trail.add_makings(find.rows("unit_parents", "unit_id", list(trail.parents)))
    return trail


def _is_by_bag(component: Row) -> bool:
    """Whether a component says by its bag alone whose it is.

    If two donations share the bag, it has no donation of its own: like a result, it is held against each of them.
    """
    return component["din"] is None


def _closure(find: Finder, trail: Trail, start: set[str], near: str, far: str) -> set[str]:
    """Every unit that makings lead to; each is asked for once, so a circle in the records ends too."""
    seen, frontier = set(start), set(start)
    while frontier:
        rows = find.rows("unit_parents", near, frontier)
        trail.add_makings(rows)
        frontier = {row[far] for row in rows} - seen
        seen |= frontier
    return seen


_FOLLOW: dict[str, Callable[[Finder, str], Trail]] = {
    "donor": _of_donor,
    "bag": _of_bag,
    "din": _of_din,
    "unit": _of_unit,
    "patient": _of_patient,
    "lot": _of_lot,
    "case": _of_case,
}
KINDS = tuple(_FOLLOW)
