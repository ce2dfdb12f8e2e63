"""A cheap load generator: raw sockets, prepared requests, minimal parsing of answers.

It runs in a separate process (`python -m tests.bench.load JSON`) so that it uses a core but no
time of the measured process, and connects to 127.0.0.1 only.
"""

import asyncio
import re
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from statistics import quantiles
from typing import cast

import msgspec
import uvloop
from msgspec import Struct

from tests.bench.payloads import Api, Requests, Shape

MOST_SECONDS = 120.0
PATIENCE = 30.0
"""Seconds to wait for the last answers."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Load(Struct, frozen=True, kw_only=True):
    """Load to generate. It ends after `seconds`, or after `requests` requests if given.

    first: number of the first request; loads with disjoint numbers share no alert.
    rate: alerts per second; None sends the next request as soon as the previous one is answered.
    """

    port: int
    shape: Shape = Shape.DISTINCT
    batch: int = 100
    api: Api = Api.WEBHOOK
    connections: int = 16
    seconds: float = MOST_SECONDS
    requests: int | None = None
    first: int = 0
    rate: float | None = None


class Report(Struct, frozen=True, kw_only=True):
    """Result of a load: alerts in requests answered 2xx; `p50` and `p99` are seconds to the
    answer.
    """

    alerts: int
    seconds: float
    p50: float
    p99: float
    statuses: dict[int, int]

    @property
    def rate(self) -> float:
        """Alerts accepted in a second."""
        return self.alerts / self.seconds


async def start(load: Load) -> asyncio.subprocess.Process:
    """Start the load, to be ended by `finish`."""
    arguments = (sys.executable, "-m", "tests.bench.load", msgspec.json.encode(load).decode())
    return await asyncio.create_subprocess_exec(*arguments, stdout=subprocess.PIPE)


async def finish(process: asyncio.subprocess.Process) -> Report:
    """Wait until the load is over."""
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the load generator ended with {process.returncode}")
    return msgspec.json.decode(output, type=Report)


async def run(load: Load) -> Report:
    """Send all of the load from another process."""
    return await finish(await start(load))


class _Generator:
    """State shared by the connections: the next request, and results so far."""

    def __init__(self, load: Load) -> None:
        self.interval = load.connections * load.batch / load.rate if load.rate else 0.0
        self.started = time.perf_counter()
        self.took: list[float] = []
        self.statuses: Counter[int] = Counter()
        self._requests = Requests(load.shape, load.batch, load.api)
        self._number = load.first
        self._last = load.first + load.requests if load.requests is not None else sys.maxsize
        self._end = self.started + min(load.seconds, MOST_SECONDS)

    def next(self) -> bytes | None:
        if self._number >= self._last or time.perf_counter() >= self._end:
            return None
        self._number += 1
        return self._requests[self._number - 1]


class _Connection(asyncio.Protocol):
    """Sends a request, waits for its answer, and again.

    With an interval, no sooner than that after the one before.
    """

    def __init__(self, generator: _Generator, delay: float) -> None:
        self.closed = asyncio.get_running_loop().create_future()
        self._generator = generator
        self._due = time.perf_counter() + delay
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._schedule()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, content = self._answer.partition(b"\r\n\r\n")
        if not found:
            return
        length = _LENGTH.search(head)
        assert length, f"an answer without its length: {head!r}"
        if len(content) < int(length[1]):
            return
        self._generator.took.append(time.perf_counter() - self._sent)
        self._generator.statuses[int(head[9:12])] += 1
        self._answer = b""
        self._schedule()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc:
            self.closed.set_exception(exc)
        else:
            self.closed.set_result(None)

    def _schedule(self) -> None:
        if (wait := self._due - time.perf_counter()) > 0:
            asyncio.get_running_loop().call_later(wait, self._send)
        else:
            self._send()

    def _send(self) -> None:
        request = self._generator.next()
        if request is None:
            self._transport.close()
            return
        self._due += self._generator.interval
        self._sent = time.perf_counter()
        self._transport.write(request)


async def _generate(load: Load) -> Report:
    generator = _Generator(load)
    loop = asyncio.get_running_loop()
    connections: list[_Connection] = []
    for i in range(load.connections):
        connect = partial(_Connection, generator, generator.interval * i / load.connections)
        _, connection = await loop.create_connection(connect, "127.0.0.1", load.port)
        connections.append(connection)
    async with asyncio.timeout(min(load.seconds, MOST_SECONDS) + PATIENCE):
        await asyncio.gather(*(connection.closed for connection in connections))
    percentiles = (
        quantiles(generator.took, n=100) if len(generator.took) > 1 else generator.took * 99
    )
    return Report(
        alerts=load.batch
        * sum(count for status, count in generator.statuses.items() if status < 300),
        seconds=time.perf_counter() - generator.started,
        p50=percentiles[49],
        p99=percentiles[98],
        statuses=dict(generator.statuses),
    )


if __name__ == "__main__":
    report = uvloop.run(_generate(msgspec.json.decode(sys.argv[1], type=Load)))
    sys.stdout.write(msgspec.json.encode(report).decode())
