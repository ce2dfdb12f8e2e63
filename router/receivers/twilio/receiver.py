"""Twilio: replies to text messages, keys pressed in calls, and delivery statuses of both.

They arrive at `/webhooks/twilio/sms`, …/voice and …/status. Only numbers in the config may send
commands.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from router.config.secret import Secret
from router.core.messages.speech import ask, say, spoken
from router.model.event import Command, Undelivered
from router.ports.errors import InvalidInput
from router.ports.webhooks import CommandRequest, CommandResult, Incoming, Received, WebhookAnswer
from router.receivers.context import ReceiverContext, masked
from router.receivers.replies import sentence
from router.receivers.source import KIB, Source
from router.receivers.twilio.wire import (
    CONTENT_TYPE,
    HELP,
    Keyword,
    Receipt,
    answer,
    parse_form,
    parse_key,
    parse_receipt,
    parse_reply,
    parse_sid,
    public_url,
    verify,
)

COMMANDS = {
    Keyword.ACKNOWLEDGE: Command.ACKNOWLEDGE,
    Keyword.RESOLVE: Command.RESOLVE,
    Keyword.ESCALATE: Command.ESCALATE,
}
STRANGER = "This number isn't configured, so nothing was done."


class TwilioConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """auth_token: the primary token, the key of signatures. next_auth_token: during a rotation."""

    auth_token: Secret
    next_auth_token: Secret | None = None


class TwilioReceiver(Source):
    """Answers with the result in TwiML."""

    kind = "twilio"
    max_body = 64 * KIB

    def __init__(self, name: str, config: TwilioConfig, context: ReceiverContext) -> None:
        super().__init__(name)
        self._secrets = [secret for secret in (config.auth_token, config.next_auth_token) if secret]
        self._context = context

    def verify(self, incoming: Incoming, now: float) -> None:
        """Raises: Unauthorized."""
        verify(incoming.headers, self._urls(incoming), parse_form(incoming.body), self._secrets)

    def decode(self, incoming: Incoming, now: float) -> Received:
        """Raises: InvalidInput, if the sender or an id is missing, or the path is unknown."""
        form = parse_form(incoming.body)
        match incoming.segment:
            case "sms":
                return self._message(form)
            case "voice":
                return self._key(form, incoming.raw_path)
            case "status":
                return _status(parse_receipt(incoming.raw_path, form), now)
        raise InvalidInput(
            f"Twilio's webhooks go to /webhooks/{self.name}/sms, …/voice and …/status"
        )

    def reply(
        self, incoming: Incoming, received: Received, results: Sequence[CommandResult], now: float
    ) -> WebhookAnswer:
        words = " ".join(map(sentence, results)) or received.words
        in_call = incoming.segment == "voice"
        body = self._spoken(words, incoming, results, now).encode() if in_call else answer(words)
        return WebhookAnswer(body=body, content_type=CONTENT_TYPE)

    def _urls(self, incoming: Incoming) -> list[str]:
        return [public_url(url, incoming.raw_path) for url in self._context.urls]

    # --- text messages

    def _message(self, form: Mapping[str, str]) -> Received:
        reply = parse_reply(form)
        if reply.command is Keyword.NOTHING:
            return Received(ignored="Nothing to answer")
        by = self._context.phones.get(reply.number)
        if by is None:
            return Received(
                refused=f"{masked(reply.number)} is not a number in the config", words=STRANGER
            )
        command = COMMANDS.get(reply.command)
        if command is None:
            return Received(words=HELP)
        return Received(
            commands=[
                CommandRequest(reply.incident_id, command, by, reply.text, f"twilio:{reply.sid}")
            ]
        )

    # --- calls

    def _key(self, form: Mapping[str, str], raw_path: str) -> Received:
        """Read a pressed key. The URL, which the sender set, names the incident."""
        called, about = (
            form.get("To", ""),
            dict(parse_qsl(urlsplit(raw_path).query)).get("incident", ""),
        )
        if not (about.isascii() and about.isdigit() and len(about) < 16):
            raise InvalidInput("The URL names no incident", "/incident")
        sid = parse_sid(form, "CallSid")
        by = self._context.phones.get(called)
        if by is None:
            return Received(
                refused=f"{masked(called)} is not a number in the config", words=STRANGER
            )
        command = COMMANDS.get(parse_key(form))
        return Received(
            commands=[CommandRequest(int(about), command, by, receipt=f"twilio:{sid}:{command}")]
        )

    def _spoken(
        self, words: str, incoming: Incoming, results: Sequence[CommandResult], now: float
    ) -> str:
        """Say the result. After an unknown key, repeat the question until somebody acknowledges."""
        for result in results:
            incident = result.incident
            if (
                result.request.command is None
                and incident
                and incident.is_open
                and incident.acknowledged_at is None
            ):
                return ask(spoken(incident, self._context.company, now), self._urls(incoming)[0])
        return say(words)


def _status(receipt: Receipt, now: float) -> Received:
    """Read a delivery status. Only failures matter: the message already counts as sent."""
    if not receipt.failed or not receipt.incident_id:
        return Received(ignored="Not a failed message of the router")
    error = (
        f"{receipt.status}: Twilio error {receipt.error_code}"
        if receipt.error_code
        else receipt.status
    )
    identity = f"twilio:{receipt.sid}:failed"
    first = Undelivered(now, receipt.incident_id, receipt.channel, error, identity)
    others = [
        Undelivered(now, other, receipt.channel, error, f"{identity}:{other}")
        for other in receipt.also
    ]
    return Received(undelivered=[first, *others])
