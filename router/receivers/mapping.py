"""Expressions by which the generic webhook source reads a payload, and ready-made presets.

The payloads of the presets are described in the services' documentation:
https://cloud.google.com/monitoring/support/notification-options#webhooks
https://uptimerobot.com/help/webhooks
https://github.com/louislam/uptime-kuma/blob/master/server/notification-providers/webhook.js
https://docs.datadoghq.com/integrations/webhooks/
https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
https://docs.github.com/webhooks/webhook-events-and-payloads#workflow_run
"""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from router.config.expression import Expression

FIRING = (
    "firing",
    "alerting",
    "alarm",
    "open",
    "opened",
    "triggered",
    "down",
    "failed",
    "failure",
    "error",
)
RESOLVED = ("resolved", "ok", "closed", "up", "recovered", "success", "normal", "passed")


class AlertMapping(Struct, frozen=True, kw_only=True):
    """Expressions that read an alert. They can use the whole payload as `_root`.

    alerts: the alerts, a list or one object; without it the payload is one alert. status: compared
    with `firing`, `resolved` and `ignored`, in lower case; without it every alert fires.
    fingerprint: identifies an alert over time; without it the labels do. labels, annotations: an
    expression for each; an expression for `"*"` selects an object whose fields are all used.
    starts_at, ends_at: times; if a resolved alert has no `ends_at`, `starts_at` is its end.
    confirm: a URL to confirm a subscription, for which the sender asks.
    """

    alerts: Expression | None = None
    status: Expression | None = None
    firing: tuple[str, ...] = FIRING
    resolved: tuple[str, ...] = RESOLVED
    ignored: tuple[str, ...] = ()
    fingerprint: Expression | None = None
    labels: Mapping[str, Expression] = {}
    annotations: Mapping[str, Expression] = {}
    starts_at: Expression | None = None
    ends_at: Expression | None = None
    url: Expression | None = None
    confirm: Expression | None = None


def _all(**expressions: str) -> dict[str, Expression]:
    return {name: Expression.parse(text) for name, text in expressions.items()}


_E = Expression.parse

GOOGLE_CLOUD_MONITORING = AlertMapping(
    alerts=_E("incident"),
    status=_E("state"),
    firing=("open",),
    resolved=("closed",),
    fingerprint=_E("incident_id"),
    labels={"*": _E("resource.labels")}
    | _all(
        alertname="policy_name",
        condition="condition_name",
        severity="severity",
        resource="resource_name",
        resource_type="resource.type",
        metric="metric.type",
        project="scoping_project_id",
    ),
    annotations=_all(
        summary="summary",
        value="observed_value",
        threshold="threshold_value",
        description="documentation.content",
        condition="condition_name",
    ),
    starts_at=_E("started_at"),
    ends_at=_E("ended_at"),
    url=_E("url"),
)

UPTIMEROBOT = AlertMapping(
    status=_E("alertType"),
    firing=("1",),
    resolved=("2",),
    ignored=("3",),  # a certificate expires soon: no later message resolves that
    fingerprint=_E("monitorID || monitorURL"),
    labels=_all(alertname="monitorFriendlyName", monitor_url="monitorURL"),
    annotations=_all(
        summary="join(' ', [monitorFriendlyName || '?', 'is', alertTypeFriendlyName || 'down'])",
        description="alertDetails",
        duration="alertDuration",
    ),
    url=_E("monitorURL"),
)

UPTIME_KUMA = AlertMapping(
    status=_E("heartbeat.status"),
    firing=("0",),
    resolved=("1",),
    ignored=("2", "3", "", "null"),  # pending, maintenance, and messages without a monitor
    fingerprint=_E("to_string(heartbeat.monitorID || monitor.id)"),
    labels=_all(
        alertname="monitor.name",
        monitor_type="monitor.type",
        monitor_url="monitor.url || monitor.hostname",
    ),
    annotations=_all(summary="msg", description="heartbeat.msg"),
    starts_at=_E("heartbeat.time"),
    url=_E("monitor.url"),
)

DATADOG = AlertMapping(
    status=_E("alert_transition"),
    firing=("triggered", "re-triggered", "no data", "re-no data", "warn", "re-warn", "renotify"),
    resolved=("recovered", "warn recovered", "no data recovered"),
    ignored=("", "null"),
    fingerprint=_E("aggreg_key || alert_id"),
    labels=_all(
        alertname="alert_title || title",
        monitor="alert_id",
        scope="alert_scope",
        priority="alert_priority",
        metric="alert_metric",
        transition="alert_transition",
        host="hostname",
    ),
    annotations=_all(
        summary="title", description="body", status="alert_status", tags="tags", query="alert_query"
    ),
    starts_at=_E("date"),
    url=_E("link"),
)

SNS_CLOUDWATCH = AlertMapping(
    alerts=_E("parse_json(Message)"),
    status=_E("NewStateValue"),
    firing=("alarm",),
    resolved=("ok",),
    ignored=("insufficient_data",),  # without data, the alarm's state stays the same
    fingerprint=_E("AlarmArn || AlarmName"),
    labels=_all(
        alertname="AlarmName",
        region="Region",
        account="AWSAccountId",
        namespace="Trigger.Namespace",
        metric="Trigger.MetricName",
        dimensions="join(',', Trigger.Dimensions[].join('=', [name, value]) || `[]`)",
    ),
    annotations=_all(
        summary="AlarmDescription || AlarmName",
        description="NewStateReason",
        threshold="Trigger.Threshold",
        topic="_root.TopicArn",
    ),
    starts_at=_E("StateChangeTime"),
    confirm=_E("SubscribeURL"),
)

GITHUB_ACTIONS = AlertMapping(
    alerts=_E("workflow_run"),
    status=_E("conclusion"),
    firing=("failure", "timed_out", "startup_failure"),
    resolved=("success",),
    ignored=("", "null", "cancelled", "skipped", "neutral", "stale", "action_required"),
    fingerprint=_E(
        "join('/', [_root.repository.full_name || '', to_string(workflow_id), head_branch || ''])"
    ),
    labels=_all(
        alertname="name",
        repository="_root.repository.full_name",
        branch="head_branch",
        event="event",
        conclusion="conclusion",
    ),
    annotations=_all(
        summary="join(' ', [name || '?', conclusion, 'on', head_branch || '?'])",
        commit="head_sha",
        description="display_title",
        actor="actor.login",
        run="run_number",
    ),
    starts_at=_E("run_started_at"),
    ends_at=_E("updated_at"),
    url=_E("html_url"),
)

PRESETS: Mapping[str, AlertMapping] = MappingProxyType(
    {
        "google-cloud-monitoring": GOOGLE_CLOUD_MONITORING,
        "uptimerobot": UPTIMEROBOT,
        "uptime-kuma": UPTIME_KUMA,
        "datadog": DATADOG,
        "sns-cloudwatch": SNS_CLOUDWATCH,
        "github-actions": GITHUB_ACTIONS,
    }
)
