"""Alertmanager's webhook, version 4, and Grafana Alerting's, which extends it.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import ClientSession
from msgspec import Meta, Raw, Struct, field

from router.core.rules.fingerprint import fingerprint
from router.model.alert import Alert, AlertStatus
from router.ports.errors import InvalidInput
from router.ports.webhooks import Incoming, Received
from router.receivers.alertmanager_poll import AlertmanagerPoll, AlertmanagerPoller
from router.receivers.credentials import Credentials, check
from router.receivers.grafana import with_grafana
from router.receivers.limits import MAX_ALERT, MAX_ALERTS, MAX_FIELDS, SHORT, check_limits
from router.receivers.source import Source, clean, decode
from router.receivers.times import LATEST
from router.receivers.wire_alert import read_alert

DIGITS = 16
"""Hexadecimal digits of Alertmanager's and the router's fingerprints."""

VERSIONS = frozenset({"4", "1"})
"""Versions of the payload: 4 is Alertmanager's, 1 is Grafana's."""


class AlertmanagerConfig(Credentials, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Credentials that Alertmanager sends, configured in its `http_config`: exactly one of these.

    poll: also ask Alertmanager for its alerts, to find lost webhooks.
    """

    poll: AlertmanagerPoll | None = None


class GrafanaConfig(Credentials, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Credentials that Grafana sends, configured in its contact point: exactly one of these."""


Moment = Annotated[datetime, Meta(tz=True)]


class _Envelope(Struct, gc=False, rename="camel"):
    version: Any
    alerts: list[Raw]
    truncated_alerts: int = 0
    org_id: Any = None


_Label = Annotated[str, Meta(min_length=1, max_length=SHORT)]
_Text = Annotated[str, Meta(max_length=SHORT)]


class _Alert(Struct, gc=False, rename="camel"):
    status: AlertStatus
    labels: Annotated[dict[str, _Label], Meta(min_length=1, max_length=MAX_FIELDS)]
    starts_at: Moment
    ends_at: Moment | None = None
    annotations: Annotated[dict[str, _Text], Meta(max_length=MAX_FIELDS)] | None = None
    generator_url: str = field(default="", name="generatorURL")
    fingerprint: str = ""


class _WellFormed(Struct, gc=False, rename="camel"):
    """An Alertmanager webhook in which nothing needs a correction."""

    version: Literal["4"]
    alerts: list[_Alert]
    truncated_alerts: Literal[0] = 0
    org_id: None = None


_WELL_FORMED = msgspec.json.Decoder(_WellFormed)
_ENVELOPE = msgspec.json.Decoder(_Envelope)
_ANY = msgspec.json.Decoder()


class AlertmanagerReceiver(Source):
    """Decodes each alert of a group separately, and ignores the group's common fields."""

    kind = "alertmanager"
    max_body = None

    def __init__(self, name: str, config: Credentials) -> None:
        super().__init__(name)
        self.is_open = config.insecure
        self._credentials = config
        # The same labels at another source are a different alert.
        self._prefix = "" if name == self.kind else f"{name}:"

    def admit(self, incoming: Incoming) -> bool:
        """Raises: Unauthorized."""
        check(incoming, self._credentials)
        return not self.is_open

    def verify(self, incoming: Incoming, now: float) -> None:
        """Raises: Unauthorized."""
        check(incoming, self._credentials)

    def decode(self, incoming: Incoming, now: float) -> Received:
        """Read every alert; report those that cannot be read and those that Alertmanager left out.

        Raises: InvalidInput, if the envelope or every alert is unreadable.
        """
        body = clean(incoming.body)
        if alerts := self._well_formed(body):
            return Received(alerts, [], [])
        envelope = decode(_ENVELOPE, body)
        if str(envelope.version) not in VERSIONS:
            raise InvalidInput(
                "Only version 4 of Alertmanager's webhook and version 1 of Grafana's are supported",
                "/version",
            )
        if len(envelope.alerts) > MAX_ALERTS:
            raise InvalidInput(f"More than {MAX_ALERTS} alerts in one request", "/alerts")
        received = self._read(envelope)
        if received.errors and not received.alerts:
            raise received.errors[0]
        if envelope.truncated_alerts > 0:
            left_out = f"Alertmanager left out {envelope.truncated_alerts} alerts"
            detail = f"{left_out}: raise max_alerts of its receiver"
            return msgspec.structs.replace(
                received, errors=[*received.errors, InvalidInput(detail, "/truncatedAlerts")]
            )
        return received

    def _well_formed(self, body: bytes) -> list[Alert]:
        """The alerts of a webhook in which nothing needs a correction; empty for other webhooks."""
        # Then only the texts of alerts have to be compared with the limits.
        if self.kind == "grafana" or len(body) > MAX_ALERT:
            return []
        try:
            wires = _WELL_FORMED.decode(body).alerts
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return []
        alerts: list[Alert] = []
        for wire in wires:
            starts_at = wire.starts_at.timestamp()
            ends_at = wire.ends_at.timestamp() if wire.ends_at else 0.0
            if not 0 < starts_at < LATEST:
                return []
            alert = Alert(
                self.name,
                self._prefix + _identity(wire.fingerprint, wire.labels),
                wire.status,
                wire.labels,
                wire.annotations or {},
                starts_at,
                ends_at if 0 < ends_at < LATEST else None,
                wire.generator_url,
            )
            alerts.append(alert)
        return alerts

    def _read(self, envelope: _Envelope) -> Received:
        """Read and correct each alert separately."""
        # Grafana's payload has version 1, and always has `orgId`.
        grafana = self.kind == "grafana" or envelope.org_id is not None
        grafana = grafana or str(envelope.version) == "1"
        alerts: list[Alert] = []
        errors: list[InvalidInput] = []
        warnings: list[InvalidInput] = []
        for index, raw in enumerate(envelope.alerts):
            try:
                alerts.append(self._corrected(raw, f"/alerts/{index}", warnings, grafana=grafana))
            except InvalidInput as error:
                errors.append(InvalidInput(error.detail, f"/alerts/{index}{error.pointer}"))
        return Received(alerts, errors, warnings)

    def _corrected(
        self, raw: Raw, at: str, warnings: list[InvalidInput], *, grafana: bool
    ) -> Alert:
        """Raises: InvalidInput."""
        corrections: list[InvalidInput] = []
        content = decode(_ANY, raw)
        wire = read_alert(content, corrections)
        if grafana:
            wire = with_grafana(wire, content)
        wire = check_limits(wire, len(memoryview(raw)), corrections)
        warnings += [InvalidInput(warning.detail, at + warning.pointer) for warning in corrections]
        return Alert(
            source=self.name,
            fingerprint=self._prefix + _identity(wire.fingerprint, wire.labels),
            status=wire.status,
            labels=wire.labels,
            annotations=wire.annotations,
            starts_at=wire.starts_at,
            ends_at=wire.ends_at,
            url=wire.url,
        )


def _identity(given: str, labels: dict[str, str]) -> str:
    # A custom payload may contain any text here, but an identity must be short.
    return given if len(given) == DIGITS else fingerprint(labels)


class GrafanaReceiver(AlertmanagerReceiver):
    """Grafana Alerting's webhook contact point."""

    kind = "grafana"


def poller(
    name: str, config: AlertmanagerConfig, session: ClientSession
) -> AlertmanagerPoller | None:
    """Return the poller of a source's Alertmanager; None if the config doesn't name it."""
    if config.poll is None:
        return None
    identify = AlertmanagerReceiver(name, config).fingerprint
    return AlertmanagerPoller(name, config.poll, session, identify)
