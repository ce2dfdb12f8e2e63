"""Grafana OnCall's integration URLs: `/integrations/v1/TYPE/TOKEN/`.

https://grafana.com/docs/oncall/latest/configure/integrations/. OnCall is archived. Its users can
keep their URLs and only change the host.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from router.config.secret import Secret
from router.model.alert import Alert, AlertStatus
from router.ports.errors import InvalidInput, Unauthorized
from router.ports.webhooks import CommandResult, Incoming, Received, Receiver, WebhookAnswer
from router.receivers.alertmanager import AlertmanagerConfig, AlertmanagerReceiver, GrafanaReceiver
from router.receivers.credentials import owner_of, require_keys
from router.receivers.details import details
from router.receivers.limits import within_limits
from router.receivers.source import Source, clean, decode, kept, member, shortened, text
from router.receivers.times import UNKNOWN
from router.receivers.webhook import WebhookReceiver, WebhookSourceConfig
from router.receivers.wire_alert import WireAlert

ALERTMANAGER = ("alertmanager", "legacy_alertmanager", "alertmanagerV2")
GRAFANA = ("grafana", "grafana_alerting", "legacy_grafana_alerting")
SNS = "amazon_sns"
HEARTBEAT = "heartbeat"
"""The last part or the type in the URL of an integration's heartbeat.

A request to it is a beat of the router's heartbeat that has the integration's name.
"""

OVER = {"ok", "resolved"}
"""States of resolved alerts, in lower case. In any other state an alert fires, as in OnCall."""

_USED = ("title", "ruleName", "message", "image_url", "imageUrl")

_BODY = msgspec.json.Decoder()


class OnCallConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """integrations: the tokens in the URLs, by integration."""

    integrations: dict[str, tuple[Secret, ...]]

    def __post_init__(self) -> None:
        require_keys("integrations", self.integrations)


class OnCallReceiver(Source):
    """Reads a payload according to the type in its URL."""

    kind = "oncall"
    max_body = None
    methods = frozenset({"GET", "POST"})

    def __init__(self, name: str, config: OnCallConfig) -> None:
        super().__init__(name)
        self._integrations = config.integrations

    def admit(self, incoming: Incoming) -> bool:
        """Raises: Unauthorized."""
        if not self._integration(incoming):
            raise Unauthorized("the token in the URL is missing or unknown")
        return True

    def verify(self, incoming: Incoming, now: float) -> None:
        """Raises: Unauthorized."""
        self.admit(incoming)

    def decode(self, incoming: Incoming, now: float) -> Received:
        """Read the alerts, each with the label `integration`. Raises: InvalidInput."""
        type_, _, is_heartbeat = _steps(incoming)
        integration = self._integration(incoming)
        if is_heartbeat:
            return Received(beats=[integration])
        body = decode(_BODY, clean(incoming.body))
        if (inner := _inner(type_, body, f"{self.name}:{integration}")) is None:
            return self._plain(body, integration)
        received = inner.decode(incoming, now)
        return replace(received, alerts=[self._of(integration, alert) for alert in received.alerts])

    def reply(
        self, incoming: Incoming, received: Received, results: Sequence[CommandResult], now: float
    ) -> WebhookAnswer | None:
        """Answer as OnCall does. The standard answer lists errors."""
        if received.errors:
            return None
        return WebhookAnswer(200, b'"Ok."', "application/json")

    def _integration(self, incoming: Incoming) -> str:
        return owner_of(_steps(incoming)[1], self._integrations)

    def _of(self, integration: str, alert: Alert) -> Alert:
        labels = kept(integration=integration) | alert.labels
        return replace(alert, source=self.name, labels=labels)

    def _plain(self, body: object, integration: str) -> Received:
        """One alert, by the fields of a formatted webhook. Raises: InvalidInput."""
        if not isinstance(body, dict):
            raise InvalidInput("Expected an object")
        warnings: list[InvalidInput] = []
        wire = within_limits(_wire(body, integration), warnings)
        identity = text(body.get("alert_uid")) or wire.labels["alertname"]
        alert = Alert(
            source=self.name,
            fingerprint=f"{self.name}:{shortened(f'{integration}/{identity}')}",
            status=wire.status,
            labels=wire.labels,
            annotations=wire.annotations,
            starts_at=wire.starts_at,
            url=wire.url,
        )
        return Received([alert], warnings=warnings)


def _steps(incoming: Incoming) -> tuple[str, str, bool]:
    """The type, the token, and whether the URL is that of a heartbeat."""
    steps = [step for step in incoming.segment.split("/") if step]
    is_heartbeat = steps[-1:] == [HEARTBEAT]
    *_, type_, token = ["", "", *(steps[:-1] if is_heartbeat else steps)]
    return type_, token, is_heartbeat or type_ == HEARTBEAT


def _inner(type_: str, body: object, name: str) -> Receiver | None:
    """The receiver of another type of source that can read this payload, if there is one."""
    has_alerts = isinstance(member(body, "alerts"), list)
    if has_alerts and type_ in GRAFANA:
        return GrafanaReceiver(name, AlertmanagerConfig(insecure=True))
    if type_ in ALERTMANAGER or (has_alerts and not type_):
        return AlertmanagerReceiver(name, AlertmanagerConfig(insecure=True))
    if type_ == SNS:
        return WebhookReceiver(name, WebhookSourceConfig(insecure=True, preset="sns-cloudwatch"))
    return None


def _wire(body: Mapping[str, Any], integration: str) -> WireAlert:
    """An alert of a formatted webhook, of Grafana's legacy alerting, or of any object."""
    message = text(body.get("message"))
    title = text(body.get("ruleName")) or text(body.get("title")) or message or integration
    states = {text(body.get(name)).lower() for name in ("state", "status")}
    others = {name: value for name, value in body.items() if name not in _USED}
    return WireAlert(
        status=AlertStatus.RESOLVED if states & OVER else AlertStatus.FIRING,
        labels={"alertname": title or "webhook"}
        | kept(severity=body.get("severity"), integration=integration),
        annotations=details(others)
        | kept(
            summary=text(body.get("title")) or title,
            description=message,
            image_url=text(body.get("image_url")) or body.get("imageUrl"),
            **_value(body.get("evalMatches")),
        ),
        starts_at=UNKNOWN,
        url=_first(body, "link_to_upstream_details", "ruleUrl", "url"),
    )


def _value(matches: object) -> dict[str, object]:
    """The value of Grafana's legacy alerting, if there is only one."""
    matched = matches if isinstance(matches, list) else []
    return {"value": member(matched[0], "value")} if len(matched) == 1 else {}


def _first(body: Mapping[str, Any], *names: str) -> str:
    return next(filter(None, (text(body.get(name)) for name in names)), "")
