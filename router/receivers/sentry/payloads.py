"""Reads Sentry's payloads. `KINDS` is the table of kinds, with a small reader for each.

https://docs.sentry.io/organization/integrations/integration-platform/webhooks/
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from msgspec import Raw, Struct

from router.model.alert import AlertStatus
from router.ports.errors import InvalidInput
from router.receivers.sentry.evidence import evidence
from router.receivers.sentry.wire import ERROR, EVENT_ALERT, ISSUE, METRIC, PLUGIN, Event, Issue
from router.receivers.source import decode, joined, kept, member, tag, text
from router.receivers.times import first_epoch

_PROJECT = re.compile(r"/projects/[^/]+/([^/]+)/")
_ISSUE = re.compile(r"/issues/([0-9]+)(?:/|$)")
_ID_LENGTH = 64  # Sentry's ids are decimal numbers; an identity must be short


class SentryAlert(Struct, frozen=True):
    """An alert without its status. Times are None if the payload gives none.

    group_as: the issue's id, because its title may change from event to event.
    """

    fingerprint: str
    labels: dict[str, str]
    annotations: dict[str, str]
    url: str
    starts_at: float | None
    ends_at: float | None = None
    group_as: str = ""


def _event_alert(data: Raw, _action: str) -> SentryAlert:
    payload = decode(EVENT_ALERT, data, "/data")
    return _of_event(
        payload.event, "event_alert", "/data/event", triggered_rule=payload.triggered_rule
    )


def _error(data: Raw, _action: str) -> SentryAlert:
    return _of_event(decode(ERROR, data, "/data").error, "error", "/data/error")


def _of_event(event: Event, resource: str, at: str, **annotations: object) -> SentryAlert:
    issue_id = _identity(event.issue_id or _issue_in(event), f"{at}/issue_id")
    title = _title(event, issue_id)
    project = _PROJECT.search(text(event.url))
    category = member(event.occurrence, "issueCategory")
    return SentryAlert(
        fingerprint=f"issue:{issue_id}",
        labels=kept(
            alertname=title,
            project=project[1] if project else "",
            level=event.level,
            environment=tag(event.tags, "environment"),
            platform=event.platform,
            resource=resource,
            issue_id=issue_id,
            issue_category=category,
            issue_type=member(event.occurrence, "issueType") or member(event.occurrence, "type"),
        ),
        annotations=kept(summary=title, culprit=event.culprit, **annotations)
        | evidence(event.occurrence),
        url=text(event.web_url),
        starts_at=first_epoch(event.datetime, event.timestamp),
        group_as=f"issue {issue_id}",
    )


def _metric_alert(data: Raw, action: str) -> SentryAlert:
    payload = decode(METRIC, data, "/data")
    alert = payload.metric_alert
    alert_id = _identity(alert.id, "/data/metric_alert/id")
    name = (
        text(member(alert.alert_rule, "name"))
        or text(alert.title)
        or f"Sentry metric alert {alert_id}"
    )
    return SentryAlert(
        fingerprint=f"metric:{alert_id}",
        labels=kept(
            alertname=name,
            project=joined(alert.projects),
            environment=member(alert.alert_rule, "environment"),
            resource="metric_alert",
            severity=action if action in {"critical", "warning"} else "",
        ),
        annotations=kept(
            summary=text(payload.description_title) or name,
            # In Sentry's own examples, line ends are escaped twice.
            description=text(payload.description_text).replace("\\n", "\n"),
        ),
        url=text(payload.web_url),
        starts_at=first_epoch(alert.date_started, alert.date_detected, alert.date_created),
        ends_at=first_epoch(alert.date_closed),
    )


def _issue(data: Raw, _action: str) -> SentryAlert:
    issue = decode(ISSUE, data, "/data").issue
    issue_id = _identity(issue.id, "/data/issue/id")
    title = _title(issue, issue_id)
    return SentryAlert(
        fingerprint=f"issue:{issue_id}",
        labels=kept(
            alertname=title,
            project=member(issue.project, "slug"),
            level=issue.level,
            platform=issue.platform,
            substatus=issue.substatus,
            resource="issue",
            issue_id=issue_id,
            issue_category=issue.issue_category,
            issue_type=issue.issue_type,
            priority=issue.priority,
        ),
        annotations=kept(
            summary=title,
            culprit=issue.culprit,
            short_id=issue.short_id,
            count=issue.count,
            user_count=issue.user_count,
            permalink=issue.permalink,
        )
        | _issue_evidence(issue),
        url=text(issue.web_url) or text(issue.permalink),
        starts_at=first_epoch(issue.last_seen, issue.first_seen),
        group_as=f"issue {issue_id}",
    )


def _issue_evidence(issue: Issue) -> dict[str, str]:
    """The text of an outage or of feedback. An error's text is in its title."""
    value = text(member(issue.metadata, "value"))
    return {"evidence": value} if value and text(issue.issue_category) not in {"", "error"} else {}


def plugin(body: bytes) -> SentryAlert:
    """Read the payload of a project's legacy "WebHooks" plugin: an event of an issue.

    Raises: InvalidInput.
    """
    payload = decode(PLUGIN, body)
    event = payload.event or Event()
    issue_id = _identity(payload.id, "/id")
    title = text(event.title) or text(payload.message) or _title(event, issue_id)
    return SentryAlert(
        fingerprint=f"issue:{issue_id}",
        labels=kept(
            alertname=title,
            project=text(payload.project_slug) or text(payload.project),
            level=payload.level,
            environment=tag(event.tags, "environment"),
            platform=event.platform,
            resource="plugin",
            issue_id=issue_id,
        ),
        annotations=kept(
            summary=title, culprit=payload.culprit, triggered_rule=joined(payload.triggering_rules)
        ),
        url=text(payload.url),
        starts_at=first_epoch(event.datetime, event.timestamp),
        group_as=f"issue {issue_id}",
    )


class PayloadKind(NamedTuple):
    """A kind of payload, by the header `Sentry-Hook-Resource`.

    statuses: the status that each action reports. read: reads `data`, given the action. is_state:
    the payload reports a state, so the same content after another state is new, as when an issue is
    resolved, reopened and resolved.
    """

    statuses: Mapping[str, AlertStatus]
    read: Callable[[Raw, str], SentryAlert]
    is_state: bool = False


_FIRING, _RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED

KINDS: Mapping[str, PayloadKind] = {
    "event_alert": PayloadKind({"triggered": _FIRING}, _event_alert),
    "metric_alert": PayloadKind(
        {"critical": _FIRING, "warning": _FIRING, "open": _FIRING, "resolved": _RESOLVED},
        _metric_alert,
        is_state=True,
    ),
    "issue": PayloadKind(
        {
            "created": _FIRING,
            "unresolved": _FIRING,
            "resolved": _RESOLVED,
            "archived": _RESOLVED,
            "ignored": _RESOLVED,
        },
        _issue,
        is_state=True,
    ),
    "error": PayloadKind({"created": _FIRING}, _error),
}


def _issue_in(event: Event) -> str:
    """The issue's id from a URL: self-hosted Sentry before 22.2 sends no `issue_id`."""
    for url in (event.issue_url, event.web_url):
        if found := _ISSUE.search(text(url)):
            return found[1]
    return ""


def _identity(value: object, pointer: str) -> str:
    found = text(value)
    if not 0 < len(found) <= _ID_LENGTH:
        raise InvalidInput(
            "Missing: it identifies the alert" if not found else "Too long for an id", pointer
        )
    return found


def _title(of: Event | Issue, issue_id: str) -> str:
    """The title; without one, the type or message of the event or issue, or the issue's id."""
    candidates = [of.title, member(of.metadata, "title"), member(of.metadata, "type")]
    if isinstance(of, Event):
        candidates[1:1] = [member(of.occurrence, "issueTitle"), of.message]
    return next(filter(None, map(text, candidates)), f"Sentry issue {issue_id}")
