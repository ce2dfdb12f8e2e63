"""PagerDuty's webhooks, version 3: what people do there to the incidents that the `pagerduty`
channel opened.

https://developer.pagerduty.com/docs/webhooks-overview. PagerDuty drops a webhook that is answered
with 4xx, and disables the subscription after three of them: so whatever is signed is taken, and
ignored if it isn't understood.
"""

import hmac
import re
from collections.abc import Sequence
from hashlib import sha256

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
from router.receivers.body import clean, decode
from router.receivers.context import ReceiverContext
from router.receivers.credentials import same
from router.receivers.lenient import member, text
from router.receivers.replies import sentence
from router.receivers.times import first_epoch


class Said(Struct, frozen=True):
    """What an event asks for.

    `about` is what of the incident it says something newer of, if that can be undone.
    """

    command: Command
    text: str = ""
    severity: Severity | None = None
    about: str = ""


STATUS, PRIORITY = "pagerduty:status", "pagerduty:priority"

MERGED = "merge_resolve_reason"
"""Why an incident that was merged into another is resolved."""

PERSON = "user_reference"
"""The type of agent that a person is.

Anything else, above all our own calls of the Events API, is an echo.
"""

_KEY = re.compile(r"alert-router:INC-([0-9]{1,15}):([0-9]{1,9})")
"""The dedup_key that the sender makes: the incident, and how often it had been reopened."""

_BODY = msgspec.json.Decoder()


class PagerDutyConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """secrets: of the webhook subscription. More than one while it's rotated, or for several
    subscriptions.

    priorities: the severities that PagerDuty's priorities stand for, by name. Others change
    nothing.
    """

    secrets: tuple[Secret, ...]
    priorities: dict[str, Severity] = {}

    def __post_init__(self) -> None:
        if not self.secrets:
            raise ValueError(
                "sources.pagerduty.secrets is empty: give the secret of the webhook subscription"
            )


class PagerDutyReceiver:
    """Takes what a person did there as done here. It's answered with 202, whatever became of it."""

    def __init__(self, name: str, config: PagerDutyConfig, _site: ReceiverContext) -> None:
        self.name = name
        self._secrets = config.secrets
        self._priorities = config.priorities

    def verify(self, incoming: Incoming, now: float) -> None:  # noqa: ARG002  PagerDuty's signature has no time
        """Raises: Unauthorized, unless one of the signatures is by one of the secrets."""
        header = incoming.headers.get("x-pagerduty-signature", "")
        if not header:
            raise Unauthorized("X-PagerDuty-Signature is missing")
        given = [item.strip() for item in header.split(",")]
        wanted = [_signature(secret, incoming.body) for secret in self._secrets]
        if not any(same(one, other) for one in given for other in wanted):
            raise Unauthorized("X-PagerDuty-Signature is wrong")

    def decode(self, incoming: Incoming, now: float) -> Received:  # noqa: ARG002
        """What a person did to an incident of ours, or why it's nothing of the kind; nothing is
        refused.
        """
        try:
            event = member(decode(_BODY, clean(incoming.body)), "event")
        except InvalidInput as error:
            return Received(ignored=f"Not JSON: {error.detail}")
        data = member(event, "data")
        twins = _twins(data)
        said = self._said(text(member(event, "event_type")), data)
        if not said:
            return Received(twins=twins, ignored="Not an event that changes anything here")
        if member(member(event, "agent"), "type") != PERSON:
            return Received(twins=twins, ignored="Not done by a person")
        asked = _asked(said, event, incoming.headers.get("x-webhook-id", ""))
        if not asked:
            return Received(ignored="Not an incident of ours")
        return Received(asked=[asked], twins=twins)

    def reply(
        self, _incoming: Incoming, received: Received, handled: Sequence[CommandResult], _now: float
    ) -> WebhookAnswer:
        """PagerDuty shows nobody what is answered, but its log of deliveries keeps it."""
        words = (
            " ".join(map(sentence, handled))
            or f"Ignored: {received.ignored or 'Not an incident of ours'}."
        )
        return WebhookAnswer(202, words.encode())

    def _said(self, kind: str, data: object) -> Said | None:
        match kind:
            case "incident.acknowledged":
                return Said(Command.ACKNOWLEDGE, about=STATUS)
            case "incident.resolved":
                return _resolved(data)
            case "incident.reopened":
                # Nothing here can be reopened by a person, but whoever looks should know that
                # somebody did there.
                return Said(Command.NOTE, "Reopened in PagerDuty", about=STATUS)
            case "incident.annotated":
                words = text(member(data, "content"))
                return (
                    Said(Command.NOTE, words + "…" * (member(data, "trimmed") is True))
                    if words
                    else None
                )
            case "incident.priority_updated":
                severity = self._priorities.get(text(member(member(data, "priority"), "summary")))
                return (
                    Said(Command.SEVERITY, severity=severity, about=PRIORITY) if severity else None
                )
        return None


def _resolved(data: object) -> Said:
    """Merged isn't over: it goes on in another incident there, which alone can be answered there
    from now on.
    """
    reason = member(data, "resolve_reason")
    if member(reason, "type") != MERGED:
        return Said(Command.RESOLVE, about=STATUS)
    into = member(reason, "incident")
    named = text(member(into, "summary")) or text(member(into, "id")) or "another incident"
    url = text(member(into, "html_url"))
    return Said(
        Command.NOTE,
        f"Merged in PagerDuty into {named}" + (f" ({url})" if url else ""),
        about=STATUS,
    )


def _twins(data: object) -> dict[str, ExternalIncident]:
    """What PagerDuty calls an incident of ours, if the event says that."""
    key, its = _KEY.fullmatch(text(member(data, "incident_key"))), text(member(data, "id"))
    return {f"pagerduty:{its}": ExternalIncident(int(key[1]), int(key[2]))} if key and its else {}


def _asked(said: Said, event: object, webhook: str) -> CommandRequest | None:
    """None if nothing says which incident it's about."""
    data = member(event, "data")
    noted = member(data, "type") == "incident_note"
    its = text(member(member(data, "incident") if noted else data, "id"))
    key = _KEY.fullmatch(text(member(data, "incident_key")))
    if not its and not key:
        return None
    # A note is known by its own id: each subscription that covers its service sends it in a webhook
    # of its own.
    once = noted and text(member(data, "id"))
    receipt = (
        f"pagerduty:note:{once}" if once else f"pagerduty:{webhook or text(member(event, 'id'))}"
    )
    at = first_epoch(member(event, "occurred_at"))
    return CommandRequest(
        int(key[1]) if key else None,
        said.command,
        text(member(member(event, "agent"), "summary")) or "somebody in PagerDuty",
        said.text,
        receipt,
        int(key[2]) if key else None,
        said.severity,
        twin="" if key else f"pagerduty:{its}",
        dated=(said.about, at) if said.about and at else None,
    )


def _signature(secret: Secret, body: bytes) -> str:
    return f"v1={hmac.new(secret.reveal().encode(), body, sha256).hexdigest()}"
