"""Alerts that Prometheus and other clients of Alertmanager's API v2 send directly to the router.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml, `postAlerts`. A firing
alert is repeated while it fires, and ends at its `endsAt`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus

import msgspec
from msgspec import Raw, Struct, field
from msgspec.structs import replace

from router.core.rules.fingerprint import fingerprint
from router.model.alert import Alert, AlertStatus, Lifetime
from router.model.scalars import Duration
from router.ports.errors import InvalidInput
from router.ports.webhooks import CommandResult, Incoming, Received, WebhookAnswer
from router.receivers.alertmanager import AlertmanagerReceiver
from router.receivers.credentials import Credentials
from router.receivers.limits import MAX_ALERTS, check_limits
from router.receivers.paths import POSTED
from router.receivers.source import clean, decode
from router.receivers.times import LATEST, UNKNOWN, epoch
from router.receivers.wire_alert import WireAlert


class PrometheusSourceConfig(Credentials, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Credentials that Prometheus sends: exactly one of these.

    A firing alert without `endsAt` ends `resolve_timeout` after its last report.
    """

    resolve_timeout: Duration = Duration(300.0)

    def __post_init__(self) -> None:
        Credentials.__post_init__(self)
        if self.resolve_timeout <= 0:
            raise ValueError("resolve_timeout must be longer than 0s")


class _Alert(Struct, gc=False, rename="camel"):
    labels: dict[str, str]
    annotations: dict[str, str] | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    generator_url: str | None = field(default=None, name="generatorURL")


_LIST = msgspec.json.Decoder(list[Raw])
_ALERT = msgspec.json.Decoder(_Alert)


class PrometheusReceiver(AlertmanagerReceiver):
    """Reads each alert separately, and answers as Alertmanager does."""

    kind = "prometheus"

    def __init__(self, name: str, config: PrometheusSourceConfig) -> None:
        super().__init__(name, config)
        self._resolve_timeout = config.resolve_timeout

    def admit(self, incoming: Incoming) -> bool:
        """Raises: Unauthorized."""
        return super().admit(_without_path(incoming))

    def verify(self, incoming: Incoming, now: float) -> None:
        """Raises: Unauthorized."""
        super().verify(_without_path(incoming), now)

    def decode(self, incoming: Incoming, now: float) -> Received:
        """Raises: InvalidInput, if the body is not a list."""
        raws = decode(_LIST, clean(incoming.body))
        if len(raws) > MAX_ALERTS:
            raise InvalidInput(f"More than {MAX_ALERTS} alerts")
        alerts: list[Alert] = []
        errors: list[InvalidInput] = []
        warnings: list[InvalidInput] = []
        for index, raw in enumerate(raws):
            try:
                alerts.append(self._posted(raw, now, f"/{index}", warnings))
            except InvalidInput as error:
                errors.append(InvalidInput(error.detail, f"/{index}{error.pointer}"))
        return Received(alerts, errors, warnings)

    def reply(
        self, incoming: Incoming, received: Received, results: Sequence[CommandResult], now: float
    ) -> WebhookAnswer | None:
        """An empty 200, or the errors as one text. Alerts without errors are stored in any case."""
        del incoming, results, now
        if not received.errors:
            return WebhookAnswer()
        text = "; ".join(dict.fromkeys(map(_sentence, received.errors)))
        body = msgspec.json.encode(text)
        return WebhookAnswer(HTTPStatus.BAD_REQUEST, body, "application/json")

    def refuse(self, status: int, error: InvalidInput) -> WebhookAnswer | None:
        """Answer with a code and a message, as Alertmanager does for a malformed body."""
        place = f"{error.pointer}: " if error.pointer else ""
        content = {"code": status, "message": place + error.detail}
        return WebhookAnswer(status, msgspec.json.encode(content), "application/json")

    def _posted(self, raw: Raw, now: float, at: str, warnings: list[InvalidInput]) -> Alert:
        """Raises: InvalidInput."""
        given = decode(_ALERT, raw)
        labels = {name: value for name, value in given.labels.items() if value}
        starts_at = epoch(_in_utc(given.starts_at)) if given.starts_at else None
        ends_at = _end(given.ends_at)
        _check(labels, starts_at, now + self._resolve_timeout if ends_at is None else ends_at)
        if "" in (given.annotations or {}):
            raise InvalidInput('invalid annotations: invalid name ""', "/annotations")
        firing = ends_at is None or ends_at > now
        wire = WireAlert(
            AlertStatus.FIRING if firing else AlertStatus.RESOLVED,
            labels,
            given.annotations or {},
            starts_at or (UNKNOWN if firing else ends_at or UNKNOWN),
            ends_at,
            given.generator_url or "",
        )
        return self._alert_of(_limited(wire, raw, at, warnings), now)

    def _alert_of(self, wire: WireAlert, now: float) -> Alert:
        firing = wire.status is AlertStatus.FIRING
        lifetime = Lifetime.TIMEOUT if wire.ends_at is None else Lifetime.END
        return Alert(
            source=self.name,
            fingerprint=self.fingerprint(fingerprint(wire.labels)),
            status=wire.status,
            labels=wire.labels,
            annotations=wire.annotations,
            starts_at=wire.starts_at,
            ends_at=now + self._resolve_timeout if wire.ends_at is None else wire.ends_at,
            url=wire.url,
            lifetime=lifetime if firing else Lifetime.OPEN,
        )


def _without_path(incoming: Incoming) -> Incoming:
    """The request without the API's path, so that its segment is the secret or ""."""
    segment = f"/{incoming.segment}".removesuffix(POSTED)
    return replace(incoming, segment=segment.strip("/"))


def _in_utc(moment: datetime) -> datetime:
    """A time without an offset is in UTC, as in Alertmanager."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _end(moment: datetime | None) -> float | None:
    """UTC seconds since 1970; None for Go's zero time. Far years that mean "never" are kept."""
    if moment is None or moment.year == 1:
        return None
    return min(max(_in_utc(moment).timestamp(), 0.0), LATEST)


def _check(labels: dict[str, str], starts_at: float | None, ends_at: float) -> None:
    """Reject what Alertmanager rejects, with the same message. Raises: InvalidInput."""
    if starts_at is not None and ends_at < starts_at:
        raise InvalidInput("start time must be before end time", "/endsAt")
    if not labels:
        raise InvalidInput("at least one label pair required", "/labels")
    if "" in labels:
        raise InvalidInput('invalid label set: invalid name ""', "/labels")


def _limited(wire: WireAlert, raw: Raw, at: str, warnings: list[InvalidInput]) -> WireAlert:
    """Raises: InvalidInput."""
    shortened: list[InvalidInput] = []
    wire = check_limits(wire, len(memoryview(raw)), shortened)
    warnings += [
        InvalidInput(invalid_input.detail, at + invalid_input.pointer)
        for invalid_input in shortened
    ]
    return wire


def _sentence(error: InvalidInput) -> str:
    """The error with Alertmanager's message or, if it's the router's own, with its place."""
    return error.detail if error.detail[:1].islower() else f"{error.pointer}: {error.detail}"
