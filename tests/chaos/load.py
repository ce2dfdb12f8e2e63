"""Alerts that fire, end and come back, and people who acknowledge, until a run is over."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from random import Random
from typing import Any

from tests.chaos.cluster import Cluster
from tests.chaos.ledger import Accepted, Answer

AT_ONCE = 6
"""Services that have trouble at the same time."""

KEPT = {"acknowledged", "already_done"}


class Service:
    """One service in trouble: its alerts as Alertmanager reports them, and who acknowledges."""

    def __init__(self, number: int, seed: int) -> None:
        self.name = f"s{number}"
        self.key = f'page{{service="{self.name}"}}'
        self.accepted: dict[str, str] = {}
        self.answers: list[Answer] = []
        self._random = Random(f"{seed} service {number}")
        self._started: dict[str, str] = {}

    async def run(self, cluster: Cluster, over: asyncio.Event) -> None:
        """Without pauses once the run is over."""
        random = self._random

        async def pause(least: float, most: float) -> None:
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), random.uniform(least, most))

        names = [f"{self.name}-{n}" for n in range(random.choice([1, 1, 2]))]
        await self._report(cluster, names, "firing")
        for turn in range(random.choice([1, 1, 2])):
            await pause(0.2, 4)
            if random.random() < 0.6:
                await self._acknowledge(cluster, f"person-{self.name}-{turn}")
                await pause(0, 2)
            if random.random() < 0.1:
                return
            await self._report(cluster, names, "resolved")
            if turn == 0 and random.random() < 0.5:
                await pause(0, 1.5)
                await self._report(cluster, names, "firing")

    async def _report(self, cluster: Cluster, names: list[str], status: str) -> None:
        alerts = [self._alert(name, status) for name in names]
        body = {"version": "4", "status": status, "alerts": alerts}
        code, answer = await cluster.post("/webhooks/alertmanager", body, self._random)
        assert (code, answer["accepted"]) == (200, len(names)), answer
        self.accepted |= dict.fromkeys(names, status)

    def _alert(self, name: str, status: str) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        if status == "firing":
            self._started[name] = now
        return {
            "status": status,
            "labels": {"alertname": "Page", "service": self.name, "instance": name},
            "annotations": {},
            "startsAt": self._started[name],
            "endsAt": now if status == "resolved" else "0001-01-01T00:00:00Z",
            "fingerprint": name,
        }

    async def _acknowledge(self, cluster: Cluster, by: str) -> None:
        found = await cluster.get("/api/v1/incidents", self._random, limit=200)
        numbers = [incident["id"] for incident in found["incidents"] if incident["key"] == self.key]
        if not numbers:
            return
        path = f"/api/v1/incidents/{numbers[0]}/ack"
        code, answer = await cluster.post(path, {}, self._random, by)
        assert code in {200, 409}, answer
        if answer["outcome"] in KEPT:
            self.answers.append(Answer(numbers[0], by))


class Load:
    """All services of a run: `AT_ONCE` at a time, one after the other."""

    def __init__(self, cluster: Cluster, seed: int) -> None:
        self.services: list[Service] = []
        self._cluster = cluster
        self._seed = seed

    async def run(self, over: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(self._lane(over))

    async def _lane(self, over: asyncio.Event) -> None:
        while not over.is_set():
            service = Service(len(self.services), self._seed)
            self.services.append(service)
            await service.run(self._cluster, over)

    @property
    def accepted(self) -> list[Accepted]:
        return [
            Accepted(name, service.key, status)
            for service in self.services
            for name, status in service.accepted.items()
        ]

    @property
    def answers(self) -> list[Answer]:
        return [answer for service in self.services for answer in service.answers]
