"""The types of sources, one module each. To add a type, add a module and a line in `RECEIVERS`.

The module of a type is imported when a config first names it, as with senders.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from aiohttp import ClientSession
from msgspec import Struct

from router.ports.reconcile import SourcePoller
from router.ports.webhooks import Receiver
from router.receivers.context import ReceiverContext
from router.receivers.paths import ALERTS, CHANGE, ENQUEUE, HEARTBEATS, ONCALL, POSTED


class SourceType(Struct, frozen=True):
    """A type of source: the module with its config struct and the class of its receiver.

    paths: the service's own paths, in addition to `/webhooks/NAME`; if there are several sources of
    the type, a request's credentials select one. in_context: the receiver needs the context. polls:
    the module has a function `poller`, which creates the source's poller.
    """

    module: str
    struct: str
    receiver: str
    paths: tuple[str, ...] = ()
    in_context: bool = False
    polls: bool = False

    def config(self) -> type[Struct]:
        """The struct of `sources.<name>`."""
        return cast(type[Struct], getattr(self._loaded(), self.struct))

    def build(self, name: str, config: Any, context: ReceiverContext) -> Receiver:
        """A receiver for the source `name`."""
        make = getattr(self._loaded(), self.receiver)
        return cast(Receiver, make(name, config, *([context] if self.in_context else [])))

    def poll(self, name: str, config: Any, session: ClientSession) -> SourcePoller | None:
        """Return the poller that asks the source for its alerts; None if there is none."""
        if not self.polls:
            return None
        return cast(SourcePoller | None, self._loaded().poller(name, config, session))

    def _loaded(self) -> Any:
        return import_module(f"{__name__}.{self.module}")


RECEIVERS: Mapping[str, SourceType] = {
    "alertmanager": SourceType(
        "alertmanager", "AlertmanagerConfig", "AlertmanagerReceiver", polls=True
    ),
    "github": SourceType("github", "GitHubConfig", "GitHubReceiver"),
    "grafana": SourceType("alertmanager", "GrafanaConfig", "GrafanaReceiver"),
    "mattermost": SourceType(
        "mattermost", "MattermostConfig", "MattermostReceiver", in_context=True
    ),
    "oncall": SourceType("oncall", "OnCallConfig", "OnCallReceiver", (ONCALL,)),
    "opsgenie": SourceType(
        "opsgenie.receiver",
        "OpsgenieConfig",
        "OpsgenieReceiver",
        (ALERTS, f"{ALERTS}/{{segment:.+}}", f"{HEARTBEATS}{{segment:.+}}"),
        in_context=True,
    ),
    "pagerduty": SourceType("pagerduty", "PagerDutyConfig", "PagerDutyReceiver", in_context=True),
    "pagerduty_events": SourceType(
        "pagerduty_events", "PagerDutyEventsConfig", "PagerDutyEventsReceiver", (ENQUEUE, CHANGE)
    ),
    "prometheus": SourceType(
        "prometheus", "PrometheusSourceConfig", "PrometheusReceiver", (POSTED,)
    ),
    "sentry": SourceType("sentry.receiver", "SentryConfig", "SentryReceiver", polls=True),
    "slack": SourceType("slack.receiver", "SlackConfig", "SlackReceiver", in_context=True),
    "telegram": SourceType("telegram", "TelegramConfig", "TelegramReceiver", in_context=True),
    "twilio": SourceType("twilio.receiver", "TwilioConfig", "TwilioReceiver", in_context=True),
    "webhook": SourceType("webhook", "WebhookSourceConfig", "WebhookReceiver"),
}

OWN_PATHS: Mapping[str, tuple[str, ...]] = {
    kind: source.paths for kind, source in RECEIVERS.items() if source.paths
}
"""The services' own paths, by type of source."""
