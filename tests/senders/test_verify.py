"""`verify` of each sender: credentials are checked at a real server, and nothing is sent."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from router.app import load_config
from router.model.notification import Rejected, Retry
from router.ports.services import Verifying
from router.senders import KINDS
from tests.daemon import write_config
from tests.senders.kit import Peer, Reply

SECRET = "s3cr3t"
TWILIO = {"account_sid": "AC" + "0" * 32, "auth_token": SECRET, "from": "+442079460999"}
CHANNELS: Mapping[str, Mapping[str, Any]] = {
    "slack": {"token": SECRET, "channel": "#incidents"},
    "github": {"token": SECRET, "repository": "acme/ops"},
    "statuspage": {"api_key": SECRET, "page": "p1"},
    "sms": TWILIO,
    "voice": TWILIO,
    "pagerduty": {"routing_key": SECRET},
}


def number(**capabilities: bool) -> dict[str, Any]:
    return {"incoming_phone_numbers": [{"capabilities": capabilities}]}


async def verified(folder: Path, kind: str, channel: Mapping[str, Any]) -> Any:
    """The result of the sender of a channel."""
    channels = {"log": {"type": "console"}, "x": {"type": kind, **channel}}
    config = load_config(write_config(folder, channels=channels))
    async with aiohttp.ClientSession() as session:
        sender = KINDS[kind].build("x", config.channels["x"], session)
        assert isinstance(sender, Verifying)
        try:
            return await sender.verify()
        finally:
            await sender.close()


@pytest.mark.parametrize(
    ("kind", "answer", "found"),
    [
        (
            "slack",
            {"ok": True, "user": "router", "team": "Acme"},
            "'router' in the workspace 'Acme'",
        ),
        ("github", {"full_name": "acme/ops", "has_issues": True}, "acme/ops"),
        ("statuspage", {"name": "Acme"}, "'Acme'"),
        ("sms", number(sms=True), "capability sms"),
        ("voice", number(voice=True), "capability voice"),
        ("pagerduty", {"status": "success", "dedup_key": "x", "message": "x"}, "accepted"),
    ],
)
async def test_good_credentials(
    tmp_path: Path, kind: str, answer: dict[str, Any], found: str
) -> None:
    """The text describes the result, and no request creates a message."""
    status = 202 if kind == "pagerduty" else 200
    async with Peer(answer=lambda _: Reply(status, json=answer)) as peer:
        result = await verified(tmp_path, kind, {**CHANNELS[kind], "api_url": peer.url})
    assert isinstance(result, str), result
    assert found in result
    (request,) = peer.requests
    if kind == "pagerduty":
        assert b'"event_action":"resolve"' in request.body.replace(b" ", b"")
    else:
        assert request.method == "GET" or "auth.test" in request.path


@pytest.mark.parametrize("kind", CHANNELS)
async def test_bad_credentials(tmp_path: Path, kind: str) -> None:
    """Rejected, with a reason that has no secret in it."""
    body = {"ok": False, "error": "invalid_auth", "status": "invalid", "errors": [SECRET]}
    async with Peer(answer=lambda _: Reply(401, json=body)) as peer:
        result = await verified(tmp_path, kind, {**CHANNELS[kind], "api_url": peer.url})
    assert isinstance(result, Rejected), result
    assert SECRET not in result.reason


@pytest.mark.parametrize("kind", CHANNELS)
async def test_an_address_where_nobody_is(tmp_path: Path, kind: str) -> None:
    """A result, and no exception."""
    result = await verified(tmp_path, kind, {**CHANNELS[kind], "api_url": "http://127.0.0.1:1"})
    assert isinstance(result, Retry), result


@pytest.mark.parametrize("kind", ["github", "statuspage", "sms", "voice", "slack"])
async def test_an_answer_that_is_none(tmp_path: Path, kind: str) -> None:
    async with Peer(answer=lambda _: Reply(200, b"<html>")) as peer:
        result = await verified(tmp_path, kind, {**CHANNELS[kind], "api_url": peer.url})
    assert not isinstance(result, str)


@pytest.mark.parametrize("kind", ["sms", "voice"])
async def test_a_number_that_cannot_do_it(tmp_path: Path, kind: str) -> None:
    """It lacks the capability, or it is not a number of the account."""
    none = {"incoming_phone_numbers": [], "outgoing_caller_ids": []}
    replies = [Reply(200, json=answer) for answer in (number(fax=True), none, none)]
    async with Peer(*replies) as peer:
        channel = {**CHANNELS[kind], "api_url": peer.url}
        lacking = await verified(tmp_path, kind, channel)
        assert lacking == Rejected(f"+442079460999 lacks the capability {kind}")
        other = await verified(tmp_path, kind, channel)
        assert other == Rejected("+442079460999 is not a number of the account")


async def test_a_verified_caller_id(tmp_path: Path) -> None:
    """A call may come from a number that Twilio only verified."""
    verified_id = {"outgoing_caller_ids": [{"sid": "PN1"}]}
    async with Peer(Reply(200, json={}), Reply(200, json=verified_id)) as peer:
        found = await verified(tmp_path, "voice", {**CHANNELS["voice"], "api_url": peer.url})
    assert "verified caller id" in found


async def test_a_slack_webhook(tmp_path: Path) -> None:
    """A request without text: Slack names what is missing if the URL is good."""
    async with Peer(Reply(400, b"no_text"), Reply(404, b"no_service")) as peer:
        assert await verified(tmp_path, "slack", {"webhook_url": peer.url}) == "URL accepted"
        refused = await verified(tmp_path, "slack", {"webhook_url": peer.url})
    assert refused == Rejected("HTTP 404: no_service")
    assert {request.body for request in peer.requests} == {b"{}"}


async def test_a_mail_server_that_is_not_there(tmp_path: Path) -> None:
    smtp = {"host": "127.0.0.1", "port": 1, "starttls": False}
    result = await verified(tmp_path, "email", {"smtp": smtp, "from": "a@example.com"})
    assert isinstance(result, Retry)
