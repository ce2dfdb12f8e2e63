"""Find a running router and call it."""

import asyncio
import hashlib
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from router.cli import main
from router.telemetry import logs
from tests.cli.test_incidents import SILENT, run
from tests.daemon import Daemon, alert, write_config
from tests.peers import free_port
from tests.senders.kit import Peer, Reply

Router = Callable[..., Daemon]


@pytest.fixture(autouse=True)
def _logs_elsewhere() -> None:
    logs.configure()


async def invoke(*arguments: str, **env: str) -> Result:
    return await asyncio.to_thread(partial(CliRunner().invoke, main, [*arguments], env=env))


async def test_an_address_and_a_token_are_enough(
    router: Router, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the environment or from options, where there is no config file."""
    token = {"ana": {"sha256": hashlib.sha256(b"tok").hexdigest(), "role": "viewer"}}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    async with router(channels=SILENT, auth={"tokens": token}) as daemon:
        environment = {"ALERT_ROUTER_URL": daemon.url + "/", "ALERT_ROUTER_TOKEN": "tok"}
        assert (await invoke("incidents", **environment)).exit_code == 0
        done = await invoke("incidents", "--url", daemon.url, "--token", "tok")
        assert done.exit_code == 0
        done = await invoke("incidents", ALERT_ROUTER_URL=daemon.url)
        assert (done.exit_code, "$ALERT_ROUTER_TOKEN" in done.stderr) == (1, True)
        done = await invoke("ack", "1", **environment)
        assert (done.exit_code, done.stderr.startswith("Forbidden: ")) == (1, True)


async def test_of_the_config_only_the_address_is_read(router: Router, tmp_path: Path) -> None:
    """Secrets that are not set and rules that are missing do not matter."""
    async with router(channels=SILENT) as daemon:
        host = daemon.url.removeprefix("http://")
        path = tmp_path / "client.yaml"
        text = (
            "listen: ${LISTEN}\nchannels: {x: {type: slack, token: '${UNSET}'}}\nrules: [none/*]\n"
        )
        path.write_text(text)
        done = await invoke("incidents", "-c", str(path), LISTEN=host)
        assert (done.exit_code, done.stdout) == (0, "no open incidents\n")
        done = await invoke("incidents", "-c", str(path))
        assert (done.exit_code, "LISTEN" in done.stderr) == (1, True)
        path.write_text(f"listen: 0.0.0.0:{host.rpartition(':')[2]}\n")
        assert (await invoke("incidents", "-c", str(path))).exit_code == 0


@pytest.mark.parametrize("text", ["[", "- a", "listen: [x]", "\xff\x00"])
async def test_a_config_that_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(text.encode("latin-1"))
    done = await invoke("incidents", "-c", str(path))
    assert (done.exit_code, str(path) in done.stderr) == (1, True)


def test_without_any_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names each way to give one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ALERT_ROUTER_CONFIG", raising=False)
    done = CliRunner().invoke(main, ["incidents"])
    assert done.exit_code == 1
    for way in ("--url", "--config", "ALERT_ROUTER_URL"):
        assert way in done.stderr


@pytest.mark.parametrize("command", [["incidents"], ["ack", "1"], ["resolve", "1"]])
def test_a_router_that_is_not_running(tmp_path: Path, command: list[str]) -> None:
    """The error names the address of the config."""
    port = free_port()
    path = write_config(tmp_path, listen=f"127.0.0.1:{port}")
    done = CliRunner().invoke(main, [*command, "--config", str(path)])
    assert done.exit_code == 1
    assert done.stderr == f"no router answers at http://127.0.0.1:{port}: is it running?\n"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"<html>hello"),
        Reply(502, b"bad gateway"),
        Reply(200, b"[]"),
        Reply(204, b""),
        Reply(301, b"", {"Location": "https://example.com/"}),
    ],
)
async def test_another_service_at_that_address(reply: Reply) -> None:
    """The error names the address."""
    async with Peer(answer=lambda _: reply) as peer:
        code, _, err = await run(peer.url, "incidents")
        assert code == 1
        assert peer.url.rstrip("/") in err


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://x", "http://", "127.0.0.1:1", "http://x:y", "http://me:pw@x"]
)
async def test_a_url_that_is_none(url: str) -> None:
    code, _, err = await run(url, "incidents")
    assert code == 1
    assert url in err


async def test_a_user_without_a_name(router: Router) -> None:
    """In a container the user may be in no password file. They can acknowledge all the same."""
    async with router(channels=SILENT) as daemon:
        await daemon.alert(alert())
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _NAMELESS, "ack", "1", "--url", daemon.url,
            stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert (process.returncode, b"acknowledged" in out) == (0, True), err


_NAMELESS = """
import os
for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
    os.environ.pop(name, None)
os.getuid = lambda: 987654321
from router.cli import main
main()
"""
