"""The stream of events: resumed from the store, with pings, and ended when the router stops."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from router.model.decision import Entry
from router.model.reason import Reason
from router.web.api.events import PATIENCE, PING, Cursor
from tests.clock import SteppedClock
from tests.daemon import Daemon, alert
from tests.web.api.test_incidents import AUTH, bearer
from tests.web.pages.test_incident import basic
from tests.web.webhooks.test_endpoint import is_problem

Router = Callable[..., Daemon]
PATH = "/api/v1/events"


@asynccontextmanager
async def stream(
    daemon: Daemon, query: str = "", **headers: str
) -> AsyncIterator[aiohttp.StreamReader]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{daemon.url}{PATH}{query}", headers=headers) as answer,
    ):
        assert answer.status == 200, await answer.text()
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert "Content-Encoding" not in answer.headers
        assert await event(answer.content) == {"retry": "2000"}
        yield answer.content


async def event(content: aiohttp.StreamReader) -> dict[str, str]:
    """The fields of the next event."""
    found: dict[str, str] = {}
    while line := (await content.readline()).decode().rstrip("\n"):
        name, _, value = line.partition(": ")
        found[name] = value
    return found


async def entries(content: aiohttp.StreamReader, count: int) -> list[dict[str, Any]]:
    found = [await event(content) for _ in range(count)]
    assert all(event["event"] == "timeline" for event in found)
    assert [event["id"] for event in found] == [
        str(json.loads(event["data"])["id"]) for event in found
    ]
    return [json.loads(event["data"]) for event in found]


async def test_a_reader_gets_what_happens_from_now_on(router: Router) -> None:
    """An event has the entry's number, incident, reason and text."""
    async with router() as daemon:
        await daemon.alert(alert())
        async with stream(daemon) as content:
            await daemon.ask("POST", "/api/v1/incidents/1/note", json={"text": "looking"})
            found: dict[str, Any] = {}
            while found.get("what") != "noted":
                (found,) = await entries(content, 1)
        assert (found["incident"], found["by"]) == (1, "api")
        assert "looking" in found["text"]


async def test_a_reader_resumes_behind_the_last_event(router: Router) -> None:
    """The id comes by header or parameter, and everything else from the store."""
    async with router() as daemon:
        await daemon.alert(alert(), alert(service="web"))
        known = (await daemon.get("/api/v1/incidents/1")).json["timeline"]
        first, second = known[0]["id"], known[1]["id"]
        async with stream(daemon, f"?after={first}") as content:
            assert (await entries(content, 1))[0]["id"] == second
        async with stream(daemon, "?incident=2", **{"Last-Event-ID": str(first)}) as content:
            assert (await entries(content, 1))[0]["incident"] == 2


async def test_silence_is_told_from_a_lost_connection(router: Router, clock: SteppedClock) -> None:
    """A ping comes while nothing happens, and the store may be away meanwhile."""
    async with router(clock=clock) as daemon, stream(daemon) as content:
        daemon.store.down = True
        waiting = asyncio.ensure_future(event(content))
        await clock.advance(PING + 2)
        assert (await waiting)["event"] == "ping"


async def test_the_router_stops_although_somebody_reads(router: Router) -> None:
    """The stream ends, so that the reader connects to another replica."""
    async with router() as daemon, stream(daemon) as content:
        await daemon.app.stop()
        assert await content.read() == b""
        await daemon.__aexit__(None, None, None)


async def test_readers_are_those_of_the_api_and_of_pages(router: Router) -> None:
    """A page's script sends the page's credentials."""
    async with router(auth=AUTH) as daemon:
        assert is_problem(await daemon.get(PATH), 401)
        async with stream(daemon, **basic("viewer")), stream(daemon, **bearer("viewer")):
            pass
        headers = bearer("viewer") | {"Last-Event-ID": "x"}
        assert is_problem(await daemon.get(PATH, headers=headers), 400)


@pytest.mark.parametrize(
    ("ids", "age", "sent"),
    [
        ([3, 4], 0, [3, 4]),
        ([3, 5], 0, [3]),
        ([4], 0, []),
        ([4, 5], PATIENCE, [4, 5]),
    ],
)
def test_no_entry_is_passed_over_whose_transaction_may_still_end(
    ids: list[int], age: float, sent: list[int]
) -> None:
    """A later number may be committed first; a number that stays missing holds up nothing."""
    cursor = Cursor(2)
    found = [Entry(1, 100.0, Reason.NOTED, "", {}, number) for number in ids]
    assert [event.id for event in cursor.ready(found, 100.0 + age)] == sent
    assert cursor.last == (sent[-1] if sent else 2)
