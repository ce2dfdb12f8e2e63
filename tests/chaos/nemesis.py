"""Faults around the router: kills, stops, set clocks, a full disk, and a database in trouble."""

import asyncio
import os
import resource
import signal
from collections import Counter
from contextlib import suppress
from random import Random
from time import time

from tests.chaos.cluster import Cluster, Database, Replica

LONGEST_STOP = 7.0
"""Seconds. Longer than a replica that shares its database keeps its leases without a heartbeat."""

LONGEST_START = 1.0
"""Seconds between a start and a kill during it."""

LONGEST_TROUBLE = 3.0
"""Seconds of a database in trouble, or of a full disk."""


PAUSE = (8.0, 20.0)
"""Seconds between two faults of the database."""

LONGEST_LIFE = {1: 0.8, 3: 5.0}
"""Seconds between two faults of one replica, by the number of replicas."""

ENDED = "ended by itself"
"""A replica that no fault explains: no database that is away, and nothing else, may end one."""

STARTS = 20
"""Starts of a replica without success at which the run ends."""

AGAIN = 0.6
"""Probability that a replica is killed again while it starts."""

KILLS, STOPS = 0.9, 0.96
"""Shares of the faults of replicas, one upon the other; the rest fills the disk, or sets the clock
of a replica.
"""


class Nemesis:
    """A chain of faults for each replica, and one for the database. `done` counts the faults.

    So several replicas, or all, may be in trouble at the same time.
    """

    def __init__(self, cluster: Cluster, seed: int, kills: int | None) -> None:
        self.done: Counter[str] = Counter()
        self._cluster = cluster
        self._seed = seed
        self._kills = kills

    async def run(self, seconds: float) -> None:
        """Until the time is over, or so many kills are done. Everything runs afterwards."""
        end = time() + seconds
        async with asyncio.TaskGroup() as tasks:
            for index in range(len(self._cluster.replicas)):
                tasks.create_task(self._trouble_replica(index, end))
            if self._cluster.database:
                tasks.create_task(self._trouble_database(self._cluster.database, end))

    def _goes_on(self, end: float) -> bool:
        kills = self.done["kill"] + self.done["kill at the start"]
        enough = self._kills is not None and kills >= self._kills
        return time() < end and not enough

    async def _trouble_replica(self, index: int, end: float) -> None:
        random = Random(f"{self._seed} replica {index}")
        alone = self._cluster.database is None
        longest = LONGEST_LIFE[len(self._cluster.replicas)]
        while self._goes_on(end):
            await asyncio.sleep(random.uniform(0, longest))
            draw = random.random()
            if draw < KILLS:
                await self._kill(index, random)
            elif draw < STOPS:
                await self._stop(index, random.uniform(0.2, 2.0 if alone else LONGEST_STOP))
            elif not alone:
                self._set_clock(index)
            else:
                await self._fill_disk(index, random.uniform(0.2, LONGEST_TROUBLE))

    async def _kill(self, index: int, random: Random) -> None:
        """Sometimes again while it starts."""
        replica = self._cluster.replicas[index]
        self._cluster.mark(index, up=False)
        await self._end(replica)
        self.done["kill"] += 1
        await replica.spawn()
        while random.random() < AGAIN:
            await asyncio.sleep(random.uniform(0, LONGEST_START))
            await self._end(replica)
            self.done["kill at the start"] += 1
            await replica.spawn()
        await self._until_ready(replica)
        self._cluster.mark(index, up=True)

    async def _end(self, replica: Replica) -> None:
        try:
            await replica.kill()
        except AssertionError:  # its log says why
            self.done[ENDED] += 1

    async def _until_ready(self, replica: Replica) -> None:
        """Start it again if it ends, as a supervisor does."""
        for _ in range(STARTS):
            with suppress(RuntimeError):
                return await replica.until_ready()
            await replica.exit_code()
            self.done[ENDED] += 1
            await asyncio.sleep(0.5)
            await replica.spawn()
        raise RuntimeError(f"a replica can't start: see {replica.log}")

    async def _stop(self, index: int, duration: float) -> None:
        pid = self._cluster.replicas[index].pid
        self._cluster.mark(index, up=False)
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(duration)
        os.kill(pid, signal.SIGCONT)
        self._cluster.mark(index, up=True)
        self.done["stop"] += 1

    def _set_clock(self, index: int) -> None:
        """Set it by an hour, or right: see `nursery`. Each start finds another clock as well."""
        os.kill(self._cluster.replicas[index].pid, signal.SIGUSR1)
        self.done["clock set"] += 1

    async def _fill_disk(self, index: int, duration: float) -> None:
        """No file of the process may grow beyond a page, so that each write of SQLite's fails."""
        pid = self._cluster.replicas[index].pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        self._cluster.mark(index, up=False)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, hard))
        await asyncio.sleep(duration)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
        self._cluster.mark(index, up=True)
        self.done["full disk"] += 1

    async def _trouble_database(self, database: Database, end: float) -> None:
        random = Random(f"{self._seed} database")
        while self._goes_on(end):
            await asyncio.sleep(random.uniform(*PAUSE))
            fault = random.choice(["cut", "refuse", "freeze", "crash", "kill"])
            start, duration = time(), random.uniform(0.2, LONGEST_TROUBLE)
            match fault:
                case "cut":
                    await database.cut()
                case "refuse":
                    await database.refuse(duration)
                case "freeze":
                    await database.freeze(duration)
                case "crash":
                    await database.crash()
                case _:
                    await database.kill()
            self._cluster.outages.append((start, time()))
            self.done[f"database {fault}"] += 1
