"""Convert receivers to channels: one channel for each integration of a receiver."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import getaddresses
from typing import Any

from router.config.fields import is_loopback
from router.config.people import parse_email
from router.importers.alertmanager import services
from router.importers.alertmanager.integration import Integration, secret_of
from router.importers.files import PLACEHOLDER, PLACEHOLDER_URL, SecretFile, Secrets
from router.importers.source import Section
from router.importers.text import slug, unique

EVENTS_API = "https://events.pagerduty.com/v2/enqueue"
CONFIGS = "_configs"
LAYOUT = "left out: messages have the router's own layout"

BOT_TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")
CHAT = re.compile(r"-?[0-9]{1,20}|@[A-Za-z][A-Za-z0-9_]{3,40}")
DISCORD_URL = re.compile(r"/webhooks/[0-9]+/[A-Za-z0-9_-]+$")

Channel = dict[str, Any]


@dataclass
class Channels:
    """The channels so far by name, with a comment for each, and the channels of each receiver."""

    secrets: Secrets = field(default_factory=Secrets)
    found: dict[str, Channel] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    of_receiver: dict[str, list[str]] = field(default_factory=dict)

    def read(self, receiver: Section, defaults: Section) -> None:
        """Add the channels of a receiver. `defaults` is the section `global`."""
        name = receiver.text("name")
        own = self.of_receiver.setdefault(name, [])
        kinds = [key.removesuffix(CONFIGS) for key in receiver.keys if key.endswith(CONFIGS)]
        several = sum(len(receiver.items(f"{kind}{CONFIGS}")) for kind in kinds) > 1
        for kind in kinds:
            for section in receiver.sections(f"{kind}{CONFIGS}"):
                wanted = f"{slug(name)}-{slug(kind)}" if several else slug(name)
                integration = Integration(wanted, section, defaults, self.secrets)
                own.append(self._add(wanted, _channel(kind, integration)))
                self.comments.setdefault(own[-1], f"receiver {name}, line {section.place.line}")

    def _add(self, wanted: str, channel: Channel) -> str:
        """Add the channel; return its name. Equal channels are shared, unless they only print."""
        if channel["type"] != "console":
            for name, other in self.found.items():
                if other == channel:
                    return name
        name = unique(wanted, self.found)
        self.found[name] = channel
        return name


def _channel(kind: str, integration: Integration) -> Channel:
    maker, section = MAKERS.get(kind), integration.section
    made = maker(integration) if maker else None
    if made is None:
        section.leave_out(
            f"{kind}: the router has no such channel, or not with these settings: "
            f"channel '{integration.name}' prints to the log until you replace it",
        )
        return {"type": "console"}
    if "send_resolved" in section and not section.flag("send_resolved"):
        section.remark("send_resolved", "`send_resolved: false`: the router also sends resolves")
    section.skip("send_resolved")
    if kind not in _READ_HTTP and "http_config" in section:
        section.remark("http_config", "`http_config` isn't an option of this channel: left out")
    section.rest(LAYOUT)
    return made


_READ_HTTP = frozenset({"webhook", "jira", "webex"})

# --- one kind each


def _email(integration: Integration) -> Channel | None:
    to = list(_addresses(integration.section, "to", integration.section.text("to")))
    senders = list(_addresses(integration.section, "from", integration.text("from", "smtp_from")))
    host, _, port = integration.text("smarthost", "smtp_smarthost").rpartition(":")
    if not to or not senders or not host:
        return None
    integration.section.skip("hello", "auth_identity")
    smtp: dict[str, Any] = {"host": host.strip("[]")}
    if port.isdecimal():
        smtp["port"] = int(port)
    if port == "465" or integration.flag(
        "force_implicit_tls", "smtp_force_implicit_tls", default=False
    ):
        smtp["tls"] = True
    elif not integration.flag("require_tls", "smtp_require_tls", default=True):
        smtp["starttls"] = False
    _log_in(smtp, integration)
    return {"type": "email", "smtp": smtp, "from": senders[0], "to": to}


def _log_in(smtp: dict[str, Any], integration: Integration) -> None:
    username = integration.text("auth_username", "smtp_auth_username")
    password = integration.secret("auth_password", "smtp_auth_password")
    if not username or not password:
        return
    smtp["username"] = username
    smtp["password"] = integration.secrets.reference("smtp-password", password)
    if smtp.get("starttls") is False and not is_loopback(smtp["host"]):
        del smtp["starttls"]
        message = "`require_tls: false`: a password needs STARTTLS here"
        integration.section.remark("require_tls", message)


def _addresses(section: Section, key: str, text: str) -> Iterator[str]:
    for name, address in getaddresses([text]):
        try:
            parse_email(address)
            yield f"{name} <{address}>" if name else address
        except ValueError:
            if text:
                section.remark(key, f"`{key}` has no plain address: '{text}' is left out")


def _slack(integration: Integration) -> Channel | None:
    token = integration.secret("app_token", "slack_app_token")
    url = integration.secret("api_url", "" if token else "slack_api_url")
    channel = integration.section.text("channel")
    integration.section.skip("app_url")
    if url is not None:
        if channel:
            message = f"channel {channel}: an incoming webhook always posts to its own channel"
            integration.section.remark("channel", f"{message}, or use `token` and `channel`")
        return integration.with_url({"type": "slack"}, "webhook_url", url)
    if token is None or not channel:
        return None
    return {
        "type": "slack",
        "token": integration.secrets.reference("slack-token", token),
        "channel": channel if channel.startswith(("#", "C", "G")) else f"#{channel}",
    }


def _pagerduty(integration: Integration) -> Channel | None:
    key = integration.secret("routing_key")
    if key is None and (key := integration.secret("service_key")):
        old = "`service_key` is for the Events API v1"
        hint = "make an integration 'Events API v2', and use its key"
        integration.section.remark("service_key", f"{old}: {hint}")
    if key is None:
        return None
    made: Channel = {"type": "pagerduty", "routing_key": integration.keep("key", key)}
    url = integration.text("url", "pagerduty_url") or EVENTS_API
    return made if url == EVENTS_API else {**made, "api_url": url.removesuffix("/v2/enqueue")}


def _webhook(integration: Integration) -> Channel | None:
    url = integration.secret("url")
    if url is None:
        return None
    message = "the body is the router's, not Alertmanager's: see the channel type webhook"
    integration.section.report.add(integration.section.place, f"webhook: {message}")
    integration.section.skip("max_alerts")
    made = integration.with_url({"type": "webhook"}, "url", url)
    http = integration.section.section("http_config")
    authorization = http.section("authorization")
    http.rest("isn't an option of the router's webhooks: left out")
    credentials = secret_of(authorization, "credentials")
    if credentials is None:
        return made
    text = f"{authorization.text('type', 'Bearer')} {credentials.text or PLACEHOLDER}"
    if credentials.copied_from:
        hint = f"put 'Bearer TOKEN' into secrets/{integration.name}-authorization"
        message = f"{credentials.copied_from} isn't read: {hint}"
        authorization.report.add(authorization.place, message)
    return {
        **made,
        "headers": {"Authorization": integration.keep("authorization", SecretFile(text))},
    }


def _teams(integration: Integration) -> Channel | None:
    url = integration.secret("webhook_url")
    if url is None:
        return None
    if ".webhook.office.com" in url.text:
        message = "Microsoft has shut down the connector's URL: make a webhook of Workflows"
        integration.section.remark(
            "webhook_url", f"{message}, and put its URL into secrets/{integration.name}-url"
        )
        url = SecretFile(placeholder=PLACEHOLDER_URL)
    return integration.with_url({"type": "teams"}, "webhook_url", url)


def _telegram(integration: Integration) -> Channel | None:
    token = integration.secret("bot_token", "telegram_bot_token")
    chat, topic = integration.section.text("chat_id"), integration.section.text("message_thread_id")
    if token is None or not CHAT.fullmatch(chat):
        return None
    if not token.copied_from and not BOT_TOKEN.fullmatch(token.text):
        return None
    kept = SecretFile(token.text, token.copied_from, f"1234567890:{PLACEHOLDER}")
    made: Channel = {"type": "telegram", "token": integration.keep("token", kept), "chat": chat}
    return {**made, "topic": int(topic)} if topic.isdecimal() else made


def _discord(integration: Integration) -> Channel | None:
    url = integration.secret("webhook_url")
    if url is None or not DISCORD_URL.search(url.text):
        return None
    return integration.with_url({"type": "discord"}, "webhook_url", url)


def _mattermost(integration: Integration) -> Channel | None:
    url = integration.secret("webhook_url", "mattermost_webhook_url")
    return None if url is None else integration.with_url({"type": "mattermost"}, "webhook_url", url)


MAKERS: dict[str, Callable[[Integration], Channel | None]] = {
    "email": _email,
    "slack": _slack,
    "pagerduty": _pagerduty,
    "webhook": _webhook,
    "msteams": _teams,
    "msteamsv2": _teams,
    "telegram": _telegram,
    "discord": _discord,
    "mattermost": _mattermost,
    "jira": services.jira,
    "rocketchat": services.rocketchat,
    "pushover": services.pushover,
    "webex": services.webex,
}
