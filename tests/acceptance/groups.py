"""Load on a router that comes and goes: Alertmanager's groups, each of which repeats itself until
it's understood.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import blake2b
from random import Random
from typing import Any

import aiohttp

from tests.acceptance.router_process import RouterProcess

NO_ANSWER = (aiohttp.ClientError, OSError, TimeoutError)
MOST = 8
"""Alerts of a group that fire at the same time."""


async def answered(
    router: RouterProcess, path: str, body: Any, user: str = ""
) -> tuple[int, Any] | None:
    """The router's answer; None if there was none, or only that it can't take anything now.

    Any other is a fault.
    """
    with suppress(*NO_ANSWER):
        status, answer = await router.post(path, json=body, headers={"X-Router-User": user})
        if status != 503:
            assert status in {200, 409}, answer
            return status, answer
    await asyncio.sleep(0.05)
    return None


class Group:
    """One group of an Alertmanager: posts its alerts again and again, with what has changed, each
    until it's taken.

    `firing` are the alerts that fire now, `accepted` the last status of each alert that was ever
    answered with 2xx.
    """

    def __init__(self, alertname: str, service: str, random: Random) -> None:
        self.labels = {"alertname": alertname, "service": service}
        self.key = f'{alertname.lower()}{{service="{service}"}}'
        self.firing: dict[str, dict[str, Any]] = {}
        self.accepted: dict[str, str] = {}
        self.posts = 0
        self.retries = 0
        self._random = random
        self._made = 0

    async def run(self, router: RouterProcess, over: asyncio.Event) -> None:
        """Change alerts, send them and pause until time is up; then resolve half of the groups."""
        while not over.is_set():
            await self._tell(router, self._change())
            await asyncio.sleep(self._random.uniform(0.005, 0.05))
        ended = self._resolve(self.firing) if self._random.random() < 0.5 else []
        await self._tell(router, ended)

    def _change(self) -> list[dict[str, Any]]:
        """Something fires, or something ends, or nothing changes; the alerts that have ended."""
        what = self._random.random()
        if what < 0.4 and len(self.firing) < MOST:
            self._fire()
        elif what < 0.6:
            return self._resolve([name for name in self.firing if self._random.random() < 0.5])
        elif what < 0.7:
            return self._resolve(self.firing)
        return []

    def _fire(self) -> None:
        self._made += 1
        name = f"{self.labels['service']}-{self._made}"
        labels = {**self.labels, "instance": name}
        self.firing[name] = {
            "status": "firing",
            "labels": labels,
            "annotations": {"value": self._random.choice(["0.02"] * 9 + ["0.3"])},
            "startsAt": _now(),
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": blake2b(repr(labels).encode(), digest_size=8).hexdigest(),
        }

    def _resolve(self, names: Iterable[str]) -> list[dict[str, Any]]:
        return [
            {**self.firing.pop(name), "status": "resolved", "endsAt": _now()}
            for name in list(names)
        ]

    async def _tell(self, router: RouterProcess, ended: list[dict[str, Any]]) -> None:
        alerts = [*self.firing.values(), *ended]
        if not alerts:
            return
        body = {
            "version": "4",
            "groupKey": self.key,
            "status": "firing",
            "groupLabels": self.labels,
            "alerts": alerts,
        }
        self.posts += 1
        while (answer := await answered(router, "/webhooks/alertmanager", body)) is None:
            self.retries += 1
        assert answer == (200, {"accepted": len(alerts), "errors": []})
        self.accepted |= {alert["labels"]["instance"]: alert["status"] for alert in alerts}


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
