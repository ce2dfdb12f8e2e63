"""Slack: buttons and forms, the command `/incident`, and messages in threads.

They arrive at `/webhooks/slack`, …/command and …/events.
https://docs.slack.dev/interactivity/handling-user-interaction and
/interactivity/implementing-slash-commands. Slack waits three seconds for an answer. It repeats only
events.
"""

import hmac
import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from router.config.secret import Secret
from router.model.event import Command
from router.model.reason_row import Trait
from router.model.reasons import having
from router.ports.errors import Unauthorized
from router.ports.webhooks import (
    CommandRequest,
    CommandResult,
    EphemeralReply,
    Form,
    Incoming,
    Received,
    WebhookAnswer,
)
from router.receivers.context import ReceiverContext
from router.receivers.replies import sentence
from router.receivers.slack.command import parse_command
from router.receivers.slack.thread import read_thread
from router.receivers.source import KIB, Source, clean, decode, member, same, text

TOLERANCE = 300.0
"""Maximum seconds between Slack's clock and the router's, in either direction:
https://docs.slack.dev/authentication/verifying-requests-from-slack.
"""

BUTTONS = {
    command.value: command
    for command in (
        Command.ACKNOWLEDGE,
        Command.ASSIGN,
        Command.ESCALATE,
        Command.RESOLVE,
        Command.FALSE_POSITIVE,
        Command.REOPEN,
    )
}
"""Commands by the `action_id` that the sender gives the button."""

MENU = "more"
"""The menu's `action_id`. Its options are `COMMAND:INCIDENT` or `snooze:INCIDENT:SECONDS`."""

_OPTION = re.compile(r"(unack|snooze):([0-9]{1,15})(?::([0-9]{1,6}))?")

FORMS = {Command.NOTE.value: Command.NOTE}
"""Commands that open a form first. The form's `callback_id` is the command."""

_SECONDS = re.compile(r"[0-9]{1,12}")
_NUMBER = re.compile(r"[0-9]{1,15}")
_SHOWN = having(Trait.SHOWN)
"""Outcomes that the edited message shows; all others get an ephemeral reply."""

_TAKEN = having(Trait.TAKEN)
_PAYLOAD = msgspec.json.Decoder()


class SlackConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """signing_secret: of the app whose bot posts the messages."""

    signing_secret: Secret


class SlackReceiver(Source):
    """Accepts commands from everybody who can see a message.

    The edited message shows the result of a button.
    """

    kind = "slack"
    max_body = 512 * KIB

    def __init__(self, name: str, config: SlackConfig, context: ReceiverContext) -> None:
        super().__init__(name)
        self._key = config.signing_secret.reveal().encode()
        self._context = context

    def verify(self, incoming: Incoming, now: float) -> None:
        """Raises: Unauthorized, also when the request is older or newer than five minutes."""
        at, signature = (
            incoming.headers.get(f"x-slack-{name}", "")
            for name in ("request-timestamp", "signature")
        )
        if not at or not signature:
            raise Unauthorized("X-Slack-Signature or X-Slack-Request-Timestamp is missing")
        if not _SECONDS.fullmatch(at) or abs(now - int(at)) > TOLERANCE:
            raise Unauthorized(
                "X-Slack-Request-Timestamp isn't of the last five minutes: is the clock right?"
            )
        signed = f"v0:{at}:".encode() + incoming.body
        if not same(signature, f"v0={hmac.new(self._key, signed, sha256).hexdigest()}"):
            raise Unauthorized("X-Slack-Signature is wrong")

    def decode(self, incoming: Incoming, now: float) -> Received:
        """A person's request. Raises: InvalidInput, if the payload cannot be read."""
        if incoming.segment == "events":
            payload = decode(_PAYLOAD, clean(incoming.body))
            if member(payload, "type") == "url_verification":
                return Received(words=text(member(payload, "challenge")))
            return read_thread(payload, self._context.slack)
        form = dict(parse_qsl(incoming.body.decode("utf-8", "replace"), keep_blank_values=True))
        if incoming.segment == "command":
            by = self._name(form.get("user_id", ""), form.get("user_name", ""))
            trigger = form.get("trigger_id", "")
            return parse_command(
                form.get("text", ""), by, f"slack:{trigger}" if trigger else "", now, self._context
            )
        payload = decode(_PAYLOAD, clean(form.get("payload", "").encode()))
        if member(payload, "type") == "view_submission":
            return self._filled_in(payload)
        if member(payload, "type") != "block_actions":
            return Received(ignored="Not a button")
        return self._pressed(payload)

    def reply(
        self, incoming: Incoming, received: Received, results: Sequence[CommandResult], now: float
    ) -> WebhookAnswer:
        """Reply to a command with an ephemeral message; to a form with its errors, or close it.

        A button gets an ephemeral reply only if the edited message doesn't show the result. A
        message in a thread gets no reply.
        """
        if incoming.segment == "events":
            return WebhookAnswer(body=received.words.encode())
        if incoming.segment == "command":
            return _json({"response_type": "ephemeral", "text": _words(received, results)})
        untaken = [
            result
            for result in results
            if result.request.command in FORMS.values() and result.reason not in _TAKEN
        ]
        if untaken or received.words:
            errors = {"note": _words(received, results)}
            return _json({"response_action": "errors", "errors": errors})
        unseen = [result for result in results if result.reason not in _SHOWN]
        if received.ephemeral and unseen:
            words = " ".join(map(sentence, unseen))
            return WebhookAnswer(ephemeral=replace(received.ephemeral, text=words))
        return WebhookAnswer()

    def _pressed(self, payload: object) -> Received:
        found: Any = member(payload, "actions")
        by, user = self._person(payload)
        message = text(member(member(payload, "container"), "message_ts"))
        commands, forms = [], []
        for action in found if isinstance(found, list) else ():
            name, value = text(member(action, "action_id")), text(member(action, "value"))
            receipt = f"slack:{message}:{text(member(action, 'action_ts'))}:{user}"
            if name == MENU:
                commands += _chosen(
                    text(member(member(action, "selected_option"), "value")), by, receipt
                )
            if not _NUMBER.fullmatch(value):
                continue
            if name in FORMS:
                forms.append(Form(text(member(payload, "trigger_id")), int(value), FORMS[name]))
            elif name in BUTTONS:
                commands.append(CommandRequest(int(value), BUTTONS[name], by, receipt=receipt))
        ignored = "" if commands or forms else "Not a button with a command"
        channel = text(member(member(payload, "container"), "channel_id"))
        ephemeral = EphemeralReply(channel, user) if channel and user and commands else None
        return Received(commands=commands, forms=tuple(forms), ephemeral=ephemeral, ignored=ignored)

    def _filled_in(self, payload: object) -> Received:
        view = member(payload, "view")
        command, about = (
            FORMS.get(text(member(view, "callback_id"))),
            text(member(view, "private_metadata")),
        )
        if command is None or not _NUMBER.fullmatch(about):
            return Received(ignored="Not a form of the router")
        field = member(member(member(member(view, "state"), "values"), "note"), "text")
        if not (words := text(member(field, "value"))):
            return Received(words="Write something.")
        by, _ = self._person(payload)
        return Received(
            commands=[
                CommandRequest(int(about), command, by, words, f"slack:{text(member(view, 'id'))}")
            ]
        )

    def _person(self, payload: object) -> tuple[str, str]:
        """The person's name and id."""
        user = member(payload, "user")
        user_id = text(member(user, "id"))
        return self._name(
            user_id, text(member(user, "username")) or text(member(user, "name"))
        ), user_id

    def _name(self, user_id: str, user_name: str) -> str:
        return self._context.slack.get(user_id) or user_name or user_id or "somebody in Slack"


def _chosen(option: str, by: str, receipt: str) -> list[CommandRequest]:
    """The command of the chosen menu option; empty if it isn't one of the router's options."""
    found = _OPTION.fullmatch(option)
    if not found or (found[1] == "snooze") != bool(found[3]):
        return []
    seconds = float(found[3]) if found[3] else None
    return [CommandRequest(int(found[2]), Command(found[1]), by, receipt=receipt, seconds=seconds)]


def _words(received: Received, results: Sequence[CommandResult]) -> str:
    return " ".join(map(sentence, results)) or received.words


def _json(content: object) -> WebhookAnswer:
    return WebhookAnswer(body=msgspec.json.encode(content), content_type="application/json")
