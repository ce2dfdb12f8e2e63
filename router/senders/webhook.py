"""Type `webhook`: any HTTP endpoint, by Standard Webhooks (https://www.standardwebhooks.com).

A repeated message has the same `webhook-id`, by which receivers drop duplicates. So a request
without an answer is sent again: no message is lost, and only receivers that ignore the id process
it twice. `410 Gone` is an error like any other 4xx.
"""

import base64
import binascii
import hmac
import re
from datetime import UTC, datetime
from typing import Any

import aiohttp
import msgspec

from router.config.channel_options import Capabilities, ChannelOptions
from router.config.secret import Secret, SecretUrl
from router.core.messages.timeline import describe
from router.model.alert import Alert
from router.model.decision import Entry
from router.model.incident import Incident
from router.model.notification import Message, Result
from router.model.reasons import row
from router.senders.http import post
from router.senders.identity import message_id

MAX_BODY = 20_000
"""Maximum bytes. The specification recommends less than 20 kB.

Alerts and old entries are left out to stay below it, but never the incident itself.
"""

ARRIVES_WITHIN = 900.0
"""Seconds in which a receiver may still process an unanswered event. For receivers that queue
events for longer, each event has a `sequence`.
"""

HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
OURS = ("webhook-", "content-", "host", "transfer-encoding", "connection")


class WebhookConfig(ChannelOptions, frozen=True, kw_only=True):
    """A generic webhook.

    url: receives the events. It may contain a token, so it's treated as a secret.
    secret: the signing key, as `whsec_` and the key in base64. None: events aren't signed.
    headers: added to each request, such as Authorization.
    """

    url: SecretUrl
    secret: Secret | None = None
    headers: dict[str, Secret] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.secret is not None:
            signing_key(self.secret.reveal())
        for name, value in self.headers.items():
            if not HEADER_NAME.fullmatch(name) or name.lower().startswith(OURS):
                raise ValueError(f"`headers` can't set {name!r}")
            if not HEADER_VALUE.fullmatch(value.reveal()):
                raise ValueError(
                    f"`headers`: the value of {name!r} has characters that a header can't contain"
                )

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(bundles=False, arrives_within=ARRIVES_WITHIN)


class WebhookSender:
    """Posts each message as one event."""

    def __init__(self, name: str, config: WebhookConfig, session: aiohttp.ClientSession) -> None:
        self._name = name
        self._config = config
        self._session = session
        self._key = signing_key(config.secret.reveal()) if config.secret else b""

    async def send(self, message: Message) -> Result:
        body = build_event(message)
        headers = {name: value.reveal() for name, value in self._config.headers.items()}
        headers["Content-Type"] = "application/json"
        headers["webhook-id"] = message_id(self._name, message)
        headers["webhook-timestamp"] = str(int(message.at))
        if self._key:
            headers["webhook-signature"] = sign(
                self._key, headers["webhook-id"], int(message.at), body
            )
        result, _ = await post(
            self._session,
            self._config.url.reveal(),
            body=body,
            headers=headers,
            timeout=self._config.timeout,
            idempotent=True,
            now=message.at,
        )
        return result

    async def close(self) -> None:
        """Nothing to close: the session belongs to the caller."""


def build(name: str, config: WebhookConfig, session: aiohttp.ClientSession) -> WebhookSender:
    return WebhookSender(name, config, session)


def signing_key(secret: str) -> bytes:
    """The key's bytes. Raises: ValueError, whose text doesn't contain the secret."""
    written = secret.removeprefix("whsec_")
    try:
        key = base64.b64decode(written + "=" * (-len(written) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ValueError("`secret` must be `whsec_` and the key in base64")
    return key


def sign(key: bytes, event: str, at: int, body: bytes) -> str:
    """The `webhook-signature` of `body`, for the event of that id, sent at `at` (UTC seconds)."""
    signed = b"%b.%d.%b" % (event.encode(), at, body)
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def build_event(message: Message) -> bytes:
    """The body: the latest change, and the incident in its current state."""
    alerts, news = message.alerts, message.unseen_entries
    body = _encode(message, alerts, news)
    while len(body) > MAX_BODY and (alerts or news):
        alerts, news = alerts[: len(alerts) // 2], news if alerts else news[len(news) // 2 + 1 :]
        body = _encode(message, alerts, news)
    return body


def _encode(message: Message, alerts: tuple[Alert, ...], news: tuple[Entry, ...]) -> bytes:
    return msgspec.json.encode(
        {
            "type": row(message.reason).event,
            "timestamp": _written(message.incident.updated_at),
            "data": {
                "incident": _incident(message.incident),
                "alerts": [_alert(alert) for alert in alerts],
                "news": [_entry(entry) for entry in news],
                "url": message.url,
                "sequence": message.seq,
                "attempt": message.attempt,
                "may_be_repeated": message.may_be_doubled,
            },
        }
    )


def _incident(incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.name,
        "drill": incident.drill,
        "title": incident.title,
        "severity": incident.severity,
        "status": incident.status,
        "rule": incident.rule,
        "key": incident.key,
        "source": incident.source,
        "component": incident.component,
        "labels": incident.labels,
        "annotations": incident.annotations,
        "runbook": incident.runbook,
        "source_url": incident.url,
        "opened_at": _written(incident.opened_at),
        "updated_at": _written(incident.updated_at),
        "acknowledged_at": _written(incident.acknowledged_at),
        "acknowledged_by": incident.acknowledged_by,
        "lead": incident.lead,
        "closed_at": _written(incident.closed_at),
        "closed_by": incident.closed_by,
        "firing": incident.firing,
        "reopened": incident.reopened,
    }


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "fingerprint": alert.fingerprint,
        "status": alert.status,
        "source": alert.source,
        "labels": alert.labels,
        "annotations": alert.annotations,
        "starts_at": _written(alert.starts_at),
        "url": alert.url,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {"at": _written(entry.at), "what": entry.what, "by": entry.by, "text": describe(entry)}


def _written(at: float | None) -> str | None:
    """Epoch seconds as RFC 3339 in UTC, with milliseconds."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
