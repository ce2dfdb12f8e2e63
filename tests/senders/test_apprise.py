"""Apprise: its own plugins, pointed at loopback servers."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from router.config.fields import Duration
from router.config.secret import Secret
from router.model.notification import Rejected, Result, Retry, Sent, Uncertain
from router.senders import apprise
from router.senders.apprise import AppriseConfig, build, outcome
from tests.senders.kit import Answer, Peer, Reply, Request, link_to, make_message, refusing_url

KEY = "s3cret4711"


def endpoint(request: Request) -> Answer:
    """Takes a notification of Apprise's plugin `json`."""
    assert (request.method, request.path) == ("POST", f"/{KEY}")
    said = request.json
    assert set(said) == {"version", "title", "message", "attachments", "type"}
    assert said["title"]
    assert said["message"]
    assert said["type"] in {"info", "success", "warning", "failure"}
    return Reply()


def shown(request: Request) -> str:
    return f"{request.json['title']}\n{request.json['message']}"


def address(url: str) -> Secret:
    return Secret(f"{url.replace('http', 'json')}/{KEY}")


def options(url: str, seconds: float = 10.0, **more: Any) -> AppriseConfig:
    return AppriseConfig(urls=(address(url),), timeout=Duration(seconds), **more)


async def deliver(config: AppriseConfig, **changes: Any) -> Result:
    async with aiohttp.ClientSession() as session:
        sender = build("phone", config, session)
        try:
            return await sender.send(make_message(**changes))
        finally:
            await sender.close()


async def test_a_message_has_the_incident_and_links_to_answer() -> None:
    async with Peer(answer=endpoint) as peer:
        assert await deliver(options(peer.url), link=link_to) == Sent()
    (request,) = peer.requests
    assert request.json["type"] == "failure"
    assert request.json["title"].startswith("🚨 [P0] VintStreet Incident: Payment failures")
    assert "Acknowledge: https://router.example.com/act/ack" in request.json["message"]


async def test_another_of_its_services_gets_the_same() -> None:
    """Apprise's own plugin for ntfy sends it."""
    async with Peer() as peer:
        url = Secret(f"{peer.url.replace('http', 'ntfy')}/incidents")
        assert await deliver(AppriseConfig(urls=(url,))) == Sent()
    (request,) = peer.requests
    assert b"Payment failures" in json.dumps(request.json).encode()


async def test_a_retry_is_for_the_services_that_failed() -> None:
    async with Peer() as good, Peer(Reply(503)) as bad, aiohttp.ClientSession() as session:
        sender = build("all", AppriseConfig(urls=(address(good.url), address(bad.url))), session)
        first = await sender.send(make_message())
        assert isinstance(first, Retry)
        assert first.reason == "HTTP 503"
        assert await sender.send(make_message(progress=first.progress)) == Sent()
        await sender.close()
    assert (len(good.requests), len(bad.requests)) == (1, 2)


async def test_a_request_that_was_never_sent_is_tried_again() -> None:
    assert await deliver(options(refusing_url())) == Retry("no connection")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["Failed to send X notification: Too many requests, error=429."], Retry("HTTP 429")),
        (["Failed to send X notification: error=200."], Rejected("refused, HTTP 200")),
        (["Failed to send X notification: error=403."], Rejected("HTTP 403")),
        (["Sent X notification to a.", "Failed to send: error=503."], Uncertain("HTTP 503")),
        (["There were no targets."], Uncertain("Apprise reports a failure without a reason")),
    ],
)
def test_the_result_comes_from_what_apprise_logs(lines: list[str], expected: Result) -> None:
    assert outcome(lines, succeeded=False) == expected


async def test_a_url_that_apprise_cannot_read_is_named_without_its_secret() -> None:
    config = AppriseConfig(urls=(Secret(f"tgram://{KEY}"),))
    result = await deliver(config)
    assert result == Rejected("Apprise can't read this URL: tgram://")
    async with aiohttp.ClientSession() as session:
        sender = build("phone", config, session)
        assert await sender.verify() == result
        await sender.close()


async def test_urls_are_verified_without_a_message() -> None:
    async with Peer() as peer, aiohttp.ClientSession() as session:
        sender = build("phone", options(peer.url), session)
        assert await sender.verify() == "json://: URLs are readable"
        await sender.close()
    assert not peer.requests


@pytest.mark.parametrize(
    ("urls", "words"), [((), "empty"), ((Secret("s3cret"),), "item 1 is not a URL")]
)
def test_urls_that_cannot_work_are_refused(urls: tuple[Secret, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words) as refusal:
        AppriseConfig(urls=urls)
    assert "s3cret" not in str(refusal.value)


def test_without_the_extra_the_config_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise, "find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"pip install 'alert-router\[apprise\]'"):
        AppriseConfig(urls=(Secret("json://127.0.0.1"),))


def test_the_package_is_not_imported_with_the_sender(tmp_path: Path) -> None:
    """It takes a second, which no command needs to wait for."""
    import subprocess
    import sys

    program = "import router.senders.apprise, sys; assert 'apprise' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
