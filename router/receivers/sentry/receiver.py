"""Sentry's webhooks: signed by the integration platform, or unsigned by the legacy plugin.

https://docs.sentry.io/organization/integrations/integration-platform/webhooks/
"""

import hmac
import re
from hashlib import blake2b, sha256

import msgspec
from aiohttp import ClientSession
from msgspec import Raw, Struct

from router.config.secret import Secret
from router.model.alert import Alert, AlertStatus
from router.ports.errors import Unauthorized
from router.ports.webhooks import Incoming, Received
from router.receivers.credentials import check_path
from router.receivers.sentry.payloads import KINDS, SentryAlert, plugin
from router.receivers.sentry.poll import SentryPoll, SentryPoller
from router.receivers.source import MIB, Source, clean, decode, same

_SIGNATURE = "sentry-hook-signature"
_TOLERANCE = 300.0  # maximum seconds between Sentry's clock and the router's, in either direction
_SECONDS = re.compile(r"[0-9]{1,12}")


class SentryConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """client_secret: the key of signatures. plugin_secret: the last part of the plugin's URL."""

    client_secret: Secret | None = None
    plugin_secret: Secret | None = None
    insecure: bool = False
    poll: SentryPoll | None = None

    def __post_init__(self) -> None:
        secured = self.client_secret is not None or self.plugin_secret is not None
        if not secured and not self.insecure:
            raise ValueError(
                "a source of type sentry needs client_secret, "
                "or plugin_secret for the legacy plugin; "
                "write insecure: true to accept alerts from anybody"
            )
        if secured and self.insecure:
            raise ValueError("a source of type sentry takes either secrets or insecure: true")


def poller(name: str, config: SentryConfig, session: ClientSession) -> SentryPoller | None:
    """Return the poller of a source's issues; None if the config doesn't select any."""
    return SentryPoller(name, config.poll, session) if config.poll else None


class _Envelope(Struct):
    action: str = ""
    data: Raw = Raw(b"{}")


_ENVELOPE = msgspec.json.Decoder(_Envelope)


class SentryReceiver(Source):
    """Makes an alert from each webhook that reports a state.

    An issue has the same fingerprint in all kinds of webhooks.
    """

    kind = "sentry"
    max_body = 4 * MIB  # with stack frames and breadcrumbs, an event may have hundreds of kilobytes

    def __init__(self, name: str, config: SentryConfig) -> None:
        super().__init__(name)
        self.is_open = config.insecure
        self._config = config

    def admit(self, incoming: Incoming) -> bool:
        """Raises: Unauthorized, if the secret in the URL is wrong."""
        if self._config.insecure or not _is_plugin(incoming):
            return False
        self._check_plugin(incoming)
        return True

    def verify(self, incoming: Incoming, now: float) -> None:
        """Raises: Unauthorized, also if the request is older or newer than five minutes."""
        if self._config.insecure:
            return
        if _is_plugin(incoming):
            self._check_plugin(incoming)
            return
        if self._config.client_secret is None:
            raise Unauthorized("can't check Sentry-Hook-Signature: no client_secret is configured")
        _check_signature(incoming, self._config.client_secret)
        _check_timestamp(incoming.headers.get("sentry-hook-timestamp", ""), now)

    def decode(self, incoming: Incoming, now: float) -> Received:
        """Read the alert, or report why there is none: most kinds of webhooks report no state.

        Raises: InvalidInput, if the id of the issue or metric alert is missing.
        """
        body = clean(incoming.body)
        resource = incoming.headers.get("sentry-hook-resource", "")
        # A request that has only the secret URL isn't treated as signed, whatever its headers.
        if not resource or _is_plugin(incoming):
            return self._received(
                plugin(body), AlertStatus.FIRING, incoming.body, now, is_state=False
            )
        kind = KINDS.get(resource)
        if kind is None:
            return Received(ignored="This kind of webhook reports no state")
        envelope = decode(_ENVELOPE, body)
        status = kind.statuses.get(envelope.action)
        if status is None:
            return Received(ignored=f"This action on {resource} changes no state")
        read = kind.read(envelope.data, envelope.action)
        return self._received(read, status, incoming.body, now, is_state=kind.is_state)

    def _check_plugin(self, incoming: Incoming) -> None:
        if self._config.plugin_secret is None:
            raise Unauthorized("can't check the secret in the URL: no plugin_secret is configured")
        check_path(incoming.segment, self._config.plugin_secret)

    def _received(
        self, read: SentryAlert, status: AlertStatus, body: bytes, now: float, *, is_state: bool
    ) -> Received:
        alert = Alert(
            source=self.name,
            fingerprint=f"{self.name}:{read.fingerprint}",
            status=status,
            labels=read.labels,
            annotations=read.annotations,
            starts_at=now if read.starts_at is None else read.starts_at,
            ends_at=(read.ends_at or now) if status is AlertStatus.RESOLVED else None,
            url=read.url,
            # Only the body is signed, so only it can identify a replay: anybody can change headers.
            event_id=f"sentry:{blake2b(body, digest_size=16).hexdigest()}",
            is_state=is_state,
            group_as=read.group_as,
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
