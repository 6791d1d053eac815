"""Numbers that become ids: donations and units.

A donation number is kept as one integer (4 digits of facility code, 2 of year, 6 of sequence), a unit number
as donation number x 100 + the unit's place in it. The facility codes X0011... are not registered anywhere, so
that no number made here can be mistaken for a real one.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Array = npt.NDArray[Any]

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"
_LETTER = ALPHABET.index("X")
# Doubling after every character weighs the first of 13 by 2**13 and the last by 2.
_WEIGHTS = 2 ** np.arange(12, 0, -1, dtype=np.int64) % 37
_POWERS = 10 ** np.arange(11, -1, -1, dtype=np.int64)

MODIFIED = 50
"""What is added to a unit's place in its donation when the unit is irradiated or thawed; none is both."""


def check_values(dins: Ints) -> Ints:
    """The ISO 7064 mod 37-2 check character of each donation number (X and 12 digits), as its place in the alphabet."""
    running = _LETTER * 2**13 + (dins[:, None] // _POWERS % 10) @ _WEIGHTS
    return np.asarray((38 - running % 37) % 37, np.int64)


def scattered(dins: Ints) -> Ints:
    """32 bits a donation, scattered and free of collisions within a facility's numbers.

    Multiplying by an odd constant modulo 2**32 is a bijection, and so is the shifted exclusive or.
    """
    mixed = (dins % 2**32) * 2654435761 % 2**32
    return np.asarray(mixed ^ (mixed >> 15), np.int64)
