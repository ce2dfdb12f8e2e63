"""Logged fields, and secrets that are never logged."""

import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from router.telemetry import logs
from router.telemetry.plain_structlog import structlog
from tests.daemon import TOKEN, Daemon, alert
from tests.senders.kit import Peer, Reply

SECRET = "s3cr3t-4711"


def test_json_is_one_object_a_line(capfd: pytest.CaptureFixture[str]) -> None:
    """With level, time and event; an exception stays on the line of its event."""
    logs.configure("json")
    logs.logger("router.test").info("opened", incident="INC-1")
    try:
        int("bad")
    except ValueError:
        logs.logger("router.test").exception("failed")
    first, second = map(json.loads, capfd.readouterr().err.splitlines())
    assert (first["event"], first["level"], first["incident"]) == ("opened", "info", "INC-1")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", first["timestamp"])
    assert "ValueError: invalid" in second["exception"]


def test_the_console_has_no_colours(capfd: pytest.CaptureFixture[str]) -> None:
    """Logs end up in files."""
    logs.configure("console")
    logs.logger("router.test").warning("hm", channel="hook")
    assert capfd.readouterr().err.split("hm")[1].strip() == "channel=hook"


@pytest.mark.parametrize(
    "fields",
    [
        {"incident": "INC-1", "by": None, "severity": "P0"},
        {"text": "two words", "quote": "it's", "pair": "a=b", "empty": "", "none": "-"},
        {"number": 1.5, "list": ["a b"], "flag": True},
        {"event": "an event that is longer than the column for it", "exception": "E\n  at x"},
        {"stack": "Stack\n  at y"},
    ],
)
def test_the_console_has_structlogs_format(fields: dict[str, object]) -> None:
    known = {"timestamp": "2026-01-01T00:00:00Z", "level": "info", "event": "opened"}
    theirs = structlog.dev.ConsoleRenderer(colors=False)
    assert logs._console_line(None, "", known | fields) == theirs(None, "", known | fields)


@pytest.mark.parametrize(("level", "heard"), [("debug", "dipw"), ("info", "ipw"), ("warning", "w")])
def test_levels(capfd: pytest.CaptureFixture[str], level: str, heard: str) -> None:
    """The router's from the level on, its libraries' from WARNING on: at INFO they write URLs."""
    logs.configure("json", level)
    ours, theirs = logs.logger("router.test"), logging.getLogger("slack_sdk.web")
    ours.debug("d")
    ours.info("i")
    ours.info("p", percent="100%", braces="{}")
    ours.warning("w")
    theirs.info("https://hooks.slack.com/secret")
    events = [json.loads(line)["event"] for line in capfd.readouterr().err.splitlines()]
    assert "".join(events) == heard


def test_configuring_again_replaces_the_handler(capfd: pytest.CaptureFixture[str]) -> None:
    """A line is written once."""
    logs.configure("json")
    logs.configure("json")
    logs.logger("router.test").info("once")
    assert len(capfd.readouterr().err.splitlines()) == 1


async def test_no_secret_is_logged(
    router: Callable[..., Daemon], capfd: pytest.CaptureFixture[str]
) -> None:
    """Wrong and right credentials, secret URLs, channels that refuse: at the lowest level none of
    it is in the log.
    """
    logs.configure("json", "debug")

    async def knock(daemon: Daemon, path: str, **options: Any) -> None:
        await daemon.ask("POST", path, **options)

    async with Peer(answer=lambda _: Reply(400, SECRET.encode())) as peer:
        hook = {"type": "webhook", "url": f"{peer.url}/{SECRET}", "headers": {"X-Token": SECRET}}
        down = {"type": "webhook", "url": f"http://127.0.0.1:1/{SECRET}"}
        sources = {"alertmanager": {"bearer_token": TOKEN}, "sentry": {"plugin_secret": SECRET * 4}}
        policy = {"steps": [{"notify": ["channel:hook", "channel:down"]}]}
        async with router(
            channels={"hook": hook, "down": down}, policies={"all": policy}, sources=sources
        ) as daemon:
            await daemon.alert(alert())
            await knock(
                daemon,
                "/webhooks/alertmanager",
                headers={"Authorization": f"Bearer {SECRET}"},
                data=b"{}",
            )
            await knock(daemon, f"/webhooks/sentry/{SECRET}", data=b"{")
            await knock(daemon, f"/webhooks/sentry/{SECRET * 4}", data=b"{")
            await knock(daemon, f"/webhooks/sentry/{SECRET * 4}", data=b"[" * 100_000)
            for _ in range(100):
                if peer.requests:
                    break
                await daemon.clock.sleep(0.02)
    assert peer.requests
    logged = capfd.readouterr()
    assert "webhook_rejected" in logged.err
    for secret in (SECRET, TOKEN):
        assert secret not in logged.err + logged.out


def test_text_of_an_alert_cannot_command_the_terminal_or_forge_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure()
    logs.logger("router.test").warning("title", said="a\x1b[2J\u202eb\n2026 [error] all is lost")
    (line,) = capsys.readouterr().err.splitlines()
    assert "\x1b" not in line
    assert "\u202e" not in line
