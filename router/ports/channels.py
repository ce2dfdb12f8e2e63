"""Senders and what they can do beyond sending."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from router.model.deployment import Deployment
from router.model.device import Device
from router.model.notification import Message, Result
from router.model.statuspage import Maintenance, PublicMail
from router.ports.webhooks import EphemeralReply, Form


class Sender(Protocol):
    """Sends to one channel.

    It receives only a message, and never raises: a failure is a `Result`.
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

    async def mirror(self, maintenance: Maintenance, now: float) -> Result:
        """Bring the page up to date with the maintenance as it is at `now` (UTC seconds)."""
        ...


@runtime_checkable
class Mailer(Protocol):
    """A sender that can mail any address, such as a subscriber's.

    It never raises.
    """

    async def mail(self, mail: PublicMail) -> Result: ...


class DeviceBook(Protocol):
    """The devices that receive push messages. Its methods raise StoreUnavailable."""

    async def of(self, contact: str) -> Sequence[Device]: ...

    async def drop(self, key: str) -> bool:
        """Forget a device."""
        ...


@runtime_checkable
class DeviceOptions(Protocol):
    """The options of a channel that sends to devices."""

    def accepts(self, endpoint: str) -> bool:
        """Report whether the endpoint is at a push service of the channel."""
        ...


@runtime_checkable
class DeviceSender(Sender, Protocol):
    """A sender to contacts' devices, which are set before its first message."""

    def use(self, devices: DeviceBook, key: bytes) -> None:
        """Send to these devices, signed with the private key (PEM)."""
        ...


@runtime_checkable
class FormSender(Sender, Protocol):
    """A sender whose service can show a form or a text to one person only.

    Its methods never raise.
    """

    async def open(self, form: Form, now: float) -> Result: ...

    async def send_ephemeral(self, reply: EphemeralReply, now: float) -> Result: ...
