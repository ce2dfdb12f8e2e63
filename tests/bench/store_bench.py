"""Speed of the SQLite store: `python -m tests.bench.store_bench`.

Medians, with an idle and with a busy event loop.
"""

# ruff: noqa: T201 - a bench prints

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import uvloop

from router.core.incident.snapshot import ReadPlan, Writes
from router.model.decision import Entry
from router.model.reason import Reason
from router.store import SqlStore, open_store
from tests.store.examples import NOW, alert, incident, rule_match

ROUNDS = 15
BUSY = 0.002  # seconds that each turn of the busy loop keeps the interpreter


def changes(first: int, rows: int, version: int) -> Writes:
    """`rows` new alerts and as many timeline entries, in ten incidents."""
    made = Writes(incidents={i: incident(i, version=version) for i in range(1, 11)})
    labels = {f"label{i}": f"value{i}" for i in range(8)}
    for i in range(first, first + rows):
        about = alert(
            f"{i:016x}",
            labels=labels,
            annotations={"summary": "Payments fail " * 4, "value": "0.2"},
        )
        made.rule_matches[about.fingerprint, "r"] = (
            rule_match(about.fingerprint, incident_id=i % 10 + 1),
            about,
        )
        made.entries.append(
            Entry(i % 10 + 1, NOW, Reason.JOINED, data={"fingerprint": about.fingerprint})
        )
    return made


async def median(work: Iterator[Callable[[], Awaitable[object]]]) -> float:
    """Seconds that one takes."""
    times = []
    for one in work:
        started = time.perf_counter()
        await one()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


async def measure(store: SqlStore, first: int, label: str) -> None:
    for rows in (100, 800):
        base = (
            1
            + (await store.load(ReadPlan(incident_ids=[1])))
            .incidents.get(1, incident(version=0))
            .version
        )
        some = [changes(first + i * rows, rows, base + i) for i in range(ROUNDS)]
        took = await median((lambda c=c: store.save(c)) for c in some)
        first += ROUNDS * rows
        print(
            f"{label}: save of {rows} matches, {rows} entries: {took * 1e3:6.1f} ms "
            f"{rows / took:8.0f} alerts/s"
        )
        wanted = ReadPlan(fingerprints=[f"{i:016x}" for i in range(first - rows, first)])
        took = await median((lambda w=wanted: store.load(w)) for _ in range(ROUNDS))
        print(
            f"{label}: load of {rows} fingerprints:       {took * 1e3:6.1f} ms "
            f"{rows / took:8.0f} alerts/s"
        )


async def busy() -> None:
    """Simulate the daemon's own work."""
    while True:
        end = time.perf_counter() + BUSY
        while time.perf_counter() < end:
            pass
        await asyncio.sleep(0)


async def bench() -> None:
    with tempfile.TemporaryDirectory(dir=".") as folder:
        store = await open_store(f"sqlite:///{Path(folder) / 'bench.db'}")
        await measure(store, 0, "idle")
        for interval in (0.005, 0.0005):
            sys.setswitchinterval(interval)
            beside = asyncio.create_task(busy())
            await measure(store, int(1e9 * interval), f"busy, switch interval {interval}")
            beside.cancel()
        await store.close()


def main() -> None:
    uvloop.run(bench())


if __name__ == "__main__":
    main()
