"""Signed links: only whoever has the key can make one, and it allows what it says and no more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.messages.signed_links import MAX_TOKEN, Grant, Links, Signer
from router.model.event import Command
from tests.senders.kit import NOW, make_incident

KEY = b"a key of at least thirty-two bytes"
GRANT = Grant(142, 1, Command.ACKNOWLEDGE, "mail/ana", "ana@example.com", 1_770_000_000)

signer = Signer(KEY)


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
    """Whatever the names in it; and it can stand in a URL as it is."""
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
    """Whatever stands in a URL."""
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
    link = Links(signer, "https://router.example.com", 3600.0).of(
        make_incident(reopened=3), "mail/ana", NOW + 0.7
    )
    url = link("resolve", "ana@example.com")
    assert url.startswith("https://router.example.com/act/")
    grant = Grant(142, 3, Command.RESOLVE, "mail/ana", "ana@example.com", int(NOW) + 3600)
    assert signer.read(url.rpartition("/")[2]) == grant


def test_the_key_is_not_shown() -> None:
    """Not in what a log may print of a letter."""
    assert "thirty" not in repr(Links(signer, "https://router.example.com", 3600.0))
