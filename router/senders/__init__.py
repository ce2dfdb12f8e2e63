"""Senders: one module for each kind of channel, and their registry.

The module of a kind is imported when a config first names it, because the services' libraries are
large and slow to load.
"""

from importlib import import_module
from typing import Any, cast

import aiohttp
from msgspec import Struct

from router.config.channel_options import ChannelOptions
from router.ports.channels import Sender


class SenderKind(Struct, frozen=True):
    """A kind of channel: the module with its config struct and `build(name, config, session)`."""

    module: str
    struct: str

    def config(self) -> type[ChannelOptions]:
        return cast(type[ChannelOptions], getattr(self._loaded(), self.struct))

    def build(self, name: str, config: ChannelOptions, session: aiohttp.ClientSession) -> Sender:
        """A sender for the channel `name`, over the session's connections. Needs a loop."""
        return cast(Sender, self._loaded().build(name, config, session))

    def _loaded(self) -> Any:
        return import_module(f"{__name__}.{self.module}")


KINDS = {
    "apprise": SenderKind("apprise", "AppriseConfig"),
    "console": SenderKind("console", "ConsoleConfig"),
    "discord": SenderKind("discord", "DiscordConfig"),
    "email": SenderKind("mail", "MailConfig"),
    "github": SenderKind("github.sender", "GitHubConfig"),
    "gitlab": SenderKind("gitlab", "GitLabConfig"),
    "googlechat": SenderKind("googlechat", "GoogleChatConfig"),
    "jira": SenderKind("jira.sender", "JiraConfig"),
    "linear": SenderKind("linear.sender", "LinearConfig"),
    "matrix": SenderKind("matrix", "MatrixConfig"),
    "mattermost": SenderKind("mattermost", "MattermostConfig"),
    "ntfy": SenderKind("ntfy", "NtfyConfig"),
    "pagerduty": SenderKind("pagerduty.sender", "PagerDutyConfig"),
    "slack": SenderKind("slack.sender", "SlackConfig"),
    "sms": SenderKind("twilio.sms", "SmsConfig"),
    "statuspage": SenderKind("statuspage.sender", "StatuspageConfig"),
    "teams": SenderKind("teams", "TeamsConfig"),
    "telegram": SenderKind("telegram", "TelegramConfig"),
    "voice": SenderKind("twilio.voice", "VoiceConfig"),
    "webhook": SenderKind("webhook", "WebhookConfig"),
    "webpush": SenderKind("webpush", "WebPushConfig"),
}
"""Kinds of channel by a channel's `type`."""
