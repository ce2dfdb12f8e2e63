"""Times as somebody reads them."""

import pytest

from router.core.text.plain import clock, day, lasted, local, moment, plain, visible

AT = 1_704_119_400.0
"""2024-01-01 14:30 UTC, the plan's example."""


def test_times_are_written_as_in_the_plan() -> None:
    assert local(AT, "UTC") == "2024-01-01 14:30 UTC"
    assert moment(AT, "UTC") == "Jan 1, 2024 at 2:30pm UTC"
    assert clock(AT, "UTC") == "2:30 PM UTC"
    assert day(AT, "UTC") == "Jan 1, 2024"


def test_times_are_by_the_readers_clock() -> None:
    assert clock(AT, "America/New_York") == "9:30 AM EST"
    assert moment(AT - 15 * 3600, "America/New_York") == "Dec 31, 2023 at 6:30pm EST"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a minute"),
        (45 * 60, "45 minutes"),
        (3660, "1 hour 1 minute"),
        (86_400, "1 day"),
        (2 * 86_400 + 90, "2 days"),
        (90_000 + 59, "1 day 1 hour"),
    ],
)
def test_lengths_are_in_words(seconds: float, words: str) -> None:
    assert lasted(seconds) == words


@pytest.mark.parametrize(
    "code", [0x202E, 0x200F, 0x061C, 0x2066, 0x200B, 0xFEFF, 0xAD, 0xE0041, 0x1B]
)
def test_invisible_characters_are_removed(code: int) -> None:
    """Nothing is left that reorders the text, or that nobody sees."""
    assert chr(code) not in plain(f"a{chr(code)}b")
    assert visible(f"a{chr(code)}b\n\tc") == "ab\n\tc"


def test_joiners_of_scripts_and_emoji_stay() -> None:
    assert visible("👩\u200d💻 می\u200cخ") == "👩\u200d💻 می\u200cخ"
