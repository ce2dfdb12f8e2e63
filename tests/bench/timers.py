"""Timers: cost per tick of a million that aren't due, and time to handle 10,000 due at once.

Both on SQLite. The million are rows as the store writes them. The 10,000 are the second steps of
as many incidents that came due while the router was down: the worst possible start.
"""

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import aiohttp

from router.engine.timers import Timers
from router.model.event import Event
from router.ports.clock import SystemClock
from router.store import open_store
from tests.bench import load
from tests.bench.daemon import PATIENCE, Server, router
from tests.bench.load import Load, Report
from tests.bench.payloads import Api, Shape, alert, body
from tests.bench.result import Result

PENDING = 1_000_000
TICKS = 200
TICK = 5.0
"""Target for a tick when none is due, in milliseconds, of issue 3."""

DUE = 10_000
WEBHOOKS = 100.0
"""Alerts a second beside the drain, one a request."""

BESIDE = 3.0
"""Seconds of them."""

RULED = 0
"""Kind of alert from payloads.FAILURES whose severity has a second step in config.example.yaml."""


async def run(_seconds: float) -> AsyncIterator[Result]:
    with tempfile.TemporaryDirectory(prefix="alert-router-bench-") as name:
        ticks = await ticks_beside_pending(Path(name))
    yield Result(
        f"tick with {PENDING:,} pending timers, none due",
        statistics.median(ticks),
        "ms",
        TICK,
        at_most=True,
        note=f"p99 {statistics.quantiles(ticks, n=100)[98]:.2f} ms of {TICKS} ticks",
    )
    with tempfile.TemporaryDirectory(prefix="alert-router-bench-") as name:
        seconds, beside, idle = await drain(router(Path(name)), Path(name) / "router.db")
    yield Result(
        f"{DUE:,} timers due at once: until all are done",
        seconds,
        "s",
        note=f"{DUE / seconds:,.0f} timers/s",
    )
    yield Result(
        "webhook p99 meanwhile",
        beside.p99 * 1e3,
        "ms",
        beside={"idle": idle.p99 * 1e3},
        at_most=True,
        note=(
            f"p50 {beside.p50 * 1e3:.0f} ms, idle {idle.p50 * 1e3:.0f} ms; answers "
            f"{dict(beside.statuses)}"
        ),
    )


# --- none is due


class Nobody:
    """The inbox of timers of which none is due."""

    async def submit(self, events: Sequence[Event]) -> NoReturn:
        raise AssertionError(f"none is due, but there came {events}")


async def ticks_beside_pending(folder: Path) -> list[float]:
    """Milliseconds of each of some ticks."""
    path = folder / "timers.db"
    store = await open_store(f"sqlite:///{path}")
    soon = time.time() + 3600
    fill(path, ((number, "step", soon + number) for number in range(1, PENDING + 1)))
    timers, took = Timers(store, Nobody(), SystemClock(), "bench"), []
    for _ in range(TICKS):
        started = time.perf_counter()
        assert await timers.tick() == 0
        took.append((time.perf_counter() - started) * 1e3)
    await store.close()
    return took


def fill(path: Path, timers: Iterable[tuple[int, str, float]]) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.executemany("INSERT INTO timers VALUES (?, ?, ?, '', 0)", timers)


# --- all are due


async def drain(server: Server, path: Path) -> tuple[float, Report, Report]:
    """Seconds from the start until every due timer is done; webhooks beside that, and webhooks
    afterwards.
    """
    webhooks = Load(
        port=server.port,
        shape=Shape.REPEATED,
        batch=1,
        connections=8,
        rate=WEBHOOKS,
        seconds=BESIDE,
    )
    async with server:
        await open_incidents(server)
        await server.kill()
        make_due(path)
        await server.start()
        started = time.perf_counter()
        noise = await load.start(webhooks)
        await none_left(path, "timers WHERE due_at < ?")
        seconds = time.perf_counter() - started
        beside = await load.finish(noise)
        await none_left(path, "outbox WHERE state = 'pending' AND due_at < ?")
        return seconds, beside, await load.run(webhooks)


async def open_incidents(server: Server) -> None:
    """One for each service."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
        for first in range(0, DUE, 100):
            services = [f"due-{number:06d}" for number in range(first, first + 100)]
            alerts = [
                alert(service, RULED, service, f"{first + i:016x}")
                for i, service in enumerate(services)
            ]
            headers = {"Content-Type": "application/json"}
            async with session.post(
                Api.WEBHOOK, data=body(alerts, Api.WEBHOOK), headers=headers
            ) as answer:
                answer.raise_for_status()


def make_due(path: Path) -> None:
    """As if the incidents had been opened an hour ago."""
    with closing(sqlite3.connect(path)) as database, database:
        hour_ago = time.time() - 3600
        database.execute(
            "UPDATE incidents SET doc = json_set(doc, '$.policy_since', ?)", [hour_ago]
        )
        count = database.execute(
            "UPDATE timers SET due_at = ? WHERE name = 'step'", [hour_ago + 1]
        ).rowcount
        assert count == DUE, f"{count} of the incidents have a further step"


async def none_left(path: Path, rows: str) -> None:
    """Until no row is due any more.

    `rows` is a table and a condition on the time. Raises: TimeoutError.
    """
    async with asyncio.timeout(PATIENCE):
        while _count(path, rows):  # noqa: ASYNC110 - it waits for another process
            await asyncio.sleep(0.05)


def _count(path: Path, rows: str) -> int:
    with closing(sqlite3.connect(path)) as database:
        found = database.execute(f"SELECT count(*) FROM {rows}", [time.time()])
        return int(found.fetchone()[0])
