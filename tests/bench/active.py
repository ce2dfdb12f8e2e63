"""Cost of 100,000 active alerts: memory, and the time to be ready again after SIGKILL."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from tests.bench import load
from tests.bench.daemon import Server, alertmanager, router
from tests.bench.load import Load
from tests.bench.result import Result

ACTIVE = 100_000
MEMORY = 200.0
READY = 2.0
"""Targets of issue 2, in MB and seconds."""


async def run(_seconds: float) -> AsyncIterator[Result]:
    with tempfile.TemporaryDirectory(prefix="alert-router-bench-") as name:
        folder = Path(name)
        other = alertmanager(folder)
        memory, ready = await measure(other) if other else (0.0, 0.0)
        beside = [{other.name: value} if other else {} for value in (memory, ready)]
        memory, ready = await measure(router(folder))
    yield Result(
        f"memory with {ACTIVE:,} active alerts",
        memory,
        "MB",
        MEMORY,
        at_most=True,
        beside=beside[0],
    )
    yield Result("ready after SIGKILL with them", ready, "s", READY, at_most=True, beside=beside[1])


async def measure(server: Server) -> tuple[float, float]:
    """Its memory right after the load, in MB, and the seconds it takes to start again
    (Alertmanager: without them).
    """
    async with server:
        report = await load.run(Load(port=server.port, api=server.api, requests=ACTIVE // 100))
        assert report.alerts == ACTIVE, f"not all were taken: {report.statuses}"
        memory = server.memory
        await server.kill()
        return memory, await server.start()
