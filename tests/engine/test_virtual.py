"""The virtual router agrees with the real store, so tested rules behave as in production."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st

from router.core.incident.settings import Settings
from router.core.virtual.router import JITTER, VirtualRouter
from router.engine.apply import Applier
from router.model.alert import Alert
from router.model.event import AlertSeen, Command, Commanded, DeliverySettled, Event, Resent
from router.model.incident import Severity
from router.model.notification import (
    Attempt,
    Notification,
    Rejected,
    Result,
    Retry,
    Sent,
    Uncertain,
    channel_of,
)
from router.model.reason import Reason
from router.ports.clock import spawn
from router.store import SqlStore, open_store
from router.telemetry import logs
from router.telemetry.metrics import Metrics
from tests.clock import SteppedClock, stop
from tests.core.incident.test_properties import (
    CONFIGS,
    alerts,
    commands,
    particulars,
    severities,
    spans,
)
from tests.world import NOW

CHANNELS = ("slack", "pager", "phone", "cto", "mail")

webhooks = st.lists(alerts, min_size=1, max_size=4)
answers = st.tuples(commands, st.integers(1, 3), severities)
resent = st.tuples(st.integers(1, 2), st.sampled_from(CHANNELS))
moves = st.lists(st.one_of(webhooks, answers, resent, spans), min_size=1, max_size=15)
outcomes = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        CHANNELS,
        st.sampled_from([Retry("503"), Retry("429", 600.0), Uncertain("reset"), Rejected("gone")]),
    ),
)


class Shell:
    """The daemon's work around the store, step by step."""

    def __init__(self, store: SqlStore, config: Settings, outcome: dict[str, Result]) -> None:
        self.store = store
        self.outcome = outcome
        self.applier = Applier(store, config, SteppedClock(NOW), Metrics(), lambda _: None)

    async def happen(self, now: float, *events: Event) -> list[Reason]:
        reasons = await self.applier.submit(events)
        await self.deliver(now)
        return reasons

    async def deliver(self, now: float) -> None:
        """Send all messages due by now, and those that result from them."""
        while claimed := [row for name in CHANNELS for row in await self.store.claim_notifications(
            name, now, "me", now + 60, 100)]:  # fmt: skip
            claimed.sort(key=lambda row: (row.due_at, row.incident_id, row.channel))
            await self.applier.submit([await self.settled(now, row) for row in claimed])

    async def settled(self, now: float, row: Notification) -> DeliverySettled:
        found = (await self.store.messages([row.incident_id]))[row.incident_id]
        result = self.outcome.get(channel_of(row.channel), Sent())
        return DeliverySettled(
            now, row, (Attempt(now, 0.0, result),), max(e.id for e in found[1]), JITTER
        )

    async def time(self, now: float) -> None:
        """It has come: what is due by now happens."""
        for timer in sorted(
            await self.store.claim_timers(now, "me", now + 60, 100),
            key=lambda t: (t.due_at, t.incident_id, t.name),
        ):
            await self.happen(now, timer)
        await self.deliver(now)


def happening(now: float, move: Any) -> list[Event]:
    match move:
        case list():
            return [AlertSeen(now, seen) for seen in move if isinstance(seen, Alert)]
        case (Command() as command, incident_id, Severity() as severity):
            return [Commanded(now, incident_id, "ana", command, **particulars(command, severity))]
        case (incident_id, channel):
            return [Resent(now, incident_id, channel, "ana")]
    raise AssertionError(move)


async def live(config: Settings, story: Sequence[Any], outcome: dict[str, Result]) -> None:
    """Let it all happen to both, and look for a difference after each move."""
    virtual = VirtualRouter(
        config, NOW, lambda row, _: outcome.get(channel_of(row.channel), Sent())
    )
    with tempfile.TemporaryDirectory() as folder:
        store = await open_store(f"sqlite:///{Path(folder) / 'store.db'}")
        shell = Shell(store, config, outcome)
        loop = spawn(shell.applier.run(), "apply", set())
        try:
            for move in story:
                if isinstance(move, float):
                    end = virtual.now + move
                    while (due := virtual.next_due) is not None and due <= end:
                        virtual.run_until(due)
                        await shell.time(due)
                    virtual.run_until(end)
                else:
                    events = happening(virtual.now, move)
                    assert virtual.happen(*events) == await shell.happen(virtual.now, *events)
            await compare(virtual, store)
        finally:
            await stop(loop)
            await store.close()


async def compare(virtual: VirtualRouter, store: SqlStore) -> None:
    memory = virtual.memory
    assert list(await store.incidents()) == sorted(
        memory.incidents.values(), key=lambda incident: -incident.id
    )
    for incident_id in memory.incidents:
        stored = await store.timeline(incident_id)
        assert [(e.at, e.what, e.by, e.id) for e in stored] == [
            (e.at, e.what, e.by, e.id) for e in memory.timeline if e.incident_id == incident_id
        ]
    rows = {(row.incident_id, row.channel): row for row in await store.notifications(limit=1000)}
    assert rows == memory.outbox
    rule_matches = [row.rule_match for row in await store.alerts(limit=1000)]
    assert sorted(rule_matches, key=lambda t: (t.fingerprint, t.rule)) == sorted(
        (rule_match for of in memory.rule_matches.values() for rule_match in of.values()),
        key=lambda t: (t.fingerprint, t.rule),
    )
    timers = await store.claim_timers(virtual.now + 1e9, "test", virtual.now + 2e9, 1000)
    assert {(timer.incident_id, timer.name): timer.due_at for timer in timers} == memory.timers.at


@pytest.mark.slow
@pytest.mark.parametrize("config", CONFIGS, ids=range(len(CONFIGS)))
@run(deadline=None, max_examples=10)
@given(story=moves, outcome=outcomes)
def test_the_virtual_router_comes_to_what_the_real_one_does(
    config: Settings, story: list[Any], outcome: dict[str, Result]
) -> None:
    """The same incidents, timelines, deadlines, messages and alerts; the same reason for each
    event.
    """
    logs.configure(level="warning")
    asyncio.run(live(config, story, outcome))
