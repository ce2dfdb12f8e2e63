"""PagerDuty's webhooks, version 3: people's actions on incidents of the `pagerduty` channel.

https://developer.pagerduty.com/docs/webhooks-overview. If a webhook is answered with 4xx, PagerDuty
drops it, and after three of these disables the subscription. So every signed webhook is accepted,
and ignored if it isn't understood.
"""

import hmac
import re
from collections.abc import Sequence
from hashlib import blake2b, sha256

import msgspec
from msgspec import Struct

from router.config.secret import Secret
from router.model.event import Command
from router.model.incident import Severity
from router.ports.errors import InvalidInput, Unauthorized
from router.ports.webhooks import (
    CommandRequest,
    CommandResult,
    ExternalIncident,
    Incoming,
    Received,
    WebhookAnswer,
)
from router.receivers.context import ReceiverContext
from router.receivers.replies import sentence
from router.receivers.source import MIB, Source, clean, decode, member, same, text
from router.receivers.times import first_epoch


class EventAction(Struct, frozen=True):
    """The command for an event. `about` names the property that it sets, if it may change again."""

    command: Command
    text: str = ""
    severity: Severity | None = None
    about: str = ""


STATUS, PRIORITY = "pagerduty:status", "pagerduty:priority"

MERGED = "merge_resolve_reason"
"""The resolve reason of an incident that was merged into another."""

PERSON = "user_reference"
"""The agent type of a person. Events by other agents are mostly echoes of the router's own calls to
the Events API.
"""

_KEY = re.compile(r"alert-router:INC-([0-9]{1,15}):([0-9]{1,9})")
"""The dedup_key that the sender uses: the incident, and how often it was reopened."""

_BODY = msgspec.json.Decoder()


class PagerDutyConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """secrets: the subscription's secret; several during a rotation, or for several subscriptions.

    priorities: the severity for each of PagerDuty's priorities, by name. Other priorities change
    nothing.
    """

    secrets: tuple[Secret, ...]
    priorities: dict[str, Severity] = {}

    def __post_init__(self) -> None:
        if not self.secrets:
            raise ValueError("secrets is empty: give the secret of the webhook subscription")


class PagerDutyReceiver(Source):
    """Applies a person's actions in PagerDuty to the router's incidents. Every answer is 202."""

    kind = "pagerduty"
    max_body = MIB

    def __init__(self, name: str, config: PagerDutyConfig, _context: ReceiverContext) -> None:
        super().__init__(name)
        self._secrets = config.secrets
        self._priorities = config.priorities

    def verify(self, incoming: Incoming, now: float) -> None:
        """Raises: Unauthorized, unless one of the signatures is by one of the secrets."""
        header = incoming.headers.get("x-pagerduty-signature", "")
        if not header:
            raise Unauthorized("X-PagerDuty-Signature is missing")
        given = [item.strip() for item in header.split(",")]
        wanted = [_signature(secret, incoming.body) for secret in self._secrets]
        if not any(same(signature, other) for signature in given for other in wanted):
            raise Unauthorized("X-PagerDuty-Signature is wrong")

    def decode(self, incoming: Incoming, now: float) -> Received:
        """Return a person's command for one of the router's incidents, or why there is none.

        Nothing is rejected.
        """
        try:
            event = member(decode(_BODY, clean(incoming.body)), "event")
        except InvalidInput as error:
            return Received(ignored=f"Not JSON: {error.detail}")
        data = member(event, "data")
        external = _external(data)
        action = self._action(text(member(event, "event_type")), data)
        if not action:
            return Received(
                external_incidents=external, ignored="Not an event that changes anything here"
            )
        if member(member(event, "agent"), "type") != PERSON:
            return Received(external_incidents=external, ignored="Not done by a person")
        request = _request(action, event, incoming.body)
        if not request:
            return Received(ignored="Not an incident of the router")
        return Received(commands=[request], external_incidents=external)

    def reply(
        self, incoming: Incoming, received: Received, results: Sequence[CommandResult], now: float
    ) -> WebhookAnswer:
        """Answer with the result, which PagerDuty shows in its log of deliveries."""
        words = (
            " ".join(map(sentence, results))
            or f"Ignored: {received.ignored or 'Not an incident of the router'}."
        )
        return WebhookAnswer(202, words.encode())

    def _action(self, kind: str, data: object) -> EventAction | None:
        match kind:
            case "incident.acknowledged":
                return EventAction(Command.ACKNOWLEDGE, about=STATUS)
            case "incident.resolved":
                return _resolved(data)
            case "incident.reopened":
                # Only alerts reopen the router's incident; a note tells responders about
                # PagerDuty's.
                return EventAction(Command.NOTE, "Reopened in PagerDuty", about=STATUS)
            case "incident.annotated":
                words = text(member(data, "content"))
                return (
                    EventAction(Command.NOTE, words + "…" * (member(data, "trimmed") is True))
                    if words
                    else None
                )
            case "incident.priority_updated":
                severity = self._priorities.get(text(member(member(data, "priority"), "summary")))
                return (
                    EventAction(Command.SEVERITY, severity=severity, about=PRIORITY)
                    if severity
                    else None
                )
        return None


def _resolved(data: object) -> EventAction:
    """A note for a merged incident, which continues as part of another; otherwise a resolve."""
    reason = member(data, "resolve_reason")
    if member(reason, "type") != MERGED:
        return EventAction(Command.RESOLVE, about=STATUS)
    into = member(reason, "incident")
    named = text(member(into, "summary")) or text(member(into, "id")) or "another incident"
    url = text(member(into, "html_url"))
    return EventAction(
        Command.NOTE,
        f"Merged in PagerDuty into {named}" + (f" ({url})" if url else ""),
        about=STATUS,
    )


def _external(data: object) -> dict[str, ExternalIncident]:
    """The router's incident by PagerDuty's id for it, if the event names both."""
    key, its = _KEY.fullmatch(text(member(data, "incident_key"))), text(member(data, "id"))
    return {f"pagerduty:{its}": ExternalIncident(int(key[1]), int(key[2]))} if key and its else {}


def _request(action: EventAction, event: object, body: bytes) -> CommandRequest | None:
    """None if the event names no incident."""
    data = member(event, "data")
    noted = member(data, "type") == "incident_note"
    its = text(member(member(data, "incident") if noted else data, "id"))
    key = _KEY.fullmatch(text(member(data, "incident_key")))
    if not its and not key:
        return None
    # The receipt is from signed content, as anybody can change the headers. Each subscription that
    # covers the service sends a separate event for a note, so a note is identified by its own id.
    note_id, event_id = noted and text(member(data, "id")), text(member(event, "id"))
    receipt = f"pagerduty:note:{note_id}" if note_id else f"pagerduty:{event_id or _digest(body)}"
    at = first_epoch(member(event, "occurred_at"))
    return CommandRequest(
        int(key[1]) if key else None,
        action.command,
        text(member(member(event, "agent"), "summary")) or "somebody in PagerDuty",
        action.text,
        receipt,
        int(key[2]) if key else None,
        action.severity,
        external="" if key else f"pagerduty:{its}",
        dated=(action.about, at) if action.about and at else None,
    )


def _digest(body: bytes) -> str:
    return blake2b(body, digest_size=16).hexdigest()


def _signature(secret: Secret, body: bytes) -> str:
    return f"v1={hmac.new(secret.reveal().encode(), body, sha256).hexdigest()}"
