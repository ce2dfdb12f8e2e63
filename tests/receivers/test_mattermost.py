"""Mattermost's receiver: buttons, each with a signed token."""

import json
from typing import Any

import pytest

from router.config.secret import Secret
from router.model.event import Command
from router.model.reason import Reason
from router.ports.errors import Unauthorized
from router.ports.webhooks import CommandResult, Incoming, WebhookAnswer
from router.receivers import RECEIVERS
from router.receivers.context import ReceiverContext
from router.receivers.mattermost import MattermostConfig
from tests.receivers.signed import mattermost_token
from tests.senders.kit import NOW, make_incident

SECRET = Secret("button-s3cret")
receiver = RECEIVERS["mattermost"].build(
    "mattermost",
    MattermostConfig(button_secret=SECRET),
    ReceiverContext(mattermost={"u1": "Ana Lima"}),
)


def press(token: object, **changes: Any) -> Incoming:
    content = {"user_id": "u1", "user_name": "ana", "trigger_id": "t1", "context": {"token": token}}
    return Incoming({}, json.dumps(content | changes).encode())


def test_a_token_of_another_key_is_refused() -> None:
    receiver.verify(press(mattermost_token(SECRET, NOW)), NOW)
    for token in (mattermost_token(Secret("other"), NOW), "", None, 7):
        with pytest.raises(Unauthorized):
            receiver.verify(press(token), NOW)


@pytest.mark.parametrize(
    ("changes", "name"), [({}, "Ana Lima"), ({"user_id": "u2", "user_name": "ben"}, "ben")]
)
def test_a_press_is_a_command_in_the_name_of_the_contact_or_the_user(
    changes: dict[str, Any], name: str
) -> None:
    token = mattermost_token(SECRET, NOW, Command.ESCALATE, reopened=3)
    (command,) = receiver.decode(press(token, **changes), NOW).commands
    assert (command.incident_id, command.command, command.by, command.reopened) == (
        1,
        Command.ESCALATE,
        name,
        3,
    )


def test_each_press_counts_once() -> None:
    """The same button may be pressed again, such as to escalate further."""
    token = mattermost_token(SECRET, NOW)
    receipts = [
        receiver.decode(press(token, trigger_id=t), NOW).commands[0].receipt
        for t in ("t1", "t1", "t2")
    ]
    assert receipts[0] == receipts[1] != receipts[2]


def test_an_expired_button_does_nothing() -> None:
    incoming = press(mattermost_token(SECRET, NOW))
    received = receiver.decode(incoming, NOW + 61)
    assert not received.commands
    answer = receiver.reply(incoming, received, (), NOW)
    assert json.loads(answer.body) == {"ephemeral_text": "This button can't be used any more."}  # type: ignore[union-attr]


def test_the_outcome_is_shown_to_the_person_who_pressed() -> None:
    incoming = press(mattermost_token(SECRET, NOW))
    received = receiver.decode(incoming, NOW)
    result = CommandResult(received.commands[0], Reason.ACKNOWLEDGED, make_incident(id=1))
    answer = receiver.reply(incoming, received, [result], NOW)
    assert isinstance(answer, WebhookAnswer)
    assert json.loads(answer.body) == {"ephemeral_text": "Acknowledged INC-1."}
