"""A router with a status page, and a way to publish on it."""

from typing import Any

from router.model.event import Recorded
from router.model.reason import Reason
from tests.daemon import Daemon, alert

PAGE: dict[str, Any] = {
    "title": "VintStreet status",
    "url": "https://status.example.com",
    "components": [
        {"name": "payments", "title": "Payments", "group": "Shop"},
        {"name": "search", "title": "Search", "description": "Finding things", "group": "Shop"},
    ],
}


async def opened(daemon: Daemon) -> int:
    """The number of an incident that just opened."""
    await daemon.alert(alert())
    (incident,) = (await daemon.get("/api/v1/incidents")).json["incidents"][:1]
    return int(incident["id"])


async def publish(
    daemon: Daemon, incident_id: int, text: str = "We are looking into it.", **data: Any
) -> None:
    """Publish a person's text."""
    said = {
        "text": text,
        "status": "investigating",
        "title": "Payment problems",
        "component": "payments",
    } | data
    at = daemon.clock.now()
    await daemon.app.parts.inbox.submit([Recorded(at, incident_id, Reason.PUBLISHED, "ana", said)])
    daemon.app.parts.publishing.page_cache.forget()
