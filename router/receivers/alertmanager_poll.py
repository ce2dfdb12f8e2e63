"""Asks Alertmanager for its alerts, and finds those whose webhook was lost.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import aiohttp
from msgspec import Struct
from msgspec.structs import replace

from router.config.fields import HttpUrl
from router.config.secret import Secret
from router.core.rules.fingerprint import fingerprint
from router.model.alert import Alert, AlertStatus
from router.ports.errors import InvalidInput
from router.ports.reconcile import CompareFailed
from router.ports.store import AlertRow
from router.receivers.credentials import Basic
from router.receivers.fetch import basic_or_bearer, fetch
from router.receivers.wire_alert import WireAlert, read_alert

LATE = 600.0
"""Seconds until a webhook counts as lost: Alertmanager groups alerts and retries."""


class AlertmanagerPoll(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The Alertmanager to compare with.

    receiver: the name of its receiver that sends to the router; without it, all alerts are
    compared. At most one of `bearer_token` and `basic` may be given.
    """

    url: HttpUrl
    receiver: str = ""
    bearer_token: Secret | None = None
    basic: Basic | None = None

    def __post_init__(self) -> None:
        if self.bearer_token and self.basic:
            raise ValueError("give either bearer_token or basic")


class AlertmanagerPoller:
    """Finds missed alerts. `identify` returns an alert's fingerprint, as the source computes it."""

    def __init__(
        self,
        name: str,
        config: AlertmanagerPoll,
        session: aiohttp.ClientSession,
        identify: Callable[[str], str],
    ) -> None:
        self._name = name
        self._config = config
        self._session = session
        self._identify = identify
        self._missing: set[str] = set()

    async def missed(self, known: Sequence[AlertRow], now: float) -> Sequence[Alert]:
        """Return alerts that fire there but not here, and alerts that ended there.

        A restarted Alertmanager has no alerts for a while, so an alert has ended only if it was
        also missing in the poll before. Raises: CompareFailed.
        """
        there = {alert.fingerprint: alert for alert in self._read(await self._alerts())}
        firing = {
            row.alert.fingerprint: row
            for row in known
            if row.rule_match.status is AlertStatus.FIRING
        }
        started = [
            alert
            for alert in there.values()
            if alert.status is AlertStatus.FIRING
            and alert.fingerprint not in firing
            and now - alert.starts_at > LATE
        ]
        missing = {
            key
            for key, row in firing.items()
            if key not in there and now - row.rule_match.starts_at > LATE
        }
        over = missing & self._missing
        self._missing = missing
        ended = [
            replace(firing[key].alert, status=AlertStatus.RESOLVED, ends_at=None)
            for key in sorted(over)
        ]
        return [*started, *ended]

    async def _alerts(self) -> list[dict[str, Any]]:
        config = self._config
        headers = basic_or_bearer(config.basic, config.bearer_token)
        query = {"receiver": f"^(?:{re.escape(config.receiver)})$"} if config.receiver else {}
        url = f"{str(config.url).rstrip('/')}/api/v2/alerts"
        found = await fetch(self._session, url, list[dict[str, Any]], headers, query)
        if found is None:
            raise CompareFailed("HTTP 404: the URL is not that of an Alertmanager")
        return found

    def _read(self, contents: Sequence[Mapping[str, Any]]) -> Iterator[Alert]:
        """Read the alerts. Those that Alertmanager mutes count as not firing."""
        for content in contents:
            try:
                wire = read_alert({**content, "status": "firing"}, [])
            except InvalidInput:
                continue  # the webhook's receiver reports unreadable alerts
            yield self._alert(wire, content)

    def _alert(self, wire: WireAlert, content: Mapping[str, Any]) -> Alert:
        status = content.get("status")
        active = isinstance(status, dict) and status.get("state") == "active"
        identity = wire.fingerprint or fingerprint(wire.labels)
        return Alert(
            source=self._name,
            fingerprint=self._identify(identity),
            status=AlertStatus.FIRING if active else AlertStatus.RESOLVED,
            labels=wire.labels,
            annotations=wire.annotations,
            starts_at=wire.starts_at,
            url=wire.url,
        )
