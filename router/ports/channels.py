"""Senders and what they can do beyond sending."""

from typing import Protocol, runtime_checkable

from router.model.deployment import Deployment
from router.model.notification import Message, Result
from router.model.statuspage import Maintenance, PublicMail
from router.ports.webhooks import EphemeralReply, Form


class Sender(Protocol):
    """Sends to one channel.

    It gets only a message, and never raises: a failure is a `Result`.
    """

    async def send(self, message: Message) -> Result: ...

    async def close(self) -> None: ...


@runtime_checkable
class Announcer(Protocol):
    """Notifies a service of deployments. It never raises."""

    async def announce(self, deployment: Deployment, now: float) -> Result: ...


@runtime_checkable
class MaintenanceMirror(Protocol):
    """Shows maintenance on another status page. It never raises."""

    async def mirror(self, one: Maintenance, now: float) -> Result:
        """Bring the page up to date with the maintenance as it is at `now` (UTC seconds)."""
        ...


@runtime_checkable
class Mailer(Protocol):
    """A sender that can mail any address, such as a subscriber's.

    It never raises.
    """

    async def mail(self, mail: PublicMail) -> Result: ...


@runtime_checkable
class FormSender(Sender, Protocol):
    """A sender whose service can show a form or a text to one person only.

    Its methods never raise.
    """

    async def open(self, form: Form, now: float) -> Result: ...

    async def send_ephemeral(self, reply: EphemeralReply, now: float) -> Result: ...
