"""The types of sources, one file each. A new type is a file and a line in `RECEIVERS`."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from aiohttp import ClientSession
from msgspec import Struct

from router.ports.reconcile import SourcePoller
from router.ports.webhooks import Receiver
from router.receivers import alertmanager, sentry
from router.receivers.alertmanager import (
    AlertmanagerConfig,
    AlertmanagerReceiver,
    GrafanaConfig,
    GrafanaReceiver,
)
from router.receivers.context import ReceiverContext
from router.receivers.github import GitHubConfig, GitHubReceiver
from router.receivers.mattermost import MattermostConfig, MattermostReceiver
from router.receivers.oncall import PATH as ONCALL
from router.receivers.oncall import OnCallConfig, OnCallReceiver
from router.receivers.opsgenie.receiver import OpsgenieConfig, OpsgenieReceiver
from router.receivers.opsgenie.request import ALERTS, HEARTBEATS
from router.receivers.pagerduty import PagerDutyConfig, PagerDutyReceiver
from router.receivers.pagerduty_events import (
    CHANGE,
    ENQUEUE,
    PagerDutyEventsConfig,
    PagerDutyEventsReceiver,
)
from router.receivers.prometheus import POSTED, PrometheusReceiver, PrometheusSourceConfig
from router.receivers.sentry.receiver import SentryConfig, SentryReceiver
from router.receivers.slack.receiver import SlackConfig, SlackReceiver
from router.receivers.telegram import TelegramConfig, TelegramReceiver
from router.receivers.twilio.receiver import TwilioConfig, TwilioReceiver
from router.receivers.webhook import WebhookReceiver, WebhookSourceConfig


class SourceType(NamedTuple):
    """A type of source.

    config: the struct of `sources.<name>`. build: makes the receiver from a name, that struct and
    the context. paths: the service's own paths, beside `/webhooks/NAME`; the credentials of a
    request select one of several sources of the type. poll: makes the part that asks the source
    for its state, or None if its config says not to.
    """

    config: type[Struct]
    build: Callable[[str, Any, ReceiverContext], Receiver]
    paths: tuple[str, ...] = ()
    poll: Callable[[str, Any, ClientSession], SourcePoller | None] | None = None


def _without_context(
    make: Callable[[str, Any], Receiver],
) -> Callable[[str, Any, ReceiverContext], Receiver]:
    return lambda name, config, _context: make(name, config)


RECEIVERS: Mapping[str, SourceType] = {
    "alertmanager": SourceType(
        AlertmanagerConfig, _without_context(AlertmanagerReceiver), poll=alertmanager.poller
    ),
    "github": SourceType(GitHubConfig, _without_context(GitHubReceiver)),
    "grafana": SourceType(GrafanaConfig, _without_context(GrafanaReceiver)),
    "mattermost": SourceType(MattermostConfig, MattermostReceiver),
    "oncall": SourceType(OnCallConfig, _without_context(OnCallReceiver), (ONCALL,)),
    "opsgenie": SourceType(
        OpsgenieConfig,
        OpsgenieReceiver,
        (ALERTS, f"{ALERTS}/{{segment:.+}}", f"{HEARTBEATS}{{segment:.+}}"),
    ),
    "pagerduty": SourceType(PagerDutyConfig, PagerDutyReceiver),
    "pagerduty_events": SourceType(
        PagerDutyEventsConfig,
        _without_context(PagerDutyEventsReceiver),
        (ENQUEUE, CHANGE),
    ),
    "prometheus": SourceType(
        PrometheusSourceConfig, _without_context(PrometheusReceiver), (POSTED,)
    ),
    "sentry": SourceType(
        SentryConfig, _without_context(SentryReceiver), poll=sentry.receiver.poller
    ),
    "slack": SourceType(SlackConfig, SlackReceiver),
    "telegram": SourceType(TelegramConfig, TelegramReceiver),
    "twilio": SourceType(TwilioConfig, TwilioReceiver),
    "webhook": SourceType(WebhookSourceConfig, _without_context(WebhookReceiver)),
}

OWN_PATHS: Mapping[str, tuple[str, ...]] = {
    kind: source.paths for kind, source in RECEIVERS.items() if source.paths
}
"""The services' own paths, by type of source."""
