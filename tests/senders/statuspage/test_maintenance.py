"""Maintenance at Statuspage, against a double that keeps what it gets."""

import re
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from msgspec.structs import replace

from router.core.communication.status_page import ended
from router.model.notification import Rejected, Result, Sent
from router.model.statuspage import Maintenance
from tests.senders.kit import NOW, Answer, Disconnect, Peer, Reply, Request
from tests.senders.statuspage.test_sender import COMPONENTS, KEY, sender

PAYMENTS = COMPONENTS["payments"]
WORK = Maintenance(
    "5f2a", "Upgrade", "Read-only.", NOW + 600, NOW + 4200, NOW, NOW, ("payments", "unknown")
)
OUTAGE = {"id": "x", "status": "identified", "impact": "major", "components": [{"id": PAYMENTS}]}


class Statuspage:
    """Keeps incidents; `writes` are the fields of each write. `lost`: answers that get lost."""

    def __init__(self, *there: dict[str, Any]) -> None:
        self.incidents = list(there)
        self.writes: list[dict[str, Any]] = []
        self.lost = 0

    def __call__(self, request: Request) -> Answer:
        match = re.fullmatch(
            r"/v1/pages/y2j98763l56x/incidents(?:/(\w+))?", urlsplit(request.path).path
        )
        assert match, request.path
        if request.method == "GET":
            return Reply(json=self.incidents[::-1])
        given = request.json["incident"]
        self.writes.append(given)
        if match[1] is None:
            one = {"id": f"p{len(self.incidents)}"}
            self.incidents.append(one)
        else:
            one = next(each for each in self.incidents if each["id"] == match[1])
        one |= {name: given[name] for name in ("status", "metadata")}
        if self.lost:
            self.lost -= 1
            return Disconnect()
        return Reply(201 if match[1] is None else 200, json=one)


async def mirror(page: Statuspage, *states: tuple[Maintenance, float]) -> list[Result]:
    async with Peer(answer=page) as peer, aiohttp.ClientSession() as session:
        one = sender(session, peer)
        return [await one.mirror(work, at) for work, at in states]


async def test_announced_maintenance_is_scheduled() -> None:
    """Statuspage starts and completes it. Components that it does not have are left out."""
    page = Statuspage()
    assert await mirror(page, (WORK, NOW), (WORK, NOW)) == [Sent("p0"), Sent("p0")]
    assert page.writes == [
        {
            "name": "Upgrade",
            "status": "scheduled",
            "impact_override": "maintenance",
            "body": "Read-only.",
            "scheduled_for": "2026-01-01T12:20:00.000Z",
            "scheduled_until": "2026-01-01T13:20:00.000Z",
            "scheduled_auto_in_progress": True,
            "scheduled_auto_completed": True,
            "auto_transition_to_maintenance_state": True,
            "auto_transition_to_operational_state": True,
            "component_ids": [PAYMENTS],
            "deliver_notifications": True,
            "metadata": {"router": {"incident": "maintenance.5f2a", "told": int(NOW * 1000)}},
        }
    ]


async def test_maintenance_that_has_begun_changes_its_components_at_once() -> None:
    """Except for a component with a worse state at Statuspage."""
    for there, state in (((), "under_maintenance"), ((OUTAGE,), "partial_outage")):
        page = Statuspage(*there)
        await mirror(page, (WORK, NOW + 700))
        (given,) = page.writes
        assert (given["status"], given["components"]) == ("in_progress", {PAYMENTS: state})


@pytest.mark.parametrize("there", [(), (OUTAGE,)])
async def test_maintenance_that_a_person_ends_is_completed(
    there: tuple[dict[str, Any], ...],
) -> None:
    """Its components are operational, or as another open incident has them."""
    page = Statuspage(*there)
    early = ended(WORK, NOW + 1200)
    await mirror(page, (WORK, NOW), (early, NOW + 1200), (early, NOW + 1300))
    _, given = page.writes
    assert (given["status"], given["body"]) == ("completed", "This maintenance has ended.")
    assert given["components"] == {PAYMENTS: "partial_outage" if there else "operational"}


async def test_cancelled_maintenance_is_completed_and_changes_no_component() -> None:
    page = Statuspage()
    await mirror(page, (WORK, NOW), (ended(WORK, NOW + 60), NOW + 60))
    _, given = page.writes
    assert (given["status"], given["body"]) == ("completed", "This maintenance was cancelled.")
    assert "components" not in given


async def test_what_is_over_before_it_is_sent_is_not_announced() -> None:
    """Cancelled, or past its end after a long outage."""
    page = Statuspage()
    late = await mirror(page, (ended(WORK, NOW + 60), NOW + 60), (WORK, NOW + 9000))
    assert late == [Sent(silent=True), Sent(silent=True)]
    assert page.writes == []


async def test_a_lost_answer_makes_no_second_maintenance() -> None:
    """The next attempt finds it by its metadata."""
    page = Statuspage()
    page.lost = 1
    await mirror(page, (WORK, NOW), (WORK, NOW))
    assert len(page.incidents) == 1


async def test_a_refusal_does_not_leak_the_key() -> None:
    def refuse(_: Request) -> Answer:
        return Reply(422, json={"error": [f"bad {KEY}"]})

    async with Peer(answer=refuse) as peer, aiohttp.ClientSession() as session:
        result = await sender(session, peer).mirror(replace(WORK, text=""), NOW)
    assert isinstance(result, Rejected)
    assert KEY not in result.reason
