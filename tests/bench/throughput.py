"""Alerts accepted per second, with fsync before each answer; the load comes from the same
machine.
"""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tests.bench import load
from tests.bench.daemon import Server, alertmanager, bare, router
from tests.bench.load import MOST_SECONDS, Load, Report
from tests.bench.payloads import KNOWN, Shape
from tests.bench.result import Result

WARM_UP = 1.0
"""Seconds of load before those that are measured."""

FAR = 10_000_000
"""A request number that no warm-up reaches."""


class Case(Struct, frozen=True):
    """`target` is in alerts a second, of issue 2."""

    shape: Shape
    batch: int
    connections: int
    target: float


CASES = (
    Case(Shape.REPEATED, 100, 16, 30_000),
    Case(Shape.DISTINCT, 100, 16, 25_000),
    Case(Shape.REPEATED, 1, 128, 4_000),
    Case(Shape.DISTINCT, 1, 128, 4_000),
)


async def run(seconds: float) -> AsyncIterator[Result]:
    for case in CASES:
        with tempfile.TemporaryDirectory(prefix="alert-router-bench-") as name:
            folder = Path(name)
            beside = {}
            for server in (bare(folder), alertmanager(folder)):
                if server:
                    beside[server.name] = (await measure(server, case, seconds))[0].rate
            report, cpu = await measure(router(folder), case, seconds)
        yield Result(
            f"{case.shape.value}, {case.batch} a request",
            report.rate,
            "alerts/s",
            case.target,
            beside=beside,
            note=f"answer p50 {report.p50 * 1e3:.0f} ms, p99 {report.p99 * 1e3:.0f} ms; "
            f"CPU {cpu / report.alerts * 1e6:.0f} µs/alert{_refused(report)}",
        )


async def measure(server: Server, case: Case, seconds: float) -> tuple[Report, float]:
    """Result of the case on a warm `server`, and the CPU seconds used."""
    async with server:
        measured = Load(
            port=server.port,
            api=server.api,
            shape=case.shape,
            batch=case.batch,
            connections=case.connections,
            seconds=seconds,
            first=FAR,
        )
        if case.shape is Shape.REPEATED:  # so that all of it is known
            await load.run(replace(measured, requests=KNOWN // case.batch, seconds=MOST_SECONDS))
        await load.run(replace(measured, seconds=WARM_UP, first=0))
        before = server.cpu
        report = await load.run(measured)
        return report, server.cpu - before


def _refused(report: Report) -> str:
    refused = {status: count for status, count in report.statuses.items() if status != 200}
    return f"; REFUSED {refused}" if refused else ""
