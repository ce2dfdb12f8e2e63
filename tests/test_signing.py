"""The key of the links: the config's, or one that the router makes once and keeps."""

from router.config.config_file import Auth
from router.config.secret import Secret
from router.core.messages.signed_links import Grant, Signer
from router.model.event import Command
from router.signing import signing, subscriber_links
from router.store import SqlStore

GRANT = Grant(1, 0, Command.ACKNOWLEDGE, "mail", "", 1_770_000_000)
SECRET = "s" * 32


async def test_a_key_that_is_made_is_kept(store: SqlStore) -> None:
    """Links still work after a restart, and on another replica."""
    made = await signing(store, Auth(), 0.0)
    again = await signing(store, Auth(), 1.0)
    assert again.read(made.token(GRANT)) == GRANT


async def test_each_store_has_its_own(store: SqlStore) -> None:
    """Nobody can make it from what is known."""
    assert Signer(b"").read((await signing(store, Auth(), 0.0)).token(GRANT)) is None
    assert len((await store.record("key", "links")).doc) > 40  # type: ignore[union-attr]


async def test_the_key_of_the_config_comes_first(store: SqlStore) -> None:
    """And then none is made."""
    signer = await signing(store, Auth(link_secret=Secret(SECRET)), 0.0)
    assert Signer(SECRET.encode()).read(signer.token(GRANT)) == GRANT
    assert await store.record("key", "links") is None


async def test_subscriber_links_are_the_same_for_all_replicas_of_a_store(store: SqlStore) -> None:
    """Also after a restart."""
    token = (await subscriber_links(store, 0.0)).token("confirm", "abc")
    assert (await subscriber_links(store, 1.0)).check("confirm", token, 2.0) == "abc"
