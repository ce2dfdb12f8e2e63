"""The current settings and incidents of a router, for commands that predict results."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace as with_fields
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from router.cli.live_overrides import with_live_overrides
from router.cli.store import UNREADABLE, live_settings, store_of
from router.config.load import Config
from router.core.incident.settings import Settings
from router.core.incident.snapshot import Snapshot
from router.core.virtual.simulation import received
from router.model.alert import Alert
from router.model.incident import Incident
from router.ports.clock import SystemClock


class _ClockAt(SystemClock):
    """A clock that always returns the same time, so that overrides are read for that time."""

    def __init__(self, at: float) -> None:
        self._at = at

    def now(self) -> float:
        return self._at


class LiveState(Struct, frozen=True):
    """The current settings, the stored state of the alerts, and what couldn't be read."""

    settings: Settings
    snapshot: Snapshot | None = None
    left_out: tuple[str, ...] = ()

    @property
    def incidents(self) -> list[Incident]:
        """The stored incidents of the alerts, and all open incidents if there are inhibitions."""
        return list(self.snapshot.incidents.values()) if self.snapshot else []


def read_live_state(
    config: Config,
    alerts: Callable[[Settings], Sequence[Alert]],
    at: float,
    url: str | None,
    path: Path | None,
) -> LiveState:
    """Read the config's store; if it can't be read, ask the router for the overrides.

    `alerts` returns the alerts to decide on under some settings; `at` is in UTC epoch seconds.
    """
    try:
        found = asyncio.run(_stored(config, alerts, at))
    except UNREADABLE as error:
        why = f"the store can't be read ({error})"
        settings = with_live_overrides(config.settings, url, path)
        left_out = f"silences that people have made, and open incidents: {why}"
        found = LiveState(settings, None, (left_out,))
    unread = [
        f"schedule '{name}'"
        for name, schedule in found.settings.people.schedules.items()
        if not schedule.known
    ]
    if unread:
        calendars = f"the imported calendar of {', '.join(unread)}, which has not been read"
        found = replace(found, left_out=(*found.left_out, calendars))
    return found


async def _stored(
    config: Config, alerts: Callable[[Settings], Sequence[Alert]], at: float
) -> LiveState:
    async with store_of(config) as store:
        settings = await live_settings(config, store, _ClockAt(at))
        batch = received(settings, alerts(settings), at)
        reads = (
            with_fields(plan, alerts=[*plan.alerts, *plan.fingerprints]) for plan in batch.reads
        )
        await store.load(reads, batch.view)
        return LiveState(settings, batch.view)


def ignored_rates(config: Config, channels: Sequence[str]) -> list[str]:
    """The rate limits of these channels, which a simulation ignores."""
    return [
        f"the rate of channel {name} ({rate.count} in {rate.per:g} s), which other incidents share"
        for name in dict.fromkeys(channels)
        if name in config.channels and (rate := config.channels[name].rate) is not None
    ]
