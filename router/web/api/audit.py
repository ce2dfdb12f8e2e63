"""The audit log over the API."""

from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from router.ports.errors import InvalidInput
from router.web.access.audit import AuditLog
from router.web.api.content import Limit, Time, limited
from router.web.api.operation import operation, routes
from router.web.api.views import exactly
from router.web.auth import Role


class AuditQuery(Struct, frozen=True):
    """The filter and the page."""

    by: Annotated[str, Meta(description="Only the changes of this person.")] = ""
    before: Annotated[str, Meta(description="`next` of the previous page.")] = ""
    limit: Limit = 100


class AuditView(Struct, frozen=True):
    """A change. `incident` is the incident whose timeline has it, or null."""

    at: Time
    by: str
    what: str
    address: str
    incident: int | None


class AuditList(Struct, frozen=True):
    """Changes, newest first. `next` is `before` of the next page; null on the last page."""

    entries: list[AuditView]
    next: str | None


class AuditApi:
    """Shows the log to admins."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @operation("GET", "/audit", "List who changed what, newest first.", Role.ADMIN)
    async def list_changes(self, query: AuditQuery) -> AuditList:
        try:
            found, more = await self._audit.page(
                by=query.by, before=query.before, limit=limited(query.limit)
            )
        except ValueError:
            raise InvalidInput("?before= takes `next` of the previous page", "/before") from None
        views = [
            AuditView(
                exactly(entry.at), entry.by, entry.what, entry.address, entry.incident or None
            )
            for entry in found
        ]
        return AuditList(views, more or None)
