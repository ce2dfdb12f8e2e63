"""The generic webhook source: reads alerts from any JSON payload, by expressions in the config."""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import Struct

from router.config.expression import Expression
from router.config.secret import Secret
from router.core.rules.fingerprint import fingerprint
from router.model.alert import Alert, AlertStatus
from router.ports.errors import InvalidInput, Unauthorized
from router.ports.webhooks import Incoming, Received
from router.receivers.credentials import (
    OPTIONS,
    Basic,
    Credentials,
    SecretHeader,
    check,
    require_one,
)
from router.receivers.limits import MAX_ALERTS, check_limits
from router.receivers.mapping import PRESETS, AlertMapping
from router.receivers.source import Source, clean, decode, same, shortened
from router.receivers.times import UNKNOWN, first_epoch
from router.receivers.wire_alert import WireAlert, scalar

FORM = "application/x-www-form-urlencoded"
FORM_FIELDS = 200
ALL = "*"
"""The name of an expression that selects an object: all its fields become labels or annotations."""

AMAZON = ".amazonaws.com"

Preset = Literal[
    "google-cloud-monitoring",
    "uptimerobot",
    "uptime-kuma",
    "datadog",
    "sns-cloudwatch",
    "github-actions",
]


class Signature(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An HMAC-SHA256 of the body in hex, in a header, after `prefix`."""

    secret: Secret
    header: str = "X-Hub-Signature-256"
    prefix: str = "sha256="


class WebhookSourceConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Exactly one of the credentials, and a preset or expressions to read the payload.

    Expressions replace those of the preset, but labels and annotations are added to the preset's.
    """

    bearer_token: Secret | None = None
    basic: Basic | None = None
    header: SecretHeader | None = None
    secret: Secret | None = None
    signature: Signature | None = None
    insecure: bool = False
    preset: Preset | None = None
    alerts: Expression | None = None
    status: Expression | None = None
    firing: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    fingerprint: Expression | None = None
    labels: dict[str, Expression] = {}
    annotations: dict[str, Expression] = {}
    starts_at: Expression | None = None
    ends_at: Expression | None = None
    url: Expression | None = None

    def __post_init__(self) -> None:
        given = [self.bearer_token, self.basic, self.header, self.secret, self.signature]
        options = OPTIONS.replace(" or secret", ", secret or signature")
        require_one(
            sum(option is not None for option in given), insecure=self.insecure, options=options
        )
        if self.preset is None and not self.labels:
            raise ValueError(
                "give a preset, or labels: an expression for each label, such as {alertname: title}"
            )

    @property
    def credentials(self) -> Credentials:
        return Credentials(
            bearer_token=self.bearer_token,
            basic=self.basic,
            header=self.header,
            secret=self.secret,
            insecure=self.insecure or self.signature is not None,
        )

    @property
    def mapping(self) -> AlertMapping:
        """The preset, changed by the config's expressions."""
        preset = PRESETS[self.preset] if self.preset else AlertMapping()
        names = (
            "alerts",
            "status",
            "firing",
            "resolved",
            "ignored",
            "fingerprint",
            "starts_at",
            "ends_at",
            "url",
        )
        changes = {name: value for name in names if (value := getattr(self, name))}
        return msgspec.structs.replace(
            preset,
            labels={**preset.labels, **self.labels},
            annotations={**preset.annotations, **self.annotations},
            **changes,
        )


_BODY = msgspec.json.Decoder()


class WebhookReceiver(Source):
    """Makes an alert from each object that the expressions select."""

    kind = "webhook"
    max_body = None

    def __init__(self, name: str, config: WebhookSourceConfig) -> None:
        super().__init__(name)
        self.is_open = config.insecure
        self._credentials = config.credentials
        self._signature = config.signature
        self._mapping = config.mapping

    def admit(self, incoming: Incoming) -> bool:
        """Raises: Unauthorized."""
        check(incoming, self._credentials)
        return not self._credentials.insecure

    def verify(self, incoming: Incoming, now: float) -> None:
        """Raises: Unauthorized."""
        check(incoming, self._credentials)
        if self._signature:
            _check_signature(incoming, self._signature)

    def decode(self, incoming: Incoming, now: float) -> Received:
        """Read every alert, or report why it cannot be read. Raises: InvalidInput."""
        payload = _payload(incoming)
        if url := self._confirmation(payload):
            asks = InvalidInput(
                f"Amazon SNS asks you to confirm the subscription. To confirm it, open {url}",
                "/SubscribeURL",
            )
            return Received(
                warnings=[asks], ignored="Confirm the subscription: the URL is in the router's log"
            )
        items = self._items(payload)
        if not items:
            return Received(ignored="The payload contains no alert")
        alerts: list[Alert] = []
        errors: list[InvalidInput] = []
        warnings: list[InvalidInput] = []
        ignored = ""
        for index, item in enumerate(items):
            at = f"/{index}" if len(items) > 1 else ""
            try:
                read = self._alert(item, payload, warnings)
            except InvalidInput as error:
                errors.append(InvalidInput(error.detail, at + error.pointer))
                continue
            if isinstance(read, Alert):
                alerts.append(read)
            else:
                ignored = read
        return Received(alerts, errors, warnings, ignored="" if alerts or errors else ignored)

    def _confirmation(self, payload: object) -> str:
        """The URL with which to confirm a subscription. The router never opens it.

        Raises: InvalidInput, if the URL isn't Amazon's.
        """
        if self._mapping.confirm is None or not isinstance(payload, dict):
            return ""
        if payload.get("Type") != "SubscriptionConfirmation":
            return ""
        url = scalar(_search(self._mapping.confirm, payload)) or ""
        parts = urlsplit(url)
        if (
            parts.scheme != "https"
            or not (parts.hostname or "").endswith(AMAZON)
            or len(url) > 2000
        ):
            raise InvalidInput(
                "The subscription's URL isn't Amazon's: don't open it", "/SubscribeURL"
            )
        return url

    def _items(self, payload: object) -> list[Any]:
        found = _search(self._mapping.alerts, payload) if self._mapping.alerts else payload
        items = found if isinstance(found, list) else [] if found is None else [found]
        if len(items) > MAX_ALERTS:
            raise InvalidInput(f"More than {MAX_ALERTS} alerts in one request")
        return items

    def _alert(self, item: object, payload: object, warnings: list[InvalidInput]) -> Alert | str:
        """An alert, or why there is none. Raises: InvalidInput."""
        mapping = self._mapping
        content = {**item, "_root": payload} if isinstance(item, dict) else item
        status = self._status(content)
        if isinstance(status, str) and not isinstance(status, AlertStatus):
            return status
        labels = _texts(mapping.labels, content, "/labels")
        if not labels:
            raise InvalidInput("No expression selects a label", "/labels")
        starts_at, ends_at = self._times(content, status)
        wire = WireAlert(
            status=status,
            labels=labels,
            annotations=_texts(mapping.annotations, content, "/annotations"),
            starts_at=starts_at,
            ends_at=ends_at,
            url=_text(_search(mapping.url, content)) if mapping.url else "",
        )
        wire = check_limits(
            wire, sum(map(len, (*labels.values(), *wire.annotations.values()))), warnings
        )
        return Alert(
            source=self.name,
            fingerprint=self._identity(content, labels),
            status=wire.status,
            labels=wire.labels,
            annotations=wire.annotations,
            starts_at=wire.starts_at,
            ends_at=wire.ends_at,
            url=wire.url,
        )

    def _times(self, content: object, status: AlertStatus) -> tuple[float, float | None]:
        """Start and end. Raises: InvalidInput."""
        mapping = self._mapping
        starts_at = first_epoch(_search(mapping.starts_at, content)) if mapping.starts_at else None
        if status is AlertStatus.FIRING:
            return starts_at or UNKNOWN, None
        # The end is by the sender's clock. Without a start by that clock, it can't be compared.
        ends_at = None
        if mapping.starts_at and mapping.ends_at:
            ends_at = first_epoch(_search(mapping.ends_at, content))
        # Many services send only the time of the change, which for a resolve isn't the start.
        return (UNKNOWN, starts_at) if ends_at is None else (starts_at or UNKNOWN, ends_at)

    def _status(self, content: object) -> AlertStatus | str:
        """The status, or why the alert is ignored. Raises: InvalidInput."""
        mapping = self._mapping
        if mapping.status is None:
            return AlertStatus.FIRING
        found = _search(mapping.status, content)
        given = "null" if found is None else _text(found).strip().lower()
        for status, words in (
            (AlertStatus.FIRING, mapping.firing),
            (AlertStatus.RESOLVED, mapping.resolved),
        ):
            if given in {word.lower() for word in words}:
                return status
        if given in {word.lower() for word in mapping.ignored}:
            return f"The status is '{given[:50]}'"
        raise InvalidInput(
            f"The status '{given[:50]}' is neither in firing nor in resolved", "/status"
        )

    def _identity(self, content: object, labels: dict[str, str]) -> str:
        given = (
            _text(_search(self._mapping.fingerprint, content)) if self._mapping.fingerprint else ""
        )
        return f"{self.name}:{shortened(given or fingerprint(labels))}"


def _payload(incoming: Incoming) -> Any:
    """The JSON of the body; a form is an object of texts. Raises: InvalidInput."""
    if incoming.headers.get("content-type", "").startswith(FORM):
        try:
            return dict(
                parse_qsl(incoming.body.decode("utf-8", "replace"), max_num_fields=FORM_FIELDS)
            )
        except ValueError:
            raise InvalidInput(f"more than {FORM_FIELDS} fields") from None
    return decode(_BODY, clean(incoming.body))


def _search(expression: Expression, content: object) -> object:
    try:
        return expression.search(content)
    except ValueError as error:
        raise InvalidInput(str(error)) from None


def _texts(expressions: Mapping[str, Expression], content: object, at: str) -> dict[str, str]:
    """The texts that the expressions select, without those that are empty. Raises: InvalidInput."""
    texts: dict[str, str] = {}
    for name, expression in expressions.items():
        try:
            found = expression.search(content)
        except ValueError as error:
            raise InvalidInput(str(error), f"{at}/{name}") from None
        if name != ALL:
            texts[name] = _text(found)
        elif isinstance(found, dict):
            texts |= {_text(key): _text(value) for key, value in found.items()}
    return {name: text for name, text in texts.items() if text}


def _text(value: object) -> str:
    """Convert any JSON value to text: a list of plain values is joined, an object stays JSON."""
    if isinstance(value, list) and all(scalar(item) is not None for item in value):
        text = ",".join(filter(None, map(scalar, value)))
    elif isinstance(value, list | dict):
        text = msgspec.json.encode(value).decode()
    else:
        text = scalar(value) or ""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _check_signature(incoming: Incoming, signature: Signature) -> None:
    given = incoming.headers.get(signature.header.lower(), "")
    if not given:
        raise Unauthorized(f"{signature.header} is missing")
    digest = hmac.new(signature.secret.reveal().encode(), incoming.body, sha256).hexdigest()
    if not same(given, signature.prefix + digest):
        raise Unauthorized(f"{signature.header} is wrong")
