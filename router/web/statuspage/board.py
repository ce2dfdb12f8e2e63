"""What the page says now: read from the store, and kept for as long as it may be shown."""

import asyncio
from collections.abc import Callable, Mapping

from msgspec import Struct

from router.core.communication.status_page import Page, make_page
from router.model.statuspage import Maintenance, StatusPlan
from router.ports.clock import Clock
from router.ports.errors import StoreUnavailable
from router.ports.store import Store
from router.records.records import Records
from router.telemetry.logs import logger
from router.web.statuspage import html
from router.web.statuspage.documents import PageFile, documents

log = logger(__name__)

FRESH = 5.0
"""Seconds for which a page is shown before it's read anew.

What this process publishes is shown at once.
"""

BARE = ""
"""The front page as it's served without a slash at the end: its links begin a folder higher."""


def maintenances(store: Store) -> Records[Maintenance]:
    """Where maintenance is kept, by when it begins."""
    return Records(store, "maintenance", Maintenance)


async def read_page(store: Store, plan: StatusPlan, now: float) -> Page:
    """What the page says at `now`. Raises: StoreUnavailable."""
    published = await store.published(now - plan.history)
    found = await maintenances(store).find(since=now - 2 * plan.history)
    return make_page(plan, published, [one for _, one in found], now)


class Shown(Struct, frozen=True):
    """The page and its documents, and since when (UTC seconds) each has been as it is."""

    page: Page
    documents: Mapping[str, PageFile]
    since: Mapping[str, float]


class Board:
    """Keeps the documents of the page. `plan` is None while the config has no page."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        plan: Callable[[], StatusPlan | None],
        subscribe: Callable[[], bool],
    ) -> None:
        self._store = store
        self._clock = clock
        self._plan = plan
        self._subscribe = subscribe
        self._shown: Shown | None = None
        self._until = 0.0
        self._reading = asyncio.Lock()

    def forget(self) -> None:
        """Something was published, or the config has changed."""
        self._until = 0.0

    async def shown(self) -> Shown | None:
        """None: there's no page. What was shown last is shown on while the store is away.

        Raises: StoreUnavailable.
        """
        plan = self._plan()
        if plan is None:
            return None
        async with self._reading:  # however many ask, it's read once
            if self._shown is None or self._clock.now() >= self._until:
                await self._read(plan)
        return self._shown

    async def _read(self, plan: StatusPlan) -> None:
        now = self._clock.now()
        self._until = now + FRESH
        try:
            page = await read_page(self._store, plan, now)
        except StoreUnavailable as error:
            if self._shown is None or self._shown.page.plan != plan:
                raise
            log.warning("status_page_stale", error=str(error))
            return
        subscribe = self._subscribe()
        bare = html.front(page, subscribe=subscribe, root="status/").encode()
        found = {**documents(page, subscribe=subscribe), BARE: PageFile(bare, "text/html")}
        before = self._shown
        same = {path for path, one in found.items() if before and before.documents.get(path) == one}
        since = {path: before.since[path] if before and path in same else now for path in found}
        self._shown = Shown(page, found, since)
