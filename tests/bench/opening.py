"""CPU time of an incident that opens under the example config, and of each message, by step.

One process does the steps of a running router one after the other, over a real SQLite file, so that
the CPU time of all threads belongs to the step that runs. Messages are printed to /dev/null.
"""

import gc
import os
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from aiohttp import ClientSession
from msgspec import Struct

from router.app import TYPES
from router.cli.serve import COLLECT_AFTER, SWITCH
from router.config.load import Config, load
from router.core.incident.batch import Batch
from router.core.outbox.bundle import Bundle
from router.engine.apply import Applier
from router.engine.messages import MessageWriter, Words
from router.model.event import AlertSeen, Event
from router.model.notification import Attempt
from router.ports.channels import Sender
from router.ports.clock import SystemClock
from router.ports.webhooks import Incoming
from router.receivers.alertmanager import AlertmanagerReceiver
from router.senders import KINDS
from router.store import SqlStore, open_store, sqlite
from router.store.sqlite import SqliteDriver
from router.telemetry import logs
from router.telemetry.metrics import Metrics
from tests.bench.payloads import Api, Requests, Shape
from tests.bench.result import Result
from tests.pages import ROOT

BATCH = 100
REQUESTS = 60
WARM_UP = 10
"""Requests before those that are measured."""

CLAIMED = 4
"""Messages in one claim: the default concurrency of a channel."""
MESSAGES = 1_200

OPENING = 60.0
"""Target: microseconds of CPU to open an incident, its messages in the outbox included."""


class Timed(SqliteDriver):
    """Adds up the CPU seconds that its thread spends in statements, and in commits."""

    spent: ClassVar[defaultdict[str, float]] = defaultdict(float)

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        started = time.thread_time()
        try:
            return super().execute(sql, *values)
        finally:
            kind = "commits and checkpoints" if sql == "COMMIT" else "statements"
            self.spent[kind] += time.thread_time() - started


class Meter:
    """CPU seconds of this process by step, in the order of their first use."""

    def __init__(self) -> None:
        self.steps: dict[str, float] = {}
        Timed.spent.clear()

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        started = time.process_time()
        yield
        self.add(step, time.process_time() - started)

    def add(self, step: str, seconds: float) -> None:
        self.steps[step] = self.steps.get(step, 0.0) + seconds

    def note(self, units: int) -> str:
        """The part of SQLite itself, so far."""
        parts = (f"{spent / units * 1e6:.0f} in its {kind}" for kind, spent in Timed.spent.items())
        return f"SQLite: {', '.join(parts)}"

    def results(self, what: str, units: int, target: float | None = None) -> Iterator[Result]:
        """The sum and each step, in microseconds for one of the units."""
        total = sum(self.steps.values()) / units * 1e6
        yield Result(f"{what}, CPU", total, "µs", target, at_most=True, note=self.note(units))
        for step, seconds in self.steps.items():
            yield Result(f"{what}: {step}", seconds / units * 1e6, "µs", at_most=True)


class Bed(Struct):
    """The parts of a router that handle an incident, without their loops."""

    config: Config
    store: SqlStore
    inbox: Applier
    receiver: AlertmanagerReceiver
    meter: Meter

    async def open(self, body: bytes) -> None:
        """Handle a webhook whose alerts open an incident each."""
        meter, now = self.meter, time.time()
        with meter("read the request"):
            received = self.receiver.decode(Incoming({}, body), now)
            events = [AlertSeen(now, alert) for alert in received.alerts]
        await self._commit(events)

    async def _commit(self, events: Sequence[Event]) -> None:
        meter, store, settings = self.meter, self.store, self.inbox.settings
        with meter("find rules, load"):
            batch = Batch(settings, events)
            await store.load(batch.reads, batch.view)
        with meter("decide"):
            changes, _ = batch.decide()
        assert store._memory
        with meter("encode rows"):
            rows = store._save(changes, store._memory.incidents)
        with meter("write rows"):
            await store._database.save(lambda: rows, partial(store._memory.follow, changes))
        with meter("log and count"):
            self.inbox._committed(events, changes, batch.view)

    async def deliver(self, channel: str, sender: Sender, writer: MessageWriter) -> int:
        """Deliver a few messages of a channel, as its worker does."""
        meter, now = self.meter, time.time()
        with meter("claim"):
            rows = await self.store.claim_notifications(
                channel, now, "bench", now + 60, CLAIMED, look=False
            )
        with meter("read the incident"):
            stored = await self.store.messages({row.incident_id for row in rows})
        events: list[Event] = []
        for row in rows:
            with meter("write the message"):
                message, seen = await writer.write((row,), stored)
            with meter("send"):
                result = await sender.send(message)
            attempts = (Attempt(now, 0.001, result),)
            events.append(Bundle((row,), now).settled(now, attempts, seen, 0.5)[0])
        self.meter = settling = Meter()
        await self._commit(events)
        self.meter = meter
        meter.add("settle", sum(settling.steps.values()))
        return len(rows)


@asynccontextmanager
async def bed() -> AsyncIterator[Bed]:
    """The parts over a store in a new folder, with the settings of a daemon's process."""
    gc.set_threshold(COLLECT_AFTER)
    sys.setswitchinterval(SWITCH)
    config = load(ROOT / "config.example.yaml", {}, TYPES)
    receiver = AlertmanagerReceiver("alertmanager", config.sources["alertmanager"])
    sqlite.SqliteDriver = Timed  # type: ignore[misc]
    with tempfile.TemporaryDirectory(prefix="alert-router-bench-") as folder:
        store = await open_store(f"sqlite:///{folder}/router.db", exclusive=True)
        inbox = Applier(store, config.settings, SystemClock(), Metrics(), lambda _: None)
        try:
            yield Bed(config, store, inbox, receiver, Meter())
        finally:
            sqlite.SqliteDriver = SqliteDriver  # type: ignore[misc]
            await store.close()


@contextmanager
def printing_nothing() -> Iterator[None]:
    """Send logs and messages to /dev/null."""
    with Path(os.devnull).open("w") as null, redirect_stdout(null), redirect_stderr(null):
        logs.configure()
        yield
    logs.configure(level="warning")


async def run(_seconds: float) -> AsyncIterator[Result]:
    with printing_nothing():
        async with bed() as one:
            opening = await _open(one)
            results = [*opening.results("opening an incident", REQUESTS * BATCH, OPENING)]
            sent = await _deliver(one)
            results += one.meter.results("a message", sent)
    for result in results:
        yield result


async def _open(one: Bed) -> Meter:
    requests = Requests(Shape.OPENING, BATCH, Api.WEBHOOK)
    for number in range(WARM_UP + REQUESTS):
        if number == WARM_UP:
            one.meter = Meter()
        await one.open(requests[number].partition(b"\r\n\r\n")[2])
    return one.meter


async def _deliver(one: Bed) -> int:
    """Deliver messages about these incidents. Returns how many."""
    one.meter, sent = Meter(), 0
    words = Words("http://127.0.0.1:9095", one.config.settings.wording)
    async with ClientSession() as session:
        sender = KINDS["console"].build("log", one.config.channels["log"], session)
        writer = MessageWriter(SystemClock(), words, None, pictures=False)
        while sent < MESSAGES:
            sent += await one.deliver("log", sender, writer)
    return sent
