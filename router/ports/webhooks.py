"""Inbound webhooks: what a receiver gets and returns."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from router.model.alert import Alert
from router.model.deployment import Deployment
from router.model.event import Command, Undelivered
from router.model.incident import Incident, Severity
from router.model.reason import Reason
from router.ports.errors import InvalidInput
from router.ports.store import AlertRow


class Incoming(Struct, frozen=True):
    """An inbound webhook request. Header names are lower case. The body is empty until it was read.

    `segment` is the part of the path after the source's name, if any: a secret, or one of the
    source's own paths. `raw_path` is the path and query exactly as in the request line.
    """

    headers: Mapping[str, str]
    body: bytes = b""
    segment: str = ""
    raw_path: str = ""
    method: str = "POST"


class ExternalIncident(Struct, frozen=True):
    """The router's incident for an external one; `reopened` as in `Incident.reopened`."""

    incident_id: int
    reopened: int


class AlertRef(Struct, frozen=True):
    """An alert by its fingerprint, or by a prefix of it that only one alert has."""

    fingerprint: str
    is_prefix: bool = False


class AlertListing(Struct, frozen=True):
    """A list of the alerts whose fingerprint begins with `prefix`, newest first.

    firing: None for all. with_incidents: each with its incident.
    """

    prefix: str
    firing: bool | None
    offset: int
    limit: int
    oldest_first: bool = False
    with_incidents: bool = True


class CommandRequest(Struct, frozen=True):
    """A command that a person sent by a webhook, or a question if `command` is None.

    Without `incident_id` it is about the incidents of the alert `alert`, or else the incident of
    the message `ref` (`Notification.ref`), or else the incident that another service calls
    `external`, or else the only open incident. A question without any of these is about all open
    incidents. `severity`, `receipt`, `reopened`, `dated` and `other` are as in `Commanded`;
    `seconds` is the length of a snooze. `ends`: the request isn't a command but resolves `alert`.
    """

    incident_id: int | None
    command: Command | None
    by: str
    text: str = ""
    receipt: str = ""
    reopened: int | None = None
    severity: Severity | None = None
    ref: str = ""
    external: str = ""
    dated: tuple[str, float] | None = None
    seconds: float | None = None
    other: int = 0
    alert: AlertRef | None = None
    ends: bool = False


class EphemeralReply(Struct, frozen=True):
    """A reply that only `user` sees, in `channel`; both by the ids of their service."""

    channel: str
    user: str
    text: str = ""


class Form(Struct, frozen=True):
    """A form to open for a command on an incident.

    `handle` is the service's short-lived key to open it.
    """

    handle: str
    incident_id: int
    command: Command


class CommandResult(Struct, frozen=True):
    """The result of one command or question.

    `reason` is the decision, None for a question. `incident` is the incident afterwards. `open`
    lists the open incidents, newest first, if `request` names none and several are possible.
    `alert` is the alert that the request names, as it was before; None if there is none.
    """

    request: CommandRequest
    reason: Reason | None
    incident: Incident | None
    open: Sequence[Incident] = ()
    alert: AlertRow | None = None


class Received(Struct, frozen=True):
    """The decoded content of a webhook, in the same form for all sources.

    alerts: alerts to decide on. errors: one for each alert that cannot be read. warnings: one for
    each value that was read although it is malformed. commands: commands and questions. forms:
    forms to open. undelivered: messages that did not arrive. deployed: deployments.
    external_incidents: incidents of the router by their names at another service. listing: alerts
    to list in the reply. beats: names of heartbeats that are alive. ephemeral: where to reply if
    the answer cannot. ignored: why there is nothing to do. refused: why the sender has no
    permission. words: the text to reply with.
    """

    alerts: Sequence[Alert] = ()
    errors: Sequence[InvalidInput] = ()
    warnings: Sequence[InvalidInput] = ()
    commands: Sequence[CommandRequest] = ()
    undelivered: Sequence[Undelivered] = ()
    deployed: Sequence[Deployment] = ()
    forms: Sequence[Form] = ()
    external_incidents: Mapping[str, ExternalIncident] = {}
    listing: AlertListing | None = None
    beats: Sequence[str] = ()
    ephemeral: EphemeralReply | None = None
    ignored: str = ""
    refused: str = ""
    words: str = ""


class WebhookAnswer(Struct, frozen=True):
    """An HTTP answer in the form that a source expects, and an additional ephemeral reply.

    headers: further headers of a refusal.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"
    ephemeral: EphemeralReply | None = None
    headers: Mapping[str, str] = {}


class Receiver(Protocol):
    """Handles one kind of webhook. All methods are pure: time is an argument.

    `name` is the key under `sources`, `kind` its type. `max_body` is the largest body in bytes,
    None for the configured `max_body`. `is_open` is True if anybody may send, without a secret.
    `methods` are the HTTP methods of its own paths.
    """

    name: str

    @property
    def kind(self) -> str: ...

    @property
    def max_body(self) -> int | None: ...

    @property
    def is_open(self) -> bool: ...

    @property
    def methods(self) -> frozenset[str]: ...

    def admit(self, incoming: Incoming) -> bool:
        """Check the credentials that need no body, before the body is read.

        True: they identify the sender. False: `verify` will. Raises: Unauthorized.
        """
        ...

    def verify(self, incoming: Incoming, now: float) -> None:
        """Check all credentials, with the body, unless `admit` identified the sender.

        Raises: Unauthorized.
        """
        ...

    def decode(self, incoming: Incoming, now: float) -> Received:
        """Decode the body. Raises: InvalidInput, if no part of it can be decoded."""
        ...

    def reply(
        self, incoming: Incoming, received: Received, results: Sequence[CommandResult], now: float
    ) -> WebhookAnswer | None:
        """Format the committed results as the source expects; None for the standard answer.

        `results` has a result for each manual alert, each of `received.commands` (one for each
        incident of the alert that it names) and each alert of the listing, in order.
        """
        ...

    def refuse(self, status: int, error: InvalidInput) -> WebhookAnswer | None:
        """Format a refusal as the source's clients expect; None for problem details (RFC 9457)."""
        ...
