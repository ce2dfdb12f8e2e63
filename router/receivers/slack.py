"""Slack: buttons under messages, at `/webhooks/slack`, and the command `/incident`, at `/webhooks/slack/command`.

https://docs.slack.dev/interactivity/handling-user-interaction and /interactivity/implementing-slash-commands. Slack
waits for three seconds, and repeats nothing.
"""

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from router.config.secret import Secret
from router.model.event import Command
from router.ports import Answer, Asked, Handled, Incoming, Received, Unauthorized
from router.receivers.body import clean, decode
from router.receivers.credentials import same
from router.receivers.loose import member, text
from router.receivers.sentences import sentence
from router.receivers.site import Site

TOLERANCE = 300.0
"""Seconds between Slack's clock and ours, either way: https://docs.slack.dev/authentication/verifying-requests-from-slack."""

BUTTONS = {command.value: command for command in (Command.ACKNOWLEDGE, Command.RESOLVE, Command.FALSE_POSITIVE)}
"""Commands by the `action_id` that the sender gives the button."""

WORDS: Mapping[str, Command | None] = {
    "ack": Command.ACKNOWLEDGE,
    "escalate": Command.ESCALATE,
    "resolve": Command.RESOLVE,
    "note": Command.NOTE,
    "show": None,
    "list": None,
}
HELP = (
    "Try `/incident list`, `/incident ack 142`, `/incident escalate 142`, `/incident resolve 142`, "
    "`/incident note 142 TEXT` or `/incident show 142`."
)

_COMMAND = re.compile(r"([a-z]+)(?:\s+(?:INC-)?([0-9]{1,15})(?:\s+(.*))?)?", re.IGNORECASE | re.ASCII | re.DOTALL)
_SECONDS = re.compile(r"[0-9]{1,12}")
_NUMBER = re.compile(r"[0-9]{1,15}")
_PAYLOAD = msgspec.json.Decoder()


class SlackConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """signing_secret: of the app whose bot posts the messages."""

    signing_secret: Secret


class SlackReceiver:
    """Whoever sees a message may press its buttons. A button is answered by the message, which is edited."""

    def __init__(self, name: str, config: SlackConfig, site: Site) -> None:
        self.name = name
        self._secret = config.signing_secret
        self._names = site.slack

    def verify(self, incoming: Incoming, now: float) -> None:
        """Raises: Unauthorized, also when the request is older or newer than five minutes."""
        at, signature = (incoming.headers.get(f"x-slack-{name}", "") for name in ("request-timestamp", "signature"))
        if not at or not signature:
            raise Unauthorized("X-Slack-Signature or X-Slack-Request-Timestamp is missing")
        if not _SECONDS.fullmatch(at) or abs(now - int(at)) > TOLERANCE:
            raise Unauthorized("X-Slack-Request-Timestamp isn't of the last five minutes: is the clock right?")
        signed = f"v0:{at}:".encode() + incoming.body
        if not same(signature, f"v0={hmac.new(self._secret.reveal().encode(), signed, sha256).hexdigest()}"):
            raise Unauthorized("X-Slack-Signature is wrong")

    def decode(self, incoming: Incoming, now: float) -> Received:  # noqa: ARG002  each request is answered at once
        """What somebody asks for. Raises: Bad, when the payload can't be read."""
        form = dict(parse_qsl(incoming.body.decode("utf-8", "replace"), keep_blank_values=True))
        if incoming.segment == "command":
            return self._command(form)
        payload = decode(_PAYLOAD, clean(form.get("payload", "").encode()))
        if member(payload, "type") != "block_actions":
            return Received(ignored="Not a button")
        asked = list(self._pressed(payload))
        return Received(asked=asked) if asked else Received(ignored="Not a button that asks for anything")

    def reply(self, incoming: Incoming, received: Received, handled: Sequence[Handled], _now: float) -> Answer:
        """Empty for a button, as Slack wants it; for a command, words that only its sender sees."""
        if incoming.segment != "command":
            return Answer()
        words = " ".join(map(sentence, handled)) or received.words
        body = msgspec.json.encode({"response_type": "ephemeral", "text": words})
        return Answer(body=body, content_type="application/json")

    def _pressed(self, payload: object) -> Iterable[Asked]:
        user = member(payload, "user")
        by = self._name(text(member(user, "id")), text(member(user, "username")) or text(member(user, "name")))
        message = text(member(member(payload, "container"), "message_ts"))
        actions: Any = member(payload, "actions")
        for action in actions if isinstance(actions, list) else ():
            command, value = BUTTONS.get(text(member(action, "action_id"))), text(member(action, "value"))
            if command and _NUMBER.fullmatch(value):
                receipt = f"slack:{message}:{text(member(action, 'action_ts'))}:{text(member(user, 'id'))}"
                yield Asked(int(value), command, by, receipt=receipt)

    def _command(self, form: Mapping[str, str]) -> Received:
        found = _COMMAND.fullmatch(form.get("text", "").strip())
        if not found or (word := found[1].lower()) not in WORDS:
            return Received(words=HELP)
        command, note = WORDS[word], (found[3] or "").strip()
        if command is Command.NOTE and not note:
            return Received(words=HELP)
        by = self._name(form.get("user_id", ""), form.get("user_name", ""))
        trigger = form.get("trigger_id", "")
        incident_id = int(found[2]) if found[2] else None
        return Received(asked=[Asked(incident_id, command, by, note, f"slack:{trigger}" if trigger else "")])

    def _name(self, user_id: str, user_name: str) -> str:
        return self._names.get(user_id) or user_name or user_id or "somebody in Slack"
