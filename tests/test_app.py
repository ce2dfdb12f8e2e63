"""The whole router: start, reload, stop, and the signals that ask for them."""

import asyncio
import json
import logging
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest

from router.app import App
from router.config.located import Invalid
from router.model.notification import NotificationState
from router.telemetry import logs
from tests.clock import SteppedClock, turn
from tests.daemon import TOKEN, Daemon, alert, group, write_config
from tests.peers import free_port
from tests.senders.kit import Peer, Reply

Router = Callable[..., Daemon]

ALL = {"steps": [{"notify": ["channel:hook"]}]}


def hook(peer: Peer, **options: Any) -> dict[str, Any]:
    """Config keys that send everything to `peer`."""
    return {
        "channels": {"hook": {"type": "webhook", "url": f"{peer.url}/hook", **options}},
        "policies": {"all": ALL},
    }


async def until(condition: Callable[[], object], what: str = "the condition") -> None:
    """Poll for ten seconds, for conditions that depend on the system's clock."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{what} never came to hold")


# --- start and stop


async def test_from_webhook_to_message(tmp_path: Path, router: Router) -> None:
    """Started on a free port, it accepts an alert and notifies the channel; the end is logged."""
    async with Peer() as peer, router(**hook(peer)) as daemon:
        assert daemon.app.address[1] != 0
        assert (await daemon.alert(alert())).status == 200
        await until(lambda: len(peer.requests) == 1)
        assert (await daemon.alert(alert(status="resolved"))).status == 200
        await until(lambda: len(peer.requests) == 2)
    assert [request.json["type"] for request in peer.requests] == [
        "incident.opened",
        "incident.resolved",
    ]


async def test_app_start_listens_where_the_config_says(tmp_path: Path) -> None:
    """`start` takes all it needs from the config, and what is stopped listens no more."""
    port = free_port()
    app = await App.start(write_config(tmp_path, listen=f"127.0.0.1:{port}"))
    assert app.address == ("127.0.0.1", port)
    await app.stop()
    with pytest.raises(OSError, match=r"refused|Connect"):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_start_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    """The port is taken: the error is raised, and no task, connection or file is left open."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        path = write_config(tmp_path, listen=f"127.0.0.1:{taken.getsockname()[1]}")
        before = asyncio.all_tasks()
        with pytest.raises(OSError, match="address already in use"):
            await App.start(path)
        await turn()
        assert asyncio.all_tasks() == before


async def test_what_was_queued_at_the_stop_is_sent_after_the_start(
    tmp_path: Path, router: Router
) -> None:
    """A message that no one took is in the outbox of the next process, which doesn't wait for an
    old lease.
    """
    async with Peer(answer=lambda _: Reply(503)) as peer, router(**hook(peer)) as daemon:
        await daemon.alert(alert())
        await until(lambda: peer.requests)
    async with Peer() as peer, router(**hook(peer)):
        await until(lambda: peer.requests)
    assert peer.requests[0].json["type"] == "incident.opened"


async def test_a_stop_finishes_what_is_under_way(router: Router) -> None:
    """A message that is being sent when the stop comes is sent, settled, and not sent again by the
    next process.
    """
    answering = asyncio.Event()

    class Slow(Peer):
        async def _handle(self, request: Any) -> Any:
            await answering.wait()
            return await super()._handle(request)

    async with Slow() as peer:
        async with router(**hook(peer)) as daemon:
            await daemon.alert(alert())
            await until(
                lambda: any(
                    worker._sending for worker in daemon.app.parts.channels._workers.values()
                )
            )
            stopping = asyncio.ensure_future(daemon.app.stop())
            await turn()
            answering.set()
            await stopping
        async with router(**hook(peer)) as daemon:
            (row,) = await daemon.store.notifications()
            assert (row.state, row.sent, row.may_be_doubled) == (NotificationState.SENT, 1, False)


# --- a loop that dies


@pytest.mark.parametrize("method", ["claim_timers", "claim_notifications", "prune"])
async def test_a_loop_that_dies_ends_the_router(
    router: Router, clock: SteppedClock, method: str
) -> None:
    """An unexpected fault stops everything: `run` raises it, and the supervisor restarts the
    router.
    """
    async with router(clock=clock) as daemon:
        running = asyncio.ensure_future(daemon.app.run())
        daemon.store.plan[method].append(ZeroDivisionError("a bug"))
        await clock.settle(running.done, "the end of the router", step=600)
        with pytest.raises(ZeroDivisionError):
            await running


async def test_run_ends_when_it_is_asked_to(router: Router) -> None:
    """And is no error."""
    async with router() as daemon:
        running = asyncio.ensure_future(daemon.app.run())
        await turn()
        assert not running.done()
        daemon.app.request_stop()
        await running


# --- reload


async def test_a_reload_works_by_the_new_rules_and_channels(tmp_path: Path, router: Router) -> None:
    """Later alerts use the new config, and the metric has the time of the reload."""
    async with Peer() as old, Peer() as new, router(**hook(old)) as daemon:
        running = asyncio.ensure_future(daemon.app.run())
        await daemon.alert(alert())
        await until(lambda: old.requests)
        rules = [{"name": "all", "match": ['alertname=~".+"'], "severity": "P1"}]
        write_config(tmp_path, rules, **hook(new))
        assert (await daemon.ask("POST", "/-/reload")).status == 200
        await daemon.alert(alert("Unheard", service="b"))
        await until(lambda: new.requests)
        assert new.requests[0].json["data"]["incident"]["severity"] == "P1"
        assert len(old.requests) == 1
        assert not running.done(), "loops that end by a reload are no fault"
        daemon.app.request_stop()
        await running


async def test_a_reload_loses_no_message(tmp_path: Path, router: Router) -> None:
    """A message that the old channel refused is sent at once over the new one, and isn't a
    duplicate.
    """
    async with (
        Peer(answer=lambda _: Reply(503)) as old,
        Peer() as new,
        router(**hook(old)) as daemon,
    ):
        for i in range(20):
            await daemon.alert(alert(service=f"s{i}"))
        write_config(tmp_path, **hook(new))
        await daemon.app.reload()
        await until(
            lambda: len({request.json["data"]["incident"]["id"] for request in new.requests}) == 20
        )
        rows = await daemon.store.notifications()
        assert not any(row.may_be_doubled for row in rows)


async def test_a_reload_in_the_middle_of_claiming_holds_up_no_message(
    tmp_path: Path, router: Router, clock: SteppedClock
) -> None:
    """Messages that the old worker has just leased don't wait for the lease to run out."""
    async with Peer() as peer, router(clock=clock, **hook(peer)) as daemon:
        await clock.settle(lambda: clock.parked >= 3)
        claims = daemon.store.calls["claim_notifications"]
        await daemon.alert(alert())
        await clock.settle(lambda: daemon.store.calls["claim_notifications"] > claims)
        await daemon.app.reload()
        started = clock.now()
        await clock.settle(lambda: peer.requests, "the message being sent", step=0.1)
        assert clock.now() - started < 5
        (row,) = await daemon.store.notifications()
        assert not row.may_be_doubled


async def test_a_bad_reload_changes_nothing(tmp_path: Path, router: Router) -> None:
    """The running config stays active, and the metric shows that the file's config failed."""
    async with Peer() as peer, router(**hook(peer)) as daemon:
        before = daemon.app.config
        write_config(tmp_path, channels={"hook": {"type": "carrier-pigeon"}})
        with pytest.raises(Invalid):
            await daemon.app.reload()
        assert daemon.app.config is before
        assert daemon.app.metrics.reload_successful._value.get() == 0
        await daemon.alert(alert())
        await until(lambda: peer.requests)
        write_config(tmp_path, **hook(peer))
        await daemon.app.reload()
        assert daemon.app.metrics.reload_successful._value.get() == 1


async def test_two_reloads_at_once_leave_one_courier_for_each_channel(
    tmp_path: Path, router: Router
) -> None:
    """A SIGHUP while another reload is under way: they come one after the other, and nothing is
    left over.
    """
    async with Peer() as peer, router(**hook(peer)) as daemon:
        await asyncio.gather(*(daemon.app.reload() for _ in range(5)))
        await turn()
        names = [task.get_name() for task in asyncio.all_tasks()]
        assert names.count("channel hook") == 1
        await daemon.alert(alert())
        await until(lambda: peer.requests)
        assert len(peer.requests) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"max_body": "1MiB"},
        {"retention": "10d"},
        {"listen": "127.0.0.1:1"},
        {"telemetry": {"level": "warning"}},
    ],
)
async def test_a_reload_says_what_needs_a_restart(
    tmp_path: Path, router: Router, changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Changes that need a restart are reported, and no others."""
    logs.configure()
    logging.getLogger().addHandler(caplog.handler)
    async with router() as daemon:
        write_config(tmp_path, resolve_after="1m")
        await daemon.app.reload()
        assert "reload_incomplete" not in caplog.text
        write_config(tmp_path, **changes)
        await daemon.app.reload()
        assert "reload_incomplete" in caplog.text


# --- the process


class Process:
    """`alert-router serve`, as a user runs it."""

    def __init__(self, path: Path, files: int | None = None) -> None:
        self.path = path
        self.files = files

    async def __aenter__(self) -> Self:
        program = Path(sys.executable).with_name("alert-router")
        limit = (self.files, self.files) if self.files else None
        with (self.path.parent / "stderr").open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                program,
                "serve",
                "--config",
                self.path,
                stdout=subprocess.DEVNULL,
                stderr=log,
                preexec_fn=limit and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit)),
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    @property
    def log(self) -> str:
        return (self.path.parent / "stderr").read_text()

    async def ready(self, url: str) -> None:
        async with aiohttp.ClientSession() as session:
            for _ in range(500):
                assert self.process.returncode is None, self.log
                try:
                    async with session.get(f"{url}/-/ready") as answer:
                        if answer.ok:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.02)
        raise AssertionError(f"never ready: {self.log}")


async def test_idle_connections_leave_files_for_pages(tmp_path: Path) -> None:
    """More of them than the system has files for: an alert is taken, and its page is sent."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with Peer() as peer:
        path = write_config(tmp_path, listen=f"127.0.0.1:{port}", **hook(peer))
        async with Process(path, files=512) as process, aiohttp.ClientSession() as session:
            await process.ready(url)
            idle = []
            for _ in range(700):
                with suppress(OSError):
                    idle.append(await asyncio.open_connection("127.0.0.1", port))
            async with asyncio.timeout(20):
                async with session.post(
                    f"{url}/webhooks/alertmanager", json=group(alert()), headers=headers
                ) as answer:
                    assert answer.status == 200
                await until(lambda: peer.requests)
            assert "Too many open files" not in process.log
            for _, writer in idle:
                writer.close()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[Process, str, Peer]]:
    """A process, its address, and where it sends messages."""
    port = free_port()
    async with Peer() as peer:
        path = write_config(
            tmp_path, listen=f"127.0.0.1:{port}", telemetry={"logs": "json"}, **hook(peer)
        )
        async with Process(path) as process:
            await process.ready(f"http://127.0.0.1:{port}")
            yield process, f"http://127.0.0.1:{port}", peer


async def _post(url: str, *alerts: object) -> int:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{url}/webhooks/alertmanager", json=group(*alerts)) as answer,
    ):
        return answer.status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_process_in_good_order(
    served: tuple[Process, str, Peer], number: signal.Signals
) -> None:
    """Exit code 0, no traceback, and what was accepted is delivered."""
    process, url, peer = served
    assert await _post(url, alert()) == 200
    await until(lambda: peer.requests)
    process.process.send_signal(number)
    assert await asyncio.wait_for(process.process.wait(), 10) == 0, process.log
    assert "Traceback" not in process.log


async def test_sighup_reloads(served: tuple[Process, str, Peer]) -> None:
    """A bad config is refused with its reasons in the log; a good one is taken; neither ends the
    process.
    """
    process, url, peer = served
    good = process.path.read_text()
    process.path.write_text(good.replace("type: webhook", "type: webhok"))
    process.process.send_signal(signal.SIGHUP)
    await until(lambda: "reload_failed" in process.log)
    line = next(json.loads(line) for line in process.log.splitlines() if "reload_failed" in line)
    assert "did you mean 'webhook'?" in line["problems"][0]
    process.path.write_text(good)
    process.process.send_signal(signal.SIGHUP)
    await until(lambda: '"reloaded"' in process.log)
    assert await _post(url, alert()) == 200
    await until(lambda: peer.requests)


async def test_it_serves_after_a_kill(served: tuple[Process, str, Peer]) -> None:
    """SIGKILL, start again on the same file: ready, and the incident is still there."""
    process, url, peer = served
    assert await _post(url, alert()) == 200
    await until(lambda: peer.requests)
    process.process.kill()
    await process.process.wait()
    async with Process(process.path) as again:
        await again.ready(url)
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{url}/api/v1/incidents") as answer,
        ):
            assert [incident["name"] for incident in (await answer.json())["incidents"]] == [
                "INC-1"
            ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"storage": "sqlite:////nowhere/at/all.db"}, "can't open the store /nowhere/at/all.db"),
        ({"storage": "mysql://db/router"}, "expected sqlite:///FILE"),
        ({"listen": "taken"}, "address already in use"),
        ({"rules": ["nothing/*.yaml"]}, "no file matches"),
    ],
)
async def test_what_keeps_it_from_starting_is_said_in_a_line(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    """Exit code 1 within seconds, the reason, and no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        if "listen" in changes:
            changes = {"listen": f"127.0.0.1:{taken.getsockname()[1]}"}
        async with Process(write_config(tmp_path, **changes)) as process:
            assert await asyncio.wait_for(process.process.wait(), 20) == 1
            assert said in process.log
            assert "Traceback" not in process.log
