"""The summary of a storm: its incidents as a short list of numbers, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.messages.summary import address, numbers, ranges
from router.core.outbox.digest import MOST


@given(st.sets(st.integers(1, 999), min_size=1, max_size=MOST))
def test_the_list_has_exactly_the_incidents_of_the_message(ids: set[int]) -> None:
    assert numbers(ranges(ids)) == tuple(sorted(ids))


def test_consecutive_numbers_are_a_range() -> None:
    assert address("http://r", [7, 9, 8, 3]) == "http://r/incidents?ids=3,7-9"
    assert numbers("143.144.150") == (143, 144, 150), "as written by earlier versions"


@pytest.mark.parametrize("text", ["", "a", "1-", "1,,2", "\u0661", "1 2"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected numbers"):
        numbers(text)


def test_a_wide_range_is_cut() -> None:
    assert len(numbers("1-999999999999999")) == MOST + 1
