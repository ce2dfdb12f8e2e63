"""`stats`, against a running router."""

import json
from collections.abc import Callable

import pytest

from router.telemetry import logs
from tests.cli.test_incidents import SILENT, run
from tests.daemon import Daemon, alert

Router = Callable[..., Daemon]


@pytest.fixture(autouse=True)
def _logs_elsewhere() -> None:
    logs.configure()


async def test_the_command(router: Router) -> None:
    """As tables, and as JSON."""
    async with router(channels=SILENT) as daemon:
        await daemon.alert(alert())
        code, out, _ = await run(daemon, "stats", "--since", "7d")
        assert code == 0
        assert "payment-failures" in out
        assert "nobody was paged" in out
        _, out, _ = await run(daemon, "stats", "--json")
        assert json.loads(out)["total"]["incidents"] == 1
