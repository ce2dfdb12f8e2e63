"""Discord, by a loopback webhook that refuses what Discord would."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from router.config.fields import Duration
from router.config.secret import SecretUrl
from router.model.notification import Message, Rejected, Result
from router.senders.discord import DiscordConfig, build
from tests.senders.kit import (
    Answer,
    Peer,
    Reply,
    Request,
    check_retry_after,
    deliver,
    link_to,
    make_message,
)

TOKEN = "s3cret-Token_4711"
REF = "1100000000000000000"
PATH = f"/api/webhooks/223704706495545344/{TOKEN}"


class Discord:
    """A channel's webhook. `messages` are those in the channel, by id."""

    def __init__(self) -> None:
        self.messages: dict[str, Any] = {}

    def __call__(self, request: Request) -> Answer:
        url = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if request.method == "GET":
            assert url.path == PATH
            return Reply(json={"id": "223704706495545344", "name": "alerts", "channel_id": "1"})
        assert request.headers["content-type"] == "application/json"
        check_message(request.json, components=query.get("with_components") == "true")
        if request.method == "POST":
            assert url.path == PATH
            assert query["wait"] == "true", "a message that isn't saved would return no error"
            number = str(1_100_000_000_000_000_000 + len(self.messages))
            self.messages[number] = request.json
            return Reply(json={"id": number, **request.json})
        assert request.method == "PATCH"
        parent, _, number = url.path.rpartition("/")
        assert parent == f"{PATH}/messages"
        if number not in self.messages:
            return Reply(404, json={"message": "Unknown Message", "code": 10008})
        self.messages[number] |= request.json
        return Reply(json={"id": number, **request.json})


def check_message(said: dict[str, Any], *, components: bool) -> None:
    assert said["allowed_mentions"] == {"parse": []}
    assert 0 < len(said["content"]) <= 2000
    assert "@everyone" not in said["content"]
    embeds = said.get("embeds", [])
    assert sum(len(embed["description"]) for embed in embeds) <= 6000
    assert all(0 < len(embed["description"]) <= 4096 for embed in embeds)
    assert not any("<@" in embed["description"] for embed in embeds)
    rows = said.get("components", [])
    assert components or not rows, "Discord would ignore them"
    assert len(rows) <= 5
    for row in rows:
        assert row["type"] == 1
        assert 1 <= len(row["components"]) <= 5
        for button in row["components"]:
            assert (button["type"], button["style"]) == (2, 5), "others need an application"
            assert 0 < len(button["label"]) <= 80
            assert button["url"].startswith(("https://", "http://"))
            assert len(button["url"]) <= 512


def shown(request: Request) -> str:
    """The visible parts: the text, and where the buttons lead."""
    said = request.json
    texts = [said["content"], *(embed["description"] for embed in said.get("embeds", []))]
    rows = said.get("components", [])
    return "\n".join([*texts, *(button["url"] for row in rows for button in row["components"])])


def options(url: str, seconds: float = 10.0, **more: Any) -> DiscordConfig:
    return DiscordConfig(webhook_url=SecretUrl(url + PATH), timeout=Duration(seconds), **more)


async def requests_for(
    *messages: Message, script: Sequence[Answer] = ()
) -> tuple[list[Result], list[Request]]:
    return await deliver("discord", options, Discord(), *messages, script=script)


async def test_a_refusal_has_discords_reason() -> None:
    unknown = Reply(404, json={"message": f"Unknown Webhook {TOKEN}", "code": 10015})
    (result,), _ = await requests_for(make_message(), script=(unknown,))
    assert result == Rejected("HTTP 404: Unknown Webhook ***")


async def test_a_rate_limit_is_kept() -> None:
    async with Peer() as peer, aiohttp.ClientSession() as session:
        sender = build("incidents", options(peer.url), session)
        await check_retry_after(peer, lambda: sender.send(make_message()))


async def test_an_open_incident_has_buttons_which_lead_to_answers() -> None:
    _, (request,) = await requests_for(make_message(link=link_to))
    labels = [
        [component["label"] for component in row["components"]]
        for row in request.json["components"]
    ]
    assert labels == [
        ["Acknowledge", "Escalate", "Resolve"],
        ["Open incident", "Runbook", "Source"],
    ]


async def test_a_link_too_long_for_a_button_is_left_out() -> None:
    _, (request,) = await requests_for(make_message(runbook="https://e.com/" + "x" * 500))
    assert "Runbook" not in json.dumps(request.json["components"])


async def test_a_thread_of_the_channel_can_be_the_destination() -> None:
    async with Peer(answer=Discord()) as peer, aiohttp.ClientSession() as session:
        sender = build("incidents", options(peer.url, thread="123456789012345678"), session)
        await sender.send(make_message())
    assert "thread_id=123456789012345678" in peer.requests[0].path


async def test_the_webhook_is_verified_without_a_message() -> None:
    discord = Discord()
    async with Peer(answer=discord) as peer, aiohttp.ClientSession() as session:
        assert (
            await build("incidents", options(peer.url), session).verify()
            == "webhook 'alerts' found"
        )
    assert not discord.messages


@pytest.mark.parametrize(
    "url", ["https://discord.com/api/webhooks/s3cret", "https://discord.com/s3cret"]
)
def test_a_url_that_is_no_webhook_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="ID/TOKEN") as refusal:
        DiscordConfig(webhook_url=SecretUrl(url))
    assert "s3cret" not in str(refusal.value)
