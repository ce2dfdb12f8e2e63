"""`GET /api/v2/alerts` and `/api/v2/alerts/groups`."""

import asyncio
from collections.abc import Callable

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
from router.core.rules.matcher import Matcher, MatchOp
from router.ports.clock import Clock
from router.ports.store import Store
from router.web.alertmanager.failure import Refused, answered
from router.web.alertmanager.filters import flags, parsed_filter
from router.web.alertmanager.wire import AlertGroup, AlertStatus, GettableAlert, Named
from router.web.api.content import answer, firing_alerts, open_incidents
from router.web.api.views import exactly
from router.web.auth import Role, caller

FLAGS = ("active", "silenced", "inhibited", "unprocessed", "muted")
RECEIVER_LABELS = "receiver_matchers"


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
        stored = [(row.rule_match, row.alert) async for row in firing_alerts(self._store)]
        incidents = [incident async for incident in open_incidents(self._store)]
        # Computed in a thread: thousands of alerts take a while, and webhooks must not wait.
        return await asyncio.to_thread(
            active_alerts, stored, incidents, self._settings(), self._clock.now()
        )


def _filter(request: web.Request) -> AlertFilter:
    """Raises: Refused."""
    return AlertFilter(
        parsed_filter(request, "filter"),
        _receiver(request.query.get(RECEIVER, "")),
        **flags(request, FLAGS),
        receiver_labels=parsed_filter(request, RECEIVER_LABELS),
    )


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
