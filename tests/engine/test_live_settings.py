"""Live settings: the config with stored changes applied."""

import asyncio
from dataclasses import replace

import pytest

from router.core.incident.settings import Settings
from router.engine.live_settings import LOOK, LiveSettings
from router.ports.clock import spawn
from router.ports.errors import StoreUnavailable
from tests.clock import SteppedClock, stop, turn
from tests.world import settings


class Shortly:
    """Something stored: how soon an alert reopens its incident."""

    def __init__(self) -> None:
        self.there: float | Exception = 1.0
        self.read_last = 0.0
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self) -> None:
        there = self.there
        await self.gate.wait()
        if isinstance(there, Exception):
            raise there
        self.read_last = there

    def over(self, settings: Settings) -> Settings:
        return replace(settings, reopen_within=self.read_last)


@pytest.fixture
def stored() -> Shortly:
    return Shortly()


@pytest.fixture
def used() -> list[float]:
    """Settings passed to the decider, in order."""
    return []


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def live_settings(stored: Shortly, used: list[float], clock: SteppedClock) -> LiveSettings:
    return LiveSettings(
        settings(), [stored], clock, lambda settings: used.append(settings.reopen_within)
    )


async def test_what_is_stored_is_in_force_once_refreshed(
    live_settings: LiveSettings, used: list[float]
) -> None:
    await live_settings.refresh()
    assert (live_settings.settings.reopen_within, used) == (1.0, [1.0])


async def test_a_reload_keeps_what_is_stored(
    live_settings: LiveSettings, used: list[float]
) -> None:
    """The new config's settings, with the same laid over them."""
    await live_settings.refresh()
    live_settings.configure(replace(settings(), give_up_after=7.0))
    assert (live_settings.settings.give_up_after, live_settings.settings.reopen_within) == (
        7.0,
        1.0,
    )
    assert used == [1.0, 1.0]


async def test_what_another_replica_stored_is_seen_at_the_next_look(
    live_settings: LiveSettings, stored: Shortly, clock: SteppedClock
) -> None:
    """While the store is away, the current settings stay active."""
    looking = spawn(live_settings.run(), "in force", set())
    await turn()
    stored.there = StoreUnavailable("away")
    await clock.advance(LOOK)
    stored.there = 3.0
    await clock.advance(LOOK)
    assert live_settings.settings.reopen_within == 3.0
    await stop(looking)


async def test_two_refreshes_at_once_leave_the_newer_state_in_force(
    live_settings: LiveSettings, stored: Shortly
) -> None:
    """The first read began before something was stored, and would end after the second."""
    tasks: set[asyncio.Task[None]] = set()
    slow_read = stored.gate = asyncio.Event()
    slow = spawn(live_settings.refresh(), "slow", tasks)
    await turn()
    stored.there, stored.gate = 2.0, asyncio.Event()
    stored.gate.set()
    fresh = spawn(live_settings.refresh(), "fresh", tasks)
    await turn()
    slow_read.set()
    await asyncio.gather(slow, fresh)
    assert live_settings.settings.reopen_within == 2.0
