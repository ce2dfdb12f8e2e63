"""ntfy, by a loopback server that refuses what ntfy would."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from msgspec.structs import replace

from router.config.fields import Duration, HttpUrl
from router.config.people import Email
from router.config.secret import Secret
from router.model.decision import Entry
from router.model.incident import Severity, Status
from router.model.notification import Message, Rejected, Sent
from router.model.reason import Reason
from router.senders.ntfy import NtfyConfig, build
from tests.daemon import Daemon, alert
from tests.senders.kit import (
    NOW,
    Answer,
    Peer,
    Reply,
    Request,
    check_retry_after,
    link_to,
    make_message,
)
from tests.test_app import until

TOKEN = "tk_s3cret4711"
FIELDS = {"topic", "message", "title", "tags", "priority", "actions", "click", "sequence_id"}


def server(request: Request) -> Answer:
    """Takes a notification as ntfy does, with its limits."""
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        return Reply(401, json={"code": 40101, "http": 401, "error": "unauthorized"})
    if request.method == "GET":
        assert request.path == "/v1/account"
        return Reply(json={"username": "router", "role": "user"})
    assert (request.method, request.path) == ("POST", "/")
    said = request.json
    assert set(said) <= FIELDS
    assert re.fullmatch(r"[-_A-Za-z0-9]{1,64}", said["topic"])
    assert re.fullmatch(r"[-_A-Za-z0-9]{1,64}", said["sequence_id"])
    assert 0 < len(said["message"].encode()) <= 4096, "it would become an attachment"
    assert 1 <= said["priority"] <= 5
    assert len(said["actions"]) <= 3
    for action in said["actions"]:
        assert action["action"] in {"view", "http"}
        assert action["label"]
        assert action["url"].startswith(("https://", "http://"))
    return Reply(json={"id": "x", "event": "message", "topic": said["topic"]})


def shown(request: Request) -> str:
    said = request.json
    return "\n".join(
        [
            said["title"],
            said["message"],
            said.get("click", ""),
            *(action["url"] for action in said["actions"]),
        ]
    )


def options(url: str, seconds: float = 10.0, **more: Any) -> NtfyConfig:
    return NtfyConfig(
        topic="incidents",
        token=Secret(TOKEN),
        api_url=HttpUrl(url),
        timeout=Duration(seconds),
        **more,
    )


async def deliver(*messages: Message, **more: Any) -> list[dict[str, Any]]:
    """The requests for messages in turn, each with the `ref` of the one before."""
    ref = ""
    async with Peer(answer=server) as peer, aiohttp.ClientSession() as session:
        sender = build("phone", options(peer.url, **more), session)
        for message in messages:
            result = await sender.send(replace(message, ref=ref))
            assert isinstance(result, Sent)
            ref = result.ref
        return [request.json for request in peer.requests]


FIRST = make_message()
ACKNOWLEDGED = make_message(
    seq=2,
    sent=1,
    seen_entry=2,
    reason=Reason.ACKNOWLEDGED,
    acknowledged_at=NOW,
    acknowledged_by="ana",
)


@pytest.mark.parametrize(("severity", "priority"), [("P0", 5), ("P1", 4), ("P2", 3), ("P3", 3)])
async def test_the_priority_is_that_of_the_severity(severity: str, priority: int) -> None:
    (said,) = await deliver(make_message(severity=Severity(severity)))
    assert said["priority"] == priority


async def test_an_acknowledgement_replaces_the_notification_quietly() -> None:
    first, second = await deliver(FIRST, ACKNOWLEDGED)
    assert second["sequence_id"] == first["sequence_id"]
    assert second["priority"] == 2


async def test_a_page_is_a_new_notification_since_a_replaced_one_makes_no_sound() -> None:
    paged = Entry(142, NOW, Reason.STEP_DUE, data={"channels": ["sms/ana"]}, id=3)
    again = make_message(seq=3, sent=2, seen_entry=2, timeline=(*FIRST.timeline, paged))
    first, _, third = await deliver(FIRST, ACKNOWLEDGED, again)
    assert third["sequence_id"] != first["sequence_id"]
    assert third["priority"] == 5


async def test_buttons_open_the_page_of_an_answer() -> None:
    (said,) = await deliver(make_message(link=link_to))
    assert [(action["action"], action["label"]) for action in said["actions"]] == [
        ("view", "Acknowledge"), ("view", "Escalate"), ("view", "Resolve"),
    ]  # fmt: skip
    assert said["click"] == "http://127.0.0.1:9095/incidents/142"


async def test_the_owner_of_a_topic_answers_at_once() -> None:
    """In their own name: the link is that of their mailbox."""
    (said,) = await deliver(make_message(link=link_to), owner=Email("ana@example.com"))
    first = said["actions"][0]
    assert (first["action"], first["method"]) == ("http", "POST")
    assert first["url"].endswith("/act/ack-ana@example.com")


async def test_a_closed_incident_asks_for_nothing() -> None:
    (said,) = await deliver(make_message(link=link_to, status=Status.RESOLVED, closed_at=NOW))
    assert [action["label"] for action in said["actions"]] == ["Runbook", "Source"]


async def test_a_refusal_has_the_servers_reason() -> None:
    async with Peer(answer=server) as peer, aiohttp.ClientSession() as session:
        config = NtfyConfig(topic="incidents", token=Secret("tk_wrong"), api_url=HttpUrl(peer.url))
        sender = build("phone", config, session)
        assert await sender.send(FIRST) == Rejected("HTTP 401: unauthorized")
        assert await sender.verify() == Rejected("HTTP 401")


async def test_a_rate_limit_is_kept() -> None:
    async with Peer() as peer, aiohttp.ClientSession() as session:
        sender = build("phone", options(peer.url), session)
        await check_retry_after(peer, lambda: sender.send(FIRST))


async def test_the_token_is_verified_without_a_message() -> None:
    async with Peer(answer=server) as peer, aiohttp.ClientSession() as session:
        found = await build("phone", options(peer.url), session).verify()
    assert found == "server found, as user 'router'; topic not checked"


def test_a_topic_that_ntfy_would_not_take_is_refused() -> None:
    with pytest.raises(ValueError, match="topic"):
        NtfyConfig(topic="a/b")
    with pytest.raises(ValueError, match="links"):
        NtfyConfig(topic="a", owner=Email("ana@example.com"), links=False)


async def test_a_tap_acknowledges_in_the_name_of_the_topics_owner(
    router: Callable[..., Daemon],
) -> None:
    """Without a page in between, from the notification itself."""
    async with Peer(answer=server) as phone:
        channel = {
            "type": "ntfy",
            "topic": "ana",
            "token": TOKEN,
            "api_url": phone.url,
            "owner": "ana@example.com",
        }
        config = {
            "channels": {"phone": channel},
            "contacts": {"ana": {"name": "Ana Lima", "email": "ana@example.com"}},
            "policies": {"all": {"steps": [{"notify": ["channel:phone"]}]}},
        }
        async with router(**config) as daemon:
            await daemon.alert(alert())
            await until(lambda: phone.requests)
            action = phone.requests[0].json["actions"][0]
            answer = await daemon.ask(action["method"], urlsplit(action["url"]).path)
            assert answer.status == 200
            incident = await daemon.store.incident(1)
    assert incident is not None
    assert incident.acknowledged_by == "Ana Lima"
