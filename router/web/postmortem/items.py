"""`/api/v1/incidents/{id}/items`: action items, added, changed and done."""

from collections.abc import Callable
from datetime import datetime, time
from http import HTTPStatus
from typing import Any

from aiohttp import web
from msgspec import Struct

from router.config.document import Document
from router.config.people import moment_at
from router.config.times import Moment
from router.core.incident.follow_up import find_item
from router.core.text.plain import plain
from router.model.event import ItemPut
from router.model.incident import Incident
from router.model.postmortem import Item
from router.model.reason import Reason
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.services import Inbox
from router.ports.store import Store
from router.web.api.content import answer, body, idempotency_key, incident_named
from router.web.api.views import when
from router.web.auth import Role, whoever

LONGEST = 300
MOST = 50
"""Action items of one incident: nobody does more, and they're part of it."""

END_OF_DAY = time(17)
"""When something is due on a day, by the company's clock."""


class ItemBody(Struct, frozen=True, forbid_unknown_fields=True):
    """An action item, or what is to change of one.

    `due` is a day, `2026-12-01`, or a time with its offset.
    """

    text: str | None = None
    owner: str | None = None
    due: str | None = None
    done: bool | None = None


class ItemPaths:
    """Submits what people say of items."""

    def __init__(
        self, store: Store, inbox: Inbox, clock: Clock, *, document: Callable[[], Document]
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._document = document

    def routes(self) -> list[web.RouteDef]:
        base = "/api/v1/incidents/{id}/items"
        return [
            web.get(base, self.list_items),
            web.post(base, self.add),
            web.post(f"{base}/{{number}}", self.change),
        ]

    async def list_items(self, request: web.Request) -> web.Response:
        whoever(request, self._document().auth, Role.VIEWER)
        incident = await incident_named(request, self._store)
        return answer({"items": [view(item, self._clock.now()) for item in incident.items]})

    async def add(self, request: web.Request) -> web.Response:
        """The same `Idempotency-Key` again has no second effect. Raises: Bad."""
        by = whoever(request, self._document().auth, Role.RESPONDER)
        incident = await incident_named(request, self._store)
        given = await body(request, ItemBody)
        key = idempotency_key(request)
        event = self.event(incident, given, by, key=key)
        (reason,) = await self._inbox.submit([event])
        after = await incident_named(request, self._store)
        item = next(one for one in after.items if one.key == key)
        status = HTTPStatus.CREATED if reason is Reason.ITEM_ADDED else HTTPStatus.OK
        return answer({"outcome": reason, "item": view(item, self._clock.now())}, status)

    async def change(self, request: web.Request) -> web.Response:
        """Raises: Bad."""
        by = whoever(request, self._document().auth, Role.RESPONDER)
        incident = await incident_named(request, self._store)
        item = item_named(request, incident)
        (reason,) = await self._inbox.submit(
            [self.event(incident, await body(request, ItemBody), by, item.number)]
        )
        after = item_named(request, await incident_named(request, self._store))
        return answer({"outcome": reason, "item": view(after, self._clock.now())})

    def event(
        self, incident: Incident, given: ItemBody, by: str, number: int = 0, key: str = ""
    ) -> ItemPut:
        """What is to be submitted. Raises: Bad."""
        text, owner = _line("text", given.text), _line("owner", given.owner)
        now = self._clock.now()
        due_at = self._due(given.due)
        if not number and not text:
            raise InvalidInput("say what is to be done", "/text")
        if not number and len(incident.items) >= MOST:
            raise InvalidInput(
                f"an incident has at most {MOST} action items: keep them elsewhere", "/text"
            )
        if not number and due_at is None:
            due_at = now + self._document().postmortems.items_due
        return ItemPut(now, incident.id, by, number, text, owner, due_at, given.done, key)

    def _due(self, text: str | None) -> float | None:
        if not text:
            return None
        try:
            at = Moment(datetime.fromisoformat(text))
            if len(text) == len("2026-12-01"):
                at = Moment(datetime.combine(at, END_OF_DAY))
            return moment_at(at, self._document().company.time_zone)
        except (ValueError, OverflowError):
            raise InvalidInput(
                "expected a day like 2026-12-01, or a time like 2026-12-01T12:00Z", "/due"
            ) from None


def _line(name: str, text: str | None) -> str | None:
    """On one line; None where it isn't given. Raises: Bad."""
    if text is None:
        return None
    text = plain(text)
    if len(text) > LONGEST:
        raise InvalidInput(f"at most {LONGEST} characters", f"/{name}")
    return text or None


def item_named(request: web.Request, incident: Incident) -> Item:
    """Raises: aiohttp's HTTPNotFound."""
    text = request.match_info["number"]
    found = (
        find_item(incident, int(text))
        if text.isascii() and text.isdigit() and len(text) < 10
        else None
    )
    if found is None:
        raise web.HTTPNotFound(text=f"{incident.name} has no action item {text}")
    return found


def view(item: Item, now: float) -> dict[str, Any]:
    return {
        "number": item.number,
        "text": item.text,
        "owner": item.owner,
        "due_at": when(item.due_at),
        "overdue": item.is_open and item.due_at < now,
        "done": not item.is_open,
        "done_at": when(item.done_at),
        "done_by": item.done_by or None,
        "added_at": when(item.added_at),
        "added_by": item.added_by,
    }
