"""Run a whole router on its own config for the length of a `with` block."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import aiohttp
import yaml
from aiohttp.web_app import _cached_build_middleware

from router.app import App, load_config
from router.model.notification import NotificationState
from router.ports.clock import Clock, SystemClock
from router.store import open_store
from tests.contract import check_answer
from tests.faults import FaultyStore

TOKEN = "am-token-4711"
"""Alertmanager's token in the configs of these tests."""

RULES = [
    {
        "name": "payment-failures",
        "match": ['alertname="PaymentFailures"'],
        "thresholds": {"P0": "> 1%", "P2": "> 0.1%"},
        "group_by": ["service"],
        "summary": "Payment failures at {{ value | percent }} on {{ labels.service }}",
    },
    {
        "name": "disk-full",
        "match": ['alertname="DiskFull"'],
        "severity": "P3",
        "group_by": ["instance"],
    },
]


def write_config(folder: Path, rules: object = RULES, /, **changes: Any) -> Path:
    """A config with one source, the console channel `log` and one policy, and its rules; `changes`
    replace keys.
    """
    config: dict[str, Any] = {
        "listen": "127.0.0.1:0",
        "storage": f"sqlite:///{folder / 'router.db'}",
        "rules": ["rules.yaml"],
        "sources": {"alertmanager": {"bearer_token": TOKEN}},
        "channels": {"log": {"type": "console"}},
        "severities": {name: {"policy": "all"} for name in ("P0", "P1", "P2", "P3")},
        "policies": {"all": {"steps": [{"notify": ["channel:log"]}]}},
    }
    (folder / "rules.yaml").write_text(yaml.safe_dump({"rules": rules}, sort_keys=False))
    path = folder / "config.yaml"
    kept = {key: value for key, value in (config | changes).items() if value is not None}
    path.write_text(yaml.safe_dump(kept, sort_keys=False))
    return path


def alert(name: str = "PaymentFailures", value: str = "0.023", **changes: Any) -> dict[str, Any]:
    """One alert as Alertmanager sends it; a change that is no field of it is a label."""
    fields = {"status", "startsAt", "endsAt", "annotations", "fingerprint", "generatorURL"}
    labels = {key: changes.pop(key) for key in tuple(changes) if key not in fields}
    return {
        "status": "firing",
        "labels": {"alertname": name, "service": "api"} | labels,
        "annotations": {"value": value},
        "startsAt": "2026-02-02T02:30:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example.com/graph",
        **changes,
    }


def group(*alerts: object, **changes: Any) -> dict[str, Any]:
    """A webhook of Alertmanager's."""
    return {
        "version": "4",
        "status": "firing",
        "receiver": "router",
        "alerts": alerts,
        "truncatedAlerts": 0,
        **changes,
    }


QUIET = 20
"""Looks at the store, 2 ms apart, that must find nothing new before a router counts as idle."""


class Answer:
    """A response, read to its end."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Daemon:
    """`App` on port 0, its store open to faults. What one needs that isn't here is at `app`."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.path = path
        self.clock = clock or SystemClock()

    async def __aenter__(self) -> Self:
        config = load_config(self.path)
        self.store = FaultyStore(await open_store(config.file.storage.reveal(), exclusive=True))
        self.app = App(self.path, config, self.store, self.clock)
        await self.app._begin(0)
        self.url = "http://{}:{}".format(*self.app.address)
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.store.down = False
        await self._session.close()
        await self.app.stop()
        # aiohttp keeps the handlers of the last 1,024 routes, and so their routers, of which the
        # thousands of a test run would slow down each garbage collection.
        _cached_build_middleware.cache_clear()

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        async with self._session.request(method, self.url + path, **options) as response:
            answer = Answer(response.status, response.headers, await response.read())
        check_answer(method, path, answer.status, answer.headers, answer.body)
        return answer

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.ask("GET", path, **options)

    async def alert(self, *alerts: object, **changes: Any) -> Answer:
        """Post a group of Alertmanager's."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return await self.ask(
            "POST", "/webhooks/alertmanager", json=group(*alerts, **changes), headers=headers
        )

    async def until_idle(self) -> None:
        """Wait in real time until messages are settled and jobs have had their first round.

        Nothing takes a fault that is then planned for a request.
        """
        async with asyncio.timeout(30):
            while await self.store.notifications(  # noqa: ASYNC110 - the store has no event
                states=[NotificationState.PENDING]
            ):
                await asyncio.sleep(0.01)
            quiet, calls = 0, 0
            while quiet < QUIET:
                await asyncio.sleep(0.002)
                before, calls = calls, self.store.calls.total()
                quiet = quiet + 1 if calls == before and not self.store.running else 0
