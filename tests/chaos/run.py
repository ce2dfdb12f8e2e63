"""One run: routers, providers, load and nemesis, then peace, then the verdict.

python -m tests.chaos.run sqlite|postgresql: with CHAOS_SEED, CHAOS_SECONDS and CHAOS_KILLS from the
environment. Prints the figures as JSON; exits with 1 if there is a violation.
"""

import asyncio
import json
import os
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from time import time
from typing import Any

import msgspec
from msgspec import Struct

from tests.acceptance.groups import NO_ANSWER
from tests.acceptance.record import Record, read
from tests.acceptance.slack_double import CHANNEL, TOKEN
from tests.chaos.cluster import Cluster, Database, Providers, Replica, providers
from tests.chaos.ledger import Run, Verdict, check
from tests.chaos.load import Load
from tests.chaos.nemesis import ENDED, Nemesis
from tests.peers import Postgres
from tests.senders.test_webhook import SECRET
from tests.senders.twilio_double import ACCOUNT, NUMBER, SENDER

STEPS = (0.0, 1.0, 2.5)
"""Seconds after the opening."""

GRACE = 5.0
"""Seconds for which a step may be late after its due time, or after the restart."""

TIMEOUT = "1s"
LONG = 240.0
"""Seconds of faults of a run by hand."""

SHOWN = 20
"""Violations of each kind that a run by hand prints; its folder has all."""

SETTLED_WITHIN = 120.0
"""Seconds from the last fault until nothing is queued."""

FIGURES = "figures.json"
"""In the folder of a run by hand; `table` reads it."""

LOOK = 0.1
"""Seconds between two looks at the machine's lag."""


class Settings(Struct, frozen=True):
    """seconds: of faults, unless `kills` are done before."""

    database: str
    seed: int
    seconds: float
    kills: int | None = None

    @classmethod
    def of(cls, database: str, seconds: float) -> "Settings":
        """From the environment."""
        kills = os.environ.get("CHAOS_KILLS")
        return cls(
            database,
            int(os.environ.get("CHAOS_SEED", secrets.randbits(32))),
            float(os.environ.get("CHAOS_SECONDS", seconds)),
            int(kills) if kills else None,
        )


class Figures(Struct, frozen=True):
    settings: Settings
    faults: dict[str, int]
    provider_faults: dict[str, int]
    alerts: int
    incidents: int
    arrivals: int
    violations: dict[str, int]
    marked_doubles: int
    overtaken: int
    latest_step: float
    machine_lag: dict[str, float]


class MachineLag:
    """How long this process waits for the processor, which the routers share with other work.

    A router that gets no processor is late in the same way, so a late step is compared with this.
    """

    def __init__(self) -> None:
        self._found: list[float] = []

    async def measure(self) -> None:
        """Until cancelled."""
        while True:
            before = time()
            await asyncio.sleep(LOOK)
            self._found.append(time() - before - LOOK)

    @property
    def figures(self) -> dict[str, float]:
        """Seconds that all but one in a hundred looks stay below, and the longest."""
        ordered = sorted(self._found) or [0.0]
        return {
            "p99": round(ordered[len(ordered) * 99 // 100], 2),
            "max": round(ordered[-1], 2),
        }


async def run(settings: Settings, folder: Path) -> tuple[Figures, Verdict]:
    """Raises: TimeoutError if messages are still queued after the faults."""
    async with (
        providers(folder, settings.seed) as doubles,
        _cluster(settings, folder, doubles) as cluster,
    ):
        load = Load(cluster, settings.seed)
        nemesis = Nemesis(cluster, settings.seed, settings.kills)
        over, lag = asyncio.Event(), MachineLag()
        async with asyncio.TaskGroup() as tasks:
            measuring = tasks.create_task(lag.measure())
            tasks.create_task(load.run(over))
            await nemesis.run(settings.seconds)
            over.set()
            measuring.cancel()
        faults = await doubles.calm()
        ended_at = time()
        await _settled(cluster)
        record, arrivals = await _read(cluster), await doubles.arrivals()
        found = Run(
            incidents=record.incidents,
            alerts=record.alerts,
            arrivals=arrivals,
            accepted=load.accepted,
            answers=load.answers,
            outages=cluster.outages,
            steps=STEPS,
            grace=GRACE,
            over=ended_at,
        )
    verdict = check(found)
    (folder / "ledger.json").write_bytes(msgspec.json.encode((found, verdict.violations)))
    figures = Figures(
        settings=settings,
        faults=dict(nemesis.done),
        provider_faults=dict(faults),
        alerts=len(found.accepted),
        incidents=len(record.incidents),
        arrivals=len(arrivals),
        violations=verdict.counts,
        marked_doubles=verdict.marked_doubles,
        overtaken=verdict.overtaken,
        latest_step=round(verdict.latest_step, 2),
        machine_lag=lag.figures,
    )
    return figures, verdict


@asynccontextmanager
async def _cluster(settings: Settings, folder: Path, doubles: Providers) -> AsyncIterator[Cluster]:
    """One router on SQLite, or three on PostgreSQL."""
    async with AsyncExitStack() as stack:
        url, count, database = "", 1, None
        if settings.database == "postgresql":
            server = stack.enter_context(Postgres())
            await server.sync()
            url, count = await stack.enter_async_context(server.database()), 3
            database = Database(url, server)
        folders = [folder / f"replica-{n}" for n in range(count)]
        for path in folders:
            path.mkdir(exist_ok=True)
        starting = [
            stack.enter_async_context(Replica(path, config(folder, doubles), storage=url))
            for path in folders
        ]
        replicas = await asyncio.gather(*starting)
        yield Cluster(replicas, database)


async def _settled(cluster: Cluster) -> None:
    """Wait until no message is queued and every policy of an open incident is at its end."""
    random, end = Random(0), time() + SETTLED_WITHIN
    while queued := (await cluster.get("/api/v1/notifications", random, state="pending"))[
        "notifications"
    ]:
        if time() > end:
            raise TimeoutError(f"still queued after {SETTLED_WITHIN:g} s: {queued}")
        await asyncio.sleep(0.5)
    await asyncio.sleep(max(0.0, STEPS[-1] + 1))
    if (await cluster.get("/api/v1/notifications", random, state="pending"))["notifications"]:
        await _settled(cluster)


async def _read(cluster: Cluster) -> Record:
    for _ in range(10):
        try:
            return await read(cluster.replicas[0])
        except NO_ANSWER:
            await asyncio.sleep(1)
    return await read(cluster.replicas[0])


def config(folder: Path, doubles: Providers) -> dict[str, Any]:
    (folder / "rules.yaml").write_text(
        "rules: [{name: page, match: ['alertname=Page'], severity: P1, group_by: [service], "
        "flapping: {changes: 0}}]"
    )
    twilio = {"account_sid": ACCOUNT, "auth_token": "s3cret", "from": SENDER}
    smtp = {"host": "127.0.0.1", "port": doubles.smtp, "starttls": False}
    return {
        "rules": [str(folder / "rules.yaml")],
        "sources": {"alertmanager": {"insecure": True}, "twilio": {"auth_token": "s3cret"}},
        "channels": {
            "slack": _channel(
                "slack", token=TOKEN, channel=CHANNEL, api_url=f"{doubles.url}/api/"
            ),
            "hook": _channel("webhook", url=f"{doubles.url}/hook", secret=SECRET),
            "pager": _channel("pagerduty", routing_key="k" * 32, api_url=doubles.url),
            "text": _channel("sms", **twilio, api_url=doubles.url, callback_url=doubles.url),
            "mail": _channel("email", **{"smtp": smtp, "from": "router@example.com"}),
        },
        "contacts": {
            "ana": {"name": "Ana", "phone": NUMBER, "reach": [{"via": "text"}]},
            "ben": {"name": "Ben", "email": "ben@example.com", "reach": [{"via": "mail"}]},
        },
        "severities": {name: {"policy": "all"} for name in ("P0", "P1", "P2", "P3")},
        "policies": {"all": {"steps": [
            {"notify": ["channel:slack", "channel:hook", "channel:pager"]},
            _step(STEPS[1], "contact:ana", "contact:ben"),
            _step(STEPS[2], "channel:hook"),
        ]}},
        "reopen_within": "10s",
    }  # fmt: skip


def _channel(kind: str, **options: Any) -> dict[str, Any]:
    return {"type": kind, "timeout": TIMEOUT, **options}


def _step(after: float, *targets: str) -> dict[str, Any]:
    return {
        "after": f"{after * 1000:.0f}ms",
        "unless": "acknowledged",
        "notify": list(targets),
    }


def main(database: str) -> int:
    folder = Path(os.environ.get("CHAOS_FOLDER") or tempfile.mkdtemp(prefix="chaos-"))
    folder.mkdir(exist_ok=True)
    if any(folder.iterdir()):
        sys.exit(f"{folder} has files of another run, whose incidents would be checked too")
    settings = Settings.of(database, LONG)
    sys.stderr.write(f"CHAOS_SEED={settings.seed}; kept in {folder}\n")
    figures, verdict = asyncio.run(run(settings, folder))
    (folder / FIGURES).write_bytes(msgspec.json.encode(figures))
    sys.stdout.write(f"{json.dumps(msgspec.to_builtins(figures), indent=1)}\n")
    for kind, found in verdict.violations.items():
        sys.stdout.writelines(f"{kind}: {finding}\n" for finding in found[:SHOWN])
    return int(any(verdict.counts.values()) or ENDED in figures.faults)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
