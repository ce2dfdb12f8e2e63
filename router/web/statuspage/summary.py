"""The page for programs, in the shape of Statuspage's public API v2, which many tools can read.

https://www.atlassian.com/software/statuspage describes it for every page at `/api`.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit

from router.core.communication.notice import INDICATORS, Notice, Update
from router.core.communication.status_page import Page, Row, Work
from router.model.incident import Status
from router.model.statuspage import ComponentState
from router.web.api.views import when

DESCRIPTIONS = {
    ComponentState.OPERATIONAL: "All Systems Operational",
    ComponentState.MAINTENANCE: "Service Under Maintenance",
    ComponentState.DEGRADED: "Minor Service Outage",
    ComponentState.PARTIAL: "Partial System Outage",
    ComponentState.MAJOR: "Major Service Outage",
}
"""Statuspage's descriptions, which some programs compare."""

LATEST = 50
"""Incidents in `incidents.json`, as at Statuspage."""


def all_of(page: Page) -> Mapping[str, Mapping[str, Any]]:
    """Return each file by its name, without `.json`."""
    head = {"page": _page(page)}
    status = {
        "status": {"indicator": INDICATORS[page.state], "description": DESCRIPTIONS[page.state]}
    }
    components = {"components": _components(page)}
    maintenances = [_maintenance(page, work) for work in page.works]
    coming = [maintenance for maintenance in maintenances if maintenance["status"] != "completed"]
    return {
        "status": head | status,
        "components": head | components,
        "incidents": head
        | {"incidents": [_incident(page, notice) for notice in page.notices[:LATEST]]},
        "incidents/unresolved": head
        | {"incidents": [_incident(page, notice) for notice in page.active]},
        "scheduled-maintenances": head | {"scheduled_maintenances": maintenances},
        "summary": head
        | status
        | components
        | {
            "incidents": [_incident(page, notice) for notice in page.active],
            "scheduled_maintenances": coming,
        },
    }


def _page(page: Page) -> dict[str, Any]:
    plan = page.plan
    return {
        "id": _page_id(page),
        "name": plan.title,
        "url": plan.url,
        "time_zone": "Etc/UTC",
        "updated_at": when(page.changed_at),
    }


def _page_id(page: Page) -> str:
    return _short(urlsplit(page.plan.url).netloc)


def _short(name: str) -> str:
    """Return an id in the form of Statuspage. It is the same for the same name."""
    return blake2b(name.encode(), digest_size=6).hexdigest()


def _components(page: Page) -> list[dict[str, Any]]:
    """Return the components. Groups are components that contain others."""
    found: list[dict[str, Any]] = []
    for title, rows in page.groups:
        worst = max((row.state for row in rows), key=lambda state: state.rank)
        members = [_component(page, row, title) for row in rows]
        if title:
            group = _part(page, f"group {title}", title, worst, "", "")
            found.append(
                group | {"group": True, "components": [member["id"] for member in members]}
            )
        found += members
    return [document | {"position": number} for number, document in enumerate(found, 1)]


def _component(page: Page, row: Row, group: str) -> dict[str, Any]:
    component = row.component
    part = _part(page, component.name, component.title, row.state, component.description, group)
    return part | {"start_date": (when(component.since) or "")[:10] or None}


def _part(  # noqa: PLR0913, PLR0917 - a component's parts
    page: Page, name: str, title: str, state: ComponentState, description: str, group: str
) -> dict[str, Any]:
    return {
        "id": _short(name),
        "name": title,
        "status": state,
        "created_at": when(0.0),
        "updated_at": when(page.changed_at),
        "position": 0,
        "description": description or None,
        "showcase": True,
        "start_date": None,
        "group_id": _short(f"group {group}") if group else None,
        "group": False,
        "page_id": _page_id(page),
        "only_show_if_degraded": False,
    }


def _incident(page: Page, notice: Notice) -> dict[str, Any]:
    return {
        "id": str(notice.id),
        "name": notice.title,
        "status": notice.status,
        "impact": INDICATORS[notice.impact],
        "created_at": when(notice.published_at),
        "updated_at": when(notice.updated_at),
        "started_at": when(notice.started_at),
        "monitoring_at": when(notice.reached(Status.MONITORING)),
        "resolved_at": when(notice.reached(Status.RESOLVED)),
        "shortlink": f"{page.plan.url}/incidents/{notice.id}.html",
        "page_id": _page_id(page),
        "reminder_intervals": None,
        "incident_updates": [_update(page, notice, update) for update in notice.updates],
        "components": _affected(page, notice.components),
    }


def _update(page: Page, notice: Notice, update: Update) -> dict[str, Any]:
    new = ComponentState.OPERATIONAL if update.status is Status.RESOLVED else notice.impact
    affected = [
        {
            "code": component["id"],
            "name": component["name"],
            "old_status": notice.impact,
            "new_status": new,
        }
        for component in _affected(page, notice.components)
    ]
    return {
        "id": str(update.id),
        "status": update.status,
        "body": update.text,
        "incident_id": str(notice.id),
        "created_at": when(update.at),
        "updated_at": when(update.at),
        "display_at": when(update.at),
        "affected_components": affected,
        "deliver_notifications": True,
        "custom_tweet": None,
        "tweet_id": None,
    }


def _maintenance(page: Page, work: Work) -> dict[str, Any]:
    maintenance = work.maintenance
    update: dict[str, Any] = {
        "id": maintenance.id,
        "status": work.status,
        "body": "\n".join(work.paragraphs),
        "incident_id": maintenance.id,
        "created_at": when(maintenance.created_at),
        "updated_at": when(maintenance.updated_at),
        "display_at": when(maintenance.updated_at),
        "affected_components": [],
        "deliver_notifications": True,
        "custom_tweet": None,
        "tweet_id": None,
    }
    return {
        "id": maintenance.id,
        "name": work.title,
        "status": work.status,
        "impact": "maintenance",
        "created_at": when(maintenance.created_at),
        "updated_at": when(maintenance.updated_at),
        "started_at": when(maintenance.starts_at),
        "monitoring_at": None,
        "resolved_at": when(maintenance.ends_at) if work.status == "completed" else None,
        "shortlink": page.plan.url,
        "page_id": _page_id(page),
        "scheduled_for": when(maintenance.starts_at),
        "scheduled_until": when(maintenance.ends_at),
        "incident_updates": [update],
        "components": _affected(page, maintenance.components),
    }


def _affected(page: Page, names: Sequence[str]) -> list[dict[str, Any]]:
    return [
        _component(page, row, row.component.group)
        for row in page.rows
        if row.component.name in names
    ]
