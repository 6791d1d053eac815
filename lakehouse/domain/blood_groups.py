"""ABO/RhD groups: their names, and who can receive what.

Sources: Australian Red Cross Lifeblood, "Blood group compatibility" (transfusion.com.au), for the order of
preference; the antigens and antibodies behind it are Landsteiner's rule.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pyspark.sql import Column
from pyspark.sql import functions as F

GROUPS = ("O+", "O-", "A+", "A-", "B+", "B-", "AB+", "AB-")
SPELLED: Mapping[str, str] = MappingProxyType(
    {group: f"{group[:-1]} {'positive' if group.endswith('+') else 'negative'}" for group in GROUPS}
)
"""Short name of a group -> the name spelled out, as sources send it."""

SHORT: Mapping[str, str] = MappingProxyType({spelled.lower(): group for group, spelled in SPELLED.items()})
"""Spelled-out name in lower case -> short name."""

# Recipient's ABO group -> the unit's ABO group, best first. Red cells carry antigens, plasma carries antibodies.
RED_CELL_ABO: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"O": ("O",), "A": ("A", "O"), "B": ("B", "O"), "AB": ("AB", "A", "B", "O")}
)
PLASMA_ABO: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"O": ("O", "A", "B", "AB"), "A": ("A", "AB"), "B": ("B", "AB"), "AB": ("AB",)}
)
# Platelets are given across groups; those listed are the usual ones, and none other is forbidden.
PLATELET_ABO: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"O": ("O", "A", "B"), "A": ("A", "B", "O", "AB"), "B": ("B", "A", "O", "AB"), "AB": ("AB", "A", "B", "O")}
)


def abo_of(group: str) -> str:
    """ABO part of a short group: "AB-" -> "AB"."""
    return group.rstrip("+-")


def is_positive(group: str) -> bool:
    """Whether a short group is RhD-positive."""
    return group.endswith("+")


def red_cell_groups(patient: str) -> tuple[str, ...]:
    """Groups of red cells that `patient` can receive, best first: ABO as above, RhD-negative to negative only."""
    signs = ("+", "-") if is_positive(patient) else ("-",)
    return tuple(abo_group + sign for sign in signs for abo_group in RED_CELL_ABO[abo_of(patient)])


def plasma_groups(patient: str) -> tuple[str, ...]:
    """Groups of plasma that `patient` can receive, best first; RhD does not matter for plasma."""
    return _any_sign(patient, PLASMA_ABO)


def platelet_groups(patient: str) -> tuple[str, ...]:
    """Groups of platelets that `patient` would be given, best first; the patient's own RhD comes first."""
    return _any_sign(patient, PLATELET_ABO)


def is_red_cell_abo_compatible(unit: Column, patient: Column) -> Column:
    """Whether red cells (or whole blood's) of group `unit` can go to `patient` by ABO alone; NULL if either is unknown.

    A wrong ABO group kills, a wrong RhD mostly sensitises.
    """
    return _among(abo(unit), abo(patient), RED_CELL_ABO)


def is_plasma_compatible(unit: Column, patient: Column) -> Column:
    """Whether plasma of group `unit` can go to `patient`; NULL when either group is unknown."""
    return _among(abo(unit), abo(patient), PLASMA_ABO)


def abo(group: Column) -> Column:
    """ABO part of a short group."""
    return F.regexp_replace(group, "[+-]$", "")


def is_rhd_positive(group: Column) -> Column:
    """Whether a short group is RhD-positive; NULL stays NULL."""
    return group.endswith("+")


def _any_sign(patient: str, table: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    own, other = ("+", "-") if is_positive(patient) else ("-", "+")
    return tuple(abo_group + sign for abo_group in table[abo_of(patient)] for sign in (own, other))


def _among(unit: Column, patient: Column, table: Mapping[str, Iterable[str]]) -> Column:
    pairs = [f"{given}>{to}" for to, givens in table.items() for given in givens]
    return F.concat(unit, F.lit(">"), patient).isin(pairs)
