"""PagerDuty's webhooks, version 3: what people do there to the incidents that the `pagerduty` channel opened.

https://developer.pagerduty.com/docs/webhooks-overview. PagerDuty drops a webhook that is answered with 4xx, and
disables the subscription after three of them: so whatever is signed is taken, and ignored if it isn't understood.
"""

import hmac
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256

import msgspec
from msgspec import Struct

from router.config.secret import Secret
from router.model.event import Command
from router.ports import Answer, Asked, Bad, Handled, Incoming, Received, Unauthorized
from router.receivers.body import clean, decode
from router.receivers.credentials import same
from router.receivers.loose import member, text
from router.receivers.sentences import sentence
from router.receivers.site import Site

COMMANDS: Mapping[str, tuple[Command, str]] = {
    "incident.acknowledged": (Command.ACKNOWLEDGE, ""),
    "incident.resolved": (Command.RESOLVE, ""),
    # Nothing here can be reopened by a person, but whoever looks should know that somebody did there.
    "incident.reopened": (Command.NOTE, "Reopened in PagerDuty"),
}
"""What an event asks for, and the text that goes with it."""

PERSON = "user_reference"
"""The type of agent that a person is. Anything else, above all our own calls of the Events API, is an echo."""

_KEY = re.compile(r"alert-router:INC-([0-9]{1,15}):([0-9]{1,9})")
"""The dedup_key that the sender makes: the incident, and how often it had been reopened."""

_BODY = msgspec.json.Decoder()


class PagerDutyConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """secrets: of the webhook subscription. More than one while it's rotated, or for several subscriptions."""

    secrets: tuple[Secret, ...]

    def __post_init__(self) -> None:
        if not self.secrets:
            raise ValueError("sources.pagerduty.secrets is empty: give the secret of the webhook subscription")


class PagerDutyReceiver:
    """Takes what a person did there as done here. It's answered with 202, whatever became of it."""

    def __init__(self, name: str, config: PagerDutyConfig, _site: Site) -> None:
        self.name = name
        self._secrets = config.secrets

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
        """What a person did to an incident of ours, or why it's nothing of the kind; nothing is refused."""
        try:
            event = member(decode(_BODY, clean(incoming.body)), "event")
        except Bad as error:
            return Received(ignored=f"Not JSON: {error.detail}")
        kind, agent, data = (member(event, name) for name in ("event_type", "agent", "data"))
        found = COMMANDS.get(text(kind))
        if not found:
            return Received(ignored="Not an event that changes anything here")
        if member(agent, "type") != PERSON:
            return Received(ignored="Not done by a person")
        key = _KEY.fullmatch(text(member(data, "incident_key")))
        if not key:
            return Received(ignored="Not an incident of ours")
        command, note = found
        by = text(member(agent, "summary")) or "somebody in PagerDuty"
        receipt = f"pagerduty:{incoming.headers.get('x-webhook-id') or text(member(event, 'id'))}"
        return Received(asked=[Asked(int(key[1]), command, by, note, receipt, int(key[2]))])

    def reply(self, _incoming: Incoming, received: Received, handled: Sequence[Handled], _now: float) -> Answer:
        """PagerDuty shows nobody what is answered, but its log of deliveries keeps it."""
        words = " ".join(map(sentence, handled)) or f"Ignored: {received.ignored}."
        return Answer(202, words.encode())


def _signature(secret: Secret, body: bytes) -> str:
    return f"v1={hmac.new(secret.reveal().encode(), body, sha256).hexdigest()}"
