"""Browsers and installed pages that receive push messages."""

from hashlib import sha256

from msgspec import Struct


class Device(Struct, frozen=True):
    """A push subscription of a contact's browser (RFC 8030), with its keys (RFC 8291).

    endpoint: the URL at the browser's push service, which is secret. p256dh, auth: the browser's
    keys, in base64url.
    """

    contact: str
    endpoint: str
    p256dh: str
    auth: str
    name: str
    added_at: float

    @property
    def key(self) -> str:
        """An id of the subscription."""
        return sha256(self.endpoint.encode()).hexdigest()[:16]
