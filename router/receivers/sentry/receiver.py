"""Sentry's webhooks: those of the integration platform, which are signed, and the legacy plugin's,
which aren't.

https://docs.sentry.io/organization/integrations/integration-platform/webhooks/
"""

import hmac
import re
from hashlib import blake2b, sha256

import msgspec
from msgspec import Raw, Struct

from router.config.secret import Secret
from router.model.alert import Alert, AlertStatus
from router.ports.errors import Unauthorized
from router.ports.webhooks import Incoming, Received
from router.receivers.body import clean, decode
from router.receivers.credentials import check_path, same
from router.receivers.sentry.payloads import KINDS, Story, plugin

_SIGNATURE = "sentry-hook-signature"
_TOLERANCE = 300.0  # seconds between Sentry's clock and ours, either way
_SECONDS = re.compile(r"[0-9]{1,12}")


class SentryConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """client_secret: of the integration, which signs. plugin_secret: the last path segment of the
    plugin's URL.
    """

    client_secret: Secret | None = None
    plugin_secret: Secret | None = None
    insecure: bool = False

    def __post_init__(self) -> None:
        secured = self.client_secret is not None or self.plugin_secret is not None
        if not secured and not self.insecure:
            raise ValueError(
                "sources.sentry needs client_secret, or plugin_secret for the legacy plugin; "
                "write insecure: true to accept anything from anybody"
            )
        if secured and self.insecure:
            raise ValueError("sources.sentry takes either secrets or insecure: true")


class _Envelope(Struct):
    action: str = ""
    data: Raw = Raw(b"{}")


_ENVELOPE = msgspec.json.Decoder(_Envelope)


class SentryReceiver:
    """Makes one alert of each webhook that says a state; the same issue has the same fingerprint in
    all of them.
    """

    def __init__(self, name: str, config: SentryConfig) -> None:
        self.name = name
        self._config = config

    def verify(self, incoming: Incoming, now: float) -> None:
        """Raises: Unauthorized, also when the request is older or newer than five minutes."""
        if self._config.insecure:
            return
        if _is_plugin(incoming):
            if self._config.plugin_secret is None:
                raise Unauthorized(
                    "no plugin_secret is configured to check the secret in the URL with"
                )
            check_path(incoming.segment, self._config.plugin_secret)
            return
        if self._config.client_secret is None:
            raise Unauthorized("no client_secret is configured to check Sentry-Hook-Signature with")
        _check_signature(incoming, self._config.client_secret)
        _check_timestamp(incoming.headers.get("sentry-hook-timestamp", ""), now)

    def decode(self, incoming: Incoming, now: float) -> Received:
        """One alert, or why there's none in it: most of what Sentry can send isn't about a state.

        Raises: Bad, when it doesn't say what it is about.
        """
        body = clean(incoming.body)
        resource = incoming.headers.get("sentry-hook-resource", "")
        # What the secret URL lets in can't pass for a signed webhook, whatever its headers say.
        if not resource or _is_plugin(incoming):
            return self._received(plugin(body), AlertStatus.FIRING, incoming.body, now)
        kind = KINDS.get(resource)
        if kind is None:
            return Received(ignored="Not a kind of webhook that says a state")
        envelope = decode(_ENVELOPE, body)
        status = kind.statuses.get(envelope.action)
        if status is None:
            return Received(ignored=f"Not an action on {resource} that changes its state")
        return self._received(kind.read(envelope.data, envelope.action), status, incoming.body, now)

    def _received(self, story: Story, status: AlertStatus, body: bytes, now: float) -> Received:
        alert = Alert(
            source=self.name,
            fingerprint=story.fingerprint,
            status=status,
            labels=story.labels,
            annotations=story.annotations,
            starts_at=now if story.starts_at is None else story.starts_at,
            ends_at=(story.ends_at or now) if status is AlertStatus.RESOLVED else None,
            url=story.url,
            # The body is all that is signed, so all that can tell a replay: the headers are
            # anybody's.
            event_id=f"sentry:{blake2b(body, digest_size=16).hexdigest()}",
        )
        return Received((alert,))


def _is_plugin(incoming: Incoming) -> bool:
    return bool(incoming.segment) and _SIGNATURE not in incoming.headers


def _check_signature(incoming: Incoming, secret: Secret) -> None:
    signature = incoming.headers.get(_SIGNATURE, "")
    if not signature:
        raise Unauthorized("Sentry-Hook-Signature is missing")
    if not same(signature, hmac.new(secret.reveal().encode(), incoming.body, sha256).hexdigest()):
        raise Unauthorized("Sentry-Hook-Signature is wrong")


def _check_timestamp(text: str, now: float) -> None:
    if not _SECONDS.fullmatch(text):
        raise Unauthorized("Sentry-Hook-Timestamp is missing or isn't in seconds")
    if abs(now - int(text)) > _TOLERANCE:
        raise Unauthorized(
            "Sentry-Hook-Timestamp is stale: more than five minutes from the router's clock"
        )
