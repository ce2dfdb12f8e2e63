"""Rows as one JSON parameter."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.store.bulk import clean, encode, seconds, ticks


@given(st.lists(st.text(st.sampled_from('\\u0"\0é\ufffd')), max_size=4))
def test_only_nul_is_replaced(words: list[str]) -> None:
    """Backslashes before a `u0000` that was typed are left alone."""
    assert msgspec.json.decode(encode([words])) == [[clean(word) for word in words]]


@given(st.floats(2.0**30, 2.0**40))
def test_a_time_since_2004_is_exact(at: float) -> None:
    """A timer is done only if its due time is the very same."""
    assert seconds(ticks(at)) == at


@pytest.mark.parametrize("at", [0.0, 0.1, 1000.3, -62135596800.0])
def test_an_earlier_time_is_never_later_than_it_was(at: float) -> None:
    """Rows are due exactly at their time."""
    assert 0 <= at - seconds(ticks(at)) < 1e-6
