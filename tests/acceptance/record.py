"""Read everything the router has stored through its API, to the last page."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.acceptance.router_process import RouterProcess

PAGE = 1000


@dataclass(frozen=True)
class Record:
    """Incidents with their timelines and notifications, oldest first; alerts by their label
    `instance`.
    """

    incidents: list[dict[str, Any]]
    alerts: dict[str, dict[str, Any]]

    def of(self, key: str) -> list[dict[str, Any]]:
        """The incidents that ever were of a key."""
        return [incident for incident in self.incidents if incident["key"] == key]


async def read(router: RouterProcess) -> Record:
    incidents = [
        await router.get(f"/api/v1/incidents/{incident['id']}")
        for incident in await _incidents(router)
    ]
    alerts = {row["labels"]["instance"]: row for row in await _alerts(router)}
    return Record(incidents, alerts)


async def unfinished(router: RouterProcess) -> list[str]:
    """Unfinished work: quiet times and policies still running, and messages still to be sent."""
    still_open = (await router.get("/api/v1/incidents", open="true", limit=PAGE))["incidents"]
    timelines = {
        one["name"]: (await router.get(f"/api/v1/incidents/{one['id']}"))["timeline"]
        for one in still_open
    }
    queued = (await router.get("/api/v1/notifications", state="pending"))["notifications"]
    return [
        *(f"quiet of {one['name']}" for one in still_open if not one["firing"]),
        *(
            f"policy of {name}"
            for name, timeline in timelines.items()
            if not _has_escalated_to_the_end(timeline)
        ),
        *(
            f"message to {message['channel']} about INC-{message['incident']}"
            for message in queued
            if not _is_sent_once_more(message)
        ),
    ]


def _is_sent_once_more(message: dict[str, Any]) -> bool:
    """Report whether the address has the present state, and gets it again at the end of the horizon
    of an attempt whose answer was lost: that may be a quarter of an hour away.
    """
    due = datetime.fromisoformat(message["due_at"]) - datetime.now(UTC)
    return message["sent"] > 0 and due > timedelta(seconds=5)


def _has_escalated_to_the_end(timeline: list[dict[str, Any]]) -> bool:
    policy = [
        entry["what"]
        for entry in timeline
        if entry["what"] in {"opened", "reopened", "severity_raised", "steps_ended"}
    ]
    return policy[-1] == "steps_ended"


async def _incidents(router: RouterProcess) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    before = 0
    while page := (await router.get("/api/v1/incidents", before=before, limit=PAGE))["incidents"]:
        found += page
        before = page[-1]["id"]
    return found[::-1]


async def _alerts(router: RouterProcess) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = ""
    while page := (await router.get("/api/v1/alerts", after=after, limit=PAGE))["alerts"]:
        found += page
        after = page[-1]["fingerprint"]
    return found
