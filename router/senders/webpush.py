"""Type `webpush`: notifications by the browsers' own push services, on any phone or computer.

A contact's devices subscribe on the page `/device`. A message goes to all of them, and counts as
sent if one service accepts it. When a service answers 404 or 410, the subscription has ended (RFC
8030, 7.3), and the router deletes it. A notification's tag is its incident, so the next
notification replaces it. It also has an id, by which the device recognizes a repeated message, so
no result is `Uncertain`.

Protocol: RFC 8030 (requests, TTL, Urgency, Topic), RFC 8291 (encryption), RFC 8292 (VAPID). A
service need not accept more than 4,096 bytes (RFC 8030, 7.2).
"""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02
from pywebpush import WebPusher

from router.config.channel_options import Capabilities, ChannelOptions
from router.config.fields import Duration
from router.core.messages.render import content
from router.model.device import Device
from router.model.incident import Severity
from router.model.notification import Message, Rejected, Result, Retry, Sent, person_of
from router.ports.channels import DeviceBook
from router.ports.errors import StoreUnavailable
from router.senders.calls import Calls, Failed, refusals
from router.senders.identity import message_id, origin
from router.senders.in_place import is_loud
from router.senders.links import answers, links
from router.senders.markup import PLAIN, cut, headline, octets, write

SERVICES = (
    "fcm.googleapis.com",
    "push.services.mozilla.com",
    "push.apple.com",
    "notify.windows.com",
)
"""Hosts of the push services of Chrome, Firefox, Safari and Edge, and the domains above them."""

MAX_TEXT = 1_500
"""Maximum bytes of the text. The rest of 4,096 is for the links and the encryption."""

MAX_TITLE = 200
TOPIC = 32
"""Maximum characters of a topic (RFC 8030, 5.4)."""

GONE = (404, 410)
EXPIRES = 12 * 3600.0
"""Seconds until a signature expires; at most 24 h (RFC 8292, 2)."""

BUTTONS = 2
"""Maximum buttons that every browser shows."""


class WebPushConfig(ChannelOptions, frozen=True, kw_only=True):
    """Push messages to the devices of contacts.

    contact: an e-mail address or URL by which a push service can contact the router's operators.
    keep: how long a service keeps a message for a device that is off.
    services: hosts of push services, including their subdomains, at which devices may subscribe.
    """

    contact: str
    keep: Duration = Duration(3_600.0)
    services: tuple[str, ...] = SERVICES

    def __post_init__(self) -> None:
        if "@" not in self.contact and not self.contact.startswith("https://"):
            raise ValueError("`contact` is an e-mail address, or a URL that begins with https://")

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(reaches="contact", to=(), is_paging=True)

    def accepts(self, endpoint: str) -> bool:
        """Return whether the endpoint is at one of the services."""
        parts = urlsplit(endpoint)
        host = parts.hostname or ""
        return parts.scheme == "https" and any(
            host == service or host.endswith(f".{service}") for service in self.services
        )


class WebPushSender:
    """Sends to every device of the contact. Without devices the message is rejected."""

    def __init__(self, name: str, config: WebPushConfig, session: aiohttp.ClientSession) -> None:
        self._name = name
        self._config = config
        self._session = session
        self._devices: DeviceBook | None = None
        self._key: Vapid02 | None = None

    def use(self, devices: DeviceBook, key: bytes) -> None:
        """Send to these devices from now on, signed with the private key (PEM)."""
        self._devices = devices
        self._key = Vapid02.from_pem(key)

    async def send(self, message: Message) -> Result:
        contact = person_of(message.channel)
        try:
            devices = await self._devices.of(contact) if self._devices else ()
        except StoreUnavailable as error:
            return Retry(str(error))
        if not devices:
            return Rejected(f"no device of {contact} is subscribed: see /device", address=True)
        body = msgspec.json.encode(notification(self._name, message))
        results = await asyncio.gather(*(self._push(device, body, message) for device in devices))
        return _joined(results)

    async def _push(self, device: Device, body: bytes, message: Message) -> Result:
        url = urlsplit(device.endpoint)
        headers = self._headers(device, message)
        judge = refusals("reason", "message", hide=url.path, now=message.at)
        base, seconds = f"{url.scheme}://{url.netloc}", self._config.timeout
        calls = Calls(self._session, base, headers, seconds=seconds, judge=judge)
        path = url.path + (f"?{url.query}" if url.query else "")
        try:
            await calls.call("POST", path, idempotent=True, body=_encrypted(device, body))
        except Failed as failure:
            return await self._forgotten(device) if failure.status in GONE else failure.result
        except ValueError:
            return Rejected("the keys of the subscription are invalid", address=True)
        return Sent()

    async def _forgotten(self, device: Device) -> Result:
        assert self._devices is not None
        try:
            await self._devices.drop(device.key)
        except StoreUnavailable as error:
            return Retry(str(error))
        return Rejected(f"the subscription of {device.name} has ended", address=True)

    def _headers(self, device: Device, message: Message) -> dict[str, str]:
        assert self._key is not None
        url, contact = urlsplit(device.endpoint), self._config.contact
        claims = {
            "aud": f"{url.scheme}://{url.netloc}",
            "sub": contact if "://" in contact else f"mailto:{contact}",
            "exp": int(message.at + EXPIRES),
        }
        urgent = is_loud(message) and message.incident.severity in {Severity.P0, Severity.P1}
        return {
            **self._key.sign(claims),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(int(self._config.keep)),
            "Urgency": "high" if urgent else "normal",
            "Topic": _tag(self._name, message)[:TOPIC],
        }

    async def close(self) -> None:
        """Nothing to close: the session belongs to the caller."""


def build(name: str, config: WebPushConfig, session: aiohttp.ClientSession) -> WebPushSender:
    return WebPushSender(name, config, session)


def public_key(pem: bytes) -> str:
    """Return the public key of a private key in the browsers' format: base64url of the point."""
    point = Vapid02.from_pem(pem).public_key.public_bytes(
        Encoding.X962, PublicFormat.UncompressedPoint
    )
    return urlsafe_b64encode(point).rstrip(b"=").decode()


def notification(channel: str, message: Message) -> dict[str, Any]:
    """The notification in the format that the page's service worker reads."""
    opens, incident = dict(links(content(message))), message.incident
    reader = f"contact:{person_of(message.channel)}"
    asked = () if message.for_stakeholder else answers(message, reader)
    return {
        "id": message_id(channel, message),
        "tag": _tag(channel, message),
        "title": cut(headline(message), MAX_TITLE),
        "body": write(message, PLAIN, MAX_TEXT, octets),
        "url": opens.get("All incidents") or opens.get("Open incident", ""),
        "loud": is_loud(message),
        "stays": incident.severity is Severity.P0 and incident.acknowledged_at is None,
        "actions": [{"title": label, "url": url} for label, url in tuple(asked)[:BUTTONS]],
    }


def _tag(channel: str, message: Message) -> str:
    """The tag: a notification replaces an earlier one with the same tag, but not a summary."""
    if message.other_incidents:
        return message_id(channel, message)
    return origin(channel, message.incident)


def _encrypted(device: Device, body: bytes) -> bytes:
    """Raises: ValueError, for texts that are not keys."""
    keys = {"endpoint": device.endpoint, "keys": {"p256dh": device.p256dh, "auth": device.auth}}
    encoded: bytes = WebPusher(keys).encode(body)["body"]
    return encoded


def _joined(results: Sequence[Result]) -> Result:
    """The first of: an accepted message, one that may still be accepted, a rejection."""
    for kind in (Sent, Retry):
        if found := next((result for result in results if isinstance(result, kind)), None):
            return found
    return results[-1]
