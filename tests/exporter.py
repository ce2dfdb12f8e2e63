"""A process to watch: it serves the metrics for rules/prometheus with values set by a test."""

from types import TracebackType
from typing import Self

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.aiohttp import make_aiohttp_handler

# 0.5 and 2 are thresholds of rules/critical.yaml: a p95 is only as sharp as the bounds it lies
# between (seconds).
BUCKETS = (0.1, 0.25, 0.5, 1, 2, 5, 10)


class Exporter:
    """`async with Exporter() as exporter:` serves `exporter.target` (host:port, loopback) under
    /metrics.

    The metrics are prometheus_client's own: `exporter.payments.labels("api", "failure").inc(3)`.
    All that `service` can count starts at 0, as it should in a real process: growth from nothing is
    invisible to rate().
    """

    def __init__(self, service: str = "api") -> None:
        self.registry = CollectorRegistry()
        self.payments = Counter(
            "payment_attempts_total",
            "Payments tried.",
            ["service", "result"],
            registry=self.registry,
        )
        self.sign_ins = Counter(
            "auth_attempts_total", "Sign-ins tried.", ["service", "result"], registry=self.registry
        )
        self.requests = Counter(
            "http_requests_total", "Requests served.", ["service", "code"], registry=self.registry
        )
        self.durations = Histogram(
            "http_request_duration_seconds",
            "Time to serve.",
            ["service"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.db_errors = Counter(
            "db_connection_errors_total",
            "Connections failed.",
            ["service", "database"],
            registry=self.registry,
        )
        for result in ("success", "failure"):
            self.payments.labels(service, result)
            self.sign_ins.labels(service, result)
        for code in ("200", "500"):
            self.requests.labels(service, code)
        self.durations.labels(service)
        self.db_errors.labels(service, "main")
        self.target = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/metrics", make_aiohttp_handler(self.registry))
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.target = f"{host}:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()
