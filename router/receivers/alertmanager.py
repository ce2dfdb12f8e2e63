"""Alertmanager's webhook, version 4.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct, field

from router.config.secret import Secret
from router.core.rules.fingerprint import fingerprint
from router.model.alert import Alert, AlertStatus
from router.ports.errors import InvalidInput
from router.ports.webhooks import Incoming, Received
from router.receivers.body import clean, decode
from router.receivers.credentials import (
    Basic,
    SecretHeader,
    check_basic,
    check_bearer,
    check_header,
)
from router.receivers.times import epoch


class AlertmanagerConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How Alertmanager shows who it is: exactly one of these, as in its `http_config`."""

    bearer_token: Secret | None = None
    basic: Basic | None = None
    header: SecretHeader | None = None
    insecure: bool = False

    def __post_init__(self) -> None:
        given = (
            sum(option is not None for option in (self.bearer_token, self.basic, self.header))
            + self.insecure
        )
        if given == 0:
            raise ValueError(
                "sources.alertmanager needs one of bearer_token, basic or header; "
                "write insecure: true to accept anything from anybody"
            )
        if given > 1:
            raise ValueError(
                "sources.alertmanager takes only one of bearer_token, basic, header and insecure: true"
            )


Moment = Annotated[datetime, Meta(tz=True)]


class _Envelope(Struct, gc=False, rename="camel"):
    version: str
    alerts: list[Raw]
    truncated_alerts: int = 0


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


class AlertmanagerReceiver:
    """Takes each alert of a group by itself: what is common to the group can be computed from them."""

    def __init__(self, name: str, config: AlertmanagerConfig) -> None:
        self.name = name
        self._config = config

    def verify(self, incoming: Incoming, now: float) -> None:  # noqa: ARG002  Alertmanager dates no request
        """Raises: Unauthorized."""
        if self._config.bearer_token:
            check_bearer(incoming.headers, self._config.bearer_token)
        elif self._config.basic:
            check_basic(incoming.headers, self._config.basic)
        elif self._config.header:
            check_header(incoming.headers, self._config.header)

    def decode(self, incoming: Incoming, now: float) -> Received:  # noqa: ARG002  each alert is dated
        """Every alert that can be read, and an error for each that can't and for those that
        Alertmanager left out.

        Raises: Bad, when the envelope or all alerts can't be read.
        """
        envelope = decode(_ENVELOPE, clean(incoming.body))
        if envelope.version != "4":
            raise InvalidInput("Only version 4 of the webhook is understood", "/version")
        alerts, errors = self._alerts(envelope.alerts)
        if errors and not alerts:
            raise errors[0]
        if envelope.truncated_alerts > 0:
            detail = f"Alertmanager left out {envelope.truncated_alerts} alerts: raise max_alerts of its receiver"
            errors.append(InvalidInput(detail, "/truncatedAlerts"))
        return Received(alerts, errors)

    def _alerts(self, raws: list[Raw]) -> tuple[list[Alert], list[InvalidInput]]:
        alerts: list[Alert] = []
        errors: list[InvalidInput] = []
        for index, raw in enumerate(raws):
            try:
                alerts.append(_alert(decode(_ALERT, raw), self.name))
            except InvalidInput as error:
                errors.append(InvalidInput(error.detail, f"/alerts/{index}{error.pointer}"))
        return alerts, errors


def _alert(wire: _Alert, source: str) -> Alert:
    labels = wire.labels
    if "" in labels.values():
        labels = {name: value for name, value in labels.items() if value}
    if not labels:
        raise InvalidInput("An alert has at least one label that isn't empty", "/labels")
    starts_at = epoch(wire.starts_at)
    if starts_at is None:
        raise InvalidInput("Not a time since 1970", "/startsAt")
    return Alert(
        source=source,
        # A custom payload may hold anything here, and what identifies an alert must be short.
        fingerprint=wire.fingerprint if len(wire.fingerprint) == 16 else fingerprint(labels),
        status=wire.status,
        labels=labels,
        annotations=wire.annotations or {},
        starts_at=starts_at,
        ends_at=epoch(wire.ends_at) if wire.ends_at else None,
        url=wire.generator_url,
    )
