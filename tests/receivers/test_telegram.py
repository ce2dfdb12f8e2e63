"""Telegram's receiver: buttons, and replies to messages."""

import json
from typing import Any

import pytest

from router.config.secret import Secret
from router.model.event import Command
from router.model.reason import Reason
from router.ports.errors import Unauthorized
from router.ports.webhooks import CommandRequest, CommandResult, Incoming, Received, WebhookAnswer
from router.receivers import RECEIVERS
from router.receivers.context import ReceiverContext
from router.receivers.telegram import TelegramConfig
from tests.receivers import signed
from tests.senders.kit import NOW, make_incident

ANA = {"id": 4711, "is_bot": False, "first_name": "Ana", "last_name": "L."}
BEN = {"id": 815, "is_bot": False, "first_name": "Ben", "last_name": "Ito"}
receiver = RECEIVERS["telegram"].build(
    "telegram",
    TelegramConfig(secret_token=Secret("s3cret")),
    ReceiverContext(telegram={"4711": "Ana Lima"}),
)


def incoming(update: object) -> Incoming:
    return Incoming({"x-telegram-bot-api-secret-token": "s3cret"}, json.dumps(update).encode())


def read(update: object) -> Received:
    return receiver.decode(incoming(update), NOW)


def test_the_secret_is_checked_before_the_body_is_read() -> None:
    assert receiver.admit(incoming({}))
    for headers in ({}, {"x-telegram-bot-api-secret-token": "other"}):
        with pytest.raises(Unauthorized):
            receiver.admit(Incoming(headers))


@pytest.mark.parametrize(("person", "name"), [(ANA, "Ana Lima"), (BEN, "Ben Ito")])
def test_a_press_is_a_command_in_the_name_of_the_contact_or_the_user(
    person: dict[str, Any], name: str
) -> None:
    assert read(signed.telegram_press("resolve:142:2", person)).commands == [
        CommandRequest(142, Command.RESOLVE, name, receipt="telegram:99", reopened=2)
    ]


@pytest.mark.parametrize(
    "data", ["", "ack", "ack:x:0", "publish:142:0", "ack:142:0:1", "ack:" + "9" * 40 + ":0"]
)
def test_data_of_no_button_of_the_router_is_ignored(data: str) -> None:
    assert read(signed.telegram_press(data, ANA)).ignored


def test_data_that_the_message_does_not_offer_is_ignored() -> None:
    """Any client can send any data for a message that it sees."""
    update = signed.telegram_press("ack:142:0", ANA)
    update["callback_query"]["data"] = "resolve:999:0"
    assert read(update).ignored


def test_the_outcome_is_shown_to_the_person_who_pressed() -> None:
    update = signed.telegram_press("ack:142:0", ANA)
    received = read(update)
    result = CommandResult(received.commands[0], Reason.ACKNOWLEDGED, make_incident())
    answer = receiver.reply(incoming(update), received, [result], NOW)
    assert isinstance(answer, WebhookAnswer)
    assert json.loads(answer.body) == {
        "method": "answerCallbackQuery", "callback_query_id": "99", "text": "Acknowledged INC-142.",
    }  # fmt: skip


def said(words: str, person: dict[str, Any] = BEN, **changes: Any) -> dict[str, Any]:
    about = {"message_id": 42, "chat": {"id": -100}}
    message = {
        "message_id": 43,
        "from": person,
        "chat": {"id": -100},
        "text": words,
        "reply_to_message": about,
    }
    return {"update_id": 2, "message": message | changes}


def test_a_reply_to_an_incidents_message_is_a_note() -> None:
    (note,) = read(said("Rolling back")).commands
    assert note == CommandRequest(
        None, Command.NOTE, "Ben Ito", "Rolling back", "telegram:-100:43", ref="-100:42"
    )


@pytest.mark.parametrize(
    "update",
    [
        said(""),
        said("x", reply_to_message=None),
        said("x", {"id": 1, "is_bot": True, "first_name": "bot"}),
        {"update_id": 3, "edited_message": {}},
        {},
        [],
    ],
)
def test_everything_else_is_ignored(update: Any) -> None:
    assert read(update).ignored
    assert receiver.reply(incoming(update), Received(), (), NOW) == WebhookAnswer()
