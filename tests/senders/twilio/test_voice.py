"""Type `voice`: who is called and who isn't, and the TwiML a call starts with, against a loopback
Twilio.
"""

from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import aiohttp
import pytest

from router.config.fields import Duration, HttpUrl
from router.config.secret import Secret
from router.core.messages.speech import KEYS, KEYS_FOR_FIRST
from router.model.incident import Status
from router.model.notification import Message, Rejected, Result, Sent
from router.senders.twilio.voice import VoiceConfig, build
from tests.senders import kit
from tests.senders.kit import (
    NOW,
    Peer,
    check_broken_connections,
    check_leaks_no_secret,
    check_retry_after,
    check_statuses,
    make_message,
    mentions,
)
from tests.senders.twilio_double import ACCOUNT, NUMBER, OTHER, SENDER, TOKEN, Twilio, refusal

CALLBACK = HttpUrl("https://router.example.com")
SID = f"CA{1:032x}"


def make_config(url: str = "https://127.0.0.1", **options: Any) -> VoiceConfig:
    given = {"from_": SENDER, "to": (NUMBER,), "callback_url": CALLBACK, **options}
    return VoiceConfig(account_sid=ACCOUNT, auth_token=Secret(TOKEN), api_url=HttpUrl(url), **given)


async def deliver(message: Message, twilio: Twilio, **options: Any) -> Result:
    def configured(url: str, _seconds: float) -> VoiceConfig:
        return make_config(url, **options)

    (result,), _ = await kit.deliver("voice", configured, twilio, message)
    return result


async def test_a_call_rings_half_a_minute_and_takes_keys() -> None:
    """The form in full; the keys and the end of the call are reported with what they are about."""
    twilio = Twilio()
    assert await deliver(make_message(channel="on call"), twilio) == Sent(SID)
    (form,) = twilio.forms
    twiml = ET.fromstring(form.pop("Twiml"))
    assert form == {
        "To": NUMBER,
        "From": SENDER,
        "Timeout": "30",
        "TimeLimit": "300",
        "StatusCallback": "https://router.example.com/webhooks/twilio/status?incident=142&channel=on+call&seq=1",
    }
    action = urlsplit(twiml[0].attrib["action"])
    assert action.path == "/webhooks/twilio/voice"
    assert parse_qs(action.query) == {"incident": ["142"], "channel": ["on call"], "seq": ["1"]}
    assert twiml[0][0].text == (
        (
            "Severity P 0, VintStreet incident 1 4 2: Payment failures at 2.5% on api. Open for "
            "10 minutes. "
        )
        + KEYS
    )


async def test_an_attempt_that_may_have_arrived_is_mentioned() -> None:
    """As in a text message: the person who was called once already knows the incident."""
    twilio = Twilio()
    await deliver(make_message(attempt=2, may_be_doubled=True), twilio)
    (words,) = [say.text or "" for say in ET.fromstring(twilio.forms[0]["Twiml"])[0]]
    assert words.startswith("You may have already received this call. Severity P 0,")


async def test_without_an_address_for_keys_none_are_asked_for() -> None:
    """The call still describes the problem."""
    twilio = Twilio()
    await deliver(make_message(), twilio, callback_url=None)
    assert "Press" not in twilio.forms[0]["Twiml"]
    assert "StatusCallback" not in twilio.forms[0]


@pytest.mark.parametrize(
    "state",
    [
        {"acknowledged_at": NOW, "acknowledged_by": "ana"},
        {"status": Status.RESOLVED, "closed_at": NOW},
        {"status": Status.FALSE_POSITIVE, "closed_at": NOW},
    ],
)
async def test_nobody_is_called_about_what_is_answered_or_over(state: dict[str, Any]) -> None:
    """It counts as sent, and the last call stays on record."""
    twilio = Twilio()
    assert await deliver(make_message(ref=SID, **state), twilio) == Sent(silent=True)
    assert not twilio.forms


async def test_a_persons_own_number_is_called() -> None:
    """`Message.to` goes before the channel's numbers."""
    twilio = Twilio()
    await deliver(make_message(to=OTHER), twilio)
    assert [form["To"] for form in twilio.forms] == [OTHER]


async def test_a_number_that_cannot_be_called_is_given_up() -> None:
    """Twilio's error code says so."""
    result = await deliver(make_message(), Twilio(refusals={NUMBER: refusal(21214)}))
    assert result == Rejected(
        "HTTP 400: recipient: the number can't be called (Twilio error 21214)"
    )


async def test_outcomes_are_read_as_by_all_senders(session: aiohttp.ClientSession) -> None:
    """A call that may have been made is uncertain."""
    async with Peer() as peer:
        sender = build("phone", make_config(peer.url), session)

        async def send() -> Result:
            return await sender.send(make_message())

        await check_statuses(peer, send, idempotent=False, lowest=300)
        await check_retry_after(peer, send)
        sender = build("phone", make_config(peer.url, timeout=Duration(0.3)), session)
        await check_broken_connections(peer, send, idempotent=False)


async def test_no_secret_is_told(
    session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither by a result nor in a log."""
    async with Peer() as peer:
        sender = build("phone", make_config(peer.url, timeout=Duration(0.3)), session)
        await check_leaks_no_secret(TOKEN, peer, lambda: sender.send(make_message()), caplog)


@pytest.mark.parametrize("number", ["", "VintStreet", "020 7946 0999"])
def test_a_caller_has_a_number(number: str) -> None:
    """A name can't call."""
    with pytest.raises(ValueError, match="from: expected a number"):
        make_config(from_=number)


async def test_several_incidents_are_one_call() -> None:
    """Unanswered ones first, a few by name; keys act on the first, and the end is reported
    for all.
    """
    twilio = Twilio()
    answered = mentions(1, id=9, acknowledged_at=NOW)
    await deliver(
        make_message(other_incidents=(*mentions(4, title="Disk full", severity="P2"), *answered)),
        twilio,
    )
    (form,) = twilio.forms
    words = ET.fromstring(form["Twiml"])[0][0].text
    assert words is not None
    assert " And 4 more incidents: 1 4 3, severity P 2, Disk full; " in words
    assert f"Disk full; and 1 other. {KEYS_FOR_FIRST} {KEYS}" in words
    assert parse_qs(urlsplit(form["StatusCallback"]).query)["also"] == ["9,143-146"]
