"""`/audit`: who changed what."""

from urllib.parse import urlencode

from aiohttp import web

from router.ports.errors import InvalidInput
from router.web.access.audit import AuditLog
from router.web.auth import Role, identify
from router.web.pages.frame import inside

SHOWN = 100
"""Lines per page."""


class AuditPage:
    """The audit log, a page for admins."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/audit", self.show_audit)]

    async def show_audit(self, request: web.Request) -> web.Response:
        identify(request, Role.ADMIN, in_browser=True)
        by, before = request.query.get("by", ""), request.query.get("before", "")
        try:
            rows, more = await self._audit.page(by=by, before=before, limit=SHOWN)
        except ValueError:
            raise InvalidInput("?before= takes the cursor of another page", "/before") from None
        older = urlencode({name: value for name, value in (("by", by), ("before", more)) if value})
        return inside(
            request,
            "audit.html",
            rows=rows,
            by=by,
            older=f"/audit?{older}" if more else "",
        )
