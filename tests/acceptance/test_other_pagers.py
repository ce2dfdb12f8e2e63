"""The real Alertmanager pages through the router by its integrations with other pagers."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.daemon import Daemon
from tests.peers import Alertmanager

Router = Callable[..., Daemon]
pytestmark = pytest.mark.peer

PD_KEY, OG_KEY, TOKEN = "R0UTINGKEYR0UTINGKEYR0UTINGKEY00", "og-key", "oncall-token"
SOURCES = {
    "pagerduty_events": {"services": {"api": [PD_KEY]}},
    "opsgenie": {"integrations": {"api": [OG_KEY]}},
    "oncall": {"integrations": {"api": [TOKEN]}},
}


def alertmanager(url: str) -> dict[str, Any]:
    """One receiver with all three; only the URLs differ from those of the services."""
    receiver = {
        "name": "pagers",
        "pagerduty_configs": [{"routing_key": PD_KEY, "url": f"{url}/v2/enqueue"}],
        "opsgenie_configs": [{"api_key": OG_KEY, "api_url": f"{url}/", "priority": "P1"}],
        "webhook_configs": [{"url": f"{url}/integrations/v1/alertmanager/{TOKEN}/"}],
    }
    route = {"receiver": "pagers", "group_wait": "0s", "group_interval": "1s"}
    return {"route": route | {"group_by": ["alertname"]}, "receivers": [receiver]}


async def post(peer: Alertmanager, ends: datetime) -> None:
    """An alert that ends then."""
    alert = {"labels": {"alertname": "DiskFull"}, "annotations": {"summary": "Disk is full"}}
    async with aiohttp.ClientSession() as session:
        starts = datetime.now(UTC) - timedelta(minutes=1)
        body = [alert | {"startsAt": starts.isoformat(), "endsAt": ends.isoformat()}]
        async with session.post(f"{peer.url}/api/v2/alerts", json=body) as answer:
            assert answer.status == 200


async def statuses(daemon: Daemon) -> dict[str, str]:
    return {row.alert.source: row.rule_match.status for row in await daemon.store.alerts()}


async def until(daemon: Daemon, wanted: str) -> None:
    """Wait until every source has its alert in that status."""
    for _ in range(150):
        if await statuses(daemon) == dict.fromkeys(SOURCES, wanted):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(await statuses(daemon))


async def test_alertmanagers_integrations_trigger_and_resolve(
    router: Router, tmp_path: Path
) -> None:
    """PagerDuty's, Opsgenie's, and OnCall's URL, each unchanged but for the host."""
    async with router(sources=SOURCES) as daemon:
        async with Alertmanager(tmp_path, alertmanager(daemon.url)) as peer:
            await post(peer, datetime.now(UTC) + timedelta(hours=1))
            await until(daemon, "firing")
            await post(peer, datetime.now(UTC))
            await until(daemon, "resolved")
        labels = {row.alert.source: row.alert.labels for row in await daemon.store.alerts()}
        assert labels["pagerduty_events"]["service"] == "api"
        assert labels["opsgenie"]["priority"] == "P1"
        assert labels["oncall"]["alertname"] == "DiskFull"
