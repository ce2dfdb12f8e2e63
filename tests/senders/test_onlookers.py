"""Whoever only wants to know how it stands is asked for nothing, over whichever channel they hear
of it.
"""

import pytest

from router.model.notification import Letter
from router.senders.slack.blocks import build_message
from router.senders.teams import build_card
from router.senders.twilio.sms import text
from tests.senders.kit import make_letter


def told(letter: Letter) -> list[str]:
    """The same over each channel that takes answers, where answers are wanted."""
    return [
        repr(build_message(letter, buttons=True)),
        text(letter, answerable=True),
        build_card(letter, answerable=True).decode(),
    ]


@pytest.mark.parametrize("onlooker", [True, False])
def test_only_who_was_paged_is_asked_for_an_answer(onlooker: bool) -> None:
    letter = make_letter(
        onlooker=onlooker, link=lambda command, _: f"https://router.example.com/act/{command}"
    )
    asked = [
        word in said
        for word, said in zip(("'ack'", "ACK 142", "/act/ack"), told(letter), strict=True)
    ]
    assert asked == [not onlooker] * 3
