"""Latency from a webhook that opens an incident to the Slack request, idle and under load."""

import asyncio
import re
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles

import aiohttp
from aiohttp import web

from tests.bench import load
from tests.bench.daemon import Server, alertmanager, router
from tests.bench.load import Load
from tests.bench.payloads import SERVICES, alert, body
from tests.bench.result import Result
from tests.peers import free_port

PROBES_A_SECOND = 20
BACKGROUND = 1_000.0
"""Alerts a second that join open incidents meanwhile."""

IDLE, LOADED = 0.030, 0.060
"""Targets for p99 in seconds, the first message included."""

ERROR_RATE = 4
"""Kind of alert to measure, out of payloads.FAILURES."""

PATIENCE = 30.0

MARGIN = 1.0
"""Seconds of background before the first probe and, if none is slow, after the last."""


class Slack:
    """A double of Slack's incoming webhooks, which notes when the first message about each service
    arrives.
    """

    def __init__(self) -> None:
        self.url = f"http://127.0.0.1:{free_port()}/services/T/B/X"
        self.arrivals: dict[bytes, asyncio.Future[float]] = {}

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        app = web.Application()
        app.add_routes([web.post("/services/T/B/X", self._receive)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", int(self.url.split(":")[2].split("/")[0])).start()
        yield
        await runner.cleanup()

    def expect(self, service: str) -> asyncio.Future[float]:
        """Future time, by `time.perf_counter`, of the message about `service`."""
        return self.arrivals.setdefault(
            service.encode(), asyncio.get_running_loop().create_future()
        )

    async def _receive(self, request: web.Request) -> web.Response:
        now = time.perf_counter()
        for service in set(re.findall(rb"(?:probe|service)-\d+", await request.read())):
            arrival = self.expect(service.decode())
            if not arrival.done():
                arrival.set_result(now)
        return web.Response(text="ok")


async def run(seconds: float) -> AsyncIterator[Result]:
    for background, batch, target in (
        (0.0, 10, IDLE),
        (BACKGROUND, 10, LOADED),
        (BACKGROUND, 1, LOADED),
    ):
        slack = Slack()
        with tempfile.TemporaryDirectory(prefix="alert-router-bench-") as name:
            folder = Path(name)
            to_slack = {
                "api_url": slack.url,
                "channel": "#x",
                "title": "{{ .CommonLabels.service }}",
            }
            other = alertmanager(folder, {"slack_configs": [to_slack]})
            async with slack.listening():
                beside = (
                    (await latencies(other, slack, background, batch, seconds))[0] if other else []
                )
                slack.arrivals.clear()
                channel = {"type": "slack", "webhook_url": slack.url}
                took, rate = await latencies(
                    router(folder, channel), slack, background, batch, seconds
                )
        state = f"at {background:,.0f} alerts/s, {batch} a request" if background else "idle"
        for percent, limit in ((50, None), (99, target * 1e3)):
            yield Result(
                f"webhook to Slack p{percent}, {state}",
                _percentile(took, percent),
                "ms",
                limit,
                at_most=True,
                beside={"Alertmanager": _percentile(beside, percent)} if beside else {},
                note=f"{len(took)} incidents"
                + (f" beside {rate:,.0f} alerts/s" if background else ""),
            )


async def latencies(
    server: Server, slack: Slack, background: float, batch: int, seconds: float
) -> tuple[list[float], float]:
    """Seconds from each probe to its message, and the alerts a second that were taken meanwhile."""
    async with server, aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
        if not background:
            return await _probes(server, session, slack, seconds), 0.0
        # Open and notify the background's incidents first.
        opening = Load(port=server.port, api=server.api, requests=SERVICES // 100, connections=1)
        await load.run(opening)
        messages = (slack.expect(f"service-{i:03d}") for i in range(SERVICES))
        await asyncio.wait_for(asyncio.gather(*messages), PATIENCE)
        joining = Load(
            port=server.port,
            api=server.api,
            batch=batch,
            rate=background,
            seconds=seconds + 2 * MARGIN,
            first=1_000,
        )
        noise = await load.start(joining)
        await asyncio.sleep(MARGIN)
        took = await _probes(server, session, slack, seconds)
        return took, (await load.finish(noise)).rate


async def _probes(
    server: Server, session: aiohttp.ClientSession, slack: Slack, seconds: float
) -> list[float]:
    end = time.perf_counter() + seconds
    took: list[float] = []
    while time.perf_counter() < end:
        took.append(await _probe(server, session, slack, len(took)))
    return took


async def _probe(
    server: Server, session: aiohttp.ClientSession, slack: Slack, number: int
) -> float:
    service = f"probe-{number:06d}"
    content = body([alert(service, ERROR_RATE, f"host-{service}", f"{number:016x}")], server.api)
    arrival = slack.expect(service)
    sent = time.perf_counter()
    async with session.post(
        server.api.value, data=content, headers={"Content-Type": "application/json"}
    ) as answer:
        answer.raise_for_status()
    took = await asyncio.wait_for(arrival, PATIENCE) - sent
    await asyncio.sleep(max(0.0, 1 / PROBES_A_SECOND - took))
    return took


def _percentile(took: list[float], percent: int) -> float:
    """In milliseconds."""
    return quantiles(took, n=100)[percent - 1] * 1e3
