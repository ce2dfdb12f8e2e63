"""Deleted messages in Slack are found, by a method that needs no further scope."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from msgspec.structs import replace

from router.config.fields import HttpUrl
from router.config.secret import Secret
from router.model.difference import DifferenceKind
from router.model.incident import Status
from router.ports.reconcile import CompareFailed, Comparer, Mismatch, Shown
from router.senders.slack.sender import SlackConfig, build
from tests.senders.kit import NOW, Peer, Reply, Request, make_message

TOKEN = "xoxb-123-s3cret"
INCIDENT = make_message().incident


def slack(request: Request) -> Reply:
    """Knows the message 1.2 only."""
    url = urlsplit(request.path)
    assert url.path == "/api/chat.getPermalink"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    if asked == {"channel": "C1", "message_ts": "1.2"}:
        return Reply(json={"ok": True, "permalink": "https://acme.slack.com/x", "channel": "C1"})
    return Reply(json={"ok": False, "error": "message_not_found"})


async def compared(peer: Peer, *shown: Shown) -> list[Mismatch]:
    async with aiohttp.ClientSession() as session:
        api = HttpUrl(f"{peer.url}/api/")
        config = SlackConfig(token=Secret(TOKEN), channel="#x", api_url=api)
        sender: Any = build("slack", config, session)
        assert isinstance(sender, Comparer)
        try:
            return [*await sender.compare(shown, NOW)]
        finally:
            await sender.close()


async def test_a_deleted_message_of_an_open_incident_is_found() -> None:
    """One that is there is not; nor is that of a closed incident."""
    closed = replace(INCIDENT, id=143, status=Status.RESOLVED, closed_at=NOW)
    async with Peer(answer=slack) as peer:
        assert await compared(peer, Shown(INCIDENT, "C1:1.2"), Shown(closed, "C1:9.9")) == []
        assert await compared(peer, Shown(INCIDENT, "C1:9.9")) == [
            Mismatch(INCIDENT.id, DifferenceKind.GONE)
        ]


@pytest.mark.parametrize(
    "reply", [Reply(500), Reply(json={"ok": False, "error": "invalid_auth"}), Reply(body=b"x")]
)
async def test_a_refusal_is_no_difference(reply: Reply) -> None:
    """It fails the comparison, with its reason and without the token."""
    async with Peer(reply) as peer:
        with pytest.raises(CompareFailed) as caught:
            await compared(peer, Shown(INCIDENT, "C1:1.2"))
    assert str(caught.value)
    assert TOKEN not in str(caught.value)
