"""Call texts: words to be spoken, in TwiML that Twilio accepts."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.messages.speech import KEYS, MAX_TWIML, ask, say, spoken
from router.model.incident import Severity
from tests.senders.kit import NOW, make_incident

ACTION = "https://router.example.com/webhooks/twilio/voice?incident=142&channel=phone"


def test_an_incident_is_spoken_with_its_ids_spelled() -> None:
    """Severity, number, title, since when."""
    words = spoken(make_incident(severity=Severity.P1), "VintStreet", NOW)
    assert words == (
        "Severity P 1, VintStreet incident 1 4 2: Payment failures at 2.5% on api. Open for "
        "10 minutes."
    )


def test_a_call_that_may_be_a_repetition_says_so_first() -> None:
    """After the drill's mark, before the news."""
    incident = make_incident(severity=Severity.P1, drill="d1")
    words = spoken(incident, "", NOW, "reminder 3", repeated=True)
    assert words.startswith(
        "This is a drill. You may have already received this call. Reminder 3. Severity P 1,"
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "less than a minute"),
        (59, "less than a minute"),
        (60, "1 minute"),
        (3600, "1 hour"),
        (7320, "2 hours and 2 minutes"),
    ],
)
def test_how_long_it_has_been_open(seconds: float, words: str) -> None:
    """In hours and minutes, for any clock times."""
    assert spoken(make_incident(opened_at=NOW - seconds), "", NOW).endswith(f"Open for {words}.")


def test_a_question_takes_one_key_and_ends_without_one() -> None:
    """A Gather of one digit around the words, and what follows if none is pressed."""
    response = ET.fromstring(ask("Fire & <smoke>.", ACTION))
    gather, goodbye = response
    assert (gather.tag, goodbye.tag) == ("Gather", "Say")
    assert gather.attrib == {
        "input": "dtmf",
        "numDigits": "1",
        "timeout": "8",
        "method": "POST",
        "action": ACTION,
    }
    (words,) = gather
    assert words.text == f"Fire & <smoke>. {KEYS}"


def test_a_statement_is_said_and_asks_nothing() -> None:
    """Without a callback address, no keys are offered."""
    (words,) = ET.fromstring(say("Acknowledged."))
    assert (words.tag, words.text) == ("Say", "Acknowledged.")


@given(st.text(max_size=400) | st.text("&<>\"'", min_size=400), st.text())
def test_any_title_makes_xml_within_twilios_limit(title: str, company: str) -> None:
    """Any title results in valid XML, short enough, without emoji."""
    words = spoken(make_incident(title=title), company, NOW, title, repeated=True)
    twiml = ask(words, ACTION)
    assert len(twiml) <= MAX_TWIML
    (say_twice, *_), _ = ET.fromstring(twiml)
    assert say_twice.text is not None
    assert say_twice.text.endswith(KEYS)


def test_emoji_and_what_xml_cannot_hold_are_not_spoken() -> None:
    """Noncharacters would make the document invalid, and a siren would be read as its name."""
    assert "1 4 2: Fire." in spoken(make_incident(title="🚨 Fire\ufffe\x00"), "", NOW)
