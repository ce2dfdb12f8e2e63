"""Dead man's switch: regular requests to an outside service show that the router works.

The service alerts when the requests stop. They stop when the process does, and also while the
process detects a fault of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import aiohttp
from msgspec import Struct

from router.model.event import TimerDue
from router.ports.clock import Clock
from router.ports.services import Inbox
from router.ports.store import Store
from router.records.records import Records
from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics

log = logger(__name__)

LATE = 60.0
"""Seconds by which a deadline may be overdue without being a fault."""

TIMEOUT = 10.0
"""Seconds for each check, and for the request."""

KIND, RECORD = "pulse", "last"
"""The kind of the record that is written to check that the store accepts writes."""

OUTCOMES = ("sent", "failed", "withheld")

NOBODY = 0
"""An id that no incident has."""


class Written(Struct, frozen=True):
    """A successful write at that time (UTC seconds)."""

    at: float


class DeadMansSwitch:
    """Calls `send` every `every` seconds, if there is no fault.

    `dead`: the loops that have ended.
    """

    def __init__(  # noqa: PLR0913 - the parts that it checks
        self,
        send: Callable[[], Awaitable[None]],
        every: float,
        store: Store,
        inbox: Inbox,
        *,
        clock: Clock,
        metrics: Metrics,
        dead: Callable[[], list[str]],
    ) -> None:
        self._send = send
        self._every = every
        self._store = store
        self._records = Records(store, KIND, Written)
        self._inbox = inbox
        self._clock = clock
        self._metrics = metrics
        self._dead = dead
        for outcome in OUTCOMES:  # a counter that first appears as 1 is invisible to rate()
            metrics.heartbeats_sent.labels(outcome)

    async def run(self) -> None:
        """Send requests until cancelled."""
        never = asyncio.Event()
        while True:
            await self.beat()
            await self._clock.wait(never, self._every)

    async def beat(self) -> None:
        """Send, or log why not. Never raises: the service reports the missing request."""
        if faults := await self.faults():
            self._count("withheld")
            log.warning("heartbeat_withheld", why=faults)
            return
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._send()
        except Exception as error:  # noqa: BLE001 - the router goes on; the text may hold the URL
            self._count("failed")
            why = getattr(error, "status", None) or type(error).__name__
            log.warning("heartbeat_failed", error=why)
        else:
            self._count("sent")

    async def faults(self) -> list[str]:
        """The faults of this process; [] if there are none."""
        checks = {
            "the store can't be written": self._can_write,
            "nothing can be committed": self._can_commit,
            "deadlines are late": self._is_in_time,
        }
        found = [f"{name} has ended" for name in self._dead()]
        return found + [fault for fault, check in checks.items() if not await _passes(check)]

    async def _can_write(self) -> bool:
        now = self._clock.now()
        return await self._records.change(RECORD, lambda _: Written(now), now) is not None

    async def _can_commit(self) -> bool:
        """Submit a deadline of a nonexistent incident: it's committed without an effect."""
        now = self._clock.now()
        return len(await self._inbox.submit([TimerDue(now, NOBODY, KIND, now)])) == 1

    async def _is_in_time(self) -> bool:
        return (await self._store.gauges(self._clock.now())).timers_overdue <= LATE

    def _count(self, outcome: str) -> None:
        self._metrics.heartbeats_sent.labels(outcome).inc()


async def _passes(check: Callable[[], Awaitable[bool]]) -> bool:
    try:
        async with asyncio.timeout(TIMEOUT):
            return await check()
    except Exception as error:  # noqa: BLE001 - a fault like any other
        log.warning("check_failed", error=str(error) or type(error).__name__)
        return False


def request(session: aiohttp.ClientSession, method: str, url: str) -> Callable[[], Awaitable[None]]:
    """Return a function that sends the request; any 2xx is success.

    Its errors may contain the URL, which is a secret.
    """

    async def send() -> None:
        async with session.request(method, url, allow_redirects=False) as answer:
            if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
                raise aiohttp.ClientResponseError(answer.request_info, (), status=answer.status)

    return send
