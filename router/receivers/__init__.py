"""The kinds of webhook, each in a file of its own: those that bring alerts, and those that bring
what people ask for.

A new one is a file and a line in `RECEIVERS`.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from router.ports.webhooks import Receiver
from router.receivers.alertmanager import AlertmanagerConfig, AlertmanagerReceiver
from router.receivers.context import ReceiverContext
from router.receivers.github import GitHubConfig, GitHubReceiver
from router.receivers.pagerduty import PagerDutyConfig, PagerDutyReceiver
from router.receivers.sentry.receiver import SentryConfig, SentryReceiver
from router.receivers.slack.receiver import SlackConfig, SlackReceiver
from router.receivers.twilio.receiver import TwilioConfig, TwilioReceiver


class Source(NamedTuple):
    """config: the struct of `sources.<name>`. build: the receiver, from the source's name, that
    struct and the site.
    """

    config: type[Struct]
    build: Callable[[str, Any, ReceiverContext], Receiver]


def _anywhere(
    make: Callable[[str, Any], Receiver],
) -> Callable[[str, Any, ReceiverContext], Receiver]:
    """For a source of alerts, to which the site makes no difference."""
    return lambda name, config, _site: make(name, config)


RECEIVERS: Mapping[str, Source] = {
    "alertmanager": Source(AlertmanagerConfig, _anywhere(AlertmanagerReceiver)),
    "github": Source(GitHubConfig, _anywhere(GitHubReceiver)),
    "pagerduty": Source(PagerDutyConfig, PagerDutyReceiver),
    "sentry": Source(SentryConfig, _anywhere(SentryReceiver)),
    "slack": Source(SlackConfig, SlackReceiver),
    "twilio": Source(TwilioConfig, TwilioReceiver),
}
