"""Rows as one JSON parameter."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from router.store.bulk import clean, encode


@given(st.lists(st.text(st.sampled_from('\\u0"\0é\ufffd')), max_size=4))
def test_only_nul_is_replaced(words: list[str]) -> None:
    """Backslashes before a `u0000` that was typed are left alone."""
    assert msgspec.json.decode(encode([words])) == [[clean(word) for word in words]]
