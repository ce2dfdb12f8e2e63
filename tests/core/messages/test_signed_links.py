"""Signed links: only the key's owner can create them, and they allow only what they state."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.messages.signed_links import MAX_TOKEN, Grant, Links, Signer, SubscriberLinks
from router.model.event import Command
from tests.senders.kit import NOW, make_incident

KEY = b"a key of at least thirty-two bytes"
GRANT = Grant(142, 1, Command.ACKNOWLEDGE, "mail/ana", "ana@example.com", 1_770_000_000)

signer, subscriber_links = Signer(KEY), SubscriberLinks(KEY)


@given(
    st.builds(
        Grant,
        st.integers(1, 2**53),
        st.integers(0, 10_000),
        st.sampled_from(Command),
        st.text(max_size=40),
        st.text(max_size=100),
        st.integers(0, 2**40),
    )
)
def test_a_token_says_what_it_was_made_for(grant: Grant) -> None:
    """For any names; it needs no escaping in a URL."""
    token = signer.token(grant)
    assert signer.read(token) == grant
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


@given(st.integers(0, 10_000), st.sampled_from("abcdefghijklmnopqrstuvwxyzABCXYZ0189-_"))
def test_a_changed_token_is_none(position: int, char: str) -> None:
    """Any other character, anywhere, makes it another grant or nothing; never one that wasn't
    given.
    """
    token = signer.token(GRANT)
    position %= len(token)
    assert signer.read(token[:position] + char + token[position + 1 :]) in {None, GRANT}


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    """For any text in a URL."""
    assert signer.read(text) is None


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        signer.token(GRANT).partition(".")[0],
        signer.token(GRANT).partition(".")[0] + ".",
        signer.token(GRANT)[:-1],
        signer.token(GRANT) + "A" * MAX_TOKEN,
        Signer(b"another key").token(GRANT),
        # the payload of one with the signature of another
        signer.token(replace(GRANT, command=Command.RESOLVE)).partition(".")[0]
        + "."
        + signer.token(GRANT).partition(".")[2],
    ],
)
def test_what_the_key_did_not_sign_is_none(token: str) -> None:
    assert signer.read(token) is None


def test_another_grant_has_another_receipt() -> None:
    """And the same has the same: using a link twice has one effect, and keeps no other from having
    one.
    """
    others = [
        replace(GRANT, command=Command.RESOLVE),
        replace(GRANT, reopened=2),
        replace(GRANT, who="ben@example.com"),
        replace(GRANT, expires_at=GRANT.expires_at + 1),
    ]
    assert replace(GRANT).receipt == GRANT.receipt
    assert len({GRANT.receipt, *(other.receipt for other in others)}) == 5


def test_a_link_is_for_the_life_of_the_incident_that_the_message_is_about() -> None:
    """It ends so long after the message."""
    links = Links(signer, "https://router.example.com", 3600.0)
    url = links.link(make_incident(reopened=3), "mail/ana", NOW + 0.7, "resolve", "ana@example.com")
    assert url.startswith("https://router.example.com/act/")
    grant = Grant(142, 3, Command.RESOLVE, "mail/ana", "ana@example.com", int(NOW) + 3600)
    assert signer.read(url.rpartition("/")[2]) == grant


def test_the_key_is_not_shown() -> None:
    """Not in what a log may print of a message."""
    assert "thirty" not in repr(Links(signer, "https://router.example.com", 3600.0))


# --- links in mails to subscribers


def test_a_subscriber_link_names_its_subscriber_and_not_the_address() -> None:
    """However the address is capitalised."""
    ana = subscriber_links.subscriber("ana@example.com")
    assert (
        subscriber_links.check("confirm", subscriber_links.token("confirm", ana, NOW + 60), NOW)
        == ana
    )
    assert ana == subscriber_links.subscriber("ANA@example.com")
    assert "ana" not in ana


def test_a_link_for_one_purpose_is_invalid_for_another() -> None:
    token = subscriber_links.token("confirm", "abc", NOW + 60)
    assert subscriber_links.check("unsubscribe", token, NOW) is None


def test_a_subscriber_link_expires_unless_it_never_does() -> None:
    token = subscriber_links.token("confirm", "abc", NOW + 60)
    assert subscriber_links.check("confirm", token, NOW + 61) is None
    assert (
        subscriber_links.check("leave", subscriber_links.token("leave", "abc"), NOW + 1e9) == "abc"
    )


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
def test_a_changed_subscriber_link_is_invalid(change: Callable[[str], str]) -> None:
    token = change(subscriber_links.token("confirm", "abc", 1_000_060.0))
    assert subscriber_links.check("confirm", token, 1_000_000.0) is None


# --- links that were mailed by earlier versions


def test_incident_links_of_earlier_versions_still_work() -> None:
    """They are in mailboxes."""
    token = (
        "WzE0MiwxLCJhY2siLCJtYWlsL2FuYSIsImFuYUBleGFtcGxlLmNvbSIsMTc3MDAwMDAwMF0"
        ".wIU5oCRTZD-WbvulvwDU-9yWUrZcSxy4v5CH5f6dUmU"
    )
    assert signer.read(token) == GRANT
    assert signer.token(GRANT) == token


@pytest.mark.parametrize(
    ("purpose", "expires", "token"),
    [
        ("confirm", 1_000_060.0, "v7laooerplafax2sz3oeq6sebp.1000060.noqx666jfiz7kt54nlhb5huyoa"),
        ("unsubscribe", 0.0, "v7laooerplafax2sz3oeq6sebp.0.meckdqnqbj5ruar4muapwpcvpt"),
    ],
)
def test_subscriber_links_of_earlier_versions_still_work(
    purpose: str, expires: float, token: str
) -> None:
    """So do the ids under which subscribers are stored."""
    ana = subscriber_links.subscriber("Ana@example.com")
    assert subscriber_links.check(purpose, token, 1_000_000.0) == ana == token.partition(".")[0]
    assert subscriber_links.token(purpose, ana, expires) == token
