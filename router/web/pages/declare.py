"""`/incidents/new`: open an incident by hand."""

from collections.abc import Mapping
from typing import Any, ClassVar

from aiohttp import web

from router.model.incident import Severity
from router.ports.errors import InvalidInput
from router.web.api.content import LONGEST_TEXT, form
from router.web.api.incidents import IncidentApi, ReportBody
from router.web.api.operation import Call
from router.web.auth import Role, identify
from router.web.pages.incident_forms import sender_name
from router.web.pages.screen import Screen, Typed


class Declare(Screen):
    """Shows the form, and opens the incident or joins the open one with that title."""

    path: ClassVar[str] = "/incidents/new"
    template: ClassVar[str] = "declare.html"

    def __init__(self, api: IncidentApi) -> None:
        self._api = api

    def routes(self) -> list[web.RouteDef]:
        return [*super().routes(), web.post(self.path, self.open)]

    async def content(self, request: web.Request) -> Mapping[str, Any]:
        return {"severities": [*Severity], "longest": LONGEST_TEXT}

    async def open(self, request: web.Request) -> web.Response:
        """Redirect to the incident. Raises: aiohttp's 403 and 413."""
        identify(request, Role.RESPONDER, in_browser=True)
        filled = await form(request)
        try:
            opened = await self._api.open_incident(
                Call(request, sender_name(request)), body(filled)
            )
        except InvalidInput as error:
            return await self.show(request, Typed(filled, error.detail, error.pointer.strip("/")))
        incident = opened.value.incident
        if incident is None:
            return await self.show(request, Typed(filled, "No rule matches these labels."))
        raise web.HTTPSeeOther(f"/incidents/{incident.id}")


def body(filled: Mapping[str, str]) -> ReportBody:
    """Return the report that a form makes. Raises: InvalidInput."""
    severity = filled.get("severity", "")
    labels = dict(label(line) for line in filled.get("labels", "").splitlines() if line.strip())
    return ReportBody(
        title=filled.get("title", ""),
        severity=Severity(severity) if severity in [*Severity] else None,
        description=filled.get("description", "")[:LONGEST_TEXT],
        labels={**labels, **({"service": filled["service"]} if filled.get("service") else {})},
    )


def label(line: str) -> tuple[str, str]:
    """Return the name and the value of `service=api`. Raises: InvalidInput."""
    name, separator, value = line.partition("=")
    if not separator or not name.strip():
        raise InvalidInput(f"expected name=value, not '{line.strip()}'", "/labels")
    return name.strip(), value.strip().strip('"')
