"""Compares incidents at PagerDuty with the router's, to find commands whose webhook was lost.

https://developer.pagerduty.com/api-reference/9d0b4b12e36f9-list-incidents. The limit, 960 requests
a minute, is far above one request for each incident.
"""

from collections.abc import Sequence
from datetime import datetime

import aiohttp
from msgspec import Struct

from router.config.secret import Secret
from router.model.difference import DifferenceKind
from router.model.event import Command
from router.ports.reconcile import CompareFailed, Mismatch, Shown
from router.senders.calls import Calls, Failed, refusals

PERSON = "user_reference"
SUBJECT = "pagerduty:status"
"""The subject in `dated` of commands, as for PagerDuty's webhooks."""


class Agent(Struct, frozen=True):
    type: str = ""
    summary: str | None = None


class Remote(Struct, frozen=True):
    """An incident at PagerDuty."""

    status: str
    created_at: str = ""
    last_status_change_at: str | None = None
    last_status_change_by: Agent | None = None


class Page(Struct, frozen=True):
    incidents: list[Remote]


class Rest:
    """Reads from the REST API, with `seconds` for each request."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, key: Secret, seconds: float
    ) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._seconds = seconds
        self._headers = {
            "Authorization": f"Token token={key.reveal()}",
            "Accept": "application/vnd.pagerduty+json;version=2",
        }
        self._judge = refusals("error", hide=key.reveal(), now=0.0)

    async def incident(self, key: str) -> Remote | None:
        """The newest incident that has an alert with this dedup_key. Raises: Failed."""
        calls = Calls(
            self._session, self._url, self._headers, seconds=self._seconds, judge=self._judge
        )
        query = {"incident_key": key, "date_range": "all", "sort_by": "created_at:desc"}
        page = await calls.ask("GET", "/incidents", Page, idempotent=True, query=query)
        return max(page.incidents, key=lambda incident: incident.created_at, default=None)


async def compare_incidents(rest: Rest, shown: Sequence[Shown]) -> Sequence[Mismatch]:
    """Raises: CompareFailed."""
    try:
        found = [_compared(message, await rest.incident(message.ref)) for message in shown]
    except Failed as failure:
        raise CompareFailed(getattr(failure.result, "reason", "no answer")) from None
    return [mismatch for mismatch in found if mismatch]


def _compared(shown: Shown, there: Remote | None) -> Mismatch | None:
    incident = shown.incident
    if there is None:
        return Mismatch(incident.id, DifferenceKind.GONE) if incident.is_open else None
    match there.status:
        case "resolved" if incident.is_open:
            return _answered(incident.id, DifferenceKind.CLOSED_THERE, Command.RESOLVE, there)
        case "resolved":
            return None
        case _ if not incident.is_open:
            return Mismatch(incident.id, DifferenceKind.OPEN_THERE)
        case "acknowledged" if incident.acknowledged_at is None:
            return _answered(incident.id, DifferenceKind.ANSWERED_THERE, Command.ACKNOWLEDGE, there)
    return None


def _answered(incident_id: int, kind: DifferenceKind, command: Command, there: Remote) -> Mismatch:
    """Convert a person's change to a command. Changes by PagerDuty itself are only reported."""
    agent, at = there.last_status_change_by, _time(there.last_status_change_at)
    if agent is None or agent.type != PERSON:
        return Mismatch(incident_id, kind, resend=False)
    by = agent.summary or "somebody in PagerDuty"
    return Mismatch(incident_id, kind, command=command, by=by, dated=(SUBJECT, at) if at else None)


def _time(text: str | None) -> float:
    try:
        return datetime.fromisoformat(text or "").timestamp()
    except ValueError:
        return 0.0
