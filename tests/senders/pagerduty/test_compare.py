"""Incidents at PagerDuty are compared; answers of people whose webhook was lost are found."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from msgspec.structs import replace

from router.config.fields import HttpUrl
from router.config.secret import Secret
from router.model.difference import DifferenceKind
from router.model.event import Command
from router.model.incident import Incident, Status
from router.ports.reconcile import CompareFailed, Mismatch, Shown
from router.senders.pagerduty.sender import PagerDutyConfig, build
from tests.senders.kit import NOW, Peer, Reply, Request, make_message

KEY, DEDUP = "u+rest-s3cret", "alert-router:INC-142:0"
OPEN = make_message().incident
ACKNOWLEDGED = replace(OPEN, acknowledged_at=NOW, acknowledged_by="ben")
CLOSED = replace(OPEN, status=Status.RESOLVED, closed_at=NOW)
ANA = {"type": "user_reference", "summary": "Ana"}
AT = 1_770_000_000.0
DATED = ("pagerduty:status", AT)


def remote(status: str, by: dict[str, Any] | None = ANA) -> dict[str, Any]:
    return {
        "status": status,
        "created_at": "2026-02-02T02:00:00Z",
        "last_status_change_at": "2026-02-02T02:40:00Z",
        "last_status_change_by": by,
    }


async def compared(peer: Peer, incident: Incident) -> list[Mismatch]:
    async with aiohttp.ClientSession() as session:
        url = HttpUrl(peer.url)
        config = PagerDutyConfig(routing_key=Secret("R"), api_key=Secret(KEY), rest_url=url)
        assert config.capabilities.compares
        sender = build("pd", config, session)
        try:
            return [*await sender.compare([Shown(incident, DEDUP)], NOW)]
        finally:
            await sender.close()


RESOLVED = Mismatch(
    142, DifferenceKind.CLOSED_THERE, command=Command.RESOLVE, by="Ana", dated=DATED
)
ANSWERED = Mismatch(
    142, DifferenceKind.ANSWERED_THERE, command=Command.ACKNOWLEDGE, by="Ana", dated=DATED
)


@pytest.mark.parametrize(
    ("incident", "there", "found"),
    [
        (OPEN, [remote("triggered")], []),
        (OPEN, [remote("acknowledged")], [ANSWERED]),
        (OPEN, [remote("resolved")], [RESOLVED]),
        (
            OPEN,
            [remote("resolved", None)],
            [Mismatch(142, DifferenceKind.CLOSED_THERE, resend=False)],
        ),
        (OPEN, [], [Mismatch(142, DifferenceKind.GONE)]),
        (ACKNOWLEDGED, [remote("acknowledged")], []),
        (CLOSED, [remote("resolved")], []),
        (CLOSED, [remote("triggered")], [Mismatch(142, DifferenceKind.OPEN_THERE)]),
        (CLOSED, [], []),
    ],
)
async def test_an_incident_is_compared_by_its_dedup_key(
    incident: Incident, there: list[dict[str, Any]], found: list[Mismatch]
) -> None:
    """A person's answer is to be applied; what PagerDuty did by itself is reported only."""

    def answer(request: Request) -> Reply:
        url = urlsplit(request.path)
        assert request.headers["authorization"] == f"Token token={KEY}"
        assert (url.path, parse_qs(url.query)["incident_key"]) == ("/incidents", [DEDUP])
        return Reply(json={"incidents": there, "more": False})

    async with Peer(answer=answer) as peer:
        assert await compared(peer, incident) == found


async def test_a_refusal_is_no_difference() -> None:
    """It fails the comparison, without the key."""
    async with Peer(Reply(403, json={"error": {"message": f"no {KEY}"}})) as peer:
        with pytest.raises(CompareFailed) as caught:
            await compared(peer, OPEN)
    assert KEY not in str(caught.value)
