"""Calendars are fetched, kept, and known again after a restart, with the service that has them down
or not.
"""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Self

import pytest

from router.config.people import CalendarSource
from router.config.secret import SecretUrl
from router.core.oncall.recipients import People
from router.core.oncall.schedule import Imported, Layer
from router.engine.jobs.calendars import EVERY, LARGEST, TICK, Calendars, Copy
from router.ports.clock import spawn
from router.ports.store import Store
from router.records.records import Records
from router.telemetry import logs
from router.telemetry.metrics import Metrics
from tests import world
from tests.clock import SteppedClock, stop
from tests.core.oncall.test_ical_import import calendar, event
from tests.core.oncall.test_schedule import DAY, at, schedule
from tests.senders.kit import BreakOff, Peer, Reply

NOW = at("2026-03-23T12:00Z")
ANA, BEN = (
    calendar(event("20260301T000000Z", "20271201T000000Z", name)) for name in ("ana", "ben")
)
SECRET = "pr1vate-4711"
PEOPLE = People(
    {"ana": (), "ben": ()},
    {},
    {"primary": schedule(Layer(Imported("c1")))},
    {"ana": "ana", "ben": "ben"},
)


class DrillTimeline:
    """A running `Calendars` and its results."""

    def __init__(
        self, store: Store, clock: SteppedClock, wanted: Mapping[str, CalendarSource]
    ) -> None:
        self.clock = clock
        self.metrics = Metrics()
        self.records = Records(store, "calendar", Copy)
        self.calendars = Calendars(self.records, clock, self.metrics, lambda: wanted)
        self.configured = world.settings(people=PEOPLE)

    async def __aenter__(self) -> Self:
        await self.calendars.read()
        self.loop = spawn(self.calendars.run(), "calendars", set())
        return self

    async def __aexit__(self, *_: object) -> None:
        await stop(self.loop)

    @property
    def on_call(self) -> tuple[str, ...]:
        return self.calendars.over(self.configured).people.people(
            "schedule:primary", self.clock.now()
        )

    @property
    def fetched_at(self) -> float | None:
        return self.metrics.registry.get_sample_value(
            "alert_router_calendar_fetched_timestamp_seconds", {"schedule": "primary"}
        )

    async def again(self, peer: Peer) -> None:
        """Let time pass until it's fetched once more."""
        before = len(peer.requests)
        await self.clock.settle(lambda: len(peer.requests) > before, "another fetch", TICK)

    async def until(self, who: str) -> None:
        await self.clock.settle(
            lambda: self.on_call == ((who,) if who else ()), f"{who} being on call"
        )


Begin = Callable[..., DrillTimeline]


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(NOW)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with Peer(answer=lambda _: Reply(body=ANA)) as peer:
        yield peer


@pytest.fixture
def scene(store: Store, clock: SteppedClock, peer: Peer) -> Begin:
    wanted = {"c1": CalendarSource(SecretUrl(f"{peer.url}/{SECRET}.ics"), ("primary",))}
    return lambda: DrillTimeline(store, clock, wanted)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    logs.configure()
    logging.getLogger().addHandler(caplog.handler)
    return lambda: "\n".join(record.getMessage() for record in caplog.records)


async def test_who_the_calendar_says_is_on_call(scene: Begin, peer: Peer) -> None:
    """It's fetched at once, and then every few minutes, so changes are seen."""
    async with scene() as one:
        await one.until("ana")
        await one.clock.settle(lambda: one.fetched_at == NOW, "the time of it")
        assert len(peer.requests) == 1
        peer.answer = lambda _: Reply(body=BEN)
        await one.again(peer)
        assert one.clock.now() - NOW >= EVERY
        await one.until("ben")


async def test_a_restart_with_the_service_down_loses_nothing(scene: Begin, peer: Peer) -> None:
    """The last good copy is in the store, and known before the first page."""
    async with scene() as one:
        await one.until("ana")
        await one.clock.settle(lambda: one.records.get("c1"), "a copy")
    peer.answer = lambda _: Reply(status=503)
    async with scene() as one:
        assert one.on_call == ("ana",)
        await one.clock.settle(lambda: len(peer.requests) > 1, "another try")
        assert one.on_call == ("ana",)
        await one.clock.settle(lambda: one.fetched_at == NOW, "the time of the copy")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Reply(status=404), "HTTP status 404"),
        (Reply(status=302, headers={"Location": "/elsewhere"}), "HTTP status 302"),
        (Reply(body=b"<html>Please log in</html>"), "not a readable iCalendar"),
        (Reply(body=b"\xff\xfe"), "text that isn't UTF-8"),
        (Reply(body=ANA + b"X" * LARGEST), "larger than"),
        (BreakOff(), "ClientPayloadError"),
    ],
    ids=["not found", "moved", "a page", "not text", "too large", "broken off"],
)
async def test_what_is_no_calendar_changes_nothing_and_is_said(
    scene: Begin, peer: Peer, said: Callable[[], str], answer: Reply | BreakOff, why: str
) -> None:
    """Neither who is on call nor the stored copy; and the URL, which may be a secret, isn't in the
    log.
    """
    async with scene() as one:
        await one.until("ana")
        peer.answer = lambda _: answer
        await one.again(peer)
        await one.clock.settle(lambda: why in said(), why)
        assert one.on_call == ("ana",)
        assert [request.path for request in peer.requests] == [f"/{SECRET}.ics"] * 2
        assert SECRET not in said()
        copy = await one.records.get("c1")
        assert copy is not None
        assert copy.body.encode() == ANA


async def test_a_recurrence_goes_on_while_the_service_is_down(scene: Begin, peer: Peer) -> None:
    """A year later the stored copy is expanded again for that time."""
    weekly = calendar(event("20260323T000000Z", "20260330T000000Z", "ana", "", "RRULE:FREQ=WEEKLY"))
    peer.answer = lambda _: Reply(body=weekly)
    async with scene() as one:
        await one.until("ana")
        peer.answer = lambda _: Reply(status=500)
        one.clock._now += 500 * DAY
        await one.again(peer)
        await one.until("ana")


async def test_who_is_not_known_is_warned_of_once(
    scene: Begin, peer: Peer, said: Callable[[], str]
) -> None:
    """And nobody is on call then."""
    peer.answer = lambda _: Reply(
        body=calendar(event("20260301T000000Z", "20261201T000000Z", "Gus"))
    )
    async with scene() as one:
        await one.clock.settle(
            lambda: one.on_call == () and "calendar_names_unknown" in said(), "it"
        )
        for _ in range(3):
            await one.again(peer)
            assert one.on_call == ()
    assert said().count("calendar_names_unknown") == 1
    assert "Gus" in said()


async def test_a_calendar_that_was_never_fetched_is_old(scene: Begin, peer: Peer) -> None:
    """So that an alert on its age fires."""
    peer.answer = lambda _: Reply(status=500)
    async with scene() as one:
        await one.clock.settle(lambda: one.fetched_at == 0.0, "it")
