"""Matrix, by a loopback homeserver that refuses what a server would."""

import json
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from router.config.fields import Duration, HttpUrl
from router.config.secret import Secret
from router.model.notification import Rejected, Retry, Sent
from router.senders.matrix import MatrixConfig, build
from tests.senders.kit import Answer, Peer, Reply, Request, deliver, link_to, make_message
from tests.senders.test_telegram import Reader

TOKEN = "syt_s3cret_4711"
ROOM = "!jEsUZKDJdhlrceRyVU:example.com"
REF = "$event-0"
CLIENT = "/_matrix/client/v3"


class Matrix:
    """A room. `messages` are what clients show, by event id."""

    def __init__(self) -> None:
        self.messages: dict[str, Any] = {}
        self.events: dict[str, str] = {}

    def __call__(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Reply(
                401, json={"errcode": "M_UNKNOWN_TOKEN", "error": "Unrecognised access token"}
            )
        if request.method == "GET":
            assert request.path == f"{CLIENT}/joined_rooms"
            return Reply(json={"joined_rooms": [ROOM]})
        assert request.method == "PUT"
        path, _, transaction = request.path.rpartition("/")
        assert path == f"{CLIENT}/rooms/{quote(ROOM, safe='')}/send/m.room.message"
        assert len(request.body) <= 65_536
        if transaction in self.events:
            return Reply(json={"event_id": self.events[transaction]})
        said = request.json
        check_content(said)
        event = f"$event-{len(self.events)}"
        self.events[transaction] = event
        relation = said.get("m.relates_to", {})
        if relation.get("rel_type") == "m.replace":
            check_content(said["m.new_content"])
            self.messages[relation["event_id"]] = said["m.new_content"]
        else:
            self.messages[event] = said
        return Reply(json={"event_id": event})


def check_content(said: dict[str, Any]) -> None:
    assert said["msgtype"] == "m.text"
    assert said["body"]
    assert said["format"] == "org.matrix.custom.html"
    assert said["m.mentions"] == {}, "clients would search the text for mentions"
    reader = Reader()
    reader.feed(said["formatted_body"].replace("<br>", "\n"))
    reader.close()
    assert not reader.open


def shown(request: Request) -> str:
    said = request.json.get("m.new_content", request.json)
    reader = Reader()
    reader.feed(said["formatted_body"].replace("<br>", "\n"))
    reader.close()
    return "\n".join([said["body"], reader.text, *reader.links])


def options(url: str, seconds: float = 10.0) -> MatrixConfig:
    return MatrixConfig(
        api_url=HttpUrl(url), token=Secret(TOKEN), room=ROOM, timeout=Duration(seconds)
    )


def transaction(request: Request) -> str:
    return request.path.rpartition("/")[2]


async def test_a_repeated_message_is_one_event() -> None:
    service = Matrix()
    results, _ = await deliver("matrix", options, service, make_message(), make_message())
    assert results == [Sent(REF), Sent(REF)]
    assert len(service.messages) == 1


async def test_the_text_has_links_to_answer() -> None:
    _, (request,) = await deliver("matrix", options, Matrix(), make_message(link=link_to))
    assert "Acknowledge: https://router.example.com/act/ack" in request.json["body"]
    assert (
        '<a href="https://router.example.com/act/ack">Acknowledge</a>'
        in request.json["formatted_body"]
    )


async def test_the_largest_message_fits_into_an_event() -> None:
    notes = {f"note-{n}": "🚨" * 2000 for n in range(10)}
    results, requests = await deliver(
        "matrix",
        options,
        Matrix(),
        make_message(annotations=notes),
        make_message(annotations=notes, ref=REF, seq=2),
    )
    assert results == [Sent(REF), Sent(REF)]
    assert "m.new_content" in json.loads(requests[1].body)


async def test_an_older_server_says_in_its_answer_how_long_to_wait() -> None:
    full = Reply(
        429,
        json={"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests", "retry_after_ms": 1500},
    )
    (result,), _ = await deliver("matrix", options, Matrix(), make_message(), script=[full])
    assert result == Retry("HTTP 429", 1.5)


async def test_a_refusal_has_the_servers_reason() -> None:
    refused = Reply(403, json={"errcode": "M_FORBIDDEN", "error": f"User not in room, {TOKEN}"})
    (result,), _ = await deliver("matrix", options, Matrix(), make_message(), script=[refused])
    assert result == Rejected("HTTP 403: User not in room, ***")


async def test_the_token_and_the_room_are_verified_without_a_message() -> None:
    async with (
        Peer(Reply(json={"joined_rooms": []}), answer=Matrix()) as peer,
        aiohttp.ClientSession() as session,
    ):
        sender = build("incidents", options(peer.url), session)
        assert await sender.verify() == Rejected("the token's user has not joined the room")
        assert await sender.verify() == "token accepted; its user has joined the room"


def test_an_alias_is_not_a_room_id() -> None:
    with pytest.raises(ValueError, match="room's id"):
        MatrixConfig(
            api_url=HttpUrl("https://matrix.org"), token=Secret("x"), room="#ops:matrix.org"
        )
