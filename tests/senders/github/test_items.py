"""An issue for each action item, at the loopback GitHub that keeps issues."""

from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from router.config.fields import HttpUrl
from router.config.secret import Secret
from router.model.notification import Message, Result, Sent, Uncertain
from router.model.postmortem import Item
from router.senders.github.sender import GitHubConfig, build
from tests.senders.github.test_sender import TOKEN, GitHub
from tests.senders.kit import NOW, Disconnect, Peer, Request, make_message

ONE = Item(1, "Add an index, @team", "ana", NOW + 864_000, "ben", NOW)
TWO = Item(2, "Alert earlier", "ben", NOW + 864_000, "ben", NOW)


def done(item: Item) -> Item:
    return replace(item, done_at=NOW)


async def deliver(github: Any, *items: Item, **changes: Any) -> tuple[Result, list[str]]:
    """The result of a message about an incident with these, and the writes made for it."""
    message: Message = make_message(
        items=items, postmortem="http://127.0.0.1:9095/incidents/142/postmortem", **changes
    )
    async with Peer(answer=github) as peer, aiohttp.ClientSession() as session:
        config = GitHubConfig(
            token=Secret(TOKEN),
            repository="acme/ops",
            labels=("incident",),
            assignees=("ana",),
            items=True,
            api_url=HttpUrl(peer.url),
        )
        result = await build("tickets", config, session).send(message)
    return result, [
        f"{request.method} {request.path.rpartition('/issues')[2]}"
        for request in peer.requests
        if request.method != "GET"
    ]


async def test_each_item_has_an_issue_that_is_closed_when_its_done() -> None:
    """Opened once, after any update; its number is stored next to the incident's."""
    github = GitHub()
    assert await deliver(github, ONE) == (Sent("1 1:2"), ["POST ", "POST "])
    assert github.issues[2]["title"] == "[INC-142] Add an index, @team"
    for line in (
        "- **Action item:** `Add an index, @\u200bteam`",
        "- **Owner:** `ana`",
        "- **Incident:** #1",
        "- [Post-mortem](<http://127.0.0.1:9095/incidents/142/postmortem>)",
        "<!-- alert-router:INC-142:2026-01-01T12:00:00.000000Z:item:1 -->",
    ):
        assert line in github.issues[2]["body"].splitlines()
    assert await deliver(github, ONE, TWO, ref="1 1:2", seen_entry=9) == (
        Sent("1 1:2 2:3"),
        ["POST "],
    )
    result = await deliver(github, done(ONE), TWO, ref="1 1:2 2:3", seen_entry=9)
    assert result == (Sent("1 1:2 2:3"), ["PATCH /2"])
    assert (github.issues[2]["state"], github.issues[3]["state"]) == ("closed", "open")
    assert await deliver(github, done(ONE), TWO, ref="1 1:2 2:3", seen_entry=9) == (
        Sent("1 1:2 2:3"),
        [],
    )


@pytest.mark.parametrize("ref", ["", "1", "1 1:1", "1 1:77", "junk"])
async def test_one_whose_number_was_lost_is_found_by_its_mark(ref: str) -> None:
    """Also where the number is another issue's, or of none that's there."""
    github = GitHub()
    await deliver(github, ONE)
    assert await deliver(github, ONE, ref=ref, seen_entry=9) == (Sent("1 1:2"), [])


async def test_an_answer_that_gets_lost_doubles_nothing() -> None:
    """The issue was opened but the answer was lost: the attempt is uncertain, the next one finds
    it.
    """
    github, lost = GitHub(), True

    def answer(request: Request) -> Any:
        nonlocal lost
        reply = github(request)
        if request.method == "POST" and len(github.issues) == 2 and lost:
            lost = False
            return Disconnect()
        return reply

    result, _ = await deliver(answer, ONE)
    assert isinstance(result, Uncertain)
    assert await deliver(answer, ONE, seen_entry=9) == (Sent("1 1:2"), [])
    assert len(github.issues) == 2


async def test_what_people_close_stays_closed_and_what_was_done_before_gets_none() -> None:
    github = GitHub()
    await deliver(github, ONE)
    github.issues[2] |= {"state": "closed"}
    assert await deliver(github, ONE, done(TWO), ref="1 1:2", seen_entry=9) == (Sent("1 1:2"), [])
    assert github.issues[2]["state"] == "closed"


async def test_items_are_left_alone_unless_wanted() -> None:
    github = GitHub()
    async with Peer(answer=github) as peer, aiohttp.ClientSession() as session:
        config = GitHubConfig(
            token=Secret(TOKEN), repository="acme/ops", labels=("incident",), assignees=("ana",),
            api_url=HttpUrl(peer.url),
        )  # fmt: skip
        assert await build("tickets", config, session).send(make_message(items=(ONE,))) == Sent("1")
