"""The kinds of webhook that bring alerts, each in a file of its own. A new one is a file and a line in `RECEIVERS`."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from router.ports import Receiver
from router.receivers.alertmanager import AlertmanagerConfig, AlertmanagerReceiver
from router.receivers.sentry import SentryConfig, SentryReceiver


class Source(NamedTuple):
    """config: the struct of `sources.<name>`. build: the receiver, from the source's name and that struct."""

    config: type[Struct]
    build: Callable[[str, Any], Receiver]


RECEIVERS: Mapping[str, Source] = {
    "alertmanager": Source(AlertmanagerConfig, AlertmanagerReceiver),
    "sentry": Source(SentryConfig, SentryReceiver),
}
