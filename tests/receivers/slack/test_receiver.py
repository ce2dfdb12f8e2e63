"""Slack's receiver: signatures by Slack's own vector, buttons, and the command `/incident`."""

import json
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.secret import Secret
from router.core.oncall.rotation import Rotate
from router.core.oncall.schedule import Schedule
from router.model.event import Command
from router.model.incident import Severity, Status
from router.model.reason import Reason
from router.ports.errors import InvalidInput, Unauthorized
from router.ports.webhooks import (
    CommandRequest,
    CommandResult,
    EphemeralReply,
    Form,
    Incoming,
    Received,
    WebhookAnswer,
)
from router.receivers import RECEIVERS
from router.receivers.context import ReceiverContext
from router.receivers.slack.command import HELP
from router.receivers.slack.receiver import SlackConfig
from router.senders.slack.blocks import build_message
from tests.core.oncall.test_schedule import rotation, schedule
from tests.receivers import signed
from tests.receivers.signed import fill_in, press, said_in_thread
from tests.senders.kit import NOW, make_incident, make_message

# https://docs.slack.dev/authentication/verifying-requests-from-slack
SECRET = Secret("8f742231b10e8888abcd99yyyzzz85a5")
SENT_AT = 1531420618
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96r"
    b"GlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
HEADERS = {
    "x-slack-request-timestamp": str(SENT_AT),
    "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
}

receiver = RECEIVERS["slack"].build(
    "slack", SlackConfig(signing_secret=SECRET), ReceiverContext(slack={"UA8RXUSPL": "ana"})
)


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
        (
            HEADERS | {"x-slack-signature": HEADERS["x-slack-signature"].replace("v0", "v1")},
            BODY,
            SENT_AT,
        ),
        (HEADERS | {"x-slack-signature": "é\udcff"}, BODY, SENT_AT),
        (HEADERS, BODY + b"&x=", SENT_AT),
        (HEADERS, BODY, SENT_AT + 301),
        (HEADERS, BODY, SENT_AT - 301),
        (signed.slack(BODY, Secret("other"), SENT_AT), BODY, SENT_AT),
    ],
)
def test_what_slack_did_not_sign_just_now_is_refused(
    headers: dict[str, str], body: bytes, now: float
) -> None:
    """Missing, changed, by another secret, or a replay of old."""
    with pytest.raises(Unauthorized):
        receiver.verify(Incoming(headers, body), now)


# --- buttons


@pytest.mark.parametrize(
    "command",
    [
        Command.ACKNOWLEDGE,
        Command.ASSIGN,
        Command.ESCALATE,
        Command.RESOLVE,
        Command.FALSE_POSITIVE,
    ],
)
def test_a_button_asks(command: Command) -> None:
    """As the person who pressed it, with an id of the press."""
    receipt = "slack:1548261231.000200:1548426417.840180:UA8RXUSPL"
    asked = CommandRequest(142, command, "ana", receipt=receipt)
    pressed = press(command.value, "142", user="UA8RXUSPL", name="jtorrance")
    assert receiver.decode(Incoming({}, pressed), NOW) == Received(
        commands=[asked], ephemeral=EphemeralReply("C1", "UA8RXUSPL")
    )


@pytest.mark.parametrize(
    ("command", "reason", "aside"),
    [
        (Command.ACKNOWLEDGE, Reason.ACKNOWLEDGED, ""),
        (Command.ACKNOWLEDGE, Reason.REPLAYED, ""),
        (Command.ACKNOWLEDGE, Reason.ALREADY_DONE, "INC-142 is already acknowledged by ben."),
        (Command.RESOLVE, Reason.RESOLVED_BY_PERSON, ""),
        (Command.RESOLVE, Reason.UNKNOWN_INCIDENT, "INC-142 doesn't exist."),
        (Command.ESCALATE, Reason.ESCALATED, ""),
        (
            Command.ESCALATE,
            Reason.ALREADY_DONE,
            "INC-142 has reached the last step of its policy: there is nobody else to notify.",
        ),
    ],
)
def test_a_press_that_changes_nothing_is_answered_aside(
    command: Command, reason: Reason, aside: str
) -> None:
    """The message shows what became of any other."""
    pressed = Incoming({}, press(command.value, "142"))
    received = receiver.decode(pressed, NOW)
    incident = make_incident(acknowledged_at=NOW, acknowledged_by="ben")
    answer = receiver.reply(
        pressed, received, [CommandResult(received.commands[0], reason, incident)], NOW
    )
    assert (answer.status, answer.body) == (200, b"")
    assert answer.ephemeral == (EphemeralReply("C1", "U1", aside) if aside else None)


def test_who_is_no_contact_goes_by_their_name_in_slack() -> None:
    """Slack says who it is."""
    (asked,) = receiver.decode(Incoming({}, press("ack", name="ben")), NOW).commands
    assert asked.by == "ben"


def test_the_buttons_are_those_that_the_sender_makes() -> None:
    """Buttons round-trip; link buttons send no command."""
    *_, answers, links = build_message(make_message(acknowledged_at=None), buttons=True)["blocks"]
    buttons = [
        element for element in (*answers["elements"], *links["elements"]) if "text" in element
    ]
    received = [
        receiver.decode(Incoming({}, press(button["action_id"], button.get("value", ""))), NOW)
        for button in buttons
    ]
    pressed = [command for each in received for command in (*each.commands, *each.forms)]
    assert {row.incident_id for row in pressed} == {142}
    commands = ["ack", "assign", "escalate", "note", "resolve", "false_positive"]
    assert [one.command.value for one in pressed if one.command] == commands


def chosen(option: str) -> tuple[CommandRequest, ...]:
    """The request by an option of the menu."""
    payload = json.loads(parse_qs(press("more").decode())["payload"][0])
    payload["actions"][0]["selected_option"] = {"value": option}
    body = urlencode({"payload": json.dumps(payload)}).encode()
    return tuple(receiver.decode(Incoming({}, body), NOW).commands)


def test_the_menu_has_the_rarer_commands() -> None:
    """Menu entries round-trip."""
    *_, answers, _ = build_message(make_message(acknowledged_at=NOW), buttons=True)["blocks"]
    (menu,) = (element for element in answers["elements"] if element["type"] == "overflow")
    asked = [one for option in menu["options"] for one in chosen(option["value"])]
    assert [(row.incident_id, row.command, row.seconds) for row in asked] == [
        (142, Command.UNACKNOWLEDGE, None),
        (142, Command.SNOOZE, 3600),
        (142, Command.SNOOZE, 14_400),
        (142, Command.SNOOZE, 86_400),
    ]


@pytest.mark.parametrize("option", ["", "resolve:142", "snooze:142", "unack:142:5", "snooze:x:5"])
def test_an_unknown_option_is_ignored(option: str) -> None:
    assert not chosen(option)


def test_a_closed_incident_can_be_reopened() -> None:
    """With a confirmation."""
    closed = make_message(closed_at=NOW, status=Status.RESOLVED)
    *_, answers, _ = build_message(closed, buttons=True)["blocks"]
    (button,) = answers["elements"]
    (asked,) = receiver.decode(
        Incoming({}, press(button["action_id"], button["value"])), NOW
    ).commands
    assert (asked.incident_id, asked.command) == (142, Command.REOPEN)
    assert button["confirm"]["title"]["text"] == "Reopen INC-142?"


@pytest.mark.parametrize(
    ("text", "command", "seconds", "other", "note"),
    [
        ("unack 142", Command.UNACKNOWLEDGE, None, 0, ""),
        ("reopen 142 too early", Command.REOPEN, None, 0, "too early"),
        ("snooze 142 2h", Command.SNOOZE, 7200, 0, ""),
        ("snooze 142 90m deploying", Command.SNOOZE, 5400, 0, "deploying"),
        ("merge 142 into INC-150", Command.MERGE, None, 150, ""),
        ("merge 142 150", Command.MERGE, None, 150, ""),
        ("link 142 with 150", Command.LINK, None, 150, ""),
    ],
)
def test_a_rarer_command_asks(
    text: str, command: Command, seconds: float | None, other: int, note: str
) -> None:
    (asked,) = receiver.decode(typed(text), NOW).commands
    assert (asked.incident_id, asked.command, asked.seconds, asked.other, asked.text) == (
        142, command, seconds, other, note,
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["snooze 142", "snooze 142 2", "snooze 142 soon", "snooze 142 400d", "merge 142", "link 142 x"],
)
def test_a_rarer_command_that_lacks_something_gets_help(text: str) -> None:
    received = receiver.decode(typed(text), NOW)
    assert not received.commands
    assert "snooze 142 2h" in received.words


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
    """It's answered, or Slack would show the person a warning."""
    received = receiver.decode(
        Incoming({}, urlencode({"payload": json.dumps(payload)}).encode()), NOW
    )
    assert received.ignored
    assert receiver.reply(Incoming({}, b""), received, (), NOW) == WebhookAnswer(200, b"")


@pytest.mark.parametrize("body", [b"", b"payload=", b"payload=%7B", b"text=ack+142"])
def test_a_payload_that_is_none_is_bad(body: bytes) -> None:
    """It isn't from a button."""
    with pytest.raises(InvalidInput):
        receiver.decode(Incoming({}, body), NOW)


@given(
    st.recursive(
        st.none() | st.text(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=5
    )
)
def test_any_payload_can_be_read(payload: Any) -> None:
    """Also fields that Slack adds later."""
    body = urlencode(
        {"payload": json.dumps({"type": "block_actions", "actions": [payload]})}
    ).encode()
    assert receiver.decode(Incoming({}, body), NOW).ignored


# --- the command


def typed(text: str, **more: str) -> Incoming:
    form = {
        "user_id": "UA8RXUSPL",
        "user_name": "jtorrance",
        "command": "/incident",
        "text": text,
        **more,
    }
    return Incoming({}, urlencode(form).encode(), "command")


def said(answer: WebhookAnswer) -> str:
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
        ("lead 142", Command.ASSIGN, ""),
        ("lead 142 <@U7|ben>", Command.ASSIGN, "ben"),
        ("lead 142 @ben", Command.ASSIGN, "ben"),
    ],
)
def test_a_command_asks(text: str, command: Command | None, note: str) -> None:
    """In any case and spelling of the number. The trigger's id tells it from a repeated command."""
    (asked,) = receiver.decode(typed(text, trigger_id="398738663015.4744"), NOW).commands
    assert asked == CommandRequest(142, command, "ana", note, "slack:398738663015.4744")


@pytest.mark.parametrize(("text", "command"), [("list", None), ("ack", Command.ACKNOWLEDGE)])
def test_a_command_may_name_no_incident(text: str, command: Command | None) -> None:
    """It's then about the only open incident, or about all."""
    (asked,) = receiver.decode(typed(text), NOW).commands
    assert (asked.incident_id, asked.command) == (None, command)


@pytest.mark.parametrize(
    "text", ["", "help", "ack x", "ack 142x", "fix 142", "note 142", "ack " + "9" * 16]
)
def test_what_is_no_command_gets_help(text: str) -> None:
    """And does nothing."""
    received = receiver.decode(typed(text), NOW)
    assert not received.commands
    assert said(receiver.reply(typed(text), received, (), NOW)) == HELP


def test_a_command_is_answered_with_what_was_decided() -> None:
    """To its sender alone."""
    received = receiver.decode(typed("ack 142"), NOW)
    incident = make_incident(acknowledged_at=NOW, acknowledged_by="ben")
    results = [CommandResult(received.commands[0], Reason.ALREADY_DONE, incident)]
    assert (
        said(receiver.reply(typed("ack 142"), received, results, NOW))
        == "INC-142 is already acknowledged by ben."
    )


@pytest.mark.parametrize(
    ("text", "severity", "note"),
    [
        ("severity 142 P1", Severity.P1, ""),
        ("Severity INC-142 p3 one customer", Severity.P3, "one customer"),
    ],
)
def test_a_severity_is_set(text: str, severity: Severity, note: str) -> None:
    """With the reason, if given."""
    (asked,) = receiver.decode(typed(text, trigger_id="1.2"), NOW).commands
    assert asked == CommandRequest(
        142, Command.SEVERITY, "ana", note, "slack:1.2", severity=severity
    )


@pytest.mark.parametrize(
    ("text", "title", "severity"),
    [
        ('open "Checkout is down" P1', "Checkout is down", Severity.P1),
        ("open “Checkout is down” p0", "Checkout is down", Severity.P0),
        ("open Checkout is down", "Checkout is down", None),
        ("open Checkout is down P2", "Checkout is down", Severity.P2),
        (
            "open &lt;script&gt; on <https://example.com|example.com>",
            "<script> on example.com (https://example.com)",
            None,
        ),
    ],
)
def test_an_incident_is_opened(text: str, title: str, severity: Severity | None) -> None:
    """An alert in the person's name opens it, with any quotation marks that a telephone types."""
    (alert,) = receiver.decode(typed(text), NOW).alerts
    assert (alert.labels["alertname"], alert.severity, alert.by, alert.source) == (
        title,
        severity,
        "ana",
        "person",
    )


def test_who_is_on_call() -> None:
    """Names come from the current schedules; a schedule without anybody says so."""
    live_settings = {
        "primary": schedule(rotation(Rotate.DAILY, "09:00", "ana")),
        "weekend": Schedule("weekend", "UTC", ()),
    }
    site = ReceiverContext(names={"ana": "Ana Lima"}, schedules=lambda: live_settings)
    asked = RECEIVERS["slack"].build("slack", SlackConfig(signing_secret=SECRET), site)
    for text in ("on-call", "ONCALL"):
        assert asked.decode(typed(text), NOW).words == "primary: Ana Lima. weekend: nobody."
    assert "No schedule" in receiver.decode(typed("on-call"), NOW).words


@pytest.mark.parametrize(
    "text",
    ["open", 'open ""', "open " + "x" * 201, "severity 142", "severity 142 P9", "severity P"],
)
def test_what_lacks_something_says_what(text: str) -> None:
    """And does nothing."""
    received = receiver.decode(typed(text), NOW)
    assert not received.commands
    assert not received.alerts
    assert received.words


# --- forms


def test_a_button_may_open_a_form() -> None:
    """The form is about the incident, and arrives as a request of its own."""
    received = receiver.decode(Incoming({}, press("note", "142", trigger="1.2.3")), NOW)
    assert received == Received(forms=(Form("1.2.3", 142, Command.NOTE),), commands=[])


def test_a_form_comes_back_with_what_was_written() -> None:
    """In the name of who wrote it; the same view twice has one effect."""
    received = receiver.decode(
        Incoming({}, fill_in("rolled back", "142", view="V7", user="UA8RXUSPL")), NOW
    )
    assert received == Received(
        commands=[CommandRequest(142, Command.NOTE, "ana", "rolled back", "slack:V7")]
    )


def test_a_form_with_nothing_in_it_stays_open() -> None:
    """It says what is missing; so does a form about an unknown incident.

    Any accepted command closes it.
    """
    body = Incoming({}, fill_in(" ", "142"))
    answer = receiver.reply(body, receiver.decode(body, NOW), (), NOW)
    assert json.loads(answer.body) == {
        "response_action": "errors",
        "errors": {"note": "Write something."},
    }
    body = Incoming({}, fill_in("x", "142"))
    received = receiver.decode(body, NOW)
    unknown = [CommandResult(received.commands[0], Reason.UNKNOWN_INCIDENT, None)]
    assert b"INC-142 doesn't exist." in receiver.reply(body, received, unknown, NOW).body
    for reason in (Reason.NOTED, Reason.REPLAYED):
        assert (
            receiver.reply(
                body, received, [CommandResult(received.commands[0], reason, make_incident())], NOW
            )
            == WebhookAnswer()
        )


# --- threads


def read_thread(body: bytes) -> Received:
    return receiver.decode(Incoming({}, body, "events"), NOW)


def test_the_url_of_events_is_verified() -> None:
    """Slack asks for the challenge back."""
    body = Incoming({}, b'{"type": "url_verification", "challenge": "3eZbrw1aB"}', "events")
    assert receiver.reply(body, receiver.decode(body, NOW), (), NOW) == WebhookAnswer(
        200, b"3eZbrw1aB"
    )


def test_what_is_said_in_a_thread_is_a_note() -> None:
    """On the incident whose message it's under, without Slack's markup, once however often the
    event comes.
    """
    text = "see <@UA8RXUSPL> &amp; <https://example.com/x|the dashboard>"
    asked = CommandRequest(
        None,
        Command.NOTE,
        "ana",
        "see @ana & the dashboard (https://example.com/x)",
        "slack:C1:1548261999.000300",
        ref="C1:1548261231.000200",
    )
    assert read_thread(
        said_in_thread(text, "C1", "1548261231.000200", user="UA8RXUSPL")
    ) == Received(commands=[asked])


@pytest.mark.parametrize(
    "changes",
    [
        {"bot_id": "B1"},
        {"user": "UBOT"},
        {"user": None},
        {"subtype": "message_changed"},
        {"subtype": "message_deleted"},
        {"subtype": "bot_message"},
        {"thread_ts": None},
        {"thread_ts": "1548261999.000300"},
        {"parent_user_id": "U2"},
        {"text": ""},
        {"type": "reaction_added"},
    ],
)
def test_whatever_else_happens_in_a_channel_is_nothing_to_us(changes: dict[str, Any]) -> None:
    """Bots and ourselves, edits, what isn't in a thread, threads under other people's messages."""
    received = read_thread(said_in_thread("hello", "C1", "1548261231.000200", **changes))
    assert (received.commands, bool(received.ignored)) == ((), True)


@given(
    st.recursive(
        st.none() | st.text(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=5
    )
)
def test_any_event_can_be_read(event: Any) -> None:
    """Also events that Slack adds later."""
    assert read_thread(json.dumps({"type": "event_callback", "event": event}).encode()).ignored
