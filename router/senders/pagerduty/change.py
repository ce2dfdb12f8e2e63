"""PagerDuty's change events: deployments shown with a service's incidents. They notify nobody.

https://developer.pagerduty.com/docs/send-change-event. PagerDuty keeps them for 90 days. They have
no dedup_key.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

from router.core.text.plain import plain
from router.model.deployment import Deployment
from router.model.notification import Result, Retry
from router.senders.http import open_session, post

MAX_SUMMARY = 1024
"""Characters, https://developer.pagerduty.com/docs/send-change-event."""

THROTTLED = "HTTP 429"
THROTTLED_WAIT = 30.0
"""Seconds to wait after a 429, which has no Retry-After."""


async def announce(
    deployment: Deployment, url: str, routing_key: str, *, seconds: float, now: float
) -> Result:
    """Send the deployment."""
    body = msgspec.json.encode({"routing_key": routing_key, **change(deployment)})
    headers = {"Content-Type": "application/json", "User-Agent": "alert-router"}
    async with open_session() as session:
        result, _ = await post(
            session,
            f"{url.rstrip('/')}/v2/change/enqueue",
            body=body,
            headers=headers,
            timeout=seconds,
            idempotent=True,
            now=now,
        )
    if isinstance(result, Retry) and result.after is None and result.reason.startswith(THROTTLED):
        return Retry(result.reason, THROTTLED_WAIT)
    return result


def change(deployment: Deployment) -> dict[str, Any]:
    """The content of the event."""
    where = f" to {plain(deployment.environment)}" if deployment.environment else ""
    by = f" by {plain(deployment.author)}" if deployment.author else ""
    services = ", ".join(map(plain, deployment.services))
    details = {
        "Services": services,
        "Version": plain(deployment.version),
        "Commit": plain(deployment.commit),
        "Before": plain(deployment.previous),
        "Repository": plain(deployment.repository),
        "Branch": plain(deployment.branch),
        "Environment": plain(deployment.environment),
    }
    links = {"What changed": deployment.compare, "Deployment": deployment.url}
    return {
        "payload": {
            "summary": f"{services}: {plain(deployment.name)} deployed{where}{by}"[:MAX_SUMMARY],
            "timestamp": datetime.fromtimestamp(deployment.at, UTC).isoformat(
                timespec="milliseconds"
            ),
            "source": plain(deployment.source) or "alert-router",
            "custom_details": {name: value for name, value in details.items() if value},
        },
        "links": [
            {"href": url, "text": name} for name, url in links.items() if url.startswith("https://")
        ],
    }
