"""Asks Sentry for its issues, because it never repeats a webhook that failed.

https://docs.sentry.io/api/events/list-an-organizations-issues/
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

import aiohttp
import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from router.config.fields import HttpUrl
from router.config.secret import Secret
from router.model.alert import Alert, AlertStatus
from router.ports.errors import InvalidInput
from router.ports.reconcile import CompareFailed
from router.ports.store import AlertRow
from router.receivers.fetch import bearer, fetch
from router.receivers.sentry.payloads import KINDS
from router.receivers.source import member, text
from router.receivers.times import first_epoch

LATE = 300.0
"""Seconds until an issue's webhook counts as lost."""

PAGE = "100"
"""Issues in one answer, Sentry's maximum."""

LOOKED_UP = 100
"""Maximum firing issues that one poll looks up by their ids; the next poll takes the next ones."""

ISSUE = "issue:"
"""The prefix of an issue's identity at its source."""


class SentryPoll(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The issues to compare with.

    organization: its slug. token: of the internal integration, with the scope `event:read`. query:
    selects the issues that the router must know, in Sentry's search syntax. url: of a self-hosted
    Sentry.
    """

    organization: str
    token: Secret
    query: str
    url: HttpUrl = HttpUrl("https://sentry.io")


class SentryPoller:
    """Finds issues whose webhook was lost."""

    def __init__(self, name: str, config: SentryPoll, session: aiohttp.ClientSession) -> None:
        self._name = name
        self._query = config.query
        self._session = session
        self._headers = bearer(config.token)
        base = str(config.url).rstrip("/")
        self._url = f"{base}/api/0/organizations/{config.organization}/issues/"
        self._looked_up = ""

    async def missed(self, known: Sequence[AlertRow], now: float) -> Sequence[Alert]:
        """Issues of the query that the router doesn't know, and firing issues that Sentry resolved.

        Raises: CompareFailed.
        """
        keys = {row.alert.fingerprint for row in known}
        started = [
            alert
            for alert in await self._issues(now)
            if alert.fingerprint not in keys and now - alert.starts_at > LATE
        ]
        prefix = f"{self._name}:{ISSUE}"
        firing = {
            row.alert.fingerprint: row
            for row in known
            if row.rule_match.status is AlertStatus.FIRING
            and row.alert.fingerprint.startswith(prefix)
        }
        ended = [await self._ended(firing[key], prefix) for key in self._turn(firing)]
        return [*started, *(alert for alert in ended if alert)]

    def _turn(self, keys: Iterable[str]) -> Sequence[str]:
        """The fingerprints to look up now, after those of the poll before."""
        ordered = sorted(keys, key=lambda key: (key <= self._looked_up, key))[:LOOKED_UP]
        self._looked_up = ordered[-1] if ordered else ""
        return ordered

    async def _issues(self, now: float) -> list[Alert]:
        query = {"query": self._query, "limit": PAGE, "sort": "new"}
        found = await fetch(self._session, self._url, list[Raw], self._headers, query)
        if found is None:
            raise CompareFailed("HTTP 404: no such organization, or the token does not see it")
        alerts = []
        for raw in found:
            try:
                alerts.append(self._alert(raw, now))
            except InvalidInput:
                continue  # an issue without an id
        return alerts

    def _alert(self, raw: Raw, now: float) -> Alert:
        """Raises: InvalidInput."""
        read = KINDS["issue"].read(Raw(msgspec.json.encode({"issue": raw})), "created")
        first = first_epoch(member(msgspec.json.decode(raw), "firstSeen"))
        digest = blake2b(bytes(raw), digest_size=16).hexdigest()
        return Alert(
            source=self._name,
            fingerprint=f"{self._name}:{read.fingerprint}",
            status=AlertStatus.FIRING,
            labels=read.labels,
            annotations=read.annotations,
            starts_at=first or read.starts_at or now,
            url=read.url,
            event_id=f"sentry:{digest}",
            is_state=True,
            group_as=read.group_as,
        )

    async def _ended(self, row: AlertRow, prefix: str) -> Alert | None:
        """The end of an alert whose issue is resolved, or gone. Raises: CompareFailed."""
        url = f"{self._url}{row.alert.fingerprint.removeprefix(prefix)}/"
        found = await fetch(self._session, url, dict[str, Any], self._headers, {})
        if found is not None and text(member(found, "status")) != "resolved":
            return None
        return replace(row.alert, status=AlertStatus.RESOLVED, ends_at=None)
