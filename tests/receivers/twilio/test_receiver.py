"""Twilio's receiver: permitted people, commands and replies."""

from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from router.config.secret import Secret
from router.model.event import Command, Undelivered
from router.model.reason import Reason
from router.ports.errors import InvalidInput, Unauthorized
from router.ports.webhooks import CommandRequest, CommandResult, Incoming, Received
from router.receivers import RECEIVERS
from router.receivers.context import ReceiverContext
from router.receivers.twilio.receiver import TwilioConfig
from router.receivers.twilio.wire import HELP
from tests.receivers import signed
from tests.receivers.signed import CA1, SM1
from tests.senders.kit import NOW, make_incident

TOKEN, NEXT = Secret("s3cret-token"), Secret("next-token")
PUBLIC = "https://router.example.com"
ANA, STRANGER = "+442079460123", "+442079460666"
SITE = ReceiverContext((PUBLIC, "http://127.0.0.1:9095"), "VintStreet", phones={ANA: "ana"})
SMS = "/webhooks/twilio/sms"
VOICE = "/webhooks/twilio/voice?incident=142&channel=phone&seq=1"

receiver = RECEIVERS["twilio"].build(
    "twilio", TwilioConfig(auth_token=TOKEN, next_auth_token=NEXT), SITE
)


def incoming(path: str, **form: str) -> Incoming:
    segment = path.removeprefix("/webhooks/twilio/").partition("?")[0]
    headers = signed.twilio(PUBLIC + path, form, TOKEN)
    return Incoming(headers, urlencode(form).encode(), segment, path)


def sms(body: str, number: str = ANA) -> Incoming:
    return incoming(SMS, From=number, To="+442079460999", MessageSid=SM1, Body=body)


def key(digits: str, to: str = ANA) -> Incoming:
    return incoming(VOICE, CallSid=CA1, From="+442079460999", To=to, Digits=digits)


def reply(message: Incoming, *results: CommandResult) -> ET.Element:
    received = receiver.decode(message, NOW)
    answer = receiver.reply(message, received, results, NOW)
    assert (answer.status, answer.content_type) == (200, "text/xml")
    return ET.fromstring(answer.body)


def results(message: Incoming, reason: Reason | None, **incident: Any) -> CommandResult:
    (asked,) = receiver.decode(message, NOW).commands
    return CommandResult(asked, reason, make_incident(**incident))


@pytest.mark.parametrize("secret", [TOKEN, NEXT])
@pytest.mark.parametrize("path", [SMS, VOICE])
@pytest.mark.parametrize("url", SITE.urls)
def test_what_twilio_signed_for_a_public_url_is_taken(url: str, path: str, secret: Secret) -> None:
    """The query is signed, too; during a change of the token either will do."""
    form = {"From": ANA, "Empty": ""}
    headers = signed.twilio(url + path, form, secret)
    receiver.verify(Incoming(headers, urlencode(form).encode(), "x", path), NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"headers": {}},
        {"body": b"From=%2B1"},
        {"raw_path": "/webhooks/twilio/sms?x=1"},
        {"headers": signed.twilio("https://evil.example.com" + SMS, {"From": ANA}, TOKEN)},
        {"headers": signed.twilio(PUBLIC + SMS, {"From": ANA}, Secret("other"))},
    ],
)
def test_what_twilio_did_not_sign_is_refused(changed: dict[str, Any]) -> None:
    """Another secret, form, path, or address than the public one."""
    right = Incoming(
        signed.twilio(PUBLIC + SMS, {"From": ANA}, TOKEN), b"From=%2B442079460123", "sms", SMS
    )
    receiver.verify(right, NOW)
    with pytest.raises(Unauthorized):
        receiver.verify(replace(right, **changed), NOW)


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ("ACK 142", CommandRequest(142, Command.ACKNOWLEDGE, "ana", "", f"twilio:{SM1}")),
        (
            "ack inc-142 on it",
            CommandRequest(142, Command.ACKNOWLEDGE, "ana", "on it", f"twilio:{SM1}"),
        ),
        ("ACK", CommandRequest(None, Command.ACKNOWLEDGE, "ana", "", f"twilio:{SM1}")),
        (
            "RES 142 restarted",
            CommandRequest(142, Command.RESOLVE, "ana", "restarted", f"twilio:{SM1}"),
        ),
    ],
)
def test_a_message_asks(body: str, asked: CommandRequest) -> None:
    """In the name of the number's owner, with the message's id to recognise repeats."""
    assert receiver.decode(sms(body), NOW) == Received(commands=[asked])


@pytest.mark.parametrize(
    ("body", "words"), [("hello", HELP), ("resolve the DNS first", HELP), ("STOP", None)]
)
def test_a_message_that_asks_nothing_clear_does_nothing(body: str, words: str | None) -> None:
    """It's answered with what can be said; what is Twilio's own isn't answered."""
    assert receiver.decode(sms(body), NOW).commands == ()
    assert [message.text for message in reply(sms(body))] == ([words] if words else [])


def test_a_stranger_is_refused_politely() -> None:
    """No command is made, they get a reply, and the log shows no complete number."""
    for message in (sms("ACK 142", STRANGER), key("1", STRANGER)):
        received = receiver.decode(message, NOW)
        assert received.commands == ()
        assert "+44…666" in received.refused
        assert "isn't configured" in "".join(reply(message).itertext())


@pytest.mark.parametrize(
    ("reason", "incident", "words"),
    [
        (
            Reason.ACKNOWLEDGED,
            {"acknowledged_at": NOW, "acknowledged_by": "ana"},
            "Acknowledged INC-142.",
        ),
        (
            Reason.ALREADY_DONE,
            {"acknowledged_at": NOW, "acknowledged_by": "ben"},
            "INC-142 is already acknowledged by ben.",
        ),
        (
            Reason.ALREADY_CLOSED,
            {"closed_at": NOW, "closed_by": "ben"},
            "INC-142 is already resolved by ben.",
        ),
        (
            Reason.REPLAYED,
            {"acknowledged_at": NOW, "acknowledged_by": "ana"},
            "INC-142 is acknowledged by ana.",
        ),
    ],
)
def test_the_answer_says_what_was_decided(
    reason: Reason, incident: dict[str, Any], words: str
) -> None:
    """Replies by message and by voice."""
    (message,) = reply(sms("ACK 142"), results(sms("ACK 142"), reason, **incident))
    assert message.text == words
    said = reply(key("1"), results(key("1"), reason, **incident))
    assert [(child.tag, child.text) for child in said] == [("Say", words)]


# --- calls


def test_a_key_asks_about_the_incident_of_the_call() -> None:
    """In the name of who was called. The same key in the same call is the same request."""
    assert receiver.decode(key("1"), NOW).commands == [
        CommandRequest(142, Command.ACKNOWLEDGE, "ana", "", f"twilio:{CA1}:ack")
    ]


@pytest.mark.parametrize("digits", ["3", "7", ""])
def test_any_other_key_gets_the_question_again(digits: str) -> None:
    """With the incident as it is now, and the same URL for the next key."""
    said = reply(key(digits), results(key(digits), None, acknowledged_at=None))
    (gather,) = said.findall("Gather")
    assert gather.attrib["action"] == PUBLIC + VOICE
    assert "incident 1 4 2" in "".join(gather.itertext())


@pytest.mark.parametrize(
    ("incident", "words"),
    [
        ({"closed_at": NOW, "closed_by": "ben"}, "INC-142 was resolved by ben."),
        ({"acknowledged_at": NOW, "acknowledged_by": "ben"}, "INC-142 is acknowledged by ben."),
    ],
)
def test_who_asks_again_once_somebody_has_answered_hears_so(
    incident: dict[str, Any], words: str
) -> None:
    """There's nothing left to press a key for."""
    said = reply(key("3"), results(key("3"), None, **incident))
    assert [(child.tag, child.text) for child in said] == [("Say", words)]


@pytest.mark.parametrize("query", ["", "?incident=", "?incident=x", "?incident=" + "9" * 20])
def test_a_call_about_nothing_is_bad(query: str) -> None:
    """Its URL wasn't made by the router."""
    with pytest.raises(InvalidInput):
        receiver.decode(incoming("/webhooks/twilio/voice" + query, To=ANA, CallSid=CA1), NOW)


# --- what became of a message or a call

STATUS = "/webhooks/twilio/status?incident=142&channel=text&seq=1"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        (
            {"MessageSid": SM1, "MessageStatus": "undelivered", "ErrorCode": "30003"},
            "undelivered: Twilio error 30003",
        ),
        ({"MessageSid": SM1, "MessageStatus": "failed"}, "failed"),
    ],
)
def test_what_did_not_arrive_is_reported(form: dict[str, str], error: str) -> None:
    """Once, whatever status Twilio sends later, with an empty answer."""
    message = incoming(STATUS, **form)
    received = receiver.decode(message, NOW)
    assert received == Received(
        undelivered=[Undelivered(NOW, 142, "text", error, f"twilio:{SM1}:failed")]
    )
    assert list(reply(message)) == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (STATUS, "sent"),
        (STATUS, "delivered"),
        (STATUS, "new"),
        ("/webhooks/twilio/status", "failed"),
    ],
)
def test_any_other_status_is_ignored(path: str, status: str) -> None:
    """It changes nothing, or isn't about one of our messages."""
    message = incoming(path, MessageSid=SM1, MessageStatus=status)
    assert receiver.decode(message, NOW).ignored
    assert list(reply(message)) == []


@pytest.mark.parametrize("path", ["/webhooks/twilio/", "/webhooks/twilio/fax"])
def test_another_path_is_bad(path: str) -> None:
    """It says which ones there are."""
    with pytest.raises(InvalidInput, match="sms"):
        receiver.decode(incoming(path, From=ANA), NOW)


def test_what_was_about_several_incidents_did_not_arrive_for_any() -> None:
    """Each is reported for itself; a number that isn't one is ignored."""
    message = incoming(f"{STATUS}&also=7.x.9", MessageSid=SM1, MessageStatus="failed")
    assert [
        (undelivered.incident_id, undelivered.receipt)
        for undelivered in receiver.decode(message, NOW).undelivered
    ] == [
        (142, f"twilio:{SM1}:failed"),
        (7, f"twilio:{SM1}:failed:7"),
        (9, f"twilio:{SM1}:failed:9"),
    ]
