"""Two replicas on one PostgreSQL: one dies or stops while sending, and the other takes over.

The receiver doesn't answer the first request. It identifies the replicas by the URL of the
incident's page.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from aiohttp import web

from tests.acceptance.groups import answered
from tests.acceptance.router_process import RouterProcess
from tests.peers import Postgres
from tests.senders.kit import Peer

pytestmark = [pytest.mark.peer, pytest.mark.slow]

TAKEN_OVER_WITHIN = 10.0
"""Seconds from the end of a replica until the other sends what it had leased."""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as postgres:
        yield postgres


class Hook(Peer):
    """Keeps each request with its time and body. The first is never answered."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[tuple[float, str, dict[str, Any]]] = []

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.got.append((perf_counter(), request.headers["webhook-id"], body["data"]))
        if len(self.got) == 1:
            await self._leaving.wait()
        return web.Response()

    async def until(self, condition: Callable[[], object], seconds: float) -> None:
        end = perf_counter() + seconds
        while not condition():
            assert perf_counter() < end, f"after {seconds:g} s: {self.got}"
            await asyncio.sleep(0.02)


@asynccontextmanager
async def replicas(
    server: Postgres, folder: Path, hook: Hook
) -> AsyncIterator[tuple[RouterProcess, RouterProcess]]:
    (folder / "rules.yaml").write_text(
        "rules: [{name: page, match: ['alertname=Page'], severity: P0, group_by: [service]}]"
    )
    config = {
        "rules": [str(folder / "rules.yaml")],
        "sources": {"alertmanager": {"insecure": True}},
        "channels": {"hook": {"type": "webhook", "url": f"{hook.url}/hook", "timeout": "30s"}},
        "severities": {name: {"policy": "all"} for name in ("P0", "P1", "P2", "P3")},
        "policies": {"all": {"steps": [{"notify": ["channel:hook"]}]}},
    }
    async with server.database() as url:
        for name in ("one", "other"):
            (folder / name).mkdir()
        process = RouterProcess(folder / "one", config, storage=url)
        other = RouterProcess(folder / "other", config, storage=url)
        async with process, other:
            yield process, other


async def alert(router: RouterProcess, status: str = "firing") -> None:
    one = {"status": status, "labels": {"alertname": "Page", "service": "a"}, "annotations": {}}
    one |= {"startsAt": "2026-11-25T00:00:00Z", "fingerprint": "f"}
    body = {"version": "4", "status": status, "alerts": [one]}
    await answered(router, "/webhooks/alertmanager", body)


def sender_of(hook: Hook, *routers: RouterProcess) -> tuple[RouterProcess, RouterProcess]:
    """The replica that sent the first request, and the other."""
    url = hook.got[0][2]["url"]
    first, second = sorted(routers, key=lambda router: not url.startswith(router.url))
    return first, second


async def test_what_a_killed_replica_had_leased_is_sent_by_the_other(
    server: Postgres, tmp_path: Path
) -> None:
    """Within ten seconds, as the same message, and marked as its second attempt."""
    async with Hook() as hook, replicas(server, tmp_path, hook) as routers:
        await alert(routers[0])
        await hook.until(lambda: hook.got, 10)
        dead, alive = sender_of(hook, *routers)
        await dead.kill()
        killed_at = perf_counter()
        await hook.until(lambda: len(hook.got) > 1, TAKEN_OVER_WITHIN)
        (_, first_id, _), (at, second_id, second) = hook.got
        assert at - killed_at < TAKEN_OVER_WITHIN
        assert second_id == first_id
        assert (second["attempt"], second["may_be_repeated"]) == (2, True)
        assert second["url"].startswith(alive.url)
        await dead.start()


async def test_a_replica_that_was_stopped_and_resumed_undoes_nothing(
    server: Postgres, tmp_path: Path
) -> None:
    """The other delivers what it had leased, and the end; it neither sends nor writes over that."""
    async with Hook() as hook, replicas(server, tmp_path, hook) as routers:
        await alert(routers[0])
        await hook.until(lambda: hook.got, 10)
        stopped, alive = sender_of(hook, *routers)
        os.kill(stopped.pid, signal.SIGSTOP)
        try:
            await hook.until(lambda: len(hook.got) > 1, TAKEN_OVER_WITHIN)
            await alert(alive, "resolved")
            await hook.until(lambda: hook.got[-1][2]["incident"]["status"] == "resolved", 10)
        finally:
            os.kill(stopped.pid, signal.SIGCONT)
        before = len(hook.got)
        await asyncio.sleep(5)
        late = [data for _, _, data in hook.got[before:]]
        assert [data["incident"]["status"] for data in late] in ([], ["resolved"])
        (incident,) = (await alive.get("/api/v1/incidents"))["incidents"]
        assert incident["status"] == "resolved"
        (row,) = (await alive.get("/api/v1/notifications"))["notifications"]
        assert row["state"] in {"sent", "pending"}
