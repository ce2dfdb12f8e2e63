"""The outgoing heartbeat: sent while the router is well, held back while it isn't, and never a
trouble itself.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from router.model.event import TimerDue
from router.ports.errors import StoreUnavailable
from tests.clock import START, SteppedClock, stop
from tests.daemon import Daemon, alert
from tests.senders.kit import Answer, Disconnect, Peer, Reply, refusing_url

Router = Callable[..., Daemon]

EVERY = 60.0
PATH = "/ping/s3cret-uuid"


def to(url: str, **changes: Any) -> dict[str, Any]:
    return {"telemetry": {"heartbeat": {"url": f"{url}{PATH}", "every": "1m"} | changes}}


def counted(daemon: Daemon, outcome: str) -> float:
    labels = {"outcome": outcome}
    return (
        daemon.app.metrics.registry.get_sample_value("alert_router_heartbeats_sent_total", labels)
        or 0.0
    )


async def until(daemon: Daemon, outcome: str, times: int) -> None:
    clock = daemon.clock
    assert isinstance(clock, SteppedClock)
    await clock.settle(lambda: counted(daemon, outcome) == times, f"{times} {outcome}")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_it_comes_again_and_again(router: Router, clock: SteppedClock, method: str) -> None:
    """From the start on, to the URL of the config."""
    async with Peer() as peer, router(clock=clock, **to(peer.url, method=method)) as daemon:
        for times in (1, 2, 3):
            await until(daemon, "sent", times)
            await clock.advance(EVERY)
        assert {(request.method, request.path) for request in peer.requests} == {(method, PATH)}


@pytest.fixture
def logged(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> Callable[[], str]:
    """Everything logged, wherever it goes: an earlier test may have configured a whole router's
    logging.
    """

    def read() -> str:
        out, err = capsys.readouterr()
        return out + err + caplog.text

    return read


REDIRECT = Reply(302, headers={"Location": "/"})


@pytest.mark.parametrize(
    "answers", [[Reply(500)], [Reply(404)], [REDIRECT], [Disconnect(), Disconnect()]]
)
async def test_a_failure_is_counted_and_the_next_is_tried(
    router: Router, clock: SteppedClock, answers: list[Answer], logged: Callable[[], str]
) -> None:
    """It's logged without the secret URL; nothing else is affected.

    (aiohttp repeats a GET once.)
    """
    async with Peer(*answers) as peer, router(clock=clock, **to(peer.url)) as daemon:
        await until(daemon, "failed", 1)
        assert (await daemon.alert(alert())).status == 200
        await clock.advance(EVERY)
        await until(daemon, "sent", 1)
    text = logged()
    assert "heartbeat_failed" in text
    assert "s3cret" not in text


async def test_one_that_nobody_listens_for_is_not_fatal(
    router: Router, clock: SteppedClock, logged: Callable[[], str]
) -> None:
    """Nor is its address logged."""
    async with router(clock=clock, **to(refusing_url())) as daemon:
        await until(daemon, "failed", 1)
        assert (await daemon.get("/-/healthy")).status == 200
    assert "s3cret" not in logged()


@pytest.mark.parametrize("method", ["save", "record", "gauges"])
async def test_it_is_withheld_while_the_store_fails(
    router: Router, clock: SteppedClock, method: str
) -> None:
    """A store that can't be read or written makes no pages; and when it can be, it comes again."""
    async with Peer() as peer, router(clock=clock, **to(peer.url)) as daemon:
        await until(daemon, "sent", 1)
        daemon.store.plan[method].extend([StoreUnavailable("disk full")] * 2)
        await clock.advance(EVERY)
        await until(daemon, "withheld", 1)
        daemon.store.plan[method].clear()
        await clock.advance(EVERY)
        await until(daemon, "sent", 2)
        assert len(peer.requests) == 2


async def test_it_is_withheld_while_deadlines_are_late(router: Router, clock: SteppedClock) -> None:
    """The loop that handles them is stuck: from the second minute on, the outside service gets no
    ping.
    """
    later = {"steps": [{"notify": ["channel:log"]}, {"after": "5m", "notify": ["channel:log"]}]}
    async with (
        Peer() as peer,
        router(clock=clock, policies={"all": later}, **to(peer.url)) as daemon,
    ):
        await until(daemon, "sent", 1)
        await daemon.alert(alert())
        await _stop(daemon, "timers")
        for minute in range(1, 7):
            await clock.advance(EVERY)
            await until(daemon, "sent", minute + 1)
        await clock.advance(EVERY)
        await until(daemon, "withheld", 1)
        assert len(peer.requests) == 7


async def test_it_is_withheld_while_nothing_can_be_committed(
    router: Router, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one door is stuck, though the store itself is fine."""
    async with Peer() as peer, router(clock=clock, **to(peer.url)) as daemon:
        await until(daemon, "sent", 1)
        monkeypatch.setattr("router.engine.jobs.dead_mans_switch.TIMEOUT", 0.05)
        await _stop(daemon, "apply")
        await clock.advance(EVERY)
        await until(daemon, "withheld", 1)


async def test_it_is_withheld_once_a_loop_has_died(router: Router, clock: SteppedClock) -> None:
    """A supervisor restarts the router; if it doesn't, the outside service notifies somebody."""
    async with Peer() as peer, router(clock=clock, **to(peer.url)) as daemon:
        await until(daemon, "sent", 1)
        daemon.store.plan["claim_notifications"].append(ZeroDivisionError("a bug"))
        await clock.settle(lambda: daemon.app._dead, "the loop's death", step=1)
        await clock.advance(EVERY)
        await until(daemon, "withheld", 1)


async def test_looking_changes_nothing(router: Router, clock: SteppedClock) -> None:
    """The probe that passes through the applier leaves no timer, incident or timeline entry."""
    async with Peer() as peer, router(clock=clock, **to(peer.url)) as daemon:
        await until(daemon, "sent", 1)
        assert await daemon.store.claim_timers(START + 1e9, "anybody", START + 2e9, 10) in ((), [])
        assert await daemon.store.incidents() == []
        (reason,) = await daemon.app.parts.inbox.submit([TimerDue(START, 0, "pulse", START)])
        assert reason == "unknown_incident"


async def _stop(daemon: Daemon, name: str) -> None:
    (loop,) = (loop for loop in daemon.app._loops if loop.get_name() == name)
    await stop(loop)
    await asyncio.sleep(0)
