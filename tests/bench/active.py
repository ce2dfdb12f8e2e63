"""Cost of 100,000 active alerts: memory, and the time to be ready again after SIGKILL, with 20,000
open incidents more.
"""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from tests.bench import load
from tests.bench.daemon import Server, alertmanager, router
from tests.bench.load import Load
from tests.bench.payloads import Api, Shape
from tests.bench.result import Result
from tests.bench.throughput import FAR

ACTIVE = 100_000
INCIDENTS = 20_000
MEMORY = 0.5
"""Target, as a part of Alertmanager's."""
READY = 1.0
"""Target in seconds."""


async def run(_seconds: float) -> AsyncIterator[Result]:
    with tempfile.TemporaryDirectory(prefix="alert-router-bench-") as name:
        folder = Path(name)
        other = alertmanager(folder)
        other_memory, ready = await measure(other) if other else (0.0, 0.0)
        beside = [{other.name: value} if other else {} for value in (other_memory, ready)]
        memory, ready = await measure(router(folder))
    yield Result(
        f"memory with {ACTIVE:,} active alerts",
        memory,
        "MB",
        other_memory * MEMORY if other else None,
        at_most=True,
        beside=beside[0],
    )
    measured = f"ready after SIGKILL with them and {INCIDENTS:,} open incidents"
    yield Result(measured, ready, "s", READY, at_most=True, beside=beside[1])


async def measure(server: Server) -> tuple[float, float]:
    """Its memory right after the load, in MB, and the seconds it takes to start again, with more
    incidents (Alertmanager: without any).
    """
    async with server:
        # The first start makes the store by Alembic, 11 MB that a router has only until the next.
        await server.kill()
        await server.start()
        report = await load.run(Load(port=server.port, api=server.api, requests=ACTIVE // 100))
        assert report.alerts == ACTIVE, f"not all were taken: {report.statuses}"
        memory = server.memory
        if server.api is Api.WEBHOOK:
            await load.run(
                Load(port=server.port, shape=Shape.OPENING, requests=INCIDENTS // 100, first=FAR)
            )
        await server.kill()
        return memory, await server.start()
