"""Action items over the API: added, changed and done."""

from collections.abc import Callable
from datetime import datetime, time
from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from router.config.config_file import ConfigFile
from router.config.people import moment_at
from router.core.incident.follow_up import find_item
from router.core.oncall.recipients import People
from router.core.text.plain import plain
from router.model.event import ItemPut
from router.model.incident import Incident
from router.model.postmortem import Item
from router.model.reason import Reason
from router.model.scalars import Moment
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.services import Inbox
from router.ports.store import Store
from router.web.api.content import Time, idempotency_key, incident_named
from router.web.api.names import warnings_about
from router.web.api.operation import Answer, Call, operation, routes
from router.web.api.views import exactly, when
from router.web.auth import Role

LONGEST = 300
MOST = 50
"""Maximum action items of an incident, which are stored with it."""

END_OF_DAY = time(17)
"""The hour of items that are due on a day, in the company's time zone."""


class ItemBody(Struct, frozen=True, forbid_unknown_fields=True):
    """An action item, or the changes of one. Fields that are null stay as they are."""

    text: Annotated[str | None, Meta(description="The task.")] = None
    owner: Annotated[str | None, Meta(description="Without it, the sender of the request.")] = None
    due: Annotated[
        str | None, Meta(description="A day, `2026-12-01`, or a time with its offset.")
    ] = None
    done: bool | None = None


class ActionItemView(Struct, frozen=True):
    """An action item."""

    number: int
    text: str
    owner: str
    due_at: Time
    overdue: bool
    done: bool
    done_at: Time | None
    done_by: str | None
    added_at: Time
    added_by: str


class ActionItemList(Struct, frozen=True):
    """The action items of an incident."""

    items: list[ActionItemView]


class ActionItemResult(Struct, frozen=True):
    """The outcome, and the action item after it. `warnings`: an owner who is unknown."""

    outcome: Reason
    item: ActionItemView
    warnings: list[str] = []


class ItemPaths:
    """Submits action items as events."""

    def __init__(
        self,
        store: Store,
        inbox: Inbox,
        clock: Clock,
        *,
        config_file: Callable[[], ConfigFile],
        people: Callable[[], People],
    ) -> None:
        self._people = people
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._config_file = config_file

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @operation("GET", "/incidents/{id}/items", "List the action items.")
    async def list_items(self, call: Call) -> ActionItemList:
        incident = await incident_named(call.request, self._store)
        return ActionItemList([view(item, self._clock.now()) for item in incident.items])

    @operation(
        "POST",
        "/incidents/{id}/items",
        "Add an action item.",
        Role.RESPONDER,
        statuses=(HTTPStatus.CREATED, HTTPStatus.OK),
        headers=("Idempotency-Key",),
    )
    async def add_item(self, call: Call, body: ItemBody) -> Answer[ActionItemResult]:
        """A repetition with the same `Idempotency-Key` has no effect. Raises: InvalidInput."""
        incident = await incident_named(call.request, self._store)
        key = idempotency_key(call.request)
        (reason,) = await self._inbox.submit([self.event(incident, body, call.by, key=key)])
        after = await incident_named(call.request, self._store)
        item = next(item for item in after.items if item.key == key)
        status = HTTPStatus.CREATED if reason is Reason.ITEM_ADDED else HTTPStatus.OK
        return Answer(self._result(reason, item, body), status)

    @operation("POST", "/incidents/{id}/items/{number}", "Change an action item.", Role.RESPONDER)
    async def change_item(self, call: Call, body: ItemBody) -> ActionItemResult:
        incident = await incident_named(call.request, self._store)
        number = item_named(call.request, incident).number
        (reason,) = await self._inbox.submit([self.event(incident, body, call.by, number)])
        after = item_named(call.request, await incident_named(call.request, self._store))
        return self._result(reason, after, body)

    def _result(self, reason: Reason, item: Item, given: ItemBody) -> ActionItemResult:
        warnings = warnings_about(plain(given.owner or ""), self._people())
        return ActionItemResult(reason, view(item, self._clock.now()), warnings)

    def event(
        self, incident: Incident, given: ItemBody, by: str, number: int = 0, key: str = ""
    ) -> ItemPut:
        """Return the event to submit; `number` 0 is a new item. Raises: InvalidInput."""
        text, owner = _line("text", given.text), _line("owner", given.owner)
        now = self._clock.now()
        due_at = self._due(given.due)
        if not number and not text:
            raise InvalidInput("give the text: the task", "/text")
        if not number and len(incident.items) >= MOST:
            raise InvalidInput(f"an incident has at most {MOST} action items", "/text")
        if not number and due_at is None:
            due_at = now + self._config_file().postmortems.items_due
        return ItemPut(now, incident.id, by, number, text, owner, due_at, given.done, key)

    def _due(self, text: str | None) -> float | None:
        if not text:
            return None
        try:
            at = Moment(datetime.fromisoformat(text))
            if len(text) == len("2026-12-01"):
                at = Moment(datetime.combine(at, END_OF_DAY))
            return moment_at(at, self._config_file().company.time_zone)
        except (ValueError, OverflowError):
            detail = "expected a day like 2026-12-01, or a time like 2026-12-01T12:00Z"
            raise InvalidInput(detail, "/due") from None


def _line(name: str, text: str | None) -> str | None:
    """Return the text on one line; None if it is missing or blank. Raises: InvalidInput."""
    if text is None:
        return None
    text = plain(text)
    if len(text) > LONGEST:
        raise InvalidInput(f"at most {LONGEST} characters", f"/{name}")
    return text or None


def item_named(request: web.Request, incident: Incident) -> Item:
    """Find the action item of the path. Raises: aiohttp's HTTPNotFound."""
    text = request.match_info["number"]
    valid = text.isascii() and text.isdigit() and len(text) < 10
    found = find_item(incident, int(text)) if valid else None
    if found is None:
        raise web.HTTPNotFound(text=f"{incident.name} has no action item {text}")
    return found


def view(item: Item, now: float) -> ActionItemView:
    return ActionItemView(
        number=item.number,
        text=item.text,
        owner=item.owner,
        due_at=exactly(item.due_at),
        overdue=item.is_open and item.due_at < now,
        done=not item.is_open,
        done_at=when(item.done_at),
        done_by=item.done_by or None,
        added_at=exactly(item.added_at),
        added_by=item.added_by,
    )
