"""Cost of a replay: a month of recorded alerts under other rules."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace

from msgspec import structs

from router.app import TYPES
from router.config.load import load
from router.core.incident.settings import Settings
from router.core.replay.diff import difference
from router.core.replay.history import History
from router.core.replay.replay import Replay
from router.core.virtual.router import VirtualRouter
from router.model.event import AlertSeen, Event
from tests.bench.result import Result
from tests.bench.virtual import ALERTS, MONTH, START, alert
from tests.pages import ROOT

TARGET = 20.0
"""Microseconds of an event."""


async def run(_seconds: float) -> AsyncIterator[Result]:
    settings = _settings()
    past = _past(settings)
    started = time.perf_counter()
    replay = Replay(settings, past)
    replay.run(START + MONTH)
    found = difference(past, replay, START)
    took = time.perf_counter() - started
    events = len(past.events)
    yield Result(
        f"replay: a month of {ALERTS:,} alerts, an event",
        took / events * 1e6,
        "µs",
        TARGET,
        at_most=True,
        note=f"{events:,} events, {len(past.incidents):,} incidents in {took:.1f} s; "
        f"{'no ' if not found else ''}difference",
    )


def _settings() -> Settings:
    """The example's, but that no incident needs a post-mortem.

    Nobody here would share 22,000 of them, and a reminder of each on every day would be most of
    what happens.
    """
    settings = load(ROOT / "config.example.yaml", {}, TYPES).settings
    return replace(
        settings, postmortems=structs.replace(settings.postmortems, severities=frozenset())
    )


def _past(settings: Settings) -> History:
    kept: list[Event] = []
    router = VirtualRouter(settings, START, watch=lambda changes: kept.extend(changes.history))
    for number in range(ALERTS):
        router.run_until(START + number * MONTH / ALERTS)
        router.happen(AlertSeen(router.now, alert(number, router.now)))
    return History(kept, router.memory.timeline, [*router.memory.incidents.values()])
