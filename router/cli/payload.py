"""Webhook bodies from files."""

from collections.abc import Sequence
from pathlib import Path

from router.config.load import Config
from router.config.scenarios import Decode
from router.model.alert import Alert
from router.ports.clock import SystemClock
from router.ports.errors import InvalidInput
from router.ports.webhooks import Incoming, Received
from router.receivers import RECEIVERS
from router.receivers.context import ReceiverContext


def decoded(config: Config, source: str, resource: str, body: bytes) -> Received:
    """Decode a body from `source`. `resource` is Sentry's header Sentry-Hook-Resource.

    Raises: LookupError if the config has no such source; ValueError if the body is unreadable.
    """
    if source not in config.sources:
        known = ", ".join(config.sources)
        raise LookupError(f"no source '{source}' is configured; the sources are: {known}")
    kind = RECEIVERS[config.source_kinds[source]]
    receiver = kind.build(source, config.sources[source], ReceiverContext())
    try:
        return receiver.decode(
            Incoming({"sentry-hook-resource": resource}, body), SystemClock().now()
        )
    except InvalidInput as error:
        raise ValueError(f"{error.pointer or 'the body'}: {error.detail}") from None


def alerts_in(config: Config) -> Decode:
    """A reader of all alerts in a file."""

    def decode(source: str, resource: str, path: Path) -> Sequence[Alert]:
        try:
            received = decoded(config, source, resource, path.read_bytes())
        except OSError as error:
            raise ValueError(f"can't be read: {error.strerror}") from None
        except LookupError as error:
            raise ValueError(str(error)) from None
        if received.errors or not received.alerts:
            wrong = "; ".join(f"{error.pointer} {error.detail}" for error in received.errors)
            raise ValueError(wrong or received.ignored or "it contains no alert")
        return received.alerts

    return decode
