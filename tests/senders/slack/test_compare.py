"""Deleted messages in Slack are found, by a method that needs no further scope."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
from msgspec.structs import replace

from router.config.fields import HttpUrl
from router.config.secret import Secret
from router.model.difference import DifferenceKind
from router.model.incident import Incident, Status
from router.ports.reconcile import CompareFailed, Comparer, Mismatch, Shown
from router.senders.slack.sender import SlackConfig, build
from tests.senders.kit import NOW, Peer, Reply, Request, make_message
from tests.senders.slack.test_sender import TOKEN, Slack, refusal

INCIDENT = make_message().incident


class Room(Slack):
    """A Slack whose messages can be deleted. `scopes`: those that the token has been given.

    As Slack does, it leaves a tombstone of a message that has a thread, and links to it.
    """

    def __init__(self, *scopes: str) -> None:
        super().__init__()
        self.scopes = scopes
        self.tombstones: set[tuple[str, str]] = set()
        self.per_page = 999

    def __call__(self, request: Request) -> Reply:
        url = urlsplit(request.path)
        if url.path == "/api/chat.getPermalink":
            return self._link(dict(parse_qsl(url.query)))
        if url.path == "/api/conversations.history":
            return self._history(dict(parse_qsl(url.query)))
        return super().__call__(request)

    def delete(self, channel: str, ts: str) -> None:
        del self.messages[channel, ts]
        self.deleted += 1
        if any(reply["thread_ts"] == ts for reply in self.threads):
            self.tombstones.add((channel, ts))

    def _link(self, asked: dict[str, str]) -> Reply:
        assert set(asked) == {"channel", "message_ts"}
        place = asked["channel"], asked["message_ts"]
        if place in self.messages or place in self.tombstones:
            link = f"https://acme.slack.com/archives/{place[0]}/p{place[1].replace('.', '')}"
            return Reply(json={"ok": True, "permalink": link, "channel": place[0]})
        return refusal("message_not_found")

    def _history(self, asked: dict[str, str]) -> Reply:
        if "channels:history" not in self.scopes:
            return refusal("missing_scope")
        assert (asked["inclusive"], asked["limit"]) == ("true", "999")
        posts = [{"type": "message", "ts": ts} for _, ts in self.messages]
        posts += [
            {"type": "message", "subtype": "tombstone", "hidden": True, "ts": ts}
            for _, ts in self.tombstones
        ]
        newest_first = sorted(
            (post for post in posts if asked["oldest"] <= str(post["ts"]) <= asked["latest"]),
            key=lambda post: str(post["ts"]),
            reverse=True,
        )
        at = int(asked.get("cursor", 0))
        end = at + self.per_page
        more = str(end) if end < len(newest_first) else ""
        page = {"messages": newest_first[at:end], "response_metadata": {"next_cursor": more}}
        return Reply(json={"ok": True, **page})


async def compared(peer: Peer, *shown: Shown) -> list[Mismatch]:
    async with aiohttp.ClientSession() as session:
        api = HttpUrl(f"{peer.url}/api/")
        config = SlackConfig(token=Secret(TOKEN), channel="#x", api_url=api)
        sender: Any = build("slack", config, session)
        assert isinstance(sender, Comparer)
        try:
            return [*await sender.compare(shown, NOW)]
        finally:
            await sender.close()


BOTH = pytest.mark.parametrize("scopes", [(), ("channels:history",)])


def room(*scopes: str, threads: bool = False) -> Room:
    """A room with the messages C1:1.000000 and C1:3.000000."""
    made = Room(*scopes)
    made.messages = {("C1", "1.000000"): {}, ("C1", "3.000000"): {}}
    if threads:
        made.threads = [{"thread_ts": ts} for _, ts in made.messages]
    return made


def gone(number: int) -> Mismatch:
    return Mismatch(number, DifferenceKind.GONE)


@BOTH
async def test_a_deleted_message_of_an_open_incident_is_found(scopes: tuple[str, ...]) -> None:
    """One that is there is not; nor is that of a closed incident."""
    double = room(*scopes)
    closed = replace(INCIDENT, id=143, status=Status.RESOLVED, closed_at=NOW)
    async with Peer(answer=double) as peer:
        there = Shown(INCIDENT, "C1:1.000000")
        assert await compared(peer, there, Shown(closed, "C1:9.000000")) == []
        assert await compared(peer, there, Shown(other(144), "C1:2.000000")) == [gone(144)]


async def test_a_deleted_message_with_a_thread_is_found_in_the_history() -> None:
    """Its tombstone still has a link, so without the scope it is not noticed."""
    shown = (Shown(INCIDENT, "C1:1.000000"), Shown(other(144), "C1:3.000000"))
    for scopes, found in (((), []), (("channels:history",), [gone(144)])):
        double = room(*scopes, threads=True)
        double.delete("C1", "3.000000")
        async with Peer(answer=double) as peer:
            assert await compared(peer, *shown) == found


async def test_one_page_of_history_answers_for_all_its_messages() -> None:
    """And the next pages for the rest: no message is asked for by itself."""
    double = room("channels:history")
    double.messages |= {("C1", f"2.{number:06}"): {} for number in range(40)}
    shown = [Shown(other(number), f"C1:{ts}") for number, (_, ts) in enumerate(double.messages, 1)]
    for per_page, requests in ((999, 1), (20, 3)):
        double.per_page = per_page
        async with Peer(answer=double) as peer:
            assert await compared(peer, *shown) == []
        assert len(peer.requests) == requests


def other(number: int) -> Incident:
    return replace(INCIDENT, id=number)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500),
        Reply(json={"ok": False, "error": "invalid_auth"}),
        Reply(body=b"x"),
        Reply(json={"ok": True, "messages": [1]}),
    ],
)
async def test_a_refusal_is_no_difference(reply: Reply) -> None:
    """It fails the comparison, with its reason and without the token."""
    async with Peer(reply) as peer:
        with pytest.raises(CompareFailed) as caught:
            await compared(peer, Shown(INCIDENT, "C1:1.2"))
    assert str(caught.value)
    assert TOKEN not in str(caught.value)
