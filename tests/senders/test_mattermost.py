"""Mattermost, by a loopback server that refuses what Mattermost would."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from router.config.fields import Duration, HttpUrl
from router.config.secret import Secret, SecretUrl
from router.model.notification import Rejected, Sent
from router.senders.mattermost import MattermostConfig, build
from tests.daemon import Daemon, alert
from tests.senders.kit import Answer, Peer, Reply, Request, deliver, link_to, make_message
from tests.test_app import until

TOKEN = "s3cretxyzs3cretxyzs3cretxy"
CHANNEL = "4xp9fdt77pncbef59f4k1qe83o"
REF = "0".zfill(26)
HOOK = "/hooks/s3cretxyzs3cretxyzs3cretxy"
BUTTON_SECRET = "button-s3cret"


class Mattermost:
    """A server. `messages` are the posts in the channel, by id."""

    def __init__(self) -> None:
        self.messages: dict[str, Any] = {}

    def __call__(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Reply(
                401,
                json={"id": "api.context.session_expired", "message": "Invalid or expired session"},
            )
        if request.method == "GET":
            assert request.path == f"/api/v4/channels/{CHANNEL}"
            return Reply(json={"id": CHANNEL, "display_name": "Incidents"})
        said = request.json
        check_post(said["message"], said["props"].get("attachments", []))
        if request.method == "POST":
            assert request.path == "/api/v4/posts"
            assert said["channel_id"] == CHANNEL
            number = str(len(self.messages)).zfill(26)
            self.messages[number] = said
            return Reply(201, json={"id": number, **said})
        assert request.method == "PUT"
        number = request.path.split("/")[4]
        assert request.path == f"/api/v4/posts/{number}/patch"
        if number not in self.messages:
            return Reply(
                404, json={"id": "app.post.get.app_error", "message": "Unable to get the post."}
            )
        self.messages[number] |= said
        return Reply(json={"id": number, **said})


def hook(request: Request) -> Answer:
    """An incoming webhook."""
    assert (request.method, request.path) == ("POST", HOOK)
    check_post(request.json["text"], request.json["attachments"])
    return Reply(200, b"ok")


def check_post(text: str, attachments: list[dict[str, Any]]) -> None:
    assert 0 < len(text) <= 16_383
    for attachment in attachments:
        assert len(attachment["text"]) <= 16_383
        assert "@channel" not in attachment["text"]
        for action in attachment["actions"]:
            assert action["id"].isalnum(), "others aren't sent back"
            assert action["type"] == "button"
            assert action["name"]
            assert urlsplit(action["integration"]["url"]).path == "/webhooks/mattermost"
            assert action["integration"]["context"]["token"]


def shown(request: Request) -> str:
    """The text, and a mark for each button."""
    said = request.json
    attachments = (
        said["attachments"] if "attachments" in said else said["props"].get("attachments", [])
    )
    texts = [attachment["text"] for attachment in attachments]
    actions = [
        f"action:{action['id']}" for attachment in attachments for action in attachment["actions"]
    ]
    return "\n".join([said.get("text") or said["message"], *texts, *actions])


def options(url: str, seconds: float = 10.0, **more: Any) -> MattermostConfig:
    return MattermostConfig(
        api_url=HttpUrl(url),
        token=Secret(TOKEN),
        channel=CHANNEL,
        button_secret=Secret(BUTTON_SECRET),
        callback_url=HttpUrl("https://router.example.com"),
        timeout=Duration(seconds),
        **more,
    )


def webhook_options(url: str, seconds: float = 10.0) -> MattermostConfig:
    return MattermostConfig(webhook_url=SecretUrl(url + HOOK), timeout=Duration(seconds))


async def test_a_webhook_gets_a_message_for_each_change_with_links_to_answer() -> None:
    results, requests = await deliver(
        "mattermost", webhook_options, hook, make_message(link=link_to), make_message(seq=2)
    )
    assert results == [Sent(), Sent()]
    assert (
        "[Acknowledge](https://router.example.com/act/ack)"
        in requests[0].json["attachments"][0]["text"]
    )


async def test_a_refusal_has_mattermosts_reason() -> None:
    gone = Reply(
        400, json={"id": "web.incoming_webhook.invalid.app_error", "message": "Invalid webhook."}
    )
    (result,), _ = await deliver("mattermost", webhook_options, hook, make_message(), script=[gone])
    assert result == Rejected("HTTP 400: Invalid webhook.")


async def test_the_token_and_the_channel_are_verified_without_a_message() -> None:
    service = Mattermost()
    async with Peer(answer=service) as peer, aiohttp.ClientSession() as session:
        sender: Any = build("incidents", options(peer.url), session)
        assert await sender.verify() == "token accepted, channel 'Incidents' found"
    assert not service.messages


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "either"),
        (
            {"webhook_url": SecretUrl("https://m.example.com/hooks/x"), "token": Secret("x")},
            "either",
        ),
        ({"api_url": "https://m.example.com", "token": Secret("x")}, "either"),
        ({"api_url": "https://m.example.com", "token": Secret("x"), "channel": "town"}, "26"),
        (
            {
                "webhook_url": SecretUrl("https://m.example.com/hooks/x"),
                "button_secret": Secret("x"),
            },
            "together",
        ),
    ],
)
def test_a_config_that_cannot_work_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        MattermostConfig(**given)


async def test_a_press_acknowledges_in_the_name_of_the_contact(
    router: Callable[..., Daemon],
) -> None:
    """The message is edited, and the person who pressed reads the outcome."""
    service = Mattermost()
    async with Peer(answer=service) as peer:
        channel = {
            "type": "mattermost", "api_url": peer.url, "token": TOKEN, "channel": CHANNEL,
            "button_secret": BUTTON_SECRET, "callback_url": "https://router.example.com",
        }  # fmt: skip
        config = {
            "sources": {
                "mattermost": {"button_secret": BUTTON_SECRET},
                "alertmanager": {"insecure": True},
            },
            "channels": {"chat": channel},
            "contacts": {"ana": {"name": "Ana Lima", "mattermost": "u4711"}},
            "policies": {"all": {"steps": [{"notify": ["channel:chat"]}]}},
        }
        async with router(**config) as daemon:
            await daemon.alert(alert())
            await until(lambda: service.messages)
            action = service.messages[REF]["props"]["attachments"][0]["actions"][0]
            press = {
                "user_id": "u4711",
                "user_name": "a",
                "post_id": REF,
                "trigger_id": "t1",
                "context": action["integration"]["context"],
            }
            answer = await daemon.ask("POST", "/webhooks/mattermost", json=press)
            assert answer.json == {"ephemeral_text": "Acknowledged INC-1."}
            again = await daemon.ask(
                "POST", "/webhooks/mattermost", json=press | {"trigger_id": "t2"}
            )
            assert again.json == {"ephemeral_text": "INC-1 is already acknowledged by Ana Lima."}
            await until(lambda: "Acknowledged by Ana Lima" in str(service.messages[REF]))
