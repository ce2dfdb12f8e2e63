"""Signed links: only the router makes them, and each is for one thing."""

import pytest

from router.engine.subscribers.links import Links
from router.store import SqlStore

NOW = 1_000_000.0


@pytest.fixture
async def links(store: SqlStore) -> Links:
    made = Links(store)
    await made.open(NOW)
    return made


async def test_a_link_says_whom_it_is_for(links: Links) -> None:
    token = links.token("confirm", links.subscriber("ana@example.com"), NOW + 60)
    assert links.check("confirm", token, NOW) == links.subscriber("ANA@example.com")


async def test_a_link_for_one_thing_is_none_for_another(links: Links) -> None:
    assert links.check("unsubscribe", links.token("confirm", "abc", NOW + 60), NOW) is None


async def test_a_link_expires_unless_it_never_does(links: Links) -> None:
    assert links.check("confirm", links.token("confirm", "abc", NOW + 60), NOW + 61) is None
    assert links.check("unsubscribe", links.token("unsubscribe", "abc"), NOW + 1e9) == "abc"


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token.replace("abc", "abd"),
        lambda token: token[:-1] + ("a" if token[-1] != "a" else "b"),
        lambda token: token.replace(".1000060.", ".2000060."),
        lambda token: token.replace(".1000060.", ".0."),
        lambda token: token + "x",
        lambda _: "",
        lambda _: "..",
        lambda _: "a.b.c",
        lambda _: "é.٣.ü",
        lambda token: token.rpartition(".")[0],
    ],
)
async def test_a_link_that_was_changed_is_none(links: Links, change) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    assert links.check("confirm", change(links.token("confirm", "abc", NOW + 60)), NOW) is None


async def test_all_routers_of_a_store_sign_alike(links: Links, store: SqlStore) -> None:
    """Also after a restart; and the id of an address doesn't tell it."""
    other = Links(store)
    await other.open(NOW)
    assert other.check("confirm", links.token("confirm", "abc", NOW + 60), NOW) == "abc"
    assert "ana" not in links.subscriber("ana@example.com")
