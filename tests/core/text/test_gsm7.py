"""The alphabet of SMS: what stays, what is written otherwise, how long it is."""

# ruff: noqa: RUF001 -- characters that look like others are what this is about

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.text.gsm7 import ALPHABET, EXTENSION, TWO_SEGMENTS, fit, gsm7, septets

NEVER_LONGER = st.text(max_size=400) | st.text("ab€[ ~é", max_size=400)


def segments(text: str) -> int:
    """As networks do it: 160 septets alone or 153 each, and an escape isn't parted from its
    character.
    """
    sizes = [2 if char in EXTENSION else 1 for char in text]
    if sum(sizes) <= 160:
        return 1
    count, left = 1, 153
    for size in sizes:
        if size > left:
            count, left = count + 1, 153
        left -= size
    return count


def test_the_alphabet_is_the_standards() -> None:
    """128 codes, one of them the escape; and nine characters behind it, besides the form feed."""
    assert len(ALPHABET) == 127
    assert len(EXTENSION) == 9
    assert not ALPHABET & EXTENSION


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Café à Zürich: 5€ {~}", "Café à Zürich: 5€ {~}"),
        ("it’s “down” – really…", 'it\'s "down" - really...'),
        ("cafe\u0301", "café"),
        ("façade, Łódź, œuvre, ﬁn", "facade, Lodz, oeuvre, fin"),
        ("p95 ≥ 500 ms → 2×", "p95 >= 500 ms -> 2x"),
        ("🚨 fire 👩‍💻", " fire "),
        ("Сбой 支払い", "???? ???"),
        ("½ a\tb\x00", "1/2 a b"),
    ],
)
def test_what_the_alphabet_lacks_is_written_otherwise(text: str, expected: str) -> None:
    """A lookalike, a base letter, a question mark for a letter of another script, nothing for an
    emoji.
    """
    assert gsm7(text) == expected


@given(st.text())
def test_any_text_becomes_gsm7_and_then_stays(text: str) -> None:
    """The result is in the alphabet, and what is in it is left alone."""
    result = gsm7(text)
    assert set(result) <= ALPHABET | EXTENSION
    assert gsm7(result) == result


@given(NEVER_LONGER, st.integers(3, 400))
def test_a_cut_text_fits_and_a_short_one_is_whole(text: str, room: int) -> None:
    """Cut only if it has to be, and marked then."""
    text = gsm7(text)
    cut = fit(text, room)
    assert septets(cut) <= room
    assert cut == text if septets(text) <= room else cut.endswith("...")


@given(NEVER_LONGER | st.text("€a", min_size=150, max_size=310))
def test_two_segments_are_two(text: str) -> None:
    """Also where an escape would be parted from its character at the border."""
    assert segments(fit(gsm7(text), TWO_SEGMENTS)) <= 2
