"""Check characters after ISO 7064, mod 37-2: the one that follows a 13-character donation number.

It catches every single wrong character and every swap of two neighbours. Spark checks them in the gate's suite;
this is the same sum in Python.
"""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"
_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_RADIX = 2
_MODULUS = 37


def check_character(payload: str) -> str:
    """Check character of `payload`, which is of digits and capital letters.

    Raises:
        ValueError: another character is in it.
    """
    total = 0
    for character in payload:
        if character not in _VALUE or character == "*":
            raise ValueError(f"{character!r} in {payload!r}; wanted digits and capital letters")
        total = (total + _VALUE[character]) * _RADIX % _MODULUS
    return ALPHABET[(1 - total) % _MODULUS]


def has_valid_check(text: str) -> bool:
    """Whether the last character of `text` is the check character of what goes before it."""
    try:
        return len(text) > 1 and check_character(text[:-1]) == text[-1]
    except ValueError:
        return False
