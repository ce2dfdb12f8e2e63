"""Type `telegram`: a chat of Telegram, by a bot. One message per incident, edited in place.

Telegram supports no idempotency key for messages. The source `telegram` handles pressed buttons.

Methods, their limits and errors: https://core.telegram.org/bots/api#sendmessage,
…#editmessagetext, …#responseparameters (`retry_after`) and
https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this.
"""

import re
from collections.abc import Iterator
from html import escape
from typing import Any

import aiohttp
import msgspec

from router.config.channel_options import Capabilities, ChannelOptions
from router.config.fields import HttpUrl, Rate
from router.config.secret import Secret
from router.core.messages.buttons import data, offered
from router.core.messages.render import content
from router.model.notification import Message, Rejected, Result, Sent
from router.senders import in_place
from router.senders.calls import JSON, Calls, Failed, number_at, refusals
from router.senders.links import answers, links
from router.senders.markup import HTML, headline, news, write
from router.senders.verify import fetch, named

MAX_TEXT = 3000
"""Maximum UTF-16 units of the body. With headline and links, the text stays below 4,096."""

TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")
CHAT = re.compile(r"-?[0-9]{1,20}|@[A-Za-z][A-Za-z0-9_]{3,40}")
REF = re.compile(r"-?[0-9]{1,20}:[0-9]{1,20}")

UNCHANGED = b"message is not modified"
GONE = (b"message to edit not found", b"message can't be edited", b"MESSAGE_ID_INVALID")


class TelegramConfig(ChannelOptions, frozen=True, kw_only=True):
    """`token` is the bot's; the bot is a member of `chat`.

    chat: the chat's id, or the `@name` of a public channel or group. A contact gets messages in
        their own chat with the bot instead.
    topic: the id of a topic in a forum; 0 for the whole chat.
    buttons: put buttons under the message of an open incident; needs the source `telegram`.
    links: without buttons, add links to answer with. Anybody who has a link may use it.
    api_url: your own Bot API server, a proxy or a test server.
    """

    token: Secret
    chat: str
    topic: int = 0
    buttons: bool = False
    links: bool = True
    api_url: HttpUrl = HttpUrl("https://api.telegram.org")
    rate: Rate | None = Rate(20, 60.0)

    @property
    def capabilities(self) -> Capabilities:
        source = "telegram" if self.buttons else ""
        return Capabilities(answers=source, reaches="telegram", edits=True)

    def __post_init__(self) -> None:
        if not TOKEN.fullmatch(self.token.reveal()):
            raise ValueError("`token` must be the one from BotFather: digits, `:` and letters")
        if not CHAT.fullmatch(self.chat):
            raise ValueError("`chat` must be a number such as -1001234567890, or @NAME")


class _Chat(msgspec.Struct, frozen=True):
    id: int


class _Message(msgspec.Struct, frozen=True):
    message_id: int
    chat: _Chat


class _Answer(msgspec.Struct, frozen=True):
    result: _Message


class Bot:
    """The calls of one attempt, as a `router.senders.in_place.Chat`."""

    def __init__(self, calls: Calls, config: TelegramConfig) -> None:
        self._calls = calls
        self._config = config

    async def post(self, message: Message) -> str:
        return await self._send(message.to, build_message(message, self._config))

    async def edit(self, ref: str, message: Message) -> bool:
        chat, _, number = ref.partition(":")
        place = {"chat_id": int(chat), "message_id": int(number)}
        body = msgspec.json.encode(build_message(message, self._config) | place)
        try:
            await self._calls.call("POST", "/editMessageText", idempotent=True, body=body)
        except Failed as failure:
            if UNCHANGED in failure.answer:
                return True
            if any(reason in failure.answer for reason in GONE):
                return False
            raise
        return True

    async def reply(self, ref: str, message: Message) -> None:
        if unseen := news(message, HTML):
            number = int(ref.partition(":")[2])
            quoted = {"message_id": number, "allow_sending_without_reply": True}
            reply = {"text": unseen, "parse_mode": "HTML", "reply_parameters": quoted}
            await self._send(message.to, reply)

    async def _send(self, to: str, body: dict[str, Any]) -> str:
        """Send to the contact's own chat, whose id is their user id, or to the channel's chat."""
        chat = to or self._config.chat
        if not CHAT.fullmatch(chat):
            raise Failed(Rejected("the contact's `telegram` is not the id of a user"))
        place: dict[str, Any] = {"chat_id": chat if chat.startswith("@") else int(chat)}
        if self._config.topic and not to:
            place["message_thread_id"] = self._config.topic
        made = await self._calls.ask(
            "POST", "/sendMessage", _Answer, body | place, idempotent=False
        )
        return f"{made.result.chat.id}:{made.result.message_id}"


class TelegramSender:
    """`ref` is the chat's id and the message's id, such as `-1001234567890:42`."""

    def __init__(self, config: TelegramConfig, session: aiohttp.ClientSession) -> None:
        self._url = f"{config.api_url.rstrip('/')}/bot{config.token.reveal()}"
        self._config = config
        self._session = session

    async def send(self, message: Message) -> Result:
        wait = number_at("parameters", "retry_after")
        hide, seconds = self._config.token.reveal(), self._config.timeout
        judge = refusals("description", hide=hide, now=message.at, wait=wait)
        calls = Calls(self._session, self._url, JSON, seconds=seconds, judge=judge)
        return await in_place.deliver(Bot(calls, self._config), message, REF)

    async def verify(self) -> str | Result:
        """Look up the bot: https://core.telegram.org/bots/api#getme."""
        result, answer = await fetch(self._session, f"{self._url}/getMe", {}, self._config.timeout)
        if not isinstance(result, Sent):
            return result
        bot = answer.get("result") or {}
        return f"token of @{named(bot.get('username'))} accepted; the chat is not checked"

    async def close(self) -> None:
        """Nothing to close: the session belongs to the caller."""


def build(_name: str, config: TelegramConfig, session: aiohttp.ClientSession) -> TelegramSender:
    return TelegramSender(config, session)


def build_message(message: Message, config: TelegramConfig) -> dict[str, Any]:
    """The incident in its current state. Without buttons, the keyboard of an edit disappears."""
    asks = not message.for_stakeholder
    keys = [
        {"text": label, "callback_data": data(command, message.incident)}
        for command, label in (offered(message.incident) if asks and config.buttons else ())
    ]
    shown = [*_links(message, answerable=asks and config.links and not config.buttons)]
    return {
        "text": f"<b>{HTML.piece(headline(message))}</b>\n{write(message, HTML, MAX_TEXT)}\n"
        + " · ".join(shown),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
        "reply_markup": {"inline_keyboard": [keys] if keys else []},
    }


def _links(message: Message, *, answerable: bool) -> Iterator[str]:
    """Links in the text: Telegram rejects a message that has an internal URL in a button."""
    asked = answers(message) if answerable else ()
    for label, url in (*asked, *links(content(message))):
        yield f'<a href="{escape(url)}">{HTML.piece(label)}</a>'
