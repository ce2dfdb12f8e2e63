"""What a replay costs: a month of alerts that happened, under other rules."""

import time
from collections.abc import AsyncIterator

from router.app import TYPES
from router.config.load import load
from router.core.difference import difference
from router.core.past import Past
from router.core.replay import Replay
from router.core.virtual import VirtualRouter
from router.model.event import AlertSeen, Event
from tests.bench.result import Result
from tests.bench.virtual import ALERTS, MONTH, START, TARGET, alert
from tests.pages import ROOT


async def run(_seconds: float) -> AsyncIterator[Result]:
    settings = load(ROOT / "config.example.yaml", {}, TYPES).settings
    past = _past()
    started = time.perf_counter()
    replay = Replay(settings, past)
    replay.run(START + MONTH)
    found = difference(past, replay, START)
    took = time.perf_counter() - started
    note = f"{len(past.events):,} events, {len(past.incidents):,} incidents; {'no ' if not found else ''}difference"
    yield Result(f"replay: a month of {ALERTS:,} alerts", took, "s", TARGET, at_most=True, note=note)


def _past() -> Past:
    kept: list[Event] = []
    settings = load(ROOT / "config.example.yaml", {}, TYPES).settings
    router = VirtualRouter(settings, START, watch=lambda changes: kept.extend(changes.history))
    for number in range(ALERTS):
        router.run_until(START + number * MONTH / ALERTS)
        router.happen(AlertSeen(router.now, alert(number, router.now)))
    return Past(kept, router.memory.timeline, [*router.memory.incidents.values()])
