"""`incidents`, and what one does to them, against a running router."""

import asyncio
import hashlib
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from router.cli import main
from router.model.reason import Reason
from router.telemetry import logs
from tests.daemon import Daemon, alert, write_config
from tests.peers import free_port
from tests.senders.kit import Peer, Reply

Router = Callable[..., Daemon]


# The console channel would print into the command's output.
SILENT = {"log": {"type": "webhook", "url": "http://127.0.0.1:1/"}}


@pytest.fixture(autouse=True)
def _logs_elsewhere() -> None:
    logs.configure()


async def run(daemon: Daemon | str, *arguments: str, **env: str) -> tuple[int, str, str]:
    """The command's exit code, output and errors, run beside the router in a thread of its own."""
    url = daemon if isinstance(daemon, str) else daemon.url
    call = partial(
        CliRunner().invoke, main, [*arguments, "--url", url], env={"LOGNAME": "ana"} | env
    )
    done = await asyncio.to_thread(call)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


async def test_the_open_incidents(router: Router) -> None:
    """In a table; with --all those that are over, too; and a word when there's none."""
    async with router(channels=SILENT) as daemon:
        assert await run(daemon, "incidents") == (0, "no open incidents\n", "")
        await daemon.alert(alert(), alert("DiskFull", instance="a"))
        await daemon.alert(alert(status="resolved"))
        code, out, _ = await run(daemon, "incidents")
        assert code == 0
        assert "INC-2" in out
        assert "INC-1" not in out
        _, out, _ = await run(daemon, "incidents", "--all")
        assert "INC-1" in out
        assert "resolved" in out


async def test_a_line_for_an_incident_in_a_pipe(router: Router) -> None:
    """However long its title: whoever greps finds it whole."""
    async with router(channels=SILENT) as daemon:
        await daemon.alert(alert(service="a-very-long-name-of-a-service-" * 5))
        _, out, _ = await run(daemon, "incidents")
        assert "a-very-long-name-of-a-service-" * 5 in out


async def test_one_incident_with_its_timeline_and_messages(router: Router) -> None:
    """By its name or its number."""
    async with router(channels=SILENT) as daemon:
        await daemon.alert(alert())
        for name in ("INC-1", "1", "inc-1"):
            code, out, _ = await run(daemon, "incidents", name)
            assert code == 0
            for part in ("Payment failures", "timeline", "messages", "log"):
                assert part in out


async def test_ack_and_resolve(router: Router) -> None:
    """Under one's own name, with a note; saying it twice says that it was so already."""
    async with router(channels=SILENT) as daemon:
        await daemon.alert(alert())
        code, out, _ = await run(daemon, "ack", "INC-1", "--note", "on it")
        assert (code, out) == (
            0,
            "INC-1 [P0] Payment failures at 2.3% on api: acknowledged; it's investigating\n",
        )
        incident = await daemon.store.incident(1)
        assert incident.acknowledged_by == "ana"
        assert "already done" in (await run(daemon, "ack", "1"))[1]
        assert "it's resolved" in (await run(daemon, "resolve", "1"))[1]
        code, out, _ = await run(daemon, "resolve", "1")
        assert (code, "already closed; it's resolved" in out) == (0, True)
        notes = [entry.data.get("text") for entry in await daemon.store.timeline(1)]
        assert "on it" in notes


async def test_a_false_positive(router: Router) -> None:
    """Is closed as one."""
    async with router(channels=SILENT) as daemon:
        await daemon.alert(alert())
        assert "it's false_positive" in (await run(daemon, "resolve", "1", "--false-positive"))[1]


async def test_escalate_note_and_severity(router: Router) -> None:
    """Each says what came of it; a severity there is none of is refused before anybody is asked."""
    async with router(channels=SILENT) as daemon:
        await daemon.alert(alert())
        assert "noted; it's investigating" in (await run(daemon, "note", "1", "rolled back"))[1]
        assert "[P2]" in (await run(daemon, "severity", "INC-1", "p2", "--note", "one customer"))[1]
        assert "already done" in (await run(daemon, "escalate", "1"))[1]
        assert (await run(daemon, "severity", "1", "P9"))[0] == 2
        story = [
            (entry.what, entry.by, entry.data.get("text"))
            for entry in await daemon.store.timeline(1)
        ]
        assert (Reason.NOTED, "ana", "rolled back") in story
        assert (Reason.SEVERITY_SET, "ana", "one customer") in story
        assert Reason.ALREADY_DONE in {what for what, *_ in story}


@pytest.mark.parametrize("command", [("incidents", "7"), ("ack", "INC-7"), ("resolve", "x")])
async def test_an_incident_that_is_not_there(router: Router, command: tuple[str, ...]) -> None:
    """Exit code 1, and which."""
    async with router(channels=SILENT) as daemon:
        code, out, err = await run(daemon, *command)
        assert (code, out) == (1, "")
        assert err == f"Not Found: there's no incident {command[1]}\n"


async def test_a_token_is_taken_from_the_environment(router: Router) -> None:
    """Without it, or with a wrong one, it's said what is needed."""
    token = {"ana": {"sha256": hashlib.sha256(b"tok").hexdigest(), "role": "viewer"}}
    async with router(channels=SILENT, auth={"tokens": token}) as daemon:
        code, _, err = await run(daemon, "incidents")
        assert code == 1
        assert err == (
            "Unauthorized: a known API token is needed: Authorization: Bearer TOKEN "
            "(it's taken from $ALERT_ROUTER_TOKEN)\n"
        )
        assert (await run(daemon, "incidents", ALERT_ROUTER_TOKEN="tok"))[0] == 0
        code, _, err = await run(daemon, "ack", "1", ALERT_ROUTER_TOKEN="tok")
        assert code == 1
        assert err.startswith("Forbidden: ")


@pytest.mark.parametrize("command", [["incidents"], ["ack", "1"], ["resolve", "1"]])
def test_a_router_that_is_not_running(tmp_path: Path, command: list[str]) -> None:
    """It's asked at the config's address, and the line says where that is and what may be wrong."""
    port = free_port()
    path = write_config(tmp_path, listen=f"127.0.0.1:{port}")
    done = CliRunner().invoke(main, [*command, "--config", str(path)])
    assert done.exit_code == 1
    assert done.stderr == f"no router answers at http://127.0.0.1:{port}: is it running?\n"


@pytest.mark.parametrize(
    "reply",
    [Reply(200, b"<html>hello"), Reply(502, b"bad gateway"), Reply(200, b"[]"), Reply(204, b"")],
)
async def test_somebody_else_at_that_address(reply: Reply) -> None:
    """An answer that isn't the router's is no traceback."""
    async with Peer(answer=lambda _: reply) as peer:
        code, _, err = await run(peer.url, "incidents")
        assert code == 1
        assert "Traceback" not in err
        assert peer.url in err


@pytest.mark.parametrize("url", ["nonsense", "ftp://x", "http://", "127.0.0.1:1"])
async def test_an_address_that_is_none(url: str) -> None:
    """Is said to be one that can't be asked."""
    code, _, err = await run(url, "incidents")
    assert code == 1
    assert "Traceback" not in err
    assert url in err


async def test_a_user_without_a_name(router: Router) -> None:
    """In a container the user may not be in the password file: that is no reason not to answer an
    incident.
    """
    async with router(channels=SILENT) as daemon:
        await daemon.alert(alert())
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _NAMELESS, "ack", "1", "--url", daemon.url, stderr=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert (process.returncode, b"acknowledged" in out) == (0, True), err


_NAMELESS = """
import os, pwd
for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
    os.environ.pop(name, None)
os.getuid = lambda: 987654321
from router.cli import main
from router.model.reason import Reason
main()
"""


async def test_open(router: Router) -> None:
    """By hand, with a severity or the rule's; the same title twice is one incident."""
    async with router(channels=SILENT) as daemon:
        assert await run(daemon, "open", "Checkout is down", "--severity", "p1") == (
            0,
            "INC-1 [P1] Checkout is down: opened; it's investigating\n",
            "",
        )
        assert "changed" in (await run(daemon, "open", "Checkout is down"))[1]
        assert "INC-2 [P2] Slow" in (await run(daemon, "open", "Slow"))[1]
        assert (await run(daemon, "open", " "))[0] == 1
