"""Slack's receiver: signatures by Slack's own vector, buttons, and the command `/incident`."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.secret import Secret
from router.model.event import Command
from router.model.reason import Reason
from router.ports import Answer, Asked, Bad, Handled, Incoming, Received, Replying, Unauthorized
from router.receivers import RECEIVERS
from router.receivers.site import Site
from router.receivers.slack import HELP, SlackConfig
from router.senders.slack_blocks import build_message
from tests.receivers import signed
from tests.receivers.signed import press
from tests.senders.kit import NOW, make_incident, make_letter

# https://docs.slack.dev/authentication/verifying-requests-from-slack
SECRET = Secret("8f742231b10e8888abcd99yyyzzz85a5")
SENT_AT = 1531420618
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
HEADERS = {
    "x-slack-request-timestamp": str(SENT_AT),
    "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
}

receiver = RECEIVERS["slack"].build("slack", SlackConfig(signing_secret=SECRET), Site(slack={"UA8RXUSPL": "ana"}))
assert isinstance(receiver, Replying)


# --- who sends it


@pytest.mark.parametrize("later", [-300, 0, 300])
def test_what_slack_signed_is_taken(later: int) -> None:
    """Its own example, within five minutes either way."""
    receiver.verify(Incoming(HEADERS, BODY), SENT_AT + later)


@pytest.mark.parametrize(
    ("headers", "body", "now"),
    [
        ({}, BODY, SENT_AT),
        (HEADERS | {"x-slack-signature": ""}, BODY, SENT_AT),
        (HEADERS | {"x-slack-request-timestamp": ""}, BODY, SENT_AT),
        (HEADERS | {"x-slack-request-timestamp": "1531420619"}, BODY, SENT_AT),
        (HEADERS | {"x-slack-request-timestamp": "soon"}, BODY, SENT_AT),
        (HEADERS | {"x-slack-request-timestamp": "٣"}, BODY, SENT_AT),
        (HEADERS | {"x-slack-signature": HEADERS["x-slack-signature"].replace("v0", "v1")}, BODY, SENT_AT),
        (HEADERS | {"x-slack-signature": "é\udcff"}, BODY, SENT_AT),
        (HEADERS, BODY + b"&x=", SENT_AT),
        (HEADERS, BODY, SENT_AT + 301),
        (HEADERS, BODY, SENT_AT - 301),
        (signed.slack(BODY, Secret("other"), SENT_AT), BODY, SENT_AT),
    ],
)
def test_what_slack_did_not_sign_just_now_is_refused(headers: dict[str, str], body: bytes, now: float) -> None:
    """Missing, changed, by another secret, or a replay of old."""
    with pytest.raises(Unauthorized):
        receiver.verify(Incoming(headers, body), now)


# --- buttons


@pytest.mark.parametrize("command", [Command.ACKNOWLEDGE, Command.RESOLVE, Command.FALSE_POSITIVE])
def test_a_button_asks(command: Command) -> None:
    """In the name of who pressed it, with what tells this press from any other."""
    receipt = "slack:1548261231.000200:1548426417.840180:UA8RXUSPL"
    asked = Asked(142, command, "ana", receipt=receipt)
    pressed = press(command.value, "142", user="UA8RXUSPL", name="jtorrance")
    assert receiver.decode(Incoming({}, pressed), NOW) == Received(asked=[asked])


def test_who_is_no_contact_goes_by_their_name_in_slack() -> None:
    """Slack says who it is."""
    (asked,) = receiver.decode(Incoming({}, press("ack", name="ben")), NOW).asked
    assert asked.by == "ben"


def test_the_buttons_are_those_that_the_sender_makes() -> None:
    """What goes out is what comes back; those with a link ask for nothing."""
    *_, answers, links = build_message(make_letter(acknowledged_at=None), buttons=True)["blocks"]
    pressed = [
        receiver.decode(Incoming({}, press(button["action_id"], button.get("value", ""))), NOW).asked
        for button in (*answers["elements"], *links["elements"])
    ]
    commands = [(one.incident_id, one.command) for asked in pressed for one in asked]
    assert commands == [(142, Command.ACKNOWLEDGE), (142, Command.RESOLVE), (142, Command.FALSE_POSITIVE)]


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "view_submission"},
        {"type": "block_actions"},
        {"type": "block_actions", "actions": "ack"},
        {"type": "block_actions", "actions": [{"action_id": "open_runbook"}]},
        {"type": "block_actions", "actions": [{"action_id": "severity", "value": "142"}]},
        {"type": "block_actions", "actions": [{"action_id": "ack", "value": "٣"}]},
        [],
    ],
)
def test_whatever_else_was_pressed_is_ignored(payload: object) -> None:
    """And answered, or whoever did it would see a warning."""
    received = receiver.decode(Incoming({}, urlencode({"payload": json.dumps(payload)}).encode()), NOW)
    assert received.ignored
    assert receiver.reply(Incoming({}, b""), received, (), NOW) == Answer(200, b"")


@pytest.mark.parametrize("body", [b"", b"payload=", b"payload=%7B", b"text=ack+142"])
def test_a_payload_that_is_none_is_bad(body: bytes) -> None:
    """It isn't from a button."""
    with pytest.raises(Bad):
        receiver.decode(Incoming({}, body), NOW)


@given(st.recursive(st.none() | st.text(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=5))
def test_any_payload_can_be_read(payload: Any) -> None:
    """Whatever Slack adds one day."""
    body = urlencode({"payload": json.dumps({"type": "block_actions", "actions": [payload]})}).encode()
    assert receiver.decode(Incoming({}, body), NOW).ignored


# --- the command


def typed(text: str, **more: str) -> Incoming:
    form = {"user_id": "UA8RXUSPL", "user_name": "jtorrance", "command": "/incident", "text": text, **more}
    return Incoming({}, urlencode(form).encode(), "command")


def said(answer: Answer) -> str:
    assert (answer.status, answer.content_type) == (200, "application/json")
    body = json.loads(answer.body)
    assert body["response_type"] == "ephemeral"
    return str(body["text"])


@pytest.mark.parametrize(
    ("text", "command", "note"),
    [
        ("ack 142", Command.ACKNOWLEDGE, ""),
        (" ACK  inc-142 on it ", Command.ACKNOWLEDGE, "on it"),
        ("resolve 142", Command.RESOLVE, ""),
        ("note 142 rolled back\nto v7", Command.NOTE, "rolled back\nto v7"),
        ("show INC-142", None, ""),
    ],
)
def test_a_command_asks(text: str, command: Command | None, note: str) -> None:
    """In any case and spelling of the number. The trigger tells it from the same, typed again."""
    (asked,) = receiver.decode(typed(text, trigger_id="398738663015.4744"), NOW).asked
    assert asked == Asked(142, command, "ana", note, "slack:398738663015.4744")


@pytest.mark.parametrize(("text", "command"), [("list", None), ("ack", Command.ACKNOWLEDGE)])
def test_a_command_may_name_no_incident(text: str, command: Command | None) -> None:
    """It's about the only one that's open, or about all."""
    (asked,) = receiver.decode(typed(text), NOW).asked
    assert (asked.incident_id, asked.command) == (None, command)


@pytest.mark.parametrize("text", ["", "help", "ack x", "ack 142x", "fix 142", "note 142", "ack " + "9" * 16])
def test_what_is_no_command_gets_help(text: str) -> None:
    """And does nothing."""
    received = receiver.decode(typed(text), NOW)
    assert not received.asked
    assert said(receiver.reply(typed(text), received, (), NOW)) == HELP


def test_a_command_is_answered_with_what_was_decided() -> None:
    """To its sender alone."""
    received = receiver.decode(typed("ack 142"), NOW)
    incident = make_incident(acknowledged_at=NOW, acknowledged_by="ben")
    handled = [Handled(received.asked[0], Reason.ALREADY_DONE, incident)]
    assert said(receiver.reply(typed("ack 142"), received, handled, NOW)) == "INC-142 is already acknowledged by ben."
