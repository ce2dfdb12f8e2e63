"""PagerDuty's Events API v2, as its clients call it: alerts, acknowledgements and change events.

https://developer.pagerduty.com/docs/events-api-v2-overview. The routing key in the body is the only
credential, so nothing else is read from the body until it has been checked.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct

from router.config.secret import Secret
from router.model.alert import Alert, AlertStatus
from router.model.deployment import Deployment
from router.model.event import Command
from router.ports.errors import InvalidInput, Unauthorized
from router.ports.webhooks import (
    AlertRef,
    CommandRequest,
    CommandResult,
    Incoming,
    Received,
    WebhookAnswer,
)
from router.receivers.credentials import owner_of, require_keys
from router.receivers.details import details, links
from router.receivers.limits import shorten, within_limits
from router.receivers.paths import CHANGE
from router.receivers.source import KIB, Source, clean, decode, kept, member, shortened, text
from router.receivers.times import UNKNOWN, first_epoch
from router.receivers.wire_alert import WireAlert

MAX_SUMMARY = 1024
"""Characters: https://developer.pagerduty.com/docs/send-alert-event."""

LONGEST = 500
"""Maximum characters of each text of a deployment, which messages contain."""

SEVERITIES = ("critical", "error", "warning", "info")

ACTIONS = ("trigger", "acknowledge", "resolve")


class PagerDutyEventsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """services: routing keys by service; several keys during a rotation."""

    services: dict[str, tuple[Secret, ...]]

    def __post_init__(self) -> None:
        require_keys("services", self.services)


class _Credential(Struct):
    routing_key: Any = ""


_CREDENTIAL = msgspec.json.Decoder(_Credential)
_BODY = msgspec.json.Decoder()


class PagerDutyEventsReceiver(Source):
    """Makes an alert for each `dedup_key`. A change event is a deployment of the key's service."""

    kind = "pagerduty_events"
    max_body = 512 * KIB  # https://developer.pagerduty.com/docs/send-alert-event#event-size

    def __init__(self, name: str, config: PagerDutyEventsConfig) -> None:
        super().__init__(name)
        self._services = config.services

    def verify(self, incoming: Incoming, now: float) -> None:
        """Raises: Unauthorized; InvalidInput, if the body is not a JSON object."""
        if not self._service(incoming.body):
            raise Unauthorized("routing_key is missing, or unknown to this source")

    def decode(self, incoming: Incoming, now: float) -> Received:
        """Decode an alert, a command for an alert, or a deployment. Raises: InvalidInput."""
        event = decode(_BODY, clean(incoming.body))
        if not isinstance(event, dict):
            raise InvalidInput("Expected an object")
        service = self._service(incoming.body)
        if _is_change(incoming):
            return self._change(event, service, incoming.body, now)
        if errors := [*_errors(event)]:
            return Received(errors=errors)
        key = text(event.get("dedup_key"))
        if event["event_action"] == "trigger":
            key = key or _digest(incoming.body, repr(now).encode())
            warnings: list[InvalidInput] = []
            alert = self._alert(event, service, key, warnings, now)
            return Received([alert], warnings=warnings, words=key)
        return Received(commands=[self._request(event, service, key)], words=key)

    def reply(
        self, incoming: Incoming, received: Received, results: Sequence[CommandResult], now: float
    ) -> WebhookAnswer:
        """Answer 202 with the key of the alert, or 400 with every error."""
        if received.errors:
            return _invalid(400, *(error.detail for error in received.errors))
        body = {"status": "success", "message": "Event processed", "dedup_key": received.words}
        if _is_change(incoming):
            body = {"status": "success", "message": "Change event processed"}
        return _json(202, body)

    def refuse(self, status: int, error: InvalidInput) -> WebhookAnswer:
        """Answer in PagerDuty's format, with the field if one is known."""
        place = ".".join(error.pointer.split("/")[1:])
        return _invalid(status, f"{place}: {error.detail}" if place else error.detail)

    def _service(self, body: bytes) -> str:
        given = decode(_CREDENTIAL, clean(body)).routing_key
        return owner_of(given, self._services) if isinstance(given, str) else ""

    def _identity(self, service: str, key: str) -> str:
        return f"{self.name}:{shortened(f'{service}/{key}')}"

    def _alert(
        self,
        event: Mapping[str, Any],
        service: str,
        key: str,
        warnings: list[InvalidInput],
        now: float,
    ) -> Alert:
        payload = event["payload"]
        summary = shorten(text(payload["summary"]), MAX_SUMMARY, "/payload/summary", warnings)
        annotations, url = links(event.get("links"), event.get("images"))
        client = kept(client=event.get("client"), client_url=event.get("client_url"))
        wire = WireAlert(
            status=AlertStatus.FIRING,
            labels={"alertname": summary} | _labels(payload) | kept(service=service),
            annotations={
                **details(payload.get("custom_details")),
                **annotations,
                **client,
                "summary": summary,
            },
            starts_at=_time(payload.get("timestamp"), now) or UNKNOWN,
            url=client.get("client_url", "") or url,
        )
        wire = within_limits(wire, warnings)
        return Alert(
            source=self.name,
            fingerprint=self._identity(service, key),
            status=wire.status,
            labels=wire.labels,
            annotations=wire.annotations,
            starts_at=wire.starts_at,
            url=wire.url,
            group_as=f"{service}/{key}",  # the summary may differ from event to event
        )

    def _request(self, event: Mapping[str, Any], service: str, key: str) -> CommandRequest:
        """Without a receipt: the same bytes may withdraw and repeat an acknowledgement."""
        acknowledges = event["event_action"] == "acknowledge"
        return CommandRequest(
            None,
            Command.ACKNOWLEDGE if acknowledges else None,
            text(event.get("client")) or f"{service} ({self.name})",
            alert=AlertRef(self._identity(service, key)),
            ends=not acknowledges,
        )

    def _change(self, event: Mapping[str, Any], service: str, body: bytes, now: float) -> Received:
        payload = event.get("payload")
        summary = text(member(payload, "summary"))
        if not summary:
            return Received(errors=[_missing("payload.summary")])
        given = details(member(payload, "custom_details"))
        fact = {name: value[:LONGEST] for name, value in given.items()}
        deployment = Deployment(
            id=f"{self.name}:{_digest(body)}",
            at=_time(member(payload, "timestamp"), now) or now,
            source=self.name,
            services=(service,) if service else (),
            version=fact.get("version") or ("" if "commit" in fact else summary[:LONGEST]),
            commit=fact.get("commit", ""),
            repository=fact.get("repository", ""),
            environment=fact.get("environment", ""),
            author=fact.get("author", ""),
            url=links(event.get("links"), None)[1],
        )
        return Received(deployed=[deployment])


def _is_change(incoming: Incoming) -> bool:
    return f"/{incoming.segment}".rstrip("/").endswith(CHANGE)


def _errors(event: Mapping[str, Any]) -> Sequence[InvalidInput]:
    action = event.get("event_action")
    if action in {"acknowledge", "resolve"}:
        return [] if text(event.get("dedup_key")) else [_missing("dedup_key")]
    errors = _payload_errors(event.get("payload"))
    if not action:
        return [_missing("event_action"), *errors]
    return errors if action == "trigger" else [_not_one_of("event_action", ACTIONS), *errors]


def _payload_errors(payload: object) -> list[InvalidInput]:
    names = ("summary", "source", "severity")
    errors = [_missing(f"payload.{name}") for name in names if not text(member(payload, name))]
    severity = text(member(payload, "severity"))
    if severity and severity not in SEVERITIES:
        errors.append(_not_one_of("payload.severity", SEVERITIES))
    return errors


def _missing(field: str) -> InvalidInput:
    return InvalidInput(f"'{field}' is missing or blank", "/" + field.replace(".", "/"))


def _not_one_of(field: str, known: Sequence[str]) -> InvalidInput:
    listed = ", ".join(f"'{value}'" for value in known)
    return InvalidInput(
        f"'{field}' is invalid (must be one of {listed})", "/" + field.replace(".", "/")
    )


def _labels(payload: Mapping[str, Any]) -> dict[str, str]:
    return kept(
        **{
            name: payload.get(name)
            for name in ("severity", "source", "component", "group", "class")
        }
    )


def _time(value: object, now: float) -> float | None:
    """A time, if it isn't in the future. PagerDuty's own client adds a Z after an offset."""
    if isinstance(value, str) and value.endswith("+00:00Z"):
        value = value.removesuffix("Z")
    seconds = first_epoch(value)
    return None if seconds is None else min(seconds, now)


def _digest(*parts: bytes) -> str:
    return blake2b(b"\0".join(parts), digest_size=16).hexdigest()


def _invalid(status: int, *errors: str) -> WebhookAnswer:
    return _json(
        status,
        {"status": "invalid event", "message": "Event object is invalid", "errors": errors},
    )


def _json(status: int, body: object) -> WebhookAnswer:
    return WebhookAnswer(status, msgspec.json.encode(body), "application/json")
