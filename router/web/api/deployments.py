"""Deployments over the API: recorded by deploy tools, and listed."""

import math
import secrets
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from router.model.deployment import Deployment, DeploymentFacts
from router.model.reason import Reason
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.services import DeploymentRecorder
from router.records.records import Records
from router.web.api.content import MAX_PAGE, Count, Limit, limited
from router.web.api.operation import Call, operation, routes
from router.web.api.views import DeploymentView
from router.web.api.views import deployment as view
from router.web.auth import Role

LONGEST = 500
"""Maximum characters of each text, since messages contain it."""


class DeploymentQuery(Struct, frozen=True):
    """The filters and the page."""

    service: Annotated[str, Meta(description="Only this service.")] = ""
    before: Annotated[Count, Meta(description="Only before this time, in UTC seconds.")] = 0
    after: Annotated[
        str,
        Meta(
            description="Only later rows: `next` of the previous page.",
            pattern=r"^([0-9.e-]+/.+)?$",
        ),
    ] = ""
    limit: Limit = 100


class DeploymentPage(Struct, frozen=True):
    """Deployments, newest first.

    `total` counts all that match, on all pages. `next` is `after` of the next page; null on the
    last page.
    """

    deployments: list[DeploymentView]
    total: int
    next: str | None


class DeploymentBody(DeploymentFacts, frozen=True, forbid_unknown_fields=True):
    """A deployment of `service`, or of the services that the config lists for `repository`.

    The same `id` again is the same deployment. `at` is RFC 3339; without it, now.
    """

    service: str = ""
    id: str = ""
    at: str = ""


class RecordedDeployment(Struct, frozen=True):
    """The outcome, and the deployment as it is known now."""

    outcome: Reason
    deployment: DeploymentView


class DeploymentApi:
    """`/api/v1/deployments`."""

    def __init__(
        self,
        deployments: Records[Deployment],
        recorder: DeploymentRecorder,
        clock: Clock,
    ) -> None:
        self._deployments = deployments
        self._recorder = recorder
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @operation("GET", "/deployments", "List deployments, newest first.")
    async def list_deployments(self, query: DeploymentQuery) -> DeploymentPage:
        until, limit = query.before or math.inf, limited(query.limit)
        matching = partial(self._matching, query.service, until)
        found = [deployment async for deployment in matching(_row(query.after), limit + 1)]
        if query.service:
            total = len([deployment async for deployment in matching()])
        else:
            total = await self._deployments.count(until=until)
        shown = found[:limit]
        following = f"{shown[-1].at!r}/{shown[-1].id}" if len(found) > limit else None
        return DeploymentPage([view(deployment) for deployment in shown], total, following)

    async def _matching(
        self,
        service: str,
        until: float,
        after: tuple[float, str] | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[Deployment]:
        """Yield deployments, newest first. The store cannot select by service, so all are read."""
        while found := await self._deployments.find(until=until, after=after, limit=MAX_PAGE):
            for key, deployment in found:
                if limit == 0:
                    return
                after = (deployment.at, key)
                if not service or service in deployment.services:
                    limit = None if limit is None else limit - 1
                    yield deployment

    @operation("POST", "/deployments", "Record a deployment.", Role.RESPONDER)
    async def record_deployment(self, call: Call, body: DeploymentBody) -> RecordedDeployment:
        reason, known = await self._recorder.record(self._deployment(body, call.by))
        if not known.services:
            raise InvalidInput(
                "give the service, or a repository of `deployments.services`", "/service"
            )
        return RecordedDeployment(reason, view(known))

    def _deployment(self, given: DeploymentBody, by: str) -> Deployment:
        for name in given.__struct_fields__:
            if len(getattr(given, name)) > LONGEST:
                raise InvalidInput(f"at most {LONGEST} characters", f"/{name}")
        facts = {name: getattr(given, name) for name in DeploymentFacts.__struct_fields__}
        return Deployment(
            id=f"api:{given.id or secrets.token_hex(8)}",
            at=self._at(given.at),
            source=f"api:{by}",
            services=(given.service,) if given.service else (),
            **facts | {"author": given.author or by},
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


def _row(cursor: str) -> tuple[float, str] | None:
    """Return the time and the id that a cursor names. Raises: InvalidInput."""
    at, _, key = cursor.partition("/")
    try:
        return (float(at), key) if cursor else None
    except ValueError:
        raise InvalidInput("?after= takes `next` of the previous page", "/after") from None
