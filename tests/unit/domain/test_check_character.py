"""The check character of ISO 7064 mod 37-2 catches what it promises to catch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.domain.check_character import ALPHABET, check_character, has_valid_check

PAYLOADS = st.text(alphabet=ALPHABET[:-1], min_size=13, max_size=13)


def test_the_check_character_of_the_printed_example():
    assert check_character("G123498654321") == "H"


@given(PAYLOADS, st.integers(0, 13), st.sampled_from(ALPHABET))
def test_every_single_substitution_is_caught(payload, place, other):
    sent = payload + check_character(payload)
    changed = sent[:place] + other + sent[place + 1 :]
    assert has_valid_check(sent)
    assert has_valid_check(changed) == (changed == sent)


@given(PAYLOADS, st.integers(0, 12))
def test_every_swap_of_neighbours_is_caught(payload, place):
    sent = payload + check_character(payload)
    swapped = sent[:place] + sent[place + 1] + sent[place] + sent[place + 2 :]
    assert has_valid_check(swapped) == (swapped == sent)


@pytest.mark.parametrize("text", ["", "A", "g123498654321H", "G12349865432 1H", "*123498654321H"])
def test_what_can_be_no_donation_number_is_not_valid(text):
    assert not has_valid_check(text)


def test_a_wrong_character_is_named():
    with pytest.raises(ValueError, match="'ä' in 'Gä'; wanted digits and capital letters"):
        check_character("Gä")
