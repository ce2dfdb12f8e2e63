"""Type `mattermost`: a channel of Mattermost, by an incoming webhook or by a bot's token.

A webhook can only add messages: one for each change. A bot has one message per incident, and edits
it in place. Mattermost remembers idempotency keys only briefly. The source `mattermost` handles
pressed buttons: Mattermost doesn't sign its requests, so each button contains a signed token.

https://developers.mattermost.com/integrate/webhooks/incoming,
https://developers.mattermost.com/integrate/plugins/interactive-messages and
https://developers.mattermost.com/api-documentation/ (posts: at most 16,383 characters).
"""

import re
from collections.abc import Iterator
from typing import Any

import aiohttp
import msgspec

from router.config.channel_options import Capabilities, ChannelOptions
from router.config.fields import HttpUrl
from router.config.secret import Secret, SecretUrl
from router.core.messages.buttons import offered
from router.core.messages.render import content
from router.core.messages.signed_links import Grant, Signer
from router.model.incident import Severity
from router.model.notification import Message, Result, Sent
from router.ports.channels import Sender
from router.senders import in_place
from router.senders.calls import JSON, Calls, Failed, refusals
from router.senders.links import answers, links
from router.senders.markup import MARKDOWN, headline, news, write
from router.senders.verify import fetch, named

MAX_TEXT = 8000
REF = re.compile(r"[a-z0-9]{26}")
GONE = frozenset({403, 404})
"""Statuses for a post that was deleted, or that the bot may not edit."""

PRESSABLE = 30 * 86_400
"""Seconds that a button's token is valid."""

COLOURS = {
    Severity.P0: "#d32f2f",
    Severity.P1: "#d32f2f",
    Severity.P2: "#f9a825",
    Severity.P3: "#1976d2",
}
CLOSED = "#388e3c"


class MattermostConfig(ChannelOptions, frozen=True, kw_only=True):
    """Either `webhook_url`, or `api_url`, `token` and `channel`.

    webhook_url: of an incoming webhook.
    api_url: the address of the server, for a bot.
    token: of a bot account that is a member of the channel.
    channel: the channel's id, of 26 letters and digits.
    button_secret: put buttons under the message of an open incident, with tokens that this key
        signs; needs the source `mattermost` with the same key, and `callback_url`.
    callback_url: the URL at which the Mattermost server can reach the router.
    links: without buttons, add links to answer with. Anybody who has a link may use it.
    """

    webhook_url: SecretUrl | None = None
    api_url: HttpUrl | None = None
    token: Secret | None = None
    channel: str = ""
    button_secret: Secret | None = None
    callback_url: HttpUrl | None = None
    links: bool = True

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            answers="mattermost" if self.button_secret else "", edits=self.token is not None
        )

    def __post_init__(self) -> None:
        bot = (self.api_url is not None, self.token is not None, bool(self.channel))
        if (self.webhook_url is None) != all(bot) or len(set(bot)) > 1:
            raise ValueError("needs either `webhook_url`, or `api_url`, `token` and `channel`")
        if self.channel and not REF.fullmatch(self.channel):
            raise ValueError("`channel` must be the channel's id, of 26 letters and digits")
        if (self.button_secret is None) != (self.callback_url is None):
            raise ValueError("`button_secret` and `callback_url` go together")


class _Post(msgspec.Struct, frozen=True):
    id: str


class Bot:
    """The calls of one attempt, as a `router.senders.in_place.Chat`."""

    def __init__(self, calls: Calls, config: MattermostConfig) -> None:
        self._calls = calls
        self._config = config

    async def post(self, message: Message) -> str:
        content = build_message(message, self._config)
        return await self._post(content["text"], {"attachments": content["attachments"]})

    async def edit(self, ref: str, message: Message) -> bool:
        content = build_message(message, self._config)
        change = {"message": content["text"], "props": {"attachments": content["attachments"]}}
        body = msgspec.json.encode(change)
        try:
            await self._calls.call("PUT", f"/api/v4/posts/{ref}/patch", idempotent=True, body=body)
        except Failed as failure:
            if failure.status in GONE:
                return False
            raise
        return True

    async def reply(self, ref: str, message: Message) -> None:
        """A message in the channel: a reply in a thread would notify only those who follow it."""
        del ref
        if unseen := news(message, MARKDOWN):
            await self._post(f"**{MARKDOWN.piece(headline(message))}**\n{unseen}", {})

    async def _post(self, text: str, props: dict[str, Any]) -> str:
        post = {"channel_id": self._config.channel, "message": text, "props": props}
        return (await self._calls.ask("POST", "/api/v4/posts", _Post, post, idempotent=False)).id


class MattermostBotSender:
    """`ref` is the post's id."""

    def __init__(self, config: MattermostConfig, session: aiohttp.ClientSession) -> None:
        assert config.api_url is not None
        assert config.token is not None
        self._config = config
        self._url = config.api_url.rstrip("/")
        self._hide = config.token.reveal()
        self._headers = JSON | {"Authorization": f"Bearer {self._hide}"}
        self._session = session

    async def send(self, message: Message) -> Result:
        judge = refusals("message", hide=self._hide, now=message.at)
        seconds = self._config.timeout
        calls = Calls(self._session, self._url, self._headers, seconds=seconds, judge=judge)
        return await in_place.deliver(Bot(calls, self._config), message, REF)

    async def verify(self) -> str | Result:
        """Look up the channel, which only its members may do."""
        url = f"{self._url}/api/v4/channels/{self._config.channel}"
        result, channel = await fetch(self._session, url, self._headers, self._config.timeout)
        if not isinstance(result, Sent):
            return result
        return f"token accepted, channel '{named(channel.get('display_name'))}' found"

    async def close(self) -> None:
        """Nothing to close: the session belongs to the caller."""


class MattermostWebhookSender:
    """One message for each change."""

    def __init__(
        self, config: MattermostConfig, url: SecretUrl, session: aiohttp.ClientSession
    ) -> None:
        self._config = config
        self._url = url.reveal()
        self._session = session

    async def send(self, message: Message) -> Result:
        judge = refusals("message", hide=self._url.rpartition("/")[2], now=message.at)
        seconds = self._config.timeout
        calls = Calls(self._session, self._url, JSON, seconds=seconds, judge=judge)
        body = msgspec.json.encode(build_message(message, self._config))
        try:
            await calls.call("POST", "", idempotent=False, body=body)
        except Failed as failure:
            return failure.result
        return Sent()

    async def close(self) -> None:
        """Nothing to close: the session belongs to the caller."""


def build(_name: str, config: MattermostConfig, session: aiohttp.ClientSession) -> Sender:
    if config.webhook_url is not None:
        return MattermostWebhookSender(config, config.webhook_url, session)
    return MattermostBotSender(config, session)


def build_message(message: Message, config: MattermostConfig) -> dict[str, Any]:
    """The incident in its current state: a line for notifications, and an attachment."""
    incident = message.incident
    asks = not message.for_stakeholder
    asked = answers(message) if asks and config.links and not config.button_secret else ()
    shown = [
        f"[{MARKDOWN.piece(label)}]({url})" for label, url in (*asked, *links(content(message)))
    ]
    attachment = {
        "fallback": headline(message),
        "color": COLOURS[incident.severity] if incident.is_open else CLOSED,
        "text": f"{write(message, MARKDOWN, MAX_TEXT)}\n{' · '.join(shown)}",
        "actions": [*_buttons(message, config)] if asks else [],
    }
    return {"text": f"**{MARKDOWN.piece(headline(message))}**", "attachments": [attachment]}


def _buttons(message: Message, config: MattermostConfig) -> Iterator[dict[str, Any]]:
    """The buttons. Their context contains the token; Mattermost doesn't show it to users."""
    if config.button_secret is None or config.callback_url is None:
        return
    signer = Signer(config.button_secret.reveal().encode())
    url = f"{config.callback_url.rstrip('/')}/webhooks/mattermost"
    incident, until = message.incident, int(message.at) + PRESSABLE
    for command, label in offered(incident):
        grant = Grant(incident.id, incident.reopened, command, message.channel, "", until)
        context = {"token": signer.token(grant)}
        integration = {"url": url, "context": context}
        yield {"id": command.value, "type": "button", "name": label, "integration": integration}
