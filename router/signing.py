"""The key that signs the links in messages, and whose mailboxes they go to."""

import secrets

from msgspec import Struct

from router.config.document import Auth
from router.config.load import Config
from router.core.messages.signed_links import Signer
from router.ports.store import Store
from router.records.records import Records

KIND = "key"
LINKS = "links"


class Key(Struct, frozen=True):
    """A secret that the router made for itself. It's nowhere but in the store."""

    content: str


async def signing(store: Store, auth: Auth, at: float) -> Signer:
    """By the config's key, or else by one that's made once and kept, the same for all replicas of a
    store.

    Raises: StoreUnavailable.
    """
    if auth.link_secret:
        return Signer(auth.link_secret.reveal().encode())
    return Signer(await made_key(store, LINKS, at))


async def made_key(store: Store, name: str, at: float) -> bytes:
    """The router's own key of that name, which it makes once. Raises: StoreUnavailable."""
    kept = Records(store, KIND, Key)
    key = await kept.get(name)
    if key is None:
        await kept.add(name, Key(secrets.token_urlsafe(32)), at)
        key = await kept.get(name)
        assert key is not None
    return key.content.encode()


def mailboxes(config: Config) -> dict[str, str]:
    """Names by e-mail address, of the contacts that have one."""
    contacts = config.document.contacts.items()
    return {contact.email: contact.name or key for key, contact in contacts if contact.email}
