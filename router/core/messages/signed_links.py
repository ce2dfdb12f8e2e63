"""Signed links: each allows one action, and only the key's holder can create one.

A link in a message about an incident allows one command. Its token is `PAYLOAD.MAC`, both in
base64url without padding: the grant as JSON, and its HMAC-SHA256. A link in a mail to a subscriber
confirms or ends the subscription. Its token is `SUBSCRIBER.EXPIRES.MAC`, where the subscriber's id
is an HMAC of the address, so that it doesn't reveal the address. Links that were mailed must keep
working, so neither format may change. A `Seal` signs sessions and sign-in links.
"""

import hmac
from base64 import b32encode, urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

import msgspec
from msgspec import Struct, json

from router.model.event import Command
from router.model.incident import Incident

PATH = "/act"
"""The path of incident links, before the token."""

MAX_TOKEN = 2000
"""Maximum characters of a token. A longer token isn't decoded."""

LENGTH = 26
"""Characters of a subscriber link's signature: 130 bits, five in each."""

_PURPOSE = b"alert-router act 1\0"
"""A prefix of the signed text, so that signatures for other purposes aren't valid links."""


class _Key:
    """A secret key that no log shows."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"

    def _mac(self, message: bytes) -> bytes:
        return hmac.digest(self._key, message, sha256)


class Grant(Struct, frozen=True, array_like=True):
    """One command, valid until the incident is reopened (`Incident.reopened`).

    channel: the address that the link was sent to, like `mail/ana`.
    who: the mailbox; "" where many people read it.
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
        """An id of the link, so that using the link twice has one effect."""
        return f"link:{sha256(json.encode(self)).hexdigest()[:32]}"


class Signer(_Key):
    """Makes and reads the tokens of incident links."""

    __slots__ = ()

    def token(self, grant: Grant) -> str:
        payload = json.encode(grant)
        return f"{_text(payload)}.{_text(self._mac(_PURPOSE + payload))}"

    def read(self, token: str) -> Grant | None:
        """The grant, which may have expired. None if this key didn't sign the token."""
        if len(token) > MAX_TOKEN or not token.isascii():
            return None
        written, _, signature = token.partition(".")
        try:
            payload, mac = _bytes(written), _bytes(signature)
            if not hmac.compare_digest(self._mac(_PURPOSE + payload), mac):
                return None
            return json.decode(payload, type=Grant)
        except (ValueError, msgspec.MsgspecError):
            return None


class Links(Struct, frozen=True):
    """Makes incident links. `url` is the router's, without a slash; `expire_after` in seconds."""

    signer: Signer
    url: str
    expire_after: float

    def link(self, incident: Incident, channel: str, at: float, command: str, who: str) -> str:
        """The link in a message to this address that runs a command: see `Message.link`."""
        expires_at = int(at + self.expire_after)
        grant = Grant(incident.id, incident.reopened, Command(command), channel, who, expires_at)
        return f"{self.url}{PATH}/{self.signer.token(grant)}"


class SubscriberLinks(_Key):
    """Makes and checks the tokens of links in mails to subscribers of the status page."""

    __slots__ = ()

    def subscriber(self, address: str) -> str:
        """The id under which an address is stored. It doesn't reveal the address."""
        return self._sign(f"subscriber {address.lower()}")

    def token(self, purpose: str, subscriber: str, expires: float = 0.0) -> str:
        """`expires` in UTC seconds, 0 for never."""
        signature = self._sign(f"{purpose} {subscriber} {expires:.0f}")
        return f"{subscriber}.{expires:.0f}.{signature}"

    def check(self, purpose: str, token: str, now: float) -> str | None:
        """The token's subscriber. None if it's forged, for another purpose, or expired."""
        subscriber, _, rest = token.partition(".")
        expires, _, signature = rest.partition(".")
        signed = self._sign(f"{purpose} {subscriber} {expires}")
        if not hmac.compare_digest(signed.encode(), signature.encode()):
            return None
        return subscriber if expires == "0" or now <= int(expires) else None

    def _sign(self, text: str) -> str:
        return b32encode(self._mac(text.encode())).decode().lower()[:LENGTH]


class Seal(_Key):
    """Signs short texts, each for one purpose. The text isn't encrypted."""

    __slots__ = ()

    def sealed(self, purpose: str, text: str) -> str:
        """Return the text with its signature, `TEXT.MAC`."""
        return f"{text}.{self._seal(purpose, text)}"

    def opened(self, purpose: str, sealed: str) -> str | None:
        """Return the text. None if this key didn't sign it for the purpose."""
        text, _, mac = sealed.rpartition(".")
        if len(sealed) > MAX_TOKEN or not sealed.isascii():
            return None
        return text if hmac.compare_digest(self._seal(purpose, text), mac) else None

    def _seal(self, purpose: str, text: str) -> str:
        return _text(self._mac(f"alert-router {purpose}\0{text}".encode()))


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """Raises: ValueError."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
