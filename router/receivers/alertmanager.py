"""Alertmanager's webhook, version 4, and Grafana Alerting's, which extends it.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct, field

from router.core.rules.fingerprint import fingerprint
from router.model.alert import Alert, AlertStatus
from router.ports.errors import InvalidInput
from router.ports.webhooks import Incoming, Received
from router.receivers.body import clean, decode
from router.receivers.credentials import Credentials, check
from router.receivers.grafana import is_grafana, with_grafana
from router.receivers.limits import MAX_ALERTS, SMALL, check_limits
from router.receivers.source import Source
from router.receivers.times import epoch
from router.receivers.wire_alert import read_alert

VERSIONS = frozenset({"4", "1"})
"""Versions of the payload: 4 is Alertmanager's, 1 is Grafana's."""


class AlertmanagerConfig(Credentials, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Credentials that Alertmanager sends, by its `http_config`: exactly one of these."""


class GrafanaConfig(Credentials, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Credentials that Grafana sends, by the contact point's settings: exactly one of these."""


Moment = Annotated[datetime, Meta(tz=True)]


class _Envelope(Struct, gc=False, rename="camel"):
    version: Any
    alerts: list[Raw]
    truncated_alerts: int = 0
    org_id: Any = None


class _Alert(Struct, gc=False, rename="camel"):
    status: AlertStatus
    labels: dict[str, str]
    starts_at: Moment
    ends_at: Moment | None = None
    annotations: dict[str, str] | None = None
    generator_url: str = field(default="", name="generatorURL")
    fingerprint: str = ""


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_ALERT = msgspec.json.Decoder(_Alert)
_ANY = msgspec.json.Decoder()


class AlertmanagerReceiver(Source):
    """Decodes each alert of a group separately; common fields of the group follow from them."""

    kind = "alertmanager"
    max_body = None

    def __init__(self, name: str, config: Credentials) -> None:
        super().__init__(name)
        self.is_open = config.insecure
        self._credentials = config

    def admit(self, incoming: Incoming) -> bool:
        """Raises: Unauthorized."""
        check(incoming, self._credentials)
        return not self.is_open

    def verify(self, incoming: Incoming, now: float) -> None:
        """Raises: Unauthorized."""
        check(incoming, self._credentials)

    def decode(self, incoming: Incoming, now: float) -> Received:
        """Read every alert; report those that cannot be read and those that Alertmanager left out.

        Raises: Bad, if the envelope or every alert is unreadable.
        """
        envelope = decode(_ENVELOPE, clean(incoming.body))
        if str(envelope.version) not in VERSIONS:
            raise InvalidInput(
                "Only version 4 of Alertmanager's webhook and version 1 of Grafana's are supported",
                "/version",
            )
        if len(envelope.alerts) > MAX_ALERTS:
            raise InvalidInput(f"More than {MAX_ALERTS} alerts in one request", "/alerts")
        received = _Reader(self, is_grafana(envelope.version, envelope.org_id)).read(
            envelope.alerts
        )
        if received.errors and not received.alerts:
            raise received.errors[0]
        if envelope.truncated_alerts > 0:
            left_out = f"Alertmanager left out {envelope.truncated_alerts} alerts"
            detail = f"{left_out}: raise max_alerts of its receiver"
            return msgspec.structs.replace(
                received, errors=[*received.errors, InvalidInput(detail, "/truncatedAlerts")]
            )
        return received


class GrafanaReceiver(AlertmanagerReceiver):
    """Grafana Alerting's webhook contact point."""

    kind = "grafana"


class _Reader:
    """Reads the alerts of one request."""

    def __init__(self, source: Source, grafana: bool) -> None:
        self._source = source
        self._grafana = grafana or source.kind == "grafana"
        self._warnings: list[InvalidInput] = []

    def read(self, raws: Sequence[Raw]) -> Received:
        alerts: list[Alert] = []
        errors: list[InvalidInput] = []
        for index, raw in enumerate(raws):
            try:
                alerts.append(self._alert(raw, f"/alerts/{index}"))
            except InvalidInput as error:
                errors.append(InvalidInput(error.detail, f"/alerts/{index}{error.pointer}"))
        return Received(alerts, errors, self._warnings)

    def _alert(self, raw: Raw, at: str) -> Alert:
        """Decode a well-formed alert fast, and correct any other. Raises: Bad."""
        if self._grafana:
            return self._tolerant(raw, at)
        try:
            wire = _ALERT.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._tolerant(raw, at)
        starts_at = epoch(wire.starts_at)
        small = len(memoryview(raw)) <= SMALL
        if starts_at is None or not small or "" in wire.labels.values() or not wire.labels:
            return self._tolerant(raw, at)
        return Alert(
            source=self._source.name,
            fingerprint=self._fingerprint(wire.fingerprint, wire.labels),
            status=wire.status,
            labels=wire.labels,
            annotations=wire.annotations or {},
            starts_at=starts_at,
            ends_at=epoch(wire.ends_at) if wire.ends_at else None,
            url=wire.generator_url,
        )

    def _tolerant(self, raw: Raw, at: str) -> Alert:
        warnings: list[InvalidInput] = []
        content = decode(_ANY, raw)
        wire = read_alert(content, warnings)
        if self._grafana:
            wire = with_grafana(wire, content)
        wire = check_limits(wire, len(memoryview(raw)), warnings)
        self._warnings += [
            InvalidInput(warning.detail, at + warning.pointer) for warning in warnings
        ]
        return Alert(
            source=self._source.name,
            fingerprint=self._fingerprint(wire.fingerprint, wire.labels),
            status=wire.status,
            labels=wire.labels,
            annotations=wire.annotations,
            starts_at=wire.starts_at,
            ends_at=wire.ends_at,
            url=wire.url,
        )

    def _fingerprint(self, given: str, labels: dict[str, str]) -> str:
        # A custom payload may hold any text here, and an identity must be short.
        return self._source.fingerprint(given if len(given) == 16 else fingerprint(labels))
