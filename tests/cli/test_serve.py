"""`serve`: what it prints at the start."""

from collections.abc import Callable
from typing import Any

import pytest

from router.cli.serve import _greet
from router.telemetry import logs
from tests.daemon import Daemon, alert

Router = Callable[..., Daemon]


@pytest.mark.parametrize(
    ("channels", "used", "hinted"),
    [
        ({"log": {"type": "console"}}, False, True),
        ({"log": {"type": "console"}}, True, False),
        ({"log": {"type": "webhook", "url": "http://127.0.0.1:1/"}}, False, False),
    ],
)
async def test_a_hint_is_only_for_a_first_try(
    router: Router,
    capsys: pytest.CaptureFixture[str],
    channels: dict[str, Any],
    used: bool,
    hinted: bool,
) -> None:
    """With an empty store, and channels that reach nobody."""
    logs.configure()
    async with router(channels=channels) as daemon:
        if used:
            await daemon.alert(alert())
        await _greet(daemon.app, daemon.path)
        printed = capsys.readouterr().out
    assert "receives webhooks at http://127.0.0.1:" in printed
    assert ("Try it" in printed) is hinted
