"""Type `discord`: a channel of Discord, by a webhook. One message per incident, edited in place.

Discord supports no idempotency key for webhook messages. The buttons open links, because a webhook
isn't notified when a button is pressed.

Limits: https://docs.discord.com/developers/resources/message#embed-object-embed-limits,
https://docs.discord.com/developers/components/reference#button (links) and
https://docs.discord.com/developers/topics/rate-limits.
"""

import re
from collections.abc import Iterator
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from router.config.channel_options import Capabilities, ChannelOptions
from router.config.fields import Rate
from router.config.secret import SecretUrl
from router.core.messages.render import content
from router.model.incident import Severity
from router.model.notification import Message, Result, Sent
from router.senders import in_place
from router.senders.calls import JSON, Calls, Failed, refusals
from router.senders.links import answers, links
from router.senders.markup import MARKDOWN, headline, news, write
from router.senders.verify import fetch, named

MAX_CONTENT = 2000
MAX_DESCRIPTION = 4096
MAX_BUTTON_URL = 512
ROW = 5
"""Maximum buttons in a row. A message has up to five rows."""

GONE = 404
PATH = re.compile(r".*/webhooks/[0-9]+/[A-Za-z0-9_-]+")
REF = re.compile(r"[0-9]{15,20}")

COLOURS = {
    Severity.P0: 0xD32F2F,
    Severity.P1: 0xD32F2F,
    Severity.P2: 0xF9A825,
    Severity.P3: 0x1976D2,
}
CLOSED = 0x388E3C


class DiscordConfig(ChannelOptions, frozen=True, kw_only=True):
    """`webhook_url` is the URL from Discord, with the token at the end.

    thread: the id of a thread of the webhook's channel to post in.
    links: add links to answer with. Anybody who has a link may use it.
    """

    webhook_url: SecretUrl
    thread: str = ""
    links: bool = True
    rate: Rate | None = Rate(30, 60.0)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(edits=True)

    def __post_init__(self) -> None:
        if not PATH.fullmatch(URL(self.webhook_url.reveal()).path):
            raise ValueError("`webhook_url` must end in /webhooks/ID/TOKEN, as Discord gives it")
        if self.thread and not REF.fullmatch(self.thread):
            raise ValueError("`thread` must be a thread's id, of 15 to 20 digits")


class Webhook:
    """The calls of one attempt, as a `router.senders.in_place.Chat`."""

    def __init__(self, calls: Calls, config: DiscordConfig) -> None:
        self._calls = calls
        self._links = config.links
        self._query = {"thread_id": config.thread} if config.thread else {}

    async def post(self, message: Message) -> str:
        return await self._create(build_message(message, answerable=self._links))

    async def edit(self, ref: str, message: Message) -> bool:
        body = msgspec.json.encode(build_message(message, answerable=self._links))
        query = {"with_components": "true", **self._query}
        try:
            await self._calls.call(
                "PATCH", f"/messages/{ref}", idempotent=True, query=query, body=body
            )
        except Failed as failure:
            if failure.status == GONE:
                return False
            raise
        return True

    async def reply(self, ref: str, message: Message) -> None:
        """A webhook can't reply, so it's a new message with a link to the first one."""
        del ref
        if unseen := news(message, MARKDOWN):
            text = f"{MARKDOWN.piece(headline(message))}\n{unseen}"
            await self._create({"content": text[:MAX_CONTENT], "allowed_mentions": {"parse": []}})

    async def _create(self, body: dict[str, Any]) -> str:
        query = {"wait": "true", "with_components": "true", **self._query}
        made = await self._calls.ask("POST", "", _Created, body, idempotent=False, query=query)
        return made.id


class _Created(msgspec.Struct, frozen=True):
    id: str


class DiscordSender:
    """`ref` is the message's id."""

    def __init__(self, config: DiscordConfig, session: aiohttp.ClientSession) -> None:
        url = URL(config.webhook_url.reveal())
        self._url = str(url.with_query(None).with_fragment(None))
        self._hide = url.name
        self._config = config
        self._session = session

    async def send(self, message: Message) -> Result:
        judge = refusals("message", "errors", hide=self._hide, now=message.at)
        seconds = self._config.timeout
        calls = Calls(self._session, self._url, JSON, seconds=seconds, judge=judge)
        return await in_place.deliver(Webhook(calls, self._config), message, REF)

    async def verify(self) -> str | Result:
        """Look up the webhook: /developers/resources/webhook#get-webhook-with-token."""
        result, webhook = await fetch(self._session, self._url, {}, self._config.timeout)
        return (
            f"webhook '{named(webhook.get('name'))}' found" if isinstance(result, Sent) else result
        )

    async def close(self) -> None:
        """Nothing to close: the session belongs to the caller."""


def build(_name: str, config: DiscordConfig, session: aiohttp.ClientSession) -> DiscordSender:
    return DiscordSender(config, session)


def build_message(message: Message, *, answerable: bool) -> dict[str, Any]:
    """The incident in its current state: a line for notifications, an embed and buttons."""
    incident = message.incident
    colour = COLOURS[incident.severity] if incident.is_open else CLOSED
    every = message.list_url if len(message.list_url) > MAX_BUTTON_URL else ""
    below = f"\n[All incidents]({every})" if every else ""
    text = write(message, MARKDOWN, MAX_DESCRIPTION - len(below)) + below
    embed = {"description": text, "color": colour}
    return {
        "content": MARKDOWN.piece(headline(message)),
        "embeds": [embed],
        "components": list(_rows(message, answerable=answerable)),
        "allowed_mentions": {"parse": []},
    }


def _rows(message: Message, *, answerable: bool) -> Iterator[dict[str, Any]]:
    asked = answers(message) if answerable and not message.for_stakeholder else ()
    for buttons in (asked, links(content(message))):
        shown = [(label, url) for label, url in buttons if len(url) <= MAX_BUTTON_URL][:ROW]
        row = [{"type": 2, "style": 5, "label": label, "url": url} for label, url in shown]
        if row:
            yield {"type": 1, "components": row}
