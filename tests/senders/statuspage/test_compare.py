"""Incidents at Statuspage are compared with what was published."""

import aiohttp
import pytest
from msgspec.structs import replace

from router.config.fields import HttpUrl
from router.config.secret import Secret
from router.model.difference import DifferenceKind
from router.model.incident import Status
from router.ports.reconcile import CompareFailed, Mismatch, Shown
from router.senders.statuspage.sender import StatuspageConfig, StatuspageSender
from tests.senders.kit import NOW, Peer, Reply, make_message
from tests.senders.statuspage.test_sender import KEY, Statuspage

INCIDENT = replace(make_message().incident, public_status=Status.INVESTIGATING)
OVER = replace(INCIDENT, id=143, public_status=Status.RESOLVED)


async def compared(peer: Peer, *shown: Shown) -> list[Mismatch]:
    async with aiohttp.ClientSession() as session:
        api = HttpUrl(f"{peer.url}/v1")
        config = StatuspageConfig(api_key=Secret(KEY), page="y2j98763l56x", api_url=api)
        return [*await StatuspageSender(config, session).compare(shown, NOW)]


async def test_a_state_that_was_not_published_is_found() -> None:
    """It is reported only; the next update sets it."""
    double = Statuspage()
    double.incidents = [
        {"id": "p0", "status": "resolved"},
        {"id": "p1", "status": "monitoring"},
        {"id": "p2", "status": "identified"},
    ]
    shown = (Shown(INCIDENT, "p0"), Shown(OVER, "p1"), Shown(replace(INCIDENT, id=144), "p2"))
    async with Peer(answer=double) as peer:
        assert await compared(peer, *shown) == [
            Mismatch(142, DifferenceKind.CLOSED_THERE, resend=False),
            Mismatch(143, DifferenceKind.OPEN_THERE, resend=False),
        ]


async def test_an_incident_that_is_gone_is_found() -> None:
    """If it is open; nothing is expected of an incident that was never published."""
    never = replace(INCIDENT, id=144, public_status=None)
    async with Peer(answer=Statuspage()) as peer:
        assert await compared(
            peer, Shown(INCIDENT, "p9"), Shown(OVER, "p8"), Shown(never, "p7")
        ) == [Mismatch(142, DifferenceKind.GONE)]


async def test_a_refusal_is_no_difference() -> None:
    """It fails the comparison, with its reason and without the key."""
    async with Peer(Reply(401, json={"error": f"bad key {KEY}"})) as peer:
        with pytest.raises(CompareFailed) as caught:
            await compared(peer, Shown(INCIDENT, "p0"))
    assert "401" in str(caught.value)
    assert KEY not in str(caught.value)
