"""Alerts accepted per second on PostgreSQL, with fsync, next to SQLite in the same run."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from tests.bench.daemon import router
from tests.bench.payloads import Shape
from tests.bench.result import Result
from tests.bench.throughput import Case, measure
from tests.peers import Postgres

CASES = (
    Case(Shape.DISTINCT, 100, 16),
    Case(Shape.DISTINCT, 1, 128),
    Case(Shape.REPEATED, 100, 16),
    Case(Shape.REPEATED, 1, 128),
)

TARGET = 0.6
"""A part of SQLite's rate."""


async def run(seconds: float) -> AsyncIterator[Result]:
    with Postgres() as server:
        await server.sync()
        for case in CASES:
            async for result in _compared(server, case, seconds):
                yield result


async def _compared(server: Postgres, case: Case, seconds: float) -> AsyncIterator[Result]:
    with tempfile.TemporaryDirectory(prefix="alert-router-bench-") as name:
        sqlite, sqlite_cpu = await measure(router(Path(name)), case, seconds)
    with tempfile.TemporaryDirectory(prefix="alert-router-bench-") as name:
        async with server.database() as url:
            report, cpu = await measure(router(Path(name), storage=url), case, seconds)
    shape = f"on PostgreSQL: {case.shape.value}, {case.batch} a request"
    rates, costs = {"SQLite": sqlite.rate}, {"SQLite": sqlite_cpu / sqlite.alerts * 1e6}
    yield Result(shape, report.rate, "alerts/s", TARGET * sqlite.rate, beside=rates)
    yield Result(f"{shape}, CPU", cpu / report.alerts * 1e6, "µs/alert", beside=costs)
