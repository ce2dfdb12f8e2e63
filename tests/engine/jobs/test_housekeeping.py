"""Expired data is deleted, and nothing else."""

import asyncio

from router.engine.jobs.housekeeping import EVERY, keep_house
from router.ports.errors import StoreUnavailable
from tests.clock import START, stop
from tests.engine.office import Office, seen

RETENTION = 1000.0


async def _fingerprints(office: Office) -> set[str]:
    return {row.alert.labels["alertname"] for row in await office.store.alerts()}


async def test_what_is_over_and_old_is_forgotten_in_time(office: Office) -> None:
    """Resolved alerts go when their retention is over; what fires and every incident stays."""
    await office.submit(seen("Old"), seen("Old", status="resolved"), seen("Firing"))
    await office.submit(seen("Young"), seen("Young", status="resolved", at=START + EVERY))
    loop = asyncio.ensure_future(keep_house(office.store, office.clock, RETENTION))
    await office.clock.settle(lambda: office.clock.parked)
    assert await _fingerprints(office) == {"Old", "Firing", "Young"}
    await office.clock.advance(EVERY)

    async def forgotten() -> bool:
        return await _fingerprints(office) == {"Firing", "Young"}

    await office.clock.settle(forgotten)
    assert len(await office.store.incidents()) == 3
    await stop(loop)


async def test_a_store_that_is_down_is_cleared_up_the_next_time(office: Office) -> None:
    """The loop lives on."""
    await office.submit(seen("Old"), seen("Old", status="resolved"))
    await office.clock.advance(2 * RETENTION)
    office.store.plan["prune"].append(StoreUnavailable("disk full"))
    loop = asyncio.ensure_future(keep_house(office.store, office.clock, RETENTION))
    await office.clock.settle(lambda: office.clock.parked)
    assert await _fingerprints(office) == {"Old"}
    await office.clock.advance(EVERY)

    async def forgotten() -> bool:
        return not await _fingerprints(office)

    await office.clock.settle(forgotten)
    await stop(loop)
