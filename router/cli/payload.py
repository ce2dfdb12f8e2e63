"""Reads the body of a webhook that didn't come over the network."""

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
    """What a body holds that came from `source`; `resource` is the Sentry-Hook-Resource header of
    one of Sentry's.

    Raises: LookupError, if there's no such source in the config; ValueError, if nothing of it can
    be understood.
    """
    if source not in config.sources:
        raise LookupError(
            f"no source '{source}' is configured; there are: {', '.join(config.sources)}"
        )
    receiver = RECEIVERS[config.source_kinds[source]].build(
        source, config.sources[source], ReceiverContext()
    )
    try:
        return receiver.decode(
            Incoming({"sentry-hook-resource": resource}, body), SystemClock().now()
        )
    except InvalidInput as error:
        raise ValueError(f"{error.pointer or 'the body'}: {error.detail}") from None


def alerts_in(config: Config) -> Decode:
    """Reads all alerts in a file."""

    def decode(source: str, resource: str, path: Path) -> Sequence[Alert]:
        try:
            received = decoded(config, source, resource, path.read_bytes())
        except OSError as error:
            raise ValueError(f"can't be read: {error.strerror}") from None
        except LookupError as error:
            raise ValueError(str(error)) from None
        if received.errors or not received.alerts:
            wrong = "; ".join(f"{error.pointer} {error.detail}" for error in received.errors)
            raise ValueError(wrong or received.ignored or "there's no alert in it")
        return received.alerts

    return decode
