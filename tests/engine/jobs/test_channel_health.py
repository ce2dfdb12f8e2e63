"""The metric of when each channel last worked."""

import asyncio

from router.engine.jobs.channel_health import LOOK, Proofs
from router.model.event import Event
from router.ports.clock import spawn
from tests.clock import SteppedClock, stop
from tests.engine.office import Office, seen


def shown(office: Office, channel: str) -> float | None:
    return office.metrics.registry.get_sample_value(
        "alert_router_channel_proven_timestamp_seconds", {"channel": channel}
    )


async def test_a_delivery_is_seen_at_the_next_look(office: Office, clock: SteppedClock) -> None:
    """Through a store that is away for a while; a channel that never delivered has no series."""
    tasks: set[asyncio.Task[None]] = set()
    sender = office.open("hook")
    office.store.down = True
    task = spawn(Proofs(office.store, clock, office.metrics).run(), "proofs", tasks)  # type: ignore[arg-type]
    await clock.settle(lambda: office.store.calls["proven"])
    office.store.down = False
    events: list[Event] = [seen()]
    await office.applier.submit(events)
    await clock.settle(lambda: sender.messages)
    at = clock.now()
    await clock.settle(lambda: shown(office, "hook") is not None, step=LOOK / 100)
    assert shown(office, "hook") == at
    assert shown(office, "other") is None
    await stop(task)
