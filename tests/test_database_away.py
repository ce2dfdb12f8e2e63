"""PostgreSQL away, cut off or frozen: 503 meanwhile, a line in the log, and nothing is lost."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from router.app import App, serve
from router.ports.errors import StoreUnavailable
from router.store import sql
from router.web import waiting
from tests.acceptance.router_process import eventually
from tests.daemon import TOKEN, alert, group, write_config
from tests.peers import Postgres, free_port
from tests.pg_proxy import Proxy

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as postgres:
        yield postgres


@pytest.fixture
async def proxy(server: Postgres) -> AsyncIterator[Proxy]:
    async with server.database() as url, Proxy(url) as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less than in production, since the database here is never slow by itself."""
    monkeypatch.setattr(sql, "ANSWERS_WITHIN", 1.0)
    monkeypatch.setattr(waiting, "PAUSE", 0.1)


class Router:
    """A client of a router on a port of its own."""

    def __init__(self, folder: Path, storage: str) -> None:
        self.port = free_port()
        self.config = write_config(folder, listen=f"127.0.0.1:{self.port}", storage=storage)

    async def request(self, method: str, path: str, **options: Any) -> int:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = f"http://127.0.0.1:{self.port}{path}"
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, url, **options) as answer,
        ):
            return answer.status

    async def post(self, status: str = "firing") -> int:
        body = group(alert(status=status))
        return await self.request("POST", "/webhooks/alertmanager", json=body)

    async def until(self, status: int) -> None:
        await eventually(self._ready, lambda found: found == status)

    async def _ready(self) -> int:
        with suppress(aiohttp.ClientConnectorError):  # it doesn't listen yet
            return await self.request("GET", "/-/ready")
        return 0


async def test_a_router_that_starts_before_its_database_waits_for_it(
    tmp_path: Path, proxy: Proxy, capsys: pytest.CaptureFixture[str]
) -> None:
    router = Router(tmp_path, proxy.url)
    await proxy.cut()
    starting = asyncio.ensure_future(App.start(router.config))
    await router.until(503)
    assert await router.post() == 503
    assert await router.request("GET", "/-/healthy") == 200
    await proxy.open()
    app = await starting
    try:
        assert await router.post() == 200
    finally:
        await app.stop()
    log = capsys.readouterr().err
    assert log.count("store_unavailable") == 1
    assert "check that the database of `storage` runs and can be reached" in log
    assert "start the database, or correct `storage` and restart" in log


async def test_sigterm_ends_a_router_that_waits_for_its_database(
    tmp_path: Path, proxy: Proxy
) -> None:
    router = Router(tmp_path, proxy.url)
    await proxy.cut()
    started: list[App] = []

    async def announce(app: App) -> None:
        started.append(app)

    serving = asyncio.ensure_future(serve(router.config, announce))
    await router.until(503)
    os.kill(os.getpid(), signal.SIGTERM)
    await serving
    assert not started


@pytest.mark.parametrize("piece", [3, 60])
async def test_a_connection_that_breaks_during_the_start_is_made_again(
    tmp_path: Path, proxy: Proxy, piece: int
) -> None:
    """After any piece of what the server sends: in the first query, an upgrade, or later."""
    router = Router(tmp_path, proxy.url)
    proxy.cut_after(piece)
    app = await App.start(router.config)
    try:
        assert proxy.is_through
        assert await router.post() == 200
    finally:
        await app.stop()


async def test_a_database_that_does_not_exist_is_an_error_at_once(
    tmp_path: Path, proxy: Proxy
) -> None:
    router = Router(tmp_path, f"{proxy.url}_missing")
    with pytest.raises(StoreUnavailable, match="does not exist"):
        await App.start(router.config)


@pytest.mark.parametrize("fault", ["cut off", "frozen"])
async def test_a_database_that_goes_away_is_503_until_it_is_back(
    tmp_path: Path, proxy: Proxy, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The alert is accepted when it's repeated, and the log says what to do."""
    router = Router(tmp_path, proxy.url)
    app = await App.start(router.config)
    try:
        assert await router.post() == 200
        await (proxy.cut() if fault == "cut off" else asyncio.to_thread(proxy.freeze))
        await router.until(503)
        assert await router.post(status="resolved") == 503
        if fault == "cut off":
            await proxy.open()
        proxy.thaw()
        # Alertmanager repeats what was answered with 503.
        await eventually(lambda: router.post("resolved"), lambda status: status == 200)
        incident = await app.parts.store.incident(1)
        assert incident is not None
        assert incident.firing == 0
    finally:
        await app.stop()
    log = capsys.readouterr().err
    assert log.index("store_unavailable") < log.index("store_available_again")
    assert "check that the database of `storage` runs and can be reached" in log
