"""`check --live`: one line for each channel, and exit code 1 if a service refuses."""

import asyncio
from pathlib import Path

from aiosmtpd.controller import Controller
from typer.testing import CliRunner

from router.cli import main
from tests.daemon import write_config
from tests.peers import free_port
from tests.senders.kit import Peer, Reply


class Relay:
    """A mail server that refuses every mail, so that a test mail would be noticed."""

    async def handle_MAIL(self, *_: object) -> str:  # noqa: N802 - aiosmtpd's name
        raise AssertionError("a mail was sent")


async def live(path: Path) -> tuple[int, str, str]:
    done = await asyncio.to_thread(CliRunner().invoke, main, ["check", "--live", str(path)])
    return done.exit_code, done.stdout, done.stderr


async def test_every_channel_has_a_line(tmp_path: Path) -> None:
    port = free_port()
    controller = Controller(Relay(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        async with Peer(answer=lambda _: Reply(200, json={"ok": True, "user": "u"})) as peer:
            channels = {
                "log": {"type": "console"},
                "hook": {"type": "webhook", "url": peer.url},
                "mail": {
                    "type": "email",
                    "from": "a@example.com",
                    "smtp": {"host": "127.0.0.1", "port": port, "starttls": False},
                },
                "chat": {
                    "type": "slack",
                    "token": "xoxb-1",
                    "channel": "#a",
                    "api_url": f"{peer.url}/api/",
                },
            }
            path = write_config(tmp_path, channels=channels)
            code, out, err = await live(path)
            assert (code, err) == (0, "")
            for text in (
                "'log': ",
                "'hook': not verified",
                "connected at 127.0.0.1",
                "token of 'u'",
            ):
                assert text in out
            peer.answer = lambda _: Reply(200, json={"ok": False, "error": "invalid_auth"})
            code, out, err = await live(path)
            assert (code, err) == (1, "channel 'chat': invalid_auth\n")
    finally:
        await asyncio.to_thread(controller.stop)
