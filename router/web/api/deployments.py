"""Deployments over the API: told by whatever deploys, and listed."""

import math
import secrets
from collections.abc import Callable
from datetime import datetime

from aiohttp import web
from msgspec import Struct
from msgspec.structs import asdict

from router.config.document import Auth
from router.model.deployment import Deployment, DeployOutcome
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.services import DeploymentRecorder
from router.records.records import Records
from router.web.api.content import answer, body, number
from router.web.api.views import deployment as view
from router.web.auth import Role, whoever

LONGEST = 500
"""Characters of each text: what is told here goes into messages."""

MAX_PAGE = 1_000


class DeploymentBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A deployment of `service`, or of what the config says that `repository` with `environment` or
    `branch` deploys.

    The same `id` again is the same deployment. `at` is RFC 3339; without it, now.
    """

    service: str = ""
    id: str = ""
    at: str = ""
    outcome: DeployOutcome = DeployOutcome.SUCCESS
    version: str = ""
    commit: str = ""
    previous: str = ""
    repository: str = ""
    environment: str = ""
    branch: str = ""
    author: str = ""
    url: str = ""
    compare: str = ""


class DeploymentPaths:
    """`/api/v1/deployments`."""

    def __init__(
        self,
        shelf: Records[Deployment],
        recorder: DeploymentRecorder,
        clock: Clock,
        *,
        auth: Callable[[], Auth],
    ) -> None:
        self._shelf = shelf
        self._recorder = recorder
        self._clock = clock
        self._auth = auth

    def routes(self) -> list[web.RouteDef]:
        base = "/api/v1/deployments"
        return [web.get(base, self.list_deployments), web.post(base, self.tell)]

    async def list_deployments(self, request: web.Request) -> web.Response:
        """Newest first; `before` (UTC seconds, whole) is a time to page from."""
        whoever(request, self._auth(), Role.VIEWER)
        service, before = request.query.get("service", ""), number(request, "before", 0)
        limit = max(1, min(number(request, "limit", 100), MAX_PAGE))
        found = await self._shelf.find(until=before or math.inf, limit=MAX_PAGE)
        shown = [one for _, one in found if not service or service in one.services]
        return answer({"deployments": [view(one) for one in shown[:limit]]})

    async def tell(self, request: web.Request) -> web.Response:
        """Raises: Bad."""
        by = whoever(request, self._auth(), Role.RESPONDER)
        told = await body(request, DeploymentBody)
        reason, known = await self._recorder.record(self._deployment(told, by))
        if not known.services:
            raise InvalidInput(
                "give the service, or a repository that `deployments.services` has", "/service"
            )
        return answer({"outcome": reason, "deployment": view(known)})

    def _deployment(self, told: DeploymentBody, by: str) -> Deployment:
        given = asdict(told)
        for name, value in given.items():
            if len(value) > LONGEST:
                raise InvalidInput(f"at most {LONGEST} characters", f"/{name}")
        for name in ("service", "at", "id"):
            given.pop(name)
        given["author"] = told.author or by
        services = (told.service,) if told.service else ()
        return Deployment(
            id=f"api:{told.id or secrets.token_hex(8)}",
            at=self._at(told.at),
            source=f"api:{by}",
            services=services,
            **given,
        )

    def _at(self, text: str) -> float:
        now = self._clock.now()
        try:
            at = datetime.fromisoformat(text) if text else None
        except ValueError:
            at = None
        if text and (at is None or at.tzinfo is None or at.timestamp() < 0):
            raise InvalidInput("expected a time like 2026-11-24T09:00:00Z", "/at")
        return min(at.timestamp(), now) if at else now
