"""Links that let whoever has one do one thing to one incident: signed, so that nobody can make one,
and expiring.

A token is `PAYLOAD.MAC`, both in base64url without padding: the grant as JSON, and the HMAC-SHA256
of it. Its 256 bits can't be guessed; and it says nothing that the message around it doesn't.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256

import msgspec
from msgspec import Struct, json

from router.model.event import Command
from router.model.incident import Incident

PATH = "/act"
"""Where links lead to, with the token after it."""

MAX_TOKEN = 2000
"""Characters: what is longer is none of ours, and isn't even decoded."""

_PURPOSE = b"alert-router act 1\0"
"""So that what the key may one day sign for another purpose is no link."""


class Grant(Struct, frozen=True, array_like=True):
    """What a link allows: one command, to one life of an incident as `Incident.reopened` counts
    them, until then.

    channel: the address that the link was sent to, like `mail/ana`. who: the mailbox; "" where many
    read it.
    expires_at: UTC seconds.
    """

    incident_id: int
    reopened: int
    command: Command
    channel: str
    who: str
    expires_at: int

    @property
    def receipt(self) -> str:
        """The same for the same link, so that using it twice has one effect."""
        return f"link:{sha256(json.encode(self)).hexdigest()[:32]}"


class Signer:
    """Makes tokens and knows its own. The key isn't shown."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        return "Signer(***)"

    def token(self, grant: Grant) -> str:
        payload = json.encode(grant)
        return f"{_text(payload)}.{_text(self._mac(payload))}"

    def read(self, token: str) -> Grant | None:
        """What the token allows, or allowed: it may have expired.

        None if it isn't one that this key made.
        """
        if len(token) > MAX_TOKEN or not token.isascii():
            return None
        written, _, signature = token.partition(".")
        try:
            payload, mac = _bytes(written), _bytes(signature)
            if not hmac.compare_digest(self._mac(payload), mac):
                return None
            return json.decode(payload, type=Grant)
        except (ValueError, msgspec.MsgspecError):
            return None

    def _mac(self, payload: bytes) -> bytes:
        return hmac.new(self._key, _PURPOSE + payload, sha256).digest()


class Links(Struct, frozen=True):
    """Makes the links that messages carry, good for so many seconds.

    `url` is the router's, without a slash.
    """

    signer: Signer
    url: str
    expire_after: float

    def of(self, incident: Incident, channel: str, at: float) -> Callable[[str, str], str]:
        """What makes those about this life of the incident, for a message to that address: see
        `Letter.link`.
        """

        def link(command: str, who: str) -> str:
            expires_at = int(at + self.expire_after)
            grant = Grant(
                incident.id, incident.reopened, Command(command), channel, who, expires_at
            )
            return f"{self.url}{PATH}/{self.signer.token(grant)}"

        return link


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """Raises: ValueError."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
