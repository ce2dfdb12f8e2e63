"""CPU time per alert as the configuration, the open incidents and the stored alerts grow.

Every case runs the real applier over a real SQLite file in this process, 100 alerts per request,
and is a ratio to the smallest case of its kind. CPU time (all threads of the process) is compared,
because it hardly depends on what else runs on the machine.
"""

import asyncio
import random
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from router.app import TYPES
from router.config.load import load
from router.core.incident.settings import Settings
from router.core.rules.matcher import parse_matchers
from router.core.rules.rule import Rule, RuleSet
from router.core.suppression.inhibition import Inhibition
from router.core.suppression.recurring_silence import RecurringSilence, TimeSpan
from router.core.text.template import compile_template
from router.engine.apply import Applier
from router.model.alert import Alert, AlertStatus
from router.model.event import AlertSeen, DeliverySettled
from router.model.notification import Attempt, Sent
from router.ports.clock import SystemClock
from router.store import SqlStore, open_store
from router.telemetry.metrics import Metrics
from tests.bench.result import Result
from tests.pages import ROOT

BATCH = 100
CALLS, ROUNDS = 8, 5
"""Requests in a round, and rounds: the best one counts."""

NAMES = tuple(f"Alert{number}" for number in range(10))
"""The alerts' names, each with one incident that the alerts join."""

SIZES = (10, 1_000)
OPEN = (100, 1_000, 10_000)
STORED = (10_000, 100_000, 500_000)
CLAIMED = 4
"""Messages in one claim."""

TARGET = 1.5
"""Times the cost of the smallest case."""


@dataclass(frozen=True, slots=True)
class Bed:
    """An applier at work on a store of its own."""

    store: SqlStore
    inbox: Applier
    path: Path

    async def take(self, alerts: Sequence[Alert]) -> None:
        now = time.time()
        await self.inbox.submit([AlertSeen(now, alert) for alert in alerts])

    async def join(self) -> None:
        """One request of new alerts, which join a few incidents."""
        await self.take([alert(NAMES[number % len(NAMES)]) for number in range(BATCH)])

    async def deliver(self) -> None:
        """Claim, write and settle a few messages to people, as the worker of a channel does."""
        now = time.time()
        claimed = await self.store.claim_notifications(
            "text", now, "bench", now + 60, CLAIMED, people=True
        )
        assert len(claimed) == CLAIMED, "too few messages are due"
        assert await self.store.messages(row.incident_id for row in claimed)
        attempts = (Attempt(now, 0.1, Sent("ref")),)
        await self.inbox.submit([DeliverySettled(now, row, attempts, 1) for row in claimed])

    async def cost(self, work: Callable[[], Awaitable[None]], units: int) -> float:
        """Microseconds of CPU time for one of the units that each call does: the best round."""
        rounds = []
        for number in range(1 + ROUNDS):
            started = time.process_time()
            for _ in range(CALLS):
                await work()
            if number:  # the first one fills caches and opens the incidents
                rounds.append(time.process_time() - started)
        return min(rounds) / CALLS / units * 1e6


@asynccontextmanager
async def bed(settings: Settings) -> AsyncIterator[Bed]:
    with tempfile.TemporaryDirectory(prefix="alert-router-bench-") as folder:
        path = Path(folder) / "growth.db"
        store = await open_store(f"sqlite:///{path}")
        inbox = Applier(store, settings, SystemClock(), Metrics(), lambda _: None)
        task = asyncio.create_task(inbox.run())
        try:
            yield Bed(store, inbox, path)
        finally:
            task.cancel()
            await asyncio.wait([task])
            await store.close()


async def run(_seconds: float) -> AsyncIterator[Result]:
    example = load(ROOT / "config.example.yaml", {}, TYPES).settings
    costs: dict[str, dict[int, float]] = {}
    for what, make in CONFIGURED.items():
        for size in SIZES:
            async with bed(replace(example, **make(size))) as one:
                costs.setdefault(what, {})[size] = await one.cost(one.join, BATCH)
    costs |= await _open(example)
    costs["stored alerts"] = await _stored(example)
    for what, found in costs.items():
        (smallest, least), *larger = found.items()
        for size, cost in larger:
            note = f"{least:.0f} µs of CPU at {smallest:,}, {cost:.0f} at {size:,}"
            measure = f"{size:,} {what}, to {smallest:,}"
            yield Result(measure, cost / least, "times", TARGET, at_most=True, note=note)


# --- what is configured


def _rules(size: int, op: str, value: str) -> dict[str, Any]:
    """Only the first rules match an alert, so that all sizes have the same incidents."""
    rules = [_rule(f"rule-{i}", f"alertname{op}'{value.format(i)}'") for i in range(size)]
    return {"rules": RuleSet.of(rules, _rule("default"), f"{size}{op}")}


def _rule(name: str, *matchers: str) -> Rule:
    parsed = tuple(matcher for text in matchers for matcher in parse_matchers(text))
    return Rule(name, (), compile_template("{{ labels.alertname }}"), 0.0, parsed)


def _silences(size: int, op: str, value: str) -> dict[str, Any]:
    """In force, and none of them mutes an alert."""
    matchers = [parse_matchers(f'instance{op}"{value.format(i)}"') for i in range(size)]
    silences = (
        RecurringSilence(f"silence-{i}", matcher, TimeSpan(0, 4e9))
        for i, matcher in enumerate(matchers)
    )
    return _rules(len(NAMES), "=", "Alert{}") | {"silences": tuple(silences)}


def _inhibitions(size: int, op: str, value: str) -> dict[str, Any]:
    """Each alert is the target of one, whose cause has no incident."""
    inhibitions = (
        Inhibition(
            parse_matchers(f'alertname{op}"{value.format(i)}"'),
            parse_matchers(f'alertname="Cause{i}"'),
            equal=("service",),
        )
        for i in range(size)
    )
    return _rules(len(NAMES), "=", "Alert{}") | {"inhibitions": tuple(inhibitions)}


CONFIGURED: dict[str, Callable[[int], dict[str, Any]]] = {
    "rules (=)": lambda size: _rules(size, "=", "Alert{}"),
    "rules (=~)": lambda size: _rules(size, "=~", "Alert{}(x?)"),
    "silences (=)": lambda size: _silences(size, "=", "no-{}"),
    "silences (=~)": lambda size: _silences(size, "=~", "no-{}.+"),
    "inhibitions (=)": lambda size: _inhibitions(size, "=", "Alert{}"),
    "inhibitions (=~)": lambda size: _inhibitions(size, "=~", "Alert{}(x?)"),
}


# --- what is stored


async def _open(example: Settings) -> dict[str, dict[int, float]]:
    """Beside open incidents of the worst severity, under the example's config, which inhibits."""
    joins, messages = {}, {}
    async with bed(example) as one:
        there = 0
        for size in OPEN:
            while there < size:
                services = range(there, there := min(there + BATCH, size))
                await one.take([alert("PaymentFailures", service=f"s{i}") for i in services])
            joins[size] = await one.cost(
                lambda: one.take([alert("ErrorRate") for _ in range(BATCH)]), BATCH
            )
            messages[size] = await one.cost(one.deliver, CLAIMED)
    return {"open incidents, an alert that joins": joins, "open P0s, a message": messages}


async def _stored(example: Settings) -> dict[int, float]:
    """Beside alerts with random fingerprints, as a hash of the labels is."""
    found = {}
    async with bed(replace(example, **_rules(len(NAMES), "=", "Alert{}"))) as one:
        await one.join()
        there = BATCH
        for size in STORED:
            _copy_alerts(one.path, size - there)
            found[size] = await one.cost(one.join, BATCH)
            there = size
    return found


def _copy_alerts(path: Path, rows: int) -> None:
    """Store the first alert so many times more."""
    with closing(sqlite3.connect(path)) as database, database:
        names = [name for _, name, *_ in database.execute("PRAGMA table_info(alerts)")][1:]
        database.execute(
            f"""
            WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
            INSERT INTO alerts (fingerprint, {", ".join(names)})
            SELECT lower(hex(randomblob(8))), {", ".join(names)}
            FROM numbers, (SELECT * FROM alerts LIMIT 1)""",
            [rows],
        )


_random = random.Random(12)
_numbers = count()


def alert(name: str, **labels: str) -> Alert:
    """A new alert: about 500 bytes, with a random fingerprint."""
    number = next(_numbers)
    known = {
        "alertname": name,
        "service": "api",
        "cluster": "eu-west-1",
        "instance": f"host-{number}",
        "severity": "critical",
    }
    annotations = {"value": "0.2", "summary": "Failures are above the limit for five minutes"}
    fingerprint = f"{_random.getrandbits(64):016x}"
    now = time.time()
    return Alert(
        "alertmanager", fingerprint, AlertStatus.FIRING, known | labels, annotations, now - 60
    )
