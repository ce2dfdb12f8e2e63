"""`GET /api/v2/alerts` and `/api/v2/alerts/groups`."""

import asyncio
from collections.abc import AsyncIterator, Callable

from aiohttp import web
from msgspec import UNSET

from router.core.alertmanager.active import (
    RECEIVER,
    ActiveAlert,
    AlertFilter,
    active_alerts,
    grouped,
)
from router.core.incident.settings import Settings
from router.core.rules.matcher import Matcher, MatchOp, parse_matchers
from router.model.alert import Alert, RuleMatch
from router.ports.clock import Clock
from router.ports.store import Store
from router.web.alertmanager.failure import Refused, answered
from router.web.alertmanager.wire import AlertGroup, AlertStatus, GettableAlert, Named
from router.web.api.content import MAX_PAGE, answer, open_incidents
from router.web.api.views import exactly
from router.web.auth import Role, caller

TRUE = frozenset({"true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"})
"""Spellings of true in a query, as go-openapi reads them; all other text is false."""

FLAGS = ("active", "silenced", "inhibited", "unprocessed", "muted")


class ShownAlerts:
    """Reads the store only."""

    def __init__(self, store: Store, clock: Clock, settings: Callable[[], Settings]) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v2/alerts", answered(self.alerts)),
            web.get("/api/v2/alerts/groups", answered(self.groups)),
        ]

    async def alerts(self, request: web.Request) -> web.Response:
        """Raises: Unauthorized, Refused, StoreUnavailable."""
        caller(request, Role.VIEWER, in_browser=True)
        wanted = _filter(request)
        return answer([_alert(alert) for alert in await self._active() if wanted.has(alert)])

    async def groups(self, request: web.Request) -> web.Response:
        """Raises: as `alerts`."""
        caller(request, Role.VIEWER, in_browser=True)
        groups = grouped(await self._active(), _filter(request))
        return answer(
            [
                AlertGroup(dict(group.labels), Named(group.receiver), [*map(_alert, alerts)])
                for group, alerts in groups.items()
            ]
        )

    async def _active(self) -> list[ActiveAlert]:
        """Raises: StoreUnavailable."""
        stored = [alert async for alert in self._stored()]
        incidents = [incident async for incident in open_incidents(self._store)]
        # In a thread: thousands of alerts take a while, and webhooks must not wait for it.
        return await asyncio.to_thread(
            active_alerts, stored, incidents, self._settings(), self._clock.now()
        )

    async def _stored(self) -> AsyncIterator[tuple[RuleMatch, Alert]]:
        after = ""
        while page := await self._store.alerts(firing=True, after=after, limit=MAX_PAGE):
            for row in page:
                yield row.rule_match, row.alert
            after = page[-1].rule_match.fingerprint


def _filter(request: web.Request) -> AlertFilter:
    """Raises: Refused."""
    query = request.query
    flags = {name: query[name].lower() in TRUE for name in FLAGS if query.get(name)}
    return AlertFilter(
        tuple(matcher for text in query.getall("filter", []) for matcher in parsed_filter(text)),
        _receiver(query.get(RECEIVER, "")),
        **flags,
    )


def parsed_filter(text: str) -> tuple[Matcher, ...]:
    """Raises: Refused."""
    try:
        return parse_matchers(text)
    except ValueError as error:
        raise Refused(web.HTTPBadRequest.status_code, f"bad matcher format: {error}") from None


def _receiver(pattern: str) -> Matcher | None:
    """Raises: Refused."""
    if not pattern:
        return None
    try:
        return Matcher(RECEIVER, MatchOp.MATCHES, pattern)
    except ValueError as error:
        text = f"failed to parse receiver param: {error}"
        raise Refused(web.HTTPBadRequest.status_code, text) from None


def _alert(alert: ActiveAlert) -> GettableAlert:
    return GettableAlert(
        annotations=dict(alert.annotations),
        ends_at=exactly(alert.ends_at),
        fingerprint=alert.fingerprint,
        receivers=[Named(name) for name in alert.receivers],
        starts_at=exactly(alert.starts_at),
        status=AlertStatus(
            alert.state, list(alert.silenced_by), list(alert.inhibited_by), list(alert.muted_by)
        ),
        updated_at=exactly(alert.updated_at),
        generator_url=alert.url or UNSET,
        labels=dict(alert.labels),
    )
