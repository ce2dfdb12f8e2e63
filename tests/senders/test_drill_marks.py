"""Every kind of channel says that a drill is one, where it's seen first, and however long its title
is.
"""

import json
from collections.abc import Callable
from email.headerregistry import Address

import pytest

from router.core.messages.render import message
from router.core.messages.speech import spoken
from router.core.text.gsm7 import TWO_SEGMENTS, septets
from router.model.incident import Status
from router.model.notification import Letter
from router.senders.github.text import title
from router.senders.mail import compose
from router.senders.pagerduty.sender import alert
from router.senders.slack.blocks import build_message
from router.senders.teams import build_card
from router.senders.twilio.sms import text
from router.senders.webhook import build_event
from tests.senders.kit import make_letter

LONG = "[DRILL] " + "Payment failures at 2.3 % on every service there is " * 20
STATES = [
    {},
    {"acknowledged_at": 1_770_000_100.0, "acknowledged_by": "somebody who has quite a long name"},
    {"status": Status.RESOLVED, "closed_at": 1_770_000_600.0, "closed_by": "somebody"},
]
ROUTER = Address("Router", addr_spec="router@example.com")
FIRST: dict[str, Callable[[Letter], str]] = {
    "console": lambda letter: message(letter).text.partition("\n")[0],
    "slack": lambda letter: build_message(letter)["blocks"][0]["text"]["text"],
    "slack, notified": lambda letter: build_message(letter)["text"].partition("\n")[0],
    "teams": lambda letter: build_card(letter).decode()[:1000],
    "mail": lambda letter: str(compose(letter, ROUTER, ROUTER)["Subject"]),
    "github": lambda letter: title(letter)[:30],
    "pagerduty": lambda letter: alert(letter)["payload"]["summary"][:20],
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", FIRST)
def test_it_is_marked_where_it_is_seen_first(kind: str, state: dict[str, object]) -> None:
    """The headline or the subject, in each state; a real one isn't."""
    assert "[DRILL]" in FIRST[kind](make_letter(drill=True, title=LONG, **state))
    assert "DRILL" not in FIRST[kind](make_letter(**state))


@pytest.mark.parametrize("state", STATES)
def test_a_text_message_begins_with_it(state: dict[str, object]) -> None:
    """Within its two segments, once."""
    said = text(make_letter(drill=True, title=LONG, **state), answerable=True)
    assert said.startswith("DRILL ")
    assert said.count("DRILL") == 1
    assert septets(said) <= TWO_SEGMENTS


def test_a_call_begins_with_it() -> None:
    """In words; what is real says nothing of the kind."""
    letter = make_letter(drill=True, title=LONG)
    assert spoken(letter.incident, "VintStreet", letter.at).startswith(
        "This is a drill. Severity P 0,"
    )
    assert "drill" not in spoken(make_letter().incident, "VintStreet", letter.at)


def test_a_webhook_says_it_in_a_field() -> None:
    said = [
        json.loads(build_event(make_letter(drill=drill)))["data"]["incident"]["drill"]
        for drill in (True, False)
    ]
    assert said == [True, False]
