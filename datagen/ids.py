"""Identifiers as text: synthetic donation numbers with their check character, and plain numbered ids.

A donation number is kept as one integer (4 digits of facility code, 2 of year, 6 of sequence), a unit number
as donation number x 100 + the unit's place in it. The facility codes X0001... are not registered anywhere, so
that no number made here can be mistaken for a real one.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Array = npt.NDArray[Any]

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"
_VALUE_OF_CODE = np.zeros(128, np.int64)
_VALUE_OF_CODE[[ord(character) for character in ALPHABET]] = np.arange(len(ALPHABET))
_WEIGHTS = 2 ** np.arange(13, 0, -1, dtype=np.int64) % 37
_CODE_OF_VALUE = np.array([ord(character) for character in ALPHABET], np.uint8)

IRRADIATED = 50
"""What is added to a unit's place in its donation when the unit is irradiated."""


def digits(numbers: Ints, width: int) -> npt.NDArray[np.uint8]:
    """`numbers` as ASCII digits, padded with zeros: one row a number, `width` columns."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (numbers[:, None] // powers % 10 + 48).astype(np.uint8)


def text(*parts: str | npt.NDArray[np.uint8]) -> Array:
    """Join constants and blocks of characters row by row into one array of strings."""
    rows = next(len(part) for part in parts if not isinstance(part, str))
    blocks = [
        np.tile(np.frombuffer(part.encode(), np.uint8), (rows, 1)) if isinstance(part, str) else part for part in parts
    ]
    joined = np.ascontiguousarray(np.hstack(blocks))
    width = joined.shape[1]
    return joined.reshape(-1).view(f"S{width}").astype(f"U{width}")


def check_characters(bodies: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The ISO 7064 mod 37-2 check character of each row of 13 characters, as one column."""
    # Doubling after every character weighs the first by 2**13 and the last by 2.
    running = _VALUE_OF_CODE[bodies] @ _WEIGHTS % 37
    return np.asarray(_CODE_OF_VALUE[(38 - running) % 37][:, None], np.uint8)


def _donation_parts(dins: Ints) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    body = np.hstack([np.full((len(dins), 1), ord("X"), np.uint8), digits(dins, 12)])
    return body, check_characters(body)


def donation_numbers(dins: Ints) -> Array:
    """Donation numbers as printed: 13 characters and the check character."""
    return text(*_donation_parts(dins))


def unit_numbers(units: Ints) -> Array:
    """Unit ids: the donation number, a hyphen, the unit's place in the donation."""
    return text(*_donation_parts(units // 100), "-", digits(units % 100, 2))


def numbered(prefix: str, numbers: Ints, width: int = 8) -> Array:
    """Ids such as `V00000042`."""
    return text(prefix, digits(numbers, width))


def optional(values: Array | str | bool, is_present: Array) -> Array:
    """`values` (or one value) where `is_present`, null elsewhere: an object array."""
    return np.asarray(np.where(is_present, np.asarray(values, object), np.array(None, object)))


def bag_hex(dins: Ints) -> list[str]:
    """Eight hex digits a donation, scattered and free of collisions within a facility's numbers.

    Multiplying by an odd constant modulo 2**32 is a bijection, and so is the shifted exclusive or.
    """
    mixed = (dins % 2**32) * 2654435761 % 2**32
    mixed ^= mixed >> 15
    return [f"{number:08x}" for number in mixed.tolist()]
