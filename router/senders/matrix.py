"""Type `matrix`: a room of Matrix. One message per incident, edited in place.

A repeated request has the same transaction id, and the server then returns the existing event, so
no result is `Uncertain`.

https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid,
…#event-replacements, …#size-limits (65,536 bytes) and …#rate-limiting.
"""

import re
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

from router.config.channel_options import Capabilities, ChannelOptions
from router.config.fields import HttpUrl
from router.config.secret import Secret
from router.core.messages.render import content
from router.model.notification import Message, Rejected, Result, Sent
from router.senders import in_place
from router.senders.calls import JSON, Calls, number_at, refusals
from router.senders.identity import message_id
from router.senders.links import answers, links
from router.senders.markup import HTML, PLAIN, headline, news, octets, write
from router.senders.verify import fetch

MAX_TEXT = 6000
"""Maximum bytes of the body. An edit contains it four times: as text and HTML, for new and old
clients."""

ROOM = re.compile(r"![A-Za-z0-9._~=/+-]+(:[A-Za-z0-9.:\[\]-]+)?")
REF = re.compile(r"\$\S{1,254}")
_milliseconds = number_at("retry_after_ms")


class MatrixConfig(ChannelOptions, frozen=True, kw_only=True):
    """`token` is the access token of a user who has joined `room`.

    room: the room's id, such as `!abc:example.com`.
    api_url: the homeserver.
    links: add links to answer with. Anybody who has a link may use it.
    """

    api_url: HttpUrl
    token: Secret
    room: str
    links: bool = True

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(edits=True)

    def __post_init__(self) -> None:
        if not ROOM.fullmatch(self.room):
            raise ValueError("`room` must be the room's id, such as !abc:example.com")


class _Event(msgspec.Struct, frozen=True):
    event_id: str


class Room:
    """The calls of one attempt, as a `router.senders.in_place.Chat`."""

    def __init__(self, calls: Calls, config: MatrixConfig, transaction: str) -> None:
        self._calls = calls
        self._config = config
        self._transaction = transaction

    async def post(self, message: Message) -> str:
        return await self._send(build_message(message, answerable=self._config.links))

    async def edit(self, ref: str, message: Message) -> bool:
        """Send a replacement. The server accepts it even for an event that was removed."""
        content = build_message(message, answerable=self._config.links)
        relation = {"rel_type": "m.replace", "event_id": ref}
        old = content | {"body": f"* {content['body']}"}
        await self._send(old | {"m.new_content": content, "m.relates_to": relation}, "edit")
        return True

    async def reply(self, ref: str, message: Message) -> None:
        if text := news(message, PLAIN):
            content = _content(f"{headline(message)}\n{text}", news(message, HTML))
            relation = {"m.in_reply_to": {"event_id": ref}}
            await self._send(content | {"m.relates_to": relation}, "reply")

    async def _send(self, content: dict[str, Any], part: str = "post") -> str:
        room = quote(self._config.room, safe="")
        transaction = f"{self._transaction}_{part}"
        path = f"/_matrix/client/v3/rooms/{room}/send/m.room.message/{transaction}"
        return (await self._calls.ask("PUT", path, _Event, content, idempotent=True)).event_id


class MatrixSender:
    """`ref` is the id of the message's event."""

    def __init__(self, name: str, config: MatrixConfig, session: aiohttp.ClientSession) -> None:
        self._name = name
        self._config = config
        self._url = config.api_url.rstrip("/")
        self._hide = config.token.reveal()
        self._headers = JSON | {"Authorization": f"Bearer {self._hide}"}
        self._session = session

    async def send(self, message: Message) -> Result:
        judge = refusals("error", hide=self._hide, now=message.at, wait=wait)
        seconds = self._config.timeout
        calls = Calls(self._session, self._url, self._headers, seconds=seconds, judge=judge)
        room = Room(calls, self._config, message_id(self._name, message))
        return await in_place.deliver(room, message, REF)

    async def verify(self) -> str | Result:
        """Look up the token's user, and check that the user is in the room."""
        url = f"{self._url}/_matrix/client/v3/joined_rooms"
        result, rooms = await fetch(self._session, url, self._headers, self._config.timeout)
        if not isinstance(result, Sent):
            return result
        if self._config.room not in (rooms.get("joined_rooms") or ()):
            return Rejected("the token's user has not joined the room")
        return "token accepted; its user has joined the room"

    async def close(self) -> None:
        """Nothing to close: the session belongs to the caller."""


def build(name: str, config: MatrixConfig, session: aiohttp.ClientSession) -> MatrixSender:
    return MatrixSender(name, config, session)


def wait(answer: bytes) -> float | None:
    """The seconds in `retry_after_ms`, which older servers send instead of a Retry-After header."""
    milliseconds = _milliseconds(answer)
    return None if milliseconds is None else milliseconds / 1000


def build_message(message: Message, *, answerable: bool) -> dict[str, Any]:
    """The incident in its current state, as text and as HTML."""
    asked = answers(message) if answerable and not message.for_stakeholder else ()
    shown = [*asked, *links(content(message))]
    plain_links = [f"{label}: {url}" for label, url in shown]
    html_links = [
        f'<a href="{HTML.piece(url, len(url))}">{HTML.piece(label)}</a>' for label, url in shown
    ]
    title = headline(message)
    return _content(
        "\n".join([title, write(message, PLAIN, MAX_TEXT, octets), *plain_links]),
        f"<b>{HTML.piece(title)}</b>\n{write(message, HTML, MAX_TEXT, octets)}\n"
        + " · ".join(html_links),
    )


def _content(text: str, html: str) -> dict[str, Any]:
    return {
        "msgtype": "m.text",
        "body": text,
        "format": "org.matrix.custom.html",
        "formatted_body": html.replace("\n", "<br>"),
        "m.mentions": {},
    }
