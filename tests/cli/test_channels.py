"""`channels`: which are proven to work, and a test of them."""

import asyncio
import json
from collections.abc import Callable

import pytest

from router.telemetry import logs
from tests.cli.test_incidents import run
from tests.clock import SteppedClock
from tests.daemon import Daemon
from tests.senders.kit import Peer, Reply

Router = Callable[..., Daemon]


@pytest.fixture(autouse=True)
def _logs_elsewhere() -> None:
    logs.configure()


async def test_a_test_of_a_channel(router: Router, clock: SteppedClock) -> None:
    """Exit code 1 while a channel is not proven, and 0 after its test message arrived."""
    async with Peer() as peer, router(clock, channels=hook(peer)) as daemon:
        code, out, _ = await run(daemon, "channels")
        assert (code, "never" in out) == (1, True)
        code, out, _ = await run(daemon, "channels", "--json")
        assert (code, json.loads(out)["unproven"]) == (1, 1)
        code, out, _ = await run(daemon, "channels", "test", "log")
        assert (code, "alert-router channels" in out) == (0, True)

        async def proven() -> bool:
            return (await run(daemon, "channels"))[0] == 0

        await clock.settle(proven, step=0.5)


async def test_waiting_for_the_outcome(
    router: Router, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 when each message arrived; 1 with the report when one did not."""
    monkeypatch.setattr("router.cli.channels.POLL", 0.01)
    async with Peer() as peer, router(clock, channels=hook(peer)) as daemon:
        code, out, _ = await waited(daemon, clock)
        assert (code, out.startswith("log: arrived at ")) == (0, True)
    async with (
        Peer(answer=lambda _: Reply(400)) as peer,
        router(clock, channels=hook(peer)) as daemon,
    ):
        code, out, err = await waited(daemon, clock)
        assert (code, "not every message arrived" in err) == (1, True)
        assert "log" in out


def hook(peer: Peer) -> dict[str, object]:
    return {"log": {"type": "webhook", "url": peer.url}}


async def waited(daemon: Daemon, clock: SteppedClock) -> tuple[int, str, str]:
    """`channels test --wait` while the router's time passes."""
    command = asyncio.create_task(run(daemon, "channels", "test", "--wait", "--timeout", "60"))

    async def done() -> bool:
        await asyncio.sleep(0.01)
        return command.done()

    await clock.settle(done, step=10.0)
    return await command
