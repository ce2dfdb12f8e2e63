"""Senders and what they can do beyond sending."""

from typing import Protocol, runtime_checkable

from router.model.deployment import Deployment
from router.model.notification import Message, Result
from router.model.statuspage import PublicMail
from router.ports.webhooks import EphemeralReply, Form


class Sender(Protocol):
    """Tells one channel.

    It sees a message and nothing else, and never raises: what went wrong is a `Result`.
    """

    async def send(self, message: Message) -> Result: ...

    async def close(self) -> None: ...


@runtime_checkable
class Announcer(Protocol):
    """Tells a service of deployments. It never raises."""

    async def announce(self, deployment: Deployment, now: float) -> Result: ...


@runtime_checkable
class Mailer(Protocol):
    """A sender that can mail anybody, a subscriber of the status page for one.

    It never raises either.
    """

    async def mail(self, mail: PublicMail) -> Result: ...


@runtime_checkable
class FormSender(Sender, Protocol):
    """A sender whose service can show a form, or words, to one person alone.

    Neither ever raises.
    """

    async def open(self, form: Form, now: float) -> Result: ...

    async def send_ephemeral(self, reply: EphemeralReply, now: float) -> Result: ...
