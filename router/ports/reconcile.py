"""Channels and sources whose service can be asked for its state."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from router.model.alert import Alert
from router.model.difference import DifferenceKind
from router.model.event import Command
from router.model.incident import Incident
from router.ports.store import AlertRow


class Shown(Struct, frozen=True):
    """An incident that a channel shows; `ref` is the sender's handle (`Notification.ref`)."""

    incident: Incident
    ref: str


class Mismatch(Struct, frozen=True):
    """A difference at the service of a channel.

    command: a person's command there that the router missed, with the person and `dated` as in
    `Commanded`. resend: sending the message again repairs the difference.
    """

    incident_id: int
    kind: DifferenceKind
    resend: bool = True
    command: Command | None = None
    by: str = ""
    dated: tuple[str, float] | None = None


class CompareFailed(Exception):
    """The service cannot be asked now. The text has the reason, and no secret."""


@runtime_checkable
class Comparer(Protocol):
    """A sender that can compare its service with the incidents that it shows."""

    async def compare(self, shown: Sequence[Shown], now: float) -> Sequence[Mismatch]:
        """Raises: CompareFailed."""
        ...


class SourcePoller(Protocol):
    """Asks a source for its alerts."""

    async def missed(self, known: Sequence[AlertRow], now: float) -> Sequence[Alert]:
        """Return alerts that the router missed: those that fire there, or have resolved.

        `known` are the alerts of the source that are stored here. Raises: CompareFailed.
        """
        ...
