"""Repeated failures of a peer are logged, counted and slowed down; other peers aren't affected."""

import asyncio
from collections.abc import Callable

import pytest

from router.telemetry import logs
from router.web.failures import FREE, LONGEST, PEERS, WAITING, Failures
from tests.clock import SteppedClock
from tests.daemon import TOKEN, Daemon, alert, group

Router = Callable[..., Daemon]

SECRET = "wr0ng-s3cret-4711"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"  # of "test"


def refused(daemon: Daemon, reason: str) -> float:
    name, labels = "alert_router_requests_refused_total", {"reason": reason}
    return daemon.app.metrics.registry.get_sample_value(name, labels) or 0.0


def test_the_delay_grows_with_the_failures_of_a_peer() -> None:
    """The first cost nothing, and there's a longest one; it's forgotten after a while."""
    failures = Failures(SteppedClock())
    delays = [failures.count("192.0.2.1", 1000.0) for _ in range(FREE + 12)]
    assert delays[:FREE] == [0.0] * FREE
    assert delays[FREE:] == sorted(delays[FREE:])
    assert (delays[FREE], delays[-1]) == (0.2, LONGEST)
    assert failures.count("192.0.2.2", 1000.0) == 0.0
    assert failures.count("192.0.2.1", 1000.0 + 601) == 0.0


def test_the_memory_is_bounded() -> None:
    """With any number of addresses, the oldest is dropped."""
    failures = Failures(SteppedClock())
    for number in range(PEERS + 500):
        failures.count(f"2001:db8::{number:x}", 1000.0)
    assert len(failures._peers) == PEERS


async def test_not_more_than_so_many_wait() -> None:
    """Beyond that an answer costs no memory for its delay."""
    clock = SteppedClock()
    failures = Failures(clock)
    for _ in range(FREE + 10):
        failures.count("192.0.2.1", clock.now())
    waiting = [asyncio.ensure_future(failures.wait("192.0.2.1")) for _ in range(WAITING + 20)]
    await asyncio.sleep(0.05)
    assert sum(task.done() for task in waiting) == 20
    await clock.advance(LONGEST + 1)
    await asyncio.gather(*waiting)


@pytest.mark.parametrize(
    ("method", "path", "headers", "reason"),
    [
        ("POST", "/webhooks/alertmanager", {"Authorization": f"Bearer {SECRET}"}, "unauthorized"),
        ("GET", f"/heartbeat/backup/{SECRET}", {}, "unauthorized"),
        ("GET", "/api/v1/incidents", {"Authorization": f"Bearer {SECRET}"}, "unauthorized"),
        ("POST", "/-/reload", {"Authorization": "Bearer test"}, "forbidden"),
        ("GET", f"/act/{SECRET}", {}, "forged_link"),
    ],
)
async def test_a_refusal_is_logged_and_counted(  # noqa: PLR0917 - what is sent
    router: Router,
    capfd: pytest.CaptureFixture[str],
    method: str,
    path: str,
    headers: dict[str, str],
    reason: str,
) -> None:
    """With the peer and the route, and without the secret."""
    tokens = {"ana": {"sha256": SHA256, "role": "viewer"}}
    heartbeats = {"backup": {"every": "1d", "secret": "right-s3cret"}}
    logs.configure("json")
    async with router(auth={"tokens": tokens}, heartbeats=heartbeats) as daemon:
        answer = await daemon.ask(method, path, headers=headers)
        assert answer.status in {401, 403, 404}
        assert refused(daemon, reason) == 1
    logged = "".join(capfd.readouterr())
    assert "request_refused" in logged
    assert "127.0.0.1" in logged
    assert SECRET not in logged


async def test_only_failing_requests_of_a_peer_wait(router: Router) -> None:
    """Behind one proxy, requests with the right token aren't slowed down by others."""
    clock = SteppedClock()
    async with router(clock) as daemon:

        async def wrong() -> int:
            headers = {"Authorization": f"Bearer {SECRET}"}
            sent = daemon.ask(
                "POST", "/webhooks/alertmanager", json=group(alert()), headers=headers
            )
            return (await sent).status

        for _ in range(FREE):
            assert await wrong() == 401
        slow = asyncio.ensure_future(wrong())
        await asyncio.sleep(0.2)
        assert not slow.done()
        answer = await daemon.ask(
            "POST",
            "/webhooks/alertmanager",
            json=group(alert()),
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        assert answer.status == 200
        assert not slow.done()
        await clock.advance(LONGEST)
        assert await slow == 401
