"""Storms under the example config: many incidents at one time, and many alerts of few incidents."""

import asyncio
import math
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median, quantiles

import aiohttp

from tests.bench import load
from tests.bench.daemon import Server, router
from tests.bench.load import Load
from tests.bench.payloads import GROUPS, Api, Shape, alert, body
from tests.bench.result import Result

INCIDENTS = 20_000
GROUPED = 100_000
ACCEPTED, BESIDE, FIRST, ALL = 10.0, 100.0, 2.0, 60.0
"""Targets: seconds for the incidents, milliseconds for other webhooks meanwhile (p99), seconds to
the first message of a P0, and seconds for the grouped alerts.
"""
OPENING = 60.0
"""Target: microseconds of CPU to open an incident, its messages in the outbox included."""
MESSAGES = 3
"""Target: messages of an incident to a channel."""

PROBES, P0S = 0.02, 0.5
"""Seconds between two webhooks meanwhile, and between two P0s."""
P0, JOINING = 0, 4
"""Kinds of alerts, out of payloads.FAILURES."""

PATIENCE = 120.0
AFTERWARDS = 5.0
"""Seconds of sending after the storm that are measured."""
FAR = 1_000_000


async def run(_seconds: float) -> AsyncIterator[Result]:
    with tempfile.TemporaryDirectory(prefix="alert-router-bench-") as name:
        async for result in _many_incidents(Path(name)):
            yield result
    with tempfile.TemporaryDirectory(prefix="alert-router-bench-") as name:
        async for result in _few_groups(Path(name)):
            yield result


# --- each alert opens an incident


async def _many_incidents(folder: Path) -> AsyncIterator[Result]:
    server = router(folder)
    opening = Load(
        port=server.port, shape=Shape.OPENING, connections=4, requests=INCIDENTS // 100, first=FAR
    )
    async with server, aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
        await _post(session, [alert("meanwhile", JOINING, "host", f"{1:016x}")])
        await asyncio.sleep(1)
        turns = await _turns(session)
        before, storm = server.cpu, asyncio.create_task(load.run(opening))
        took, waited = await asyncio.gather(
            _meanwhile(session, storm), _p0s(session, server, storm)
        )
        report = await storm
        assert report.alerts == INCIDENTS, f"not all were taken: {report.statuses}"
        cost = server.cpu - before
        turns = [end - start for start, end in zip(turns, await _turns(session), strict=True)]
        before, sent = server.cpu, _sent(folder)
        await asyncio.sleep(AFTERWARDS)
        message, more = server.cpu - before, _sent(folder) - sent
    yield Result(
        f"storm: {INCIDENTS:,} incidents accepted",
        report.seconds,
        "s",
        ACCEPTED,
        at_most=True,
        note=f"{sent:,} messages were sent meanwhile",
    )
    p99 = quantiles(took, n=100)[98] * 1e3
    seconds, count = turns
    yield Result(
        "storm: other webhooks p99",
        p99,
        "ms",
        BESIDE,
        at_most=True,
        note=f"p50 {median(took) * 1e3:.0f} ms; a transaction took {seconds / count * 1e3:.0f} ms",
    )
    yield Result(
        "storm: first message of a P0, the slowest",
        max(waited),
        "s",
        FIRST,
        at_most=True,
        note=f"{len(waited)} P0s",
    )
    opened = INCIDENTS + len(waited)
    yield Result("storm: an incident, CPU", cost / opened * 1e6, "µs", OPENING, at_most=True)
    yield Result("storm: a message afterwards, CPU", message / more * 1e6, "µs", at_most=True)


async def _turns(session: aiohttp.ClientSession) -> list[float]:
    """Seconds in transactions so far, and how many there were. A webhook waits for up to two."""
    async with session.get("/metrics") as answer:
        text = await answer.text()
    names = ("sum", "count")
    return [float(text.partition(f"commit_seconds_{name} ")[2].split()[0]) for name in names]


async def _meanwhile(session: aiohttp.ClientSession, storm: asyncio.Task[object]) -> list[float]:
    """Seconds that each webhook of an alert that joins an incident takes."""
    took: list[float] = []
    while not storm.done():
        started = time.perf_counter()
        await _post(session, [alert("meanwhile", JOINING, "host", f"{len(took) + 2:016x}")])
        took.append(time.perf_counter() - started)
        await asyncio.sleep(max(0.0, PROBES - took[-1]))
    return took


async def _p0s(
    session: aiohttp.ClientSession, server: Server, storm: asyncio.Task[object]
) -> list[float]:
    """Seconds from each P0 to the first line about it that a channel prints."""
    waiting: list[asyncio.Task[float]] = []
    while not storm.done():
        service = f"urgent-{len(waiting):06d}"
        sent, at = time.perf_counter(), server.output.stat().st_size
        await _post(session, [alert(service, P0, service, f"f{len(waiting):015x}")])
        waiting.append(asyncio.create_task(_printed(server.output, service, sent, at)))
        await asyncio.sleep(P0S)
    return await asyncio.gather(*waiting)


async def _printed(output: Path, service: str, sent: float, at: int) -> float:
    """Seconds from `sent` until `service` is in the output, which is read from byte `at` on."""
    text, found = service.encode(), b""
    with output.open("rb") as lines:
        lines.seek(at)
        async with asyncio.timeout(PATIENCE):
            while text not in found:
                await asyncio.sleep(0.01)
                found = found[-len(text) :] + lines.read()
    return time.perf_counter() - sent


async def _post(session: aiohttp.ClientSession, alerts: Sequence[dict[str, object]]) -> None:
    content, headers = body(alerts, Api.WEBHOOK), {"Content-Type": "application/json"}
    async with session.post(Api.WEBHOOK, data=content, headers=headers) as answer:
        answer.raise_for_status()


# --- few incidents


async def _few_groups(folder: Path) -> AsyncIterator[Result]:
    server = router(folder)
    storm = Load(port=server.port, shape=Shape.GROUPED, requests=GROUPED // 100)
    async with server:
        report = await load.run(storm)
        assert report.alerts == GROUPED, f"not all were taken: {report.statuses}"
        await _settled(folder)
    incidents = _rows(folder, "SELECT count(*) FROM incidents")[0][0]
    messages = _rows(folder, "SELECT max(sent) FROM outbox")[0][0]
    yield Result(
        f"storm: {GROUPED:,} alerts in {GROUPS} groups",
        report.seconds,
        "s",
        ALL,
        at_most=True,
        note=f"{incidents} incidents",
    )
    yield Result(
        "storm: messages of an incident to a channel, the most",
        messages,
        "",
        MESSAGES,
        at_most=True,
    )


async def _settled(folder: Path) -> None:
    """Wait until no message is due any more."""
    due = "SELECT count(*) FROM outbox WHERE state = 'pending' AND due_at <= {}"
    async with asyncio.timeout(PATIENCE):
        while _rows(folder, due.format(math.ceil(time.time())))[0][0]:  # noqa: ASYNC110 - a process
            await asyncio.sleep(0.2)


def _sent(folder: Path) -> int:
    return _rows(folder, "SELECT coalesce(sum(sent), 0) FROM outbox")[0][0]


def _rows(folder: Path, query: str) -> list[tuple[int, ...]]:
    with closing(sqlite3.connect(folder / "router.db")) as database:
        return database.execute(query).fetchall()
