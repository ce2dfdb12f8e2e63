"""Inbound webhooks: what a receiver gets and returns."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from router.model.alert import Alert
from router.model.deployment import Deployment
from router.model.event import Command, Undelivered
from router.model.incident import Incident, Severity
from router.model.reason import Reason
from router.ports.errors import InvalidInput


class Incoming(Struct, frozen=True):
    """An inbound webhook as it arrived. Header names are lower case.

    `segment` is what follows the source's name in the path, if anything: a secret, or which of its
    paths it is. `raw_path` is the path and query as the request line has them.
    """

    headers: Mapping[str, str]
    body: bytes
    segment: str = ""
    raw_path: str = ""


class ExternalIncident(Struct, frozen=True):
    """An incident of ours that another service has as one of its own, in the life that `reopened`
    counts.
    """

    incident_id: int
    reopened: int


class CommandRequest(Struct, frozen=True):
    """What a person asks of an incident through a webhook; without a command, only to be told how
    it is.

    Without an incident the one is meant that `ref` is about: what a sender returned for a message,
    as `Notification.ref` keeps it. Without that, it's the only one that's open; without a command
    either, all that are open. `twin` is what another service calls the incident, where it doesn't
    say which of ours that is. `severity`, `receipt`, `reopened` and `dated` are those of
    `Commanded`.
    """

    incident_id: int | None
    command: Command | None
    by: str
    text: str = ""
    receipt: str = ""
    reopened: int | None = None
    severity: Severity | None = None
    ref: str = ""
    twin: str = ""
    dated: tuple[str, float] | None = None


class EphemeralReply(Struct, frozen=True):
    """What only the `user` sees, in a `channel`, both as their service calls them."""

    channel: str
    user: str
    text: str = ""


class Form(Struct, frozen=True):
    """What somebody wants to fill in for a command on an incident.

    `handle` is by what its service opens it, soon.
    """

    handle: str
    incident_id: int
    command: Command


class CommandResult(Struct, frozen=True):
    """What was decided on what somebody asked, None if that was no command, and the incident since,
    if there's one.

    `open` are those that are, newest first, where `asked` names none and it isn't clear which is
    meant.
    """

    asked: CommandRequest
    reason: Reason | None
    incident: Incident | None
    open: Sequence[Incident] = ()


class Received(Struct, frozen=True):
    """What a webhook held: alerts, and for each that couldn't be read why; what people ask; what
    didn't arrive.

    `twins` are what it calls incidents of ours. `deployed` are deployments it tells of; `forms` are
    to be opened for whoever asked, and `aside` is where to tell them what the answer can't.
    `ignored` says why there's nothing in it, `refused` why whoever sent it may ask for nothing.
    `words` are for them.
    """

    alerts: Sequence[Alert] = ()
    errors: Sequence[InvalidInput] = ()
    asked: Sequence[CommandRequest] = ()
    undelivered: Sequence[Undelivered] = ()
    deployed: Sequence[Deployment] = ()
    forms: Sequence[Form] = ()
    twins: Mapping[str, ExternalIncident] = {}
    aside: EphemeralReply | None = None
    ignored: str = ""
    refused: str = ""
    words: str = ""


class WebhookAnswer(Struct, frozen=True):
    """An HTTP answer in the form that a source wants, and what is said aside from it."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"
    aside: EphemeralReply | None = None


class Receiver(Protocol):
    """Understands one kind of webhook: checks who sent it, then decodes it.

    Both are pure but for the time given.
    """

    name: str

    def verify(self, incoming: Incoming, now: float) -> None:
        """Raises: Unauthorized."""
        ...

    def decode(self, incoming: Incoming, now: float) -> Received:
        """Raises: Bad, when nothing of it can be understood."""
        ...


@runtime_checkable
class Replying(Receiver, Protocol):
    """A receiver whose source wants an answer of its own.

    It words what was decided, and decides nothing.
    """

    def reply(
        self, incoming: Incoming, received: Received, handled: Sequence[CommandResult], now: float
    ) -> WebhookAnswer:
        """`handled` is what became of each of `received.asked`, in order, all of it committed."""
        ...
