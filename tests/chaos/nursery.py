"""The acceptance tests' nursery, with a router that waits less between attempts.

python -m tests.chaos.nursery CONFIG OUT LOG: the providers here process no request later than some
seconds after its receipt, and their faults last no longer than a run. So a run need not wait for
minutes until the last attempt, and until the last state is sent again.
"""

import os
import random
import runpy
import signal
import ssl
import sys
import time
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path

ARRIVES_WITHIN = 6.0
"""Seconds until an attempt can no longer arrive. More than `receivers.LATE`."""

SOON = 2.0
"""Seconds until the state is sent again for the first time."""

LONGEST = 8.0
"""Seconds between two attempts at most."""

HOUR = 3600.0


class HostClock:
    """The clock of a replica's host: at each start, and after each SIGUSR1, an hour off or right.

    On SQLite it stays right: the ledger compares the router's times with those of the providers.
    """

    def __init__(self) -> None:
        self._ahead = 0.0
        self._right = time.time

    def now(self) -> float:
        return self._right() + self._ahead

    def set(self, *_: object) -> None:
        self._ahead = random.choice((-HOUR, 0.0, HOUR))

    def begin(self) -> None:
        """Be the clock of all that is forked from now on."""
        vars(time)["time"] = self.now
        signal.signal(signal.SIGUSR1, self.set)
        os.register_at_fork(after_in_child=random.seed)
        os.register_at_fork(after_in_child=self.set)


WARM = (
    "aiosmtplib",
    "httpcore2",
    "router.store.schema_upgrade",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.ext.asyncio",
)
"""Imported before the fork: half of a start would be spent on them."""

if __name__ == "__main__":
    for name in WARM:
        import_module(name)
    # A start spends another third on reading certificates, which no provider here has.
    ssl.create_default_context = cache(ssl.create_default_context)
    ssl.create_default_context()
    vars(import_module("router.core.incident.delivery"))["ARRIVES_WITHIN"] = SOON
    wiring = vars(import_module("router.wiring.channels"))
    channel = wiring["Channel"]
    wiring["Channel"] = lambda *parts: replace(channel(*parts), arrives_within=ARRIVES_WITHIN)
    vars(import_module("router.core.outbox.backoff"))["LONGEST"] = LONGEST
    if "postgresql://" in Path(sys.argv[1]).read_text():
        HostClock().begin()
    runpy.run_module("tests.acceptance.nursery", run_name="__main__")
