"""The routers of a run, their database, and the outages in which none of them could work."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random
from time import time
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import msgspec

from tests.acceptance.groups import NO_ANSWER
from tests.acceptance.router_process import WarmRouter
from tests.chaos.ledger import Arrival
from tests.peers import Postgres

PATIENCE = 3.0
"""Seconds for an answer; a stopped replica gives none."""


class Replica(WarmRouter):
    nursery = "tests.chaos.nursery"
    pause = 0.05


class Cluster:
    """Replicas behind a client that tries the next one. `outages` are (start, end)."""

    def __init__(self, replicas: Sequence[Replica], database: "Database | None") -> None:
        self.replicas = replicas
        self.database = database
        self.outages: list[tuple[float, float]] = []
        self._up = set(range(len(replicas)))
        self._since = 0.0

    def mark(self, index: int, *, up: bool) -> None:
        """A replica stopped working, or works again."""
        if not up:
            self._up.discard(index)
            if not self._up and not self._since:
                self._since = time()
        elif not self._up:
            self.outages.append((self._since, time()))
            self._since = 0.0
        if up:
            self._up.add(index)

    async def post(self, path: str, body: Any, random: Random, user: str = "") -> tuple[int, Any]:
        """The first answer other than 503, from any replica. Repeats until there is one."""
        while True:
            replica = random.choice(self.replicas)
            with suppress(*NO_ANSWER):
                async with asyncio.timeout(PATIENCE):
                    status, answer = await replica.post(
                        path, json=body, headers={"X-Router-User": user}
                    )
                if status != 503:
                    return status, answer
            await asyncio.sleep(0.1)

    async def get(self, path: str, random: Random, **query: str | int) -> Any:
        """As `post`, for a path of the API."""
        while True:
            with suppress(*NO_ANSWER):
                async with asyncio.timeout(PATIENCE):
                    return await random.choice(self.replicas).get(path, **query)
            await asyncio.sleep(0.1)


class Database:
    """A PostgreSQL database that can be cut off, frozen, crashed, killed, or refuse connections."""

    def __init__(self, url: str, server: Postgres) -> None:
        self._server = server
        self._name = urlsplit(url).path.removeprefix("/")
        self._admin = urlsplit(url)._replace(path="/postgres").geturl()

    async def cut(self) -> None:
        """End all connections."""
        await self._execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", self._name
        )

    async def refuse(self, duration: float) -> None:
        """End all connections and accept none for some seconds."""
        await self._execute(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false")
        try:
            await self.cut()
            await asyncio.sleep(duration)
        finally:
            await self._execute(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS true")

    async def freeze(self, duration: float) -> None:
        """Stop the processes that serve the routers, for some seconds."""
        pids = await self._pids()
        try:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(duration)
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    async def crash(self) -> None:
        """Kill one such process: the server ends all others, recovers and starts again."""
        for pid in (await self._pids())[:1]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await self._execute("SELECT 1")  # waits for the recovery

    async def kill(self) -> None:
        """Kill the whole server, and start it again."""
        self._server.kill()
        await asyncio.to_thread(self._server.start)

    async def _pids(self) -> list[int]:
        rows = await self._execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = $1", self._name
        )
        return [row["pid"] for row in rows]

    async def _execute(self, statement: str, *values: object) -> list[Any]:
        while True:
            try:
                connection = await asyncpg.connect(self._admin)
            except (OSError, asyncpg.PostgresError):  # it is recovering
                await asyncio.sleep(0.1)
                continue
            try:
                return list(await connection.fetch(statement, *values))
            except (OSError, asyncpg.PostgresConnectionError):  # it has just crashed
                await asyncio.sleep(0.1)
            finally:
                connection.terminate()


class Providers:
    """The process of the receivers, seen from outside."""

    def __init__(self, http: int, smtp: int) -> None:
        self.url = f"http://127.0.0.1:{http}"
        self.smtp = smtp

    async def calm(self) -> Mapping[str, int]:
        """End the faults; how many of each there were."""
        async with aiohttp.ClientSession() as session, session.post(f"{self.url}/-/calm") as answer:
            found: Mapping[str, int] = await answer.json()
            return found

    async def arrivals(self) -> list[Arrival]:
        url = f"{self.url}/-/arrivals"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return msgspec.json.decode(await answer.read(), type=list[Arrival])


@asynccontextmanager
async def providers(folder: Path, seed: int) -> AsyncIterator[Providers]:
    with (folder / "receivers.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos.receivers", str(seed)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        http, smtp = map(int, (await process.stdout.readline()).split())
        yield Providers(http, smtp)
    finally:
        process.stdin.close()
        await process.wait()
