"""The few fields of Sentry's payloads that the router reads.

Fields that are not named here (the user, the request, breadcrumbs, stack traces) are never decoded.
Optional fields may be missing or have any type: a missing culprit must not lose the alert.
"""

from typing import Any

import msgspec
from msgspec import Struct, field


class Event(Struct):
    issue_id: Any = None
    issue_url: Any = None
    title: Any = None
    message: Any = None
    metadata: Any = None
    occurrence: Any = None
    culprit: Any = None
    level: Any = None
    platform: Any = None
    tags: Any = None
    url: Any = None
    web_url: Any = None
    datetime: Any = None
    timestamp: Any = None


class EventAlertData(Struct):
    event: Event
    triggered_rule: Any = None


class ErrorData(Struct):
    error: Event


class MetricAlert(Struct):
    id: Any = None
    title: Any = None
    projects: Any = None
    alert_rule: Any = None
    date_started: Any = None
    date_detected: Any = None
    date_created: Any = None
    date_closed: Any = None


class MetricData(Struct):
    metric_alert: MetricAlert
    description_title: Any = None
    description_text: Any = None
    web_url: Any = None


class Issue(Struct):
    id: Any = None
    short_id: Any = field(default=None, name="shortId")
    title: Any = None
    metadata: Any = None
    culprit: Any = None
    level: Any = None
    platform: Any = None
    substatus: Any = None
    issue_type: Any = field(default=None, name="issueType")
    issue_category: Any = field(default=None, name="issueCategory")
    priority: Any = None
    project: Any = None
    count: Any = None
    user_count: Any = field(default=None, name="userCount")
    web_url: Any = None
    permalink: Any = None
    last_seen: Any = field(default=None, name="lastSeen")
    first_seen: Any = field(default=None, name="firstSeen")


class IssueData(Struct):
    issue: Issue


class Plugin(Struct):
    id: Any = None
    project: Any = None
    project_slug: Any = None
    level: Any = None
    culprit: Any = None
    message: Any = None
    url: Any = None
    triggering_rules: Any = None
    event: Event | None = None


EVENT_ALERT = msgspec.json.Decoder(EventAlertData)
ERROR = msgspec.json.Decoder(ErrorData)
METRIC = msgspec.json.Decoder(MetricData)
ISSUE = msgspec.json.Decoder(IssueData)
PLUGIN = msgspec.json.Decoder(Plugin)
