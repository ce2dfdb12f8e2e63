"""`incidents`, against a running router; and `run`, with which other tests of commands run them."""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from router.cli import main
from router.telemetry import logs
from tests.daemon import Daemon, alert
from tests.senders.kit import Peer, Reply

Router = Callable[..., Daemon]


# The console channel would print into the command's output.
SILENT = {"log": {"type": "webhook", "url": "http://127.0.0.1:1/"}}


@pytest.fixture(autouse=True)
def _logs_elsewhere() -> None:
    logs.configure()


async def run(daemon: Daemon | str, *arguments: str, **env: str) -> tuple[int, str, str]:
    """The exit code, output and errors of a command, run in a thread beside the router."""
    url = daemon if isinstance(daemon, str) else daemon.url
    environment = {"LOGNAME": "ana"} | env
    call = partial(CliRunner().invoke, main, [*arguments, "--url", url], env=environment)
    done = await asyncio.to_thread(call)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


async def test_open_incidents(router: Router) -> None:
    """A table with a total. Closed incidents only with --all. A sentence if there are none."""
    async with router(channels=SILENT) as daemon:
        assert await run(daemon, "incidents") == (0, "no open incidents\n", "")
        await daemon.alert(alert(), alert("DiskFull", instance="a"))
        await daemon.alert(alert(status="resolved"))
        code, out, _ = await run(daemon, "incidents")
        assert code == 0
        assert "INC-2" in out
        assert "INC-1" not in out
        assert out.endswith("\n1 open incident\n")
        _, out, _ = await run(daemon, "incidents", "--all")
        assert "INC-1" in out
        assert "resolved" in out
        assert out.endswith("\n2 incidents\n")


async def test_more_incidents_than_a_page(router: Router, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every page is read.

    With a limit the newest are shown, and a note says that there are more.
    """
    monkeypatch.setattr("router.cli.incidents.PAGE", 2)
    async with router(channels=SILENT) as daemon:
        await daemon.alert(*(alert("DiskFull", instance=f"{number}") for number in range(5)))
        _, out, _ = await run(daemon, "incidents")
        assert [f"INC-{number}" in out for number in range(1, 6)] == [True] * 5
        assert out.endswith("\n5 open incidents\n")
        _, out, _ = await run(daemon, "incidents", "--limit", "3")
        assert [f"INC-{number}" in out for number in range(1, 6)] == [False] * 2 + [True] * 3
        last = out.splitlines()[-1]
        assert last in {"3 of 5 open incidents", "the newest 3 open incidents; there are more"}
        _, out, _ = await run(daemon, "incidents", "--json")
        assert len(json.loads(out)) == 5


async def test_pages_of_a_router_that_names_the_next() -> None:
    """`next` of an answer is where the next page starts, `total` what is printed."""
    one = {
        "name": "INC-9", "severity": "P1", "status": "investigating", "title": "x", "lead": None,
        "opened_at": "2026-11-30T10:00:00.000Z", "firing": 1, "alerts": 1, "id": 9,
    }  # fmt: skip
    first = {"incidents": [one], "total": 2, "next": 9}
    last = {"incidents": [one | {"name": "INC-4", "id": 4}], "total": 2, "next": None}

    def answer(call: object) -> Reply:
        query = parse_qs(urlsplit(str(call.path)).query)  # type: ignore[attr-defined]
        return Reply(200, json.dumps(last if query.get("before") == ["9"] else first).encode())

    async with Peer(answer=answer) as peer:
        code, out, _ = await run(peer.url.rstrip("/"), "incidents")
    assert code == 0
    assert "INC-9" in out
    assert "INC-4" in out
    assert out.endswith("\n2 open incidents\n")


async def test_a_line_for_an_incident_in_a_pipe(router: Router) -> None:
    """However long its title is, `grep` finds it whole."""
    async with router(channels=SILENT) as daemon:
        await daemon.alert(alert(service="a-very-long-name-of-a-service-" * 5))
        _, out, _ = await run(daemon, "incidents")
        assert "a-very-long-name-of-a-service-" * 5 in out


async def test_one_incident_with_its_timeline_and_messages(router: Router) -> None:
    """An incident is found by name or number."""
    async with router(channels=SILENT) as daemon:
        await daemon.alert(alert())
        for name in ("INC-1", "1", "inc-1"):
            code, out, _ = await run(daemon, "incidents", name)
            assert code == 0
            for part in ("Payment failures", "timeline", "messages", "log"):
                assert part in out


async def test_escapes_in_an_alert_do_not_reach_the_terminal(router: Router) -> None:
    """Neither in tables nor in sentences: escape sequences and bidi controls are removed."""
    hostile = "\x1b[2J\x1b]0;owned\x07red\x9b31m \u202egnp\u2066.exe"
    async with router(channels=SILENT) as daemon:
        await daemon.alert(alert("DiskFull", instance="a", annotations={"summary": hostile}))
        outputs = [
            await run(daemon, "incidents"),
            await run(daemon, "incidents", "1"),
            await run(daemon, "declare", hostile),
            await run(daemon, "note", "1", hostile),
            await run(daemon, "assign", "1", hostile),
            await run(daemon, "silence", "list"),
            await run(daemon, "ack", "1", "--by", hostile),
            await run(daemon, "incidents", hostile),
        ]
    shown = "".join(text for _, *texts in outputs for text in texts)
    assert not {*shown} & {*"\x1b\x07\x9b\u202e\u2066"}
