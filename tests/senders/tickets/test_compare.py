"""Tickets in every service that can be asked are compared with their incidents."""

from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from router.model.difference import DifferenceKind
from router.model.incident import Incident, Status
from router.ports.reconcile import CompareFailed, Comparer, Mismatch, Shown
from router.senders import KINDS
from tests.senders.kit import NOW, Peer, Reply, deliver
from tests.senders.tickets.test_keep import CASES, FIRST, Case, resolved

OPEN = FIRST.incident
CLOSED = replace(OPEN, status=Status.RESOLVED, closed_at=NOW)


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


async def compared(case: Case, service: Any, incident: Incident) -> list[Mismatch]:
    async with Peer(answer=service) as peer, aiohttp.ClientSession() as session:
        sender = KINDS[case.kind].build("incidents", case.options(peer.url), session)
        assert isinstance(sender, Comparer)
        return [*await sender.compare([Shown(incident, case.ref)], NOW)]


async def test_a_ticket_in_another_state_is_found(case: Case) -> None:
    """Closed there while the incident is open, or the other way round."""
    service = case.service()
    await deliver(case.kind, case.options, service, FIRST)
    assert await compared(case, service, OPEN) == []
    assert await compared(case, service, CLOSED) == [Mismatch(142, DifferenceKind.OPEN_THERE)]
    await deliver(case.kind, case.options, service, resolved(case))
    assert await compared(case, service, OPEN) == [Mismatch(142, DifferenceKind.CLOSED_THERE)]
    assert await compared(case, service, CLOSED) == []


async def test_a_ticket_that_is_gone_is_found(case: Case) -> None:
    """If its incident is open."""
    assert await compared(case, case.service(), OPEN) == [Mismatch(142, DifferenceKind.GONE)]
    assert await compared(case, case.service(), CLOSED) == []


async def test_a_refusal_is_no_difference(case: Case) -> None:
    with pytest.raises(CompareFailed, match="403"):
        await compared(case, lambda _: Reply(403, json={}), OPEN)
