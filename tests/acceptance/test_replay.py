"""A replay under the recorded settings repeats the recorded past, failures included."""

import asyncio
import random
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as run
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.incident.policy import Policy, Promote, Repeat, SeverityPlan, Step, Unless
from router.core.incident.settings import Settings
from router.core.oncall.recipients import ContactMethod, People
from router.core.outbox.digest import Throttle
from router.core.outbox.rate_limit import Limit
from router.core.replay.history import History, Page, pages
from router.core.replay.replay import Replay
from router.engine.claim import Limits
from router.engine.ownership import Ownership
from router.engine.timers import Timers
from router.model.alert import AlertStatus
from router.model.event import AlertSeen, Command, Commanded, Event, Resent
from router.model.incident import Severity
from router.model.notification import Rejected, Result, Retry, Sent, Uncertain
from router.records.archive import read_past
from router.store import open_store
from router.telemetry import logs
from tests.clock import SteppedClock
from tests.core.incident.test_properties import particulars
from tests.engine.office import Office
from tests.faults import FaultyStore
from tests.world import NOW, alert, rule, settings

P0, P1, P2, P3 = Severity
LIMIT = Limit(1, 300.0)
CHANNELS = ("slack", "sms", "mail")
POLICIES = {
    "critical": Policy(
        "critical",
        (
            Step(after=0, notify=("slack", "contact:ana")),
            Step(after=300, notify=("contact:ben",), unless=Unless.ACKNOWLEDGED),
        ),
        fallback=("mail",),
        repeat=Repeat(400.0, 2),
    ),
    "high": Policy(
        "high",
        (Step(after=0, notify=("slack", "contact:ben")), Step(after=200, notify=("contact:ana",))),
        ("mail",),
        promote=Promote(P0, 900.0),
    ),
}
CONFIG = settings(
    rule(resolve_after=60.0),
    rule("again", "alertname=Payments", severity=P2, group_by=(), continues=False),
    policies=POLICIES,
    severities={P0: SeverityPlan("critical", 120.0, 500.0)}
    | dict.fromkeys((P1, P2, P3), SeverityPlan("high")),
    people=People(
        {
            "ana": (ContactMethod("sms"), ContactMethod("mail", 45.0)),
            "ben": (ContactMethod("sms"),),
        },
        limits={"ana": LIMIT},
    ),
)

moves = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["2%", "20%", "0.1%", "over"])),
        st.tuples(st.sampled_from([*Command]), st.integers(1, 3)),
        st.tuples(st.just("resend"), st.integers(1, 2), st.sampled_from(["slack", "sms/ana"])),
        st.floats(5, 700),
    ),
    min_size=1,
    max_size=14,
).map(lambda rest: [("a", "2%"), *rest])
outcomes = st.lists(
    st.sampled_from(
        [
            Sent(),
            Sent(),
            Sent("r"),
            Retry("503"),
            Retry("429", 60.0),
            Uncertain("reset"),
            Rejected("no"),
        ]
    ),
    max_size=12,
)


def event(move: Any, now: float) -> Event:
    match move:
        case ("resend", int() as incident_id, str() as channel):
            return Resent(now, incident_id, channel, "cem")
        case (Command() as command, int() as incident_id):
            return Commanded(now, incident_id, "cem", command, **particulars(command, P1))
        case (str() as service, str() as value):
            seen = alert(service, "2%" if value == "over" else value, service=service)
            return AlertSeen(
                now, replace(seen, status=AlertStatus.RESOLVED) if value == "over" else seen
            )
    raise AssertionError(move)


class Daemon:
    """The daemon's parts on a real store, stepped by the test: timers and workers run a bit
    late.
    """

    def __init__(self, office: Office, path: Path, outcome: list[Result], seed: int) -> None:
        self.office = office
        self.path = path
        self.random = random.Random(seed)
        self.timers = Timers(
            office.store, office.applier, office.clock, Ownership(office.store, name="me")
        )
        throttle = Throttle()
        limits = Limits({"sms/ana": LIMIT, "mail/ana": LIMIT}, throttle)
        addresses = {"ana": "+441", "ben": "+442"}
        for name in CHANNELS:
            sender_limits = Limits(
                {a: one for a, one in limits.of.items() if a.startswith(name)}, throttle
            )
            options: dict[str, Any] = (
                {"people": addresses, "limits": sender_limits} if name != "slack" else {}
            )
            office.workers[name] = office.worker(name, Sender(outcome), **options)

    async def work(self) -> None:
        """Do all work that is due now."""
        while await self.timers.tick():
            pass
        for worker in self.office.workers.values():
            await worker.round()
            await self.office.clock.settle(
                lambda one=worker: not one._sending, "all being sent", step=0.25
            )

    async def until(self, end: float) -> None:
        while (due := self.due()) < end:
            late = self.random.uniform(0, 1.5)
            await self.office.clock.advance(max(0.01, due + late - self.office.clock.now()))
            await self.work()
        await self.office.clock.advance(max(0.0, end - self.office.clock.now()))
        await self.work()

    def due(self) -> float:
        """Time of the next due work."""
        now = self.office.clock.now()
        with closing(sqlite3.connect(self.path)) as connection:
            (timer,) = connection.execute("SELECT min(due_at) FROM timers").fetchone()
            rows = connection.execute(
                "SELECT channel, due_at FROM outbox WHERE state = 'pending'"
            ).fetchall()
        free = [max(due, now + self.wait(channel, now)) for channel, due in rows]
        return min([*free, *([timer] if timer is not None else [])], default=float("inf"))

    def wait(self, address: str, now: float) -> float:
        limits = self.office.workers[address.partition("/")[0]].channel.limits
        return limits.window(address).next_free(now) if address in limits.of else 0.0


class Sender:
    """Answers by a script that all channels share."""

    def __init__(self, script: list[Result]) -> None:
        self.script = script

    async def send(self, _message: object) -> Result:
        return self.script.pop() if self.script else Sent("ref")

    async def close(self) -> None: ...


async def lived(
    config: Settings, story: Sequence[Any], outcome: list[Result], seed: int
) -> tuple[History, float]:
    """Records of a router that lived through the events, and the time when it had finished."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        store = await open_store(f"sqlite:///{path}")
        clock = SteppedClock(NOW)
        try:
            async with Office(FaultyStore(store), config, clock) as office:
                daemon = Daemon(office, path, outcome, seed)
                for move in story:
                    await daemon.until(clock.now() + (move if isinstance(move, float) else 0.7))
                    if not isinstance(move, float):
                        await office.submit(event(move, clock.now()))
                        await clock.advance(0.1)
                        await daemon.work()
            return await read_past(store), clock.now()
        finally:
            await store.close()


def repeated(config: Settings, past: History, end: float) -> None:
    """The same incidents, the same timelines, the same messages, to the instant."""
    replay = Replay(config, past)
    replay.run(end)
    assert [(e.at, e.incident_id, e.what, e.by, e.data) for e in replay.memory.timeline] == [
        (e.at, e.incident_id, e.what, e.by, e.data) for e in past.entries
    ]
    assert [replace(incident, version=0) for incident in replay.memory.incidents.values()] == [
        replace(one, version=0) for one in sorted(past.incidents, key=lambda incident: incident.id)
    ]
    replayed = [
        Page(delivery.at, delivery.incident.id, delivery.address) for delivery in replay.delivered
    ]
    assert sorted(replayed, key=repr) == sorted(pages(past.entries), key=repr)


@pytest.mark.slow
@run(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.generate],
)
@given(story=moves, outcome=outcomes, seed=st.integers(0, 9))
def test_a_past_under_its_own_settings_is_repeated_exactly(
    story: list[Any], outcome: list[Result], seed: int
) -> None:
    """Answers, late deadlines, failed deliveries, fallbacks, promotions, repeats and held messages
    included.
    """
    logs.configure(level="warning")
    repeated(CONFIG, *asyncio.run(lived(CONFIG, story, outcome, seed)))
