"""Type `googlechat`: a space of Google Chat, by a webhook, with a thread for each incident.

A webhook's message can't be edited, and its buttons open links. A repeated request has the same
`requestId`, and Chat then returns the existing message, so no result is `Uncertain`.

https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages/create (the
fields, 32,000 bytes) and https://developers.google.com/workspace/chat/limits (one message a second
in a space, from all its webhooks together).
"""

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import msgspec

from router.config.channel_options import ChannelOptions
from router.config.fields import Rate
from router.config.secret import SecretUrl
from router.core.messages.render import content
from router.model.notification import Message, Result, Sent
from router.senders.calls import JSON, Calls, Failed, refusals
from router.senders.identity import message_id, origin
from router.senders.links import answers, links
from router.senders.markup import HTML, headline, octets, write

MAX_TEXT = 16_000
"""Maximum bytes of the text. With it the request stays below 32,000, even after JSON escaping."""


class GoogleChatConfig(ChannelOptions, frozen=True, kw_only=True):
    """`webhook_url` is the URL from Google Chat, with the key and token in the query.

    links: add links to answer with. Anybody who has a link may use it.
    """

    webhook_url: SecretUrl
    links: bool = True
    rate: Rate | None = Rate(1, 1.0)

    def __post_init__(self) -> None:
        url = urlsplit(self.webhook_url.reveal())
        if not url.path.endswith("/messages") or not {"key", "token"} <= parse_qs(url.query).keys():
            raise ValueError(
                "`webhook_url` must be like https://chat.googleapis.com/v1/spaces/…/messages?key=…"
                "&token=…, copied from Google Chat"
            )


class GoogleChatSender:
    """Posts each message as one card."""

    def __init__(self, name: str, config: GoogleChatConfig, session: aiohttp.ClientSession) -> None:
        self._name = name
        self._config = config
        self._url = config.webhook_url.reveal()
        self._hide = parse_qs(urlsplit(self._url).query)["token"][0]
        self._session = session

    async def send(self, message: Message) -> Result:
        judge = refusals("error", hide=self._hide, now=message.at)
        calls = Calls(self._session, self._url, JSON, seconds=self._config.timeout, judge=judge)
        # Don't hide a summary of several incidents in the thread of one of them.
        own = message_id(self._name, message)
        thread = own if message.other_incidents else origin(self._name, message.incident)
        query = {
            "requestId": own,
            "messageReplyOption": "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD",
        }
        card = build_card(message, answerable=self._config.links) | {
            "thread": {"threadKey": thread}
        }
        body = msgspec.json.encode(card)
        try:
            await calls.call("POST", f"&{urlencode(query)}", idempotent=True, body=body)
        except Failed as failure:
            return failure.result
        return Sent()

    async def close(self) -> None:
        """Nothing to close: the session belongs to the caller."""


def build(name: str, config: GoogleChatConfig, session: aiohttp.ClientSession) -> GoogleChatSender:
    return GoogleChatSender(name, config, session)


def build_card(message: Message, *, answerable: bool) -> dict[str, Any]:
    """The incident in its current state, as a card, and as plain text for notifications."""
    shown = content(message)
    asked = answers(message) if answerable and not message.for_stakeholder else ()
    buttons = [
        {"text": label, "onClick": {"openLink": {"url": url}}}
        for label, url in (*asked, *links(shown))
    ]
    text = write(message, HTML, MAX_TEXT, octets).replace("\n", "<br>")
    widgets: list[dict[str, Any]] = [{"textParagraph": {"text": text}}]
    if buttons:
        widgets.append({"buttonList": {"buttons": buttons}})
    card = {
        "header": {"title": shown.headline, "subtitle": shown.title},
        "sections": [{"widgets": widgets}],
    }
    return {
        "cardsV2": [{"cardId": "incident", "card": card}],
        "fallbackText": headline(message),
    }
