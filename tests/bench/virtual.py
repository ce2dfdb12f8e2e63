"""Cost of virtual time: a month of alerts through the virtual router."""

import time
from collections.abc import AsyncIterator

from router.app import TYPES
from router.config.load import load
from router.core.rules.fingerprint import fingerprint
from router.core.virtual.router import VirtualRouter
from router.model.alert import Alert, AlertStatus
from router.model.event import AlertSeen
from tests.bench.result import Result
from tests.pages import ROOT

ALERTS = 100_000
MONTH = 30 * 86_400.0
START = 1_770_000_000.0
NAMES = (
    "PaymentFailures",
    "AuthFailures",
    "DatabaseConnectionFailures",
    "ApiLatencyP95",
    "ErrorRate",
    "Unknown",
)
TARGET = 60.0


async def run(_seconds: float) -> AsyncIterator[Result]:
    settings = load(ROOT / "config.example.yaml", {}, TYPES).settings
    started = time.perf_counter()
    router = VirtualRouter(settings, START)
    for number in range(ALERTS):
        router.run_until(START + number * MONTH / ALERTS)
        router.happen(AlertSeen(router.now, alert(number, router.now)))
    took = time.perf_counter() - started
    note = f"{len(router.memory.incidents):,} incidents, {len(router.delivered):,} messages"
    yield Result(
        f"virtual time: a month of {ALERTS:,} alerts", took, "s", TARGET, at_most=True, note=note
    )


def alert(number: int, now: float) -> Alert:
    """Each fires, is repeated, and is over: six kinds, on fifty services."""
    turn, phase = divmod(number, 3)
    labels = {"alertname": NAMES[turn % len(NAMES)], "service": f"service-{turn % 50}"}
    status = AlertStatus.RESOLVED if phase == 2 else AlertStatus.FIRING
    return Alert("alertmanager", fingerprint(labels), status, labels, {"value": "0.2"}, now - phase)
