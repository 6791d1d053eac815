"""ABO/RhD groups by number, and who may receive what.

Group g: ABO = g // 2 (O, A, B, AB), RhD-negative = g % 2. Orders of preference follow Lifeblood's tables.
"""

GROUPS = (
    "O positive",
    "O negative",
    "A positive",
    "A negative",
    "B positive",
    "B negative",
    "AB positive",
    "AB negative",
)
EVENT_COUNTS = ("o_pos", "o_neg", "a_pos", "a_neg", "b_pos", "b_neg", "ab_pos", "ab_neg")
O_POSITIVE, O_NEGATIVE, A_POSITIVE = 0, 1, 2
_O, _A, _B, _AB = range(4)

_RED_CELLS = {_O: (_O,), _A: (_A, _O), _B: (_B, _O), _AB: (_AB, _A, _B, _O)}
_PLASMA = {_O: (_O, _A, _B, _AB), _A: (_A, _AB), _B: (_B, _AB), _AB: (_AB,)}
_PLATELETS = {_O: (_O, _A, _B), _A: (_A, _AB, _B, _O), _B: (_B, _AB, _A, _O), _AB: (_AB, _A, _B, _O)}


def _with_rhd(abos: tuple[int, ...], signs: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(2 * abo + sign for sign in signs for abo in abos)


# RhD-negative patients get RhD-negative red cells only; a positive patient spares the negative ones.
RED_CELL_ORDER = tuple(_with_rhd(_RED_CELLS[g // 2], (1,) if g % 2 else (0, 1)) for g in range(8))
PLATELET_ORDER = tuple(_with_rhd(_PLATELETS[g // 2], (1, 0) if g % 2 else (0, 1)) for g in range(8))
# Plasma carries no red cells: RhD does not matter, the patient's own sign comes first only for order's sake.
PLASMA_ORDER = tuple(
    tuple(2 * abo + sign for abo in _PLASMA[g // 2] for sign in ((1, 0) if g % 2 else (0, 1))) for g in range(8)
)
EMERGENCY_ORDER = ((O_POSITIVE, O_NEGATIVE), (O_NEGATIVE,))
"""Red cells before the group is known: for the RhD-positive, for the RhD-negative."""
