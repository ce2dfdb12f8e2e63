"""Timers are rows: they come due whatever happens in between."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from router.core.incident.escalation import PATIENCE, STEP
from router.engine.ownership import Ownership
from router.engine.timers import BATCH, LEASE, TICK, Timers
from router.model.event import Command
from router.model.reason import Reason
from router.ports.errors import StoreUnavailable
from tests.clock import START, stop, turn
from tests.engine.office import Office, command, seen


@pytest.fixture
async def ticking(office: Office) -> AsyncIterator[asyncio.Task[None]]:
    """The timer loop. P0 notifies `boss` after five minutes."""
    loop = asyncio.ensure_future(
        Timers(office.store, office.applier, office.clock, office.ownership).run()
    )
    yield loop
    await stop(loop)


async def _until_timeline(office: Office, *expected: Reason) -> None:
    async def there() -> bool:
        return tuple(await office.timeline()) == expected

    await office.clock.settle(there, f"the timeline being {expected}", step=TICK)


async def test_a_deadline_comes_when_it_is_due(office: Office, ticking: asyncio.Task[None]) -> None:
    """Not before its five minutes, and within a tick after them; it leaves only the one that waits
    for an answer.
    """
    await office.submit(seen())
    await office.clock.advance(300 - TICK)
    await turn()
    assert await office.timeline() == [Reason.OPENED]
    await office.clock.advance(2 * TICK)
    await _until_timeline(office, Reason.OPENED, Reason.STEP_DUE, Reason.STEPS_ENDED)
    assert (await office.row("boss")).reason is Reason.STEP_DUE
    (waits,) = await office.store.claim_timers(START + 1e9, "anybody", START + 2e9, 10)
    ended = (await office.store.timeline(1))[-1]
    assert (ended.what, waits.name, waits.due_at) == (Reason.STEPS_ENDED, STEP, ended.at + PATIENCE)


async def test_a_deadline_that_was_answered_skips_its_step(
    office: Office, ticking: asyncio.Task[None]
) -> None:
    """After the acknowledgement `boss` isn't notified, and the timeline says so."""
    await office.submit(seen())
    await office.submit(command(Command.ACKNOWLEDGE))
    await office.clock.advance(301)
    await _until_timeline(
        office, Reason.OPENED, Reason.ACKNOWLEDGED, Reason.STEP_SKIPPED, Reason.STEPS_ENDED
    )
    assert await office.store.notifications(channel="boss") == []


async def test_deadlines_missed_during_a_stop_are_made_up_for(office: Office) -> None:
    """A router that was away for an hour fires what came due meanwhile, in batches, all of it."""
    await office.submit(*(seen(service=f"s{i}") for i in range(BATCH + 50)))
    await office.clock.advance(3600)
    loop = asyncio.ensure_future(
        Timers(office.store, office.applier, office.clock, office.ownership).run()
    )

    async def all_delivered() -> bool:
        return len(await office.store.notifications(channel="boss", limit=1000)) == BATCH + 50

    await office.clock.settle(all_delivered)
    await stop(loop)


async def test_a_deadline_that_was_not_committed_comes_again(
    office: Office, ticking: asyncio.Task[None]
) -> None:
    """The store fails between claiming and committing: after the lease it's claimed again, and
    fires once.
    """
    await office.submit(seen())
    office.store.plan["save"].append(StoreUnavailable("disk full"))
    await office.clock.advance(301)
    await office.clock.settle(lambda: office.store.calls["save"] == 2, step=TICK)
    await office.clock.settle(lambda: office.store.calls["save"] == 3, step=TICK)
    assert office.clock.now() >= START + 300 + LEASE
    assert LEASE + 2 * TICK <= 5, "a step is at most five seconds late"
    await _until_timeline(office, Reason.OPENED, Reason.STEP_DUE, Reason.STEPS_ENDED)


async def test_the_loop_outlives_a_store_that_is_down(
    office: Office, ticking: asyncio.Task[None]
) -> None:
    """It looks again each tick."""
    await office.submit(seen())
    office.store.down = True
    await office.clock.settle(lambda: office.store.calls["claim_timers"] > 5, step=TICK)
    office.store.down = False
    await office.clock.advance(301)
    await _until_timeline(office, Reason.OPENED, Reason.STEP_DUE, Reason.STEPS_ENDED)
    assert not ticking.done()


async def test_two_who_tick_fire_each_deadline_once(
    office: Office, ticking: asyncio.Task[None]
) -> None:
    """Only the claiming router fires it; a second router on the same store finds nothing due."""
    second = Timers(
        office.store, office.applier, office.clock, Ownership(office.store, name="somebody else")
    )
    loop = asyncio.ensure_future(second.run())
    await office.submit(seen())
    await office.clock.advance(301)
    await _until_timeline(office, Reason.OPENED, Reason.STEP_DUE, Reason.STEPS_ENDED)
    assert await second.tick() == 0
    await stop(loop)
