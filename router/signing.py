"""The keys of signed links: the config's, or ones that the router makes once and stores."""

import secrets
from collections.abc import Callable

from msgspec import Struct

from router.config.auth import Auth
from router.core.messages.signed_links import Seal, Signer, SubscriberLinks
from router.ports.store import Store
from router.records.records import Records

KIND = "key"
LINKS = "links"
SUBSCRIBERS = "subscribers"
"""A separate key: subscribers' ids are signed with it, so it can't be replaced."""
PUSH = "push"
ACCESS = "access"
"""The key of sessions and sign-in links."""


class Key(Struct, frozen=True):
    """A secret that the router made. It exists in the store only."""

    content: str


async def signing(store: Store, auth: Auth, at: float) -> Signer:
    """The signer of incident links, the same for all replicas of a store.

    Raises: StoreUnavailable.
    """
    if auth.link_secret:
        return Signer(auth.link_secret.reveal().encode())
    return Signer(await _made_key(store, LINKS, at))


async def subscriber_links(store: Store, at: float) -> SubscriberLinks:
    """The signer of subscriber links. Raises: StoreUnavailable."""
    return SubscriberLinks(await _made_key(store, SUBSCRIBERS, at))


async def access_seal(store: Store, at: float) -> Seal:
    """The seal of sessions and sign-in links. Raises: StoreUnavailable."""
    return Seal(await _made_key(store, ACCESS, at))


async def stored_access_seal(store: Store) -> Seal | None:
    """The stored seal; None if there is none yet. Raises: StoreUnavailable."""
    key = await Records(store, KIND, Key).get(ACCESS)
    return None if key is None else Seal(key.content.encode())


async def push_key(store: Store, at: float) -> bytes:
    """The private key (PEM) by which push services recognise the router (RFC 8292).

    Devices subscribe to this key, so it can't be replaced. Raises: StoreUnavailable.
    """
    return await _made_key(store, PUSH, at, _elliptic)


def _elliptic() -> str:
    """A new private key of the curve P-256, as PEM."""
    from py_vapid import Vapid02  # noqa: PLC0415 - only where devices are used

    key = Vapid02()
    key.generate_keys()
    pem: bytes = key.private_pem()
    return pem.decode()


def _random() -> str:
    return secrets.token_urlsafe(32)


async def _made_key(store: Store, name: str, at: float, make: Callable[[], str] = _random) -> bytes:
    """The generated key of that name, created on first use. Raises: StoreUnavailable."""
    kept = Records(store, KIND, Key)
    key = await kept.get(name)
    if key is None:
        await kept.add(name, Key(make()), at)
        key = await kept.get(name)
        assert key is not None
    return key.content.encode()
