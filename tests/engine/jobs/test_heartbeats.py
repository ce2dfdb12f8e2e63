"""Heartbeats in a whole router under a stepped clock: missed, failed, back again, through restarts
and faults.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from router.engine.jobs.heartbeats import POLL
from router.model.reason import Reason
from router.ports.errors import StoreUnavailable
from tests.clock import SteppedClock
from tests.daemon import Daemon, alert, write_config

Router = Callable[..., Daemon]

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
HEARTBEATS: dict[str, Any] = {
    "watchdog": {"match": ['alertname="Watchdog"'], "every": "5m", "severity": "P1"},
    "backup": {"every": "10m", "grace": "2m", "insecure": True},
}
ONE = {"heartbeats": {"watchdog": HEARTBEATS["watchdog"]}}
OTHER = {"heartbeats": {"backup": HEARTBEATS["backup"]}}


async def watchdog(daemon: Daemon) -> None:
    assert (await daemon.alert(alert("Watchdog"))).status == 200


async def ping(daemon: Daemon, path: str = "") -> int:
    return (await daemon.ask("POST", f"/heartbeat/backup{path}")).status


async def pass_time(daemon: Daemon, seconds: float) -> None:
    """Step by step, so that real I/O keeps up with the time that passes."""
    clock = daemon.clock
    assert isinstance(clock, SteppedClock)
    end = clock.now() + seconds
    while clock.now() < end:
        await clock.advance(min(max(seconds / 8, POLL), end - clock.now()))
        await settled(daemon)


async def settled(daemon: Daemon) -> None:
    """Until the loop has looked, and waits again."""
    clock = daemon.clock
    assert isinstance(clock, SteppedClock)
    for look in range(daemon.store.calls["records"] + 1, daemon.store.calls["records"] + 4):
        daemon.app.parts.heartbeats.wake()
        await clock.settle(lambda look=look: daemon.store.calls["records"] >= look, "a look")  # type: ignore[misc]
        await asyncio.sleep(0.01)


async def statuses(daemon: Daemon) -> list[tuple[str, str]]:
    await settled(daemon)
    return [
        (incident.labels["alertname"], incident.status)
        for incident in reversed(await daemon.store.incidents())
    ]


async def state(daemon: Daemon, name: str) -> str:
    shown = (await daemon.get("/api/v1/heartbeats")).json["heartbeats"]
    return next(one["state"] for one in shown if one["name"] == name)


async def test_a_watchdog_that_keeps_coming_opens_nothing(
    router: Router, clock: SteppedClock
) -> None:
    """Neither itself, nor as missed; and its alert is kept, with the reason."""
    async with router(clock=clock, **ONE) as daemon:
        for _ in range(5):
            await watchdog(daemon)
            await pass_time(daemon, 4 * MINUTE)
        assert await statuses(daemon) == []
        (row,) = await daemon.store.alerts()
        assert (row.rule_match.rule, row.rule_match.reason) == (
            "heartbeat:watchdog",
            Reason.HEARTBEAT,
        )
        assert await state(daemon, "watchdog") == "alive"


async def test_one_that_stays_away_opens_an_incident_and_its_return_resolves_it(
    router: Router, clock: SteppedClock
) -> None:
    """The generated rule opens it with its severity, and not a second early."""
    async with router(clock=clock, **ONE) as daemon:
        await watchdog(daemon)
        await pass_time(daemon, 6 * MINUTE - 1)
        assert await statuses(daemon) == []
        await pass_time(daemon, 1)
        assert await statuses(daemon) == [("HeartbeatMissed", "investigating")]
        (incident,) = await daemon.store.incidents()
        assert (incident.severity, incident.source, incident.rule) == (
            "P1",
            "heartbeat",
            "heartbeat:watchdog:missed",
        )
        assert "watchdog is missed" in incident.title
        await watchdog(daemon)
        assert await statuses(daemon) == [("HeartbeatMissed", "resolved")]


async def test_a_resolved_watchdog_is_no_beat(router: Router, clock: SteppedClock) -> None:
    """A resolved watchdog means that Prometheus has stopped sending it."""
    async with router(clock=clock, **ONE) as daemon:
        await watchdog(daemon)
        await pass_time(daemon, 5 * MINUTE)
        assert (await daemon.alert(alert("Watchdog", status="resolved"))).status == 200
        await pass_time(daemon, MINUTE)
        assert await statuses(daemon) == [("HeartbeatMissed", "investigating")]


async def test_one_that_never_came_is_noticed(router: Router, clock: SteppedClock) -> None:
    """A cron job that was never installed is as bad as one that stopped."""
    async with router(clock=clock, **OTHER) as daemon:
        await pass_time(daemon, 12 * MINUTE - 1)
        assert await state(daemon, "backup") == "waiting"
        assert await statuses(daemon) == []
        await pass_time(daemon, 1)
        assert await statuses(daemon) == [("HeartbeatMissed", "investigating")]


async def test_one_that_failed_says_so_at_once(router: Router, clock: SteppedClock) -> None:
    """And is fine again when it comes the next time."""
    async with router(clock=clock, **OTHER) as daemon:
        assert await ping(daemon, "/fail") == 200
        assert await statuses(daemon) == [("HeartbeatFailed", "investigating")]
        assert await ping(daemon) == 200
        assert await statuses(daemon) == [("HeartbeatFailed", "resolved")]


async def test_one_that_is_missed_and_then_fails_stays_one_incident(
    router: Router, clock: SteppedClock
) -> None:
    """The failure joins, the miss ends, and nobody gets a recovery message."""
    async with router(clock=clock, **OTHER) as daemon:
        await pass_time(daemon, 12 * MINUTE)
        await ping(daemon, "/fail")
        await settled(daemon)
        (incident,) = await daemon.store.incidents()
        assert (incident.is_open, incident.firing, incident.alerts) == (True, 1, 2)


# --- restarts


async def test_a_router_that_was_down_gives_each_another_chance(
    router: Router, clock: SteppedClock
) -> None:
    """After a week's outage nothing is missed at the start; what stays away after that is."""
    async with router(clock=clock, heartbeats=HEARTBEATS) as daemon:
        await watchdog(daemon)
        await ping(daemon)
    await clock.advance(7 * DAY)
    async with router(clock=clock, heartbeats=HEARTBEATS) as daemon:
        assert await statuses(daemon) == []
        await watchdog(daemon)
        await pass_time(daemon, 5 * MINUTE)
        assert await statuses(daemon) == []
        await watchdog(daemon)
        await pass_time(daemon, 7 * MINUTE)
        assert [(incident.labels["heartbeat"]) for incident in await daemon.store.incidents()] == [
            "backup",
            "watchdog",
        ]


async def test_a_restart_tells_no_second_time(router: Router, clock: SteppedClock) -> None:
    """It stays missed in the same incident, and one that a person closed stays closed."""
    async with router(clock=clock, **ONE) as daemon:
        await pass_time(daemon, 6 * MINUTE)
        (incident,) = await daemon.store.incidents()
        await daemon.ask("POST", f"/api/v1/incidents/{incident.id}/resolve")
    await clock.advance(HOUR)
    async with router(clock=clock, **ONE) as daemon:
        await pass_time(daemon, 10 * MINUTE)
        assert await statuses(daemon) == [("HeartbeatMissed", "resolved")]


async def test_what_was_heard_before_a_crash_is_known_after_it(
    router: Router, clock: SteppedClock
) -> None:
    """The answer comes after the commit: a beat that was answered counts, wherever the router died
    then.
    """
    async with router(clock=clock, **OTHER) as daemon:
        await ping(daemon)
    await clock.advance(MINUTE)
    async with router(clock=clock, **OTHER) as daemon:
        (shown,) = (await daemon.get("/api/v1/heartbeats")).json["heartbeats"]
        assert (shown["state"], shown["last"]) == ("alive", "2026-02-02T02:40:00.000Z")
        await pass_time(daemon, 12 * MINUTE - 1)
        assert await statuses(daemon) == []
        await pass_time(daemon, 1)
        assert await statuses(daemon) == [("HeartbeatMissed", "investigating")]


@pytest.mark.parametrize("method", ["records", "record", "save", "load"])
async def test_a_fault_of_the_store_delays_and_loses_nothing(
    router: Router, clock: SteppedClock, method: str
) -> None:
    """Any failing call of a check is repeated a second later, and notifies once."""
    async with router(clock=clock, **ONE) as daemon:
        await settled(daemon)
        daemon.store.plan[method].extend([None, StoreUnavailable("away"), StoreUnavailable("away")])
        await pass_time(daemon, 7 * MINUTE)
        assert await statuses(daemon) == [("HeartbeatMissed", "investigating")]
        assert (await daemon.store.incidents())[0].alerts == 1


async def test_a_beat_that_is_not_committed_is_answered_503(
    router: Router, clock: SteppedClock
) -> None:
    """Request or alert: the sender tries again."""
    async with router(clock=clock, heartbeats=HEARTBEATS) as daemon:
        await watchdog(daemon)
        await settled(daemon)
        daemon.store.plan["record"].append(StoreUnavailable("away"))
        assert await ping(daemon) == 503
        daemon.store.plan["record"].append(StoreUnavailable("away"))
        assert (await daemon.alert(alert("Watchdog"))).status == 503
        assert await state(daemon, "backup") == "waiting"


# --- reloads


async def test_a_reload_waits_for_new_ones_and_forgets_old_ones(
    tmp_path: Path, router: Router, clock: SteppedClock
) -> None:
    """One that is taken out of the config ends its incident; one that is put in is due from then
    on.
    """
    async with router(clock=clock, **ONE) as daemon:
        await pass_time(daemon, 6 * MINUTE)
        assert await statuses(daemon) == [("HeartbeatMissed", "investigating")]
        write_config(tmp_path, **OTHER)
        assert (await daemon.ask("POST", "/-/reload")).status == 200
        assert await statuses(daemon) == [("HeartbeatMissed", "resolved")]
        text = (await daemon.get("/metrics")).body.decode()
        assert 'heartbeat="watchdog"' not in text
        await pass_time(daemon, 12 * MINUTE - 1)
        assert len(await statuses(daemon)) == 1
        await pass_time(daemon, 1)
        assert len(await statuses(daemon)) == 2


async def test_a_reload_that_changes_one_waits_for_it_afresh(
    tmp_path: Path, router: Router, clock: SteppedClock
) -> None:
    """From the reload on, once: however often it's looked at after that."""
    async with router(clock=clock, **ONE) as daemon:
        await watchdog(daemon)
        await pass_time(daemon, 5 * MINUTE)
        write_config(tmp_path, heartbeats={"watchdog": HEARTBEATS["watchdog"] | {"every": "7m"}})
        assert (await daemon.ask("POST", "/-/reload")).status == 200
        await settled(daemon)
        await pass_time(daemon, 8 * MINUTE - 1)
        assert await statuses(daemon) == []
        await pass_time(daemon, 1)
        assert await statuses(daemon) == [("HeartbeatMissed", "investigating")]


async def test_metrics_say_when_each_last_came_and_which_are_missed(
    router: Router, clock: SteppedClock
) -> None:
    """Series have the heartbeat's name; one that never arrived has no time."""
    async with router(clock=clock, heartbeats=HEARTBEATS) as daemon:
        await watchdog(daemon)
        came = clock.now()
        await pass_time(daemon, 6 * MINUTE)
        sample = daemon.app.metrics.registry.get_sample_value
        assert (
            sample("alert_router_heartbeat_last_timestamp_seconds", {"heartbeat": "watchdog"})
            == came
        )
        assert (
            sample("alert_router_heartbeat_last_timestamp_seconds", {"heartbeat": "backup"}) is None
        )
        assert sample("alert_router_heartbeat_missed", {"heartbeat": "watchdog"}) == 1
        assert sample("alert_router_heartbeat_missed", {"heartbeat": "backup"}) == 0
