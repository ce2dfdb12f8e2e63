"""Announcing maintenance, and ending it."""

from collections.abc import Callable
from typing import Any

import pytest

from router.web.api.views import when
from tests.clock import START, SteppedClock
from tests.daemon import Daemon
from tests.senders.kit import Peer
from tests.senders.statuspage.test_maintenance import Statuspage
from tests.web.statuspage.site import PAGE
from tests.web.webhooks.test_endpoint import is_problem

Router = Callable[..., Daemon]
PATH = "/api/v1/status/maintenance"


def work(**changes: Any) -> dict[str, Any]:
    asked = {
        "title": "Database upgrade", "text": "The shop is read-only.", "components": ["search"],
        "starts_at": when(START + 600), "ends_at": when(START + 1200),
    }  # fmt: skip
    return asked | changes


async def state(daemon: Daemon) -> tuple[str, list[str]]:
    """Overall state and announced maintenance."""
    summary = (await daemon.get("/status/api/v2/summary.json")).json
    return summary["status"]["indicator"], [
        maintenance["status"] for maintenance in summary["scheduled_maintenances"]
    ]


async def test_announced_maintenance_is_shown_at_once_and_passes_by_itself(
    router: Router, clock: SteppedClock
) -> None:
    async with router(clock=clock, status_page=PAGE) as daemon:
        assert await state(daemon) == ("none", [])
        answer = await daemon.ask("POST", PATH, json=work())
        assert (answer.status, answer.json["maintenance"]["title"]) == (200, "Database upgrade")
        assert await state(daemon) == ("none", ["scheduled"])
        await clock.advance(600)
        assert await state(daemon) == ("maintenance", ["in_progress"])
        assert b"The shop is read-only." in (await daemon.get("/status")).body
        await clock.advance(600)
        assert await state(daemon) == ("none", [])
        assert (await daemon.get(PATH)).json["maintenance"] == [answer.json["maintenance"]]


async def test_it_can_be_ended_early_or_called_off(router: Router, clock: SteppedClock) -> None:
    """Maintenance that never began disappears."""
    async with router(clock=clock, status_page=PAGE) as daemon:
        first, second = [
            (await daemon.ask("POST", PATH, json=work())).json["maintenance"]["id"]
            for _ in range(2)
        ]
        assert (await daemon.ask("POST", f"{PATH}/{first}/end")).status == 200
        await clock.advance(700)
        assert (await daemon.ask("POST", f"{PATH}/{second}/end")).status == 200
        assert await state(daemon) == ("none", [])
        (left,) = (await daemon.get(PATH)).json["maintenance"]
        assert (left["id"], left["ends_at"]) == (second, when(START + 700))


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"components": ["serach"]}, "/components/0"),
        ({"ends_at": when(START + 600)}, "/ends_at"),
        ({"starts_at": when(START - 60), "ends_at": when(START)}, "/ends_at"),
        ({"starts_at": "soon"}, "/starts_at"),
        ({"title": ""}, "/title"),
        ({"titel": "x"}, ""),
    ],
)
async def test_what_makes_no_sense_is_refused_with_the_field(
    router: Router, clock: SteppedClock, change: dict[str, Any], pointer: str
) -> None:
    async with router(clock=clock, status_page=PAGE) as daemon:
        answer = await daemon.ask("POST", PATH, json=work(**change))
        assert is_problem(answer, 400)
        assert answer.json["errors"][0]["pointer"] == f"#{pointer}"
        assert await state(daemon) == ("none", [])


async def test_announcing_takes_a_responder(router: Router) -> None:
    async with router(status_page=PAGE, auth={"tokens": {"ana": {"sha256": "0" * 64}}}) as daemon:
        for method, path in (("GET", PATH), ("POST", PATH), ("POST", f"{PATH}/x/end")):
            assert is_problem(
                await daemon.ask(method, path, json={} if method == "POST" else None), 401
            )


async def test_without_a_page_nothing_can_be_announced(router: Router) -> None:
    async with router() as daemon:
        assert is_problem(await daemon.ask("POST", PATH, json=work()), 404)
        assert is_problem(await daemon.ask("POST", f"{PATH}/nothing/end"), 404)


async def test_times_are_by_the_companys_clock(router: Router, clock: SteppedClock) -> None:
    """Without an offset; and the page shows them so."""
    company = {"time_zone": "Europe/Berlin"}
    async with router(clock=clock, status_page=PAGE, company=company) as daemon:
        asked = {"title": "Upgrade", "starts_at": "2026-02-02 09:00", "for": "90m"}
        one = (await daemon.ask("POST", PATH, json=asked)).json["maintenance"]
        assert (one["starts_at"], one["ends_at"]) == (
            "2026-02-02T08:00:00.000Z",
            "2026-02-02T09:30:00.000Z",
        )
        assert b"2026-02-02 09:00 CET" in (await daemon.get("/status")).body
        both = await daemon.ask("POST", PATH, json=asked | {"ends_at": "2026-02-02 10:00"})
        assert is_problem(both, 400)


async def test_the_page_claims_nothing_about_days_before_its_first_data(
    router: Router, clock: SteppedClock
) -> None:
    """Also for a new component."""
    async with router(clock=clock, status_page=PAGE) as daemon:
        page = (await daemon.get("/status")).body.decode()
        assert "no data" in page
        assert page.count("no disruptions") < page.count("no data")


async def test_maintenance_is_mirrored_to_statuspage(router: Router, clock: SteppedClock) -> None:
    """Scheduled there, and completed when a person ends it."""
    page = Statuspage()
    async with Peer(answer=page) as peer:
        mirror = {
            "type": "statuspage",
            "api_key": "k",
            "page": "y2j98763l56x",
            "api_url": f"{peer.url}/v1",
        }
        channels = {"log": {"type": "console"}, "public": mirror}
        async with router(clock=clock, status_page=PAGE, channels=channels) as daemon:
            one = (await daemon.ask("POST", PATH, json=work())).json["maintenance"]
            await clock.settle(lambda: len(page.writes) == 1, "it is scheduled")
            await daemon.ask("POST", f"{PATH}/{one['id']}/end")
            await clock.settle(lambda: len(page.writes) == 2, "it is completed")
            assert is_problem(await daemon.ask("POST", f"{PATH}/{one['id']}/end"), 404)
    assert [given["status"] for given in page.writes] == ["scheduled", "completed"]
