"""The current status page: read from the store, and cached for a few seconds."""

import asyncio
from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

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
"""Seconds for which a page is shown before it's read again.

This process's own updates are shown at once.
"""

BARE = ""
"""The front page without a slash at the end of its path: its links start one folder higher."""


def maintenances(store: Store) -> Records[Maintenance]:
    """Return the records of maintenance, dated by its start."""
    return Records(store, "maintenance", Maintenance)


class Watched(Struct, frozen=True):
    """A component that the page has; its record is dated from its first data."""


def components(store: Store) -> Records[Watched]:
    """Return the records of the components, each dated from its first data."""
    return Records(store, "status_component", Watched)


async def read_page(store: Store, plan: StatusPlan, now: float) -> Page:
    """Return the page at `now`. Raises: StoreUnavailable.

    A component without `since` in the config has data since it was recorded, or else since the
    first published incident: nothing is claimed about the time before.
    """
    published = await store.published(now - plan.history)
    known = await _known(store)
    first = min((incident.incident.opened_at for incident in published), default=now)
    unknown = now if known else first
    dated = tuple(
        replace(component, since=known.get(component.name, unknown))
        if component.since is None
        else component
        for component in plan.components
    )
    found = await maintenances(store).find(since=now - 2 * plan.history)
    works = [maintenance for _, maintenance in found if not maintenance.cancelled]
    return make_page(replace(plan, components=dated), published, works, now)


async def _known(store: Store) -> dict[str, float]:
    found = await store.records("status_component", limit=10_000)
    return {record.id: record.at for record in found}


class Shown(Struct, frozen=True):
    """The page and its files, each with the time (UTC seconds) of its last change."""

    page: Page
    documents: Mapping[str, PageFile]
    since: Mapping[str, float]


class StatusPageCache:
    """Caches the page. `plan` is None while the config has no page."""

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
        self._of: StatusPlan | None = None
        self._recorded: set[str] = set()
        self._until = 0.0
        self._reading = asyncio.Lock()

    def forget(self) -> None:
        """Read the page again at the next request."""
        self._until = 0.0

    async def shown(self) -> Shown | None:
        """Return the page; None if there is none. While the store is away, the last page stays.

        Raises: StoreUnavailable.
        """
        plan = self._plan()
        if plan is None:
            return None
        async with self._reading:  # concurrent requests share one read
            if self._shown is None or self._clock.now() >= self._until:
                await self._read(plan)
        return self._shown

    async def record(self) -> None:
        """Record since when there is data, without making the page. Raises: StoreUnavailable."""
        if (plan := self._plan()) is not None:
            await self._recorded_page(plan)

    async def _recorded_page(self, plan: StatusPlan) -> Page:
        """Read the page, and record for each component when its data begin."""
        page = await read_page(self._store, plan, self._clock.now())
        for component in page.plan.components:
            if component.name not in self._recorded and component.since is not None:
                await components(self._store).add(component.name, Watched(), component.since)
                self._recorded.add(component.name)
        return page

    async def _read(self, plan: StatusPlan) -> None:
        now = self._clock.now()
        self._until = now + FRESH
        try:
            page = await self._recorded_page(plan)
        except StoreUnavailable as error:
            if self._shown is None or self._of != plan:
                raise
            log.warning("status_page_stale", error=str(error))
            return
        found = await asyncio.to_thread(_render, page, subscribe=self._subscribe())
        before = self._shown
        same = {
            path
            for path, document in found.items()
            if before and before.documents.get(path) == document
        }
        since = {path: before.since[path] if before and path in same else now for path in found}
        self._shown, self._of = Shown(page, found, since), plan


def _render(page: Page, *, subscribe: bool) -> dict[str, PageFile]:
    """Render all files of the page: some milliseconds, and 40 the first time."""
    bare = html.front(page, subscribe=subscribe, root="status/").encode()
    return {**documents(page, subscribe=subscribe), BARE: PageFile(bare, "text/html")}
