"""Alerts accepted per second, with fsync before each answer; the load comes from the same
machine.
"""

import tempfile
from collections.abc import AsyncIterator, Iterator
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
    """`target` is a multiple of Alertmanager's rate in the same run; None if there is none."""

    shape: Shape
    batch: int
    connections: int
    target: float | None = None


CASES = (
    Case(Shape.DISTINCT, 100, 16, 1.0),
    Case(Shape.DISTINCT, 10, 32, 0.8),
    Case(Shape.DISTINCT, 1, 128, 0.7),
    Case(Shape.REPEATED, 100, 16, 2.0),
    Case(Shape.REPEATED, 10, 32),
    Case(Shape.REPEATED, 1, 128, 1.5),
)


async def run(seconds: float) -> AsyncIterator[Result]:
    for case in CASES:
        with tempfile.TemporaryDirectory(prefix="alert-router-bench-") as name:
            folder = Path(name)
            beside = {
                server.name: await measure(server, case, seconds)
                for server in (bare(folder), alertmanager(folder))
                if server
            }
            report, cpu = await measure(router(folder), case, seconds)
        for result in _results(case, report, cpu, beside):
            yield result


def _results(
    case: Case, report: Report, cpu: float, beside: dict[str, tuple[Report, float]]
) -> Iterator[Result]:
    """The rate, and the CPU time, which hardly depends on what else runs on the machine."""
    target = case.target if "Alertmanager" in beside else None
    rates = {name: other.rate for name, (other, _) in beside.items()}
    costs = {name: cost / other.alerts * 1e6 for name, (other, cost) in beside.items()}
    shape = f"{case.shape.value}, {case.batch} a request"
    yield Result(
        shape,
        report.rate,
        "alerts/s",
        target and target * rates["Alertmanager"],
        beside=rates,
        note=f"answer p50 {report.p50 * 1e3:.0f} ms, p99 {report.p99 * 1e3:.0f} ms"
        f"{_refused(report)}",
    )
    yield Result(
        f"{shape}, CPU",
        cpu / report.alerts * 1e6,
        "µs/alert",
        target and costs["Alertmanager"] / target,
        at_most=True,
        beside=costs,
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
