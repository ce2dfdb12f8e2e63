"""The router's own errors, as they reach a Sentry on loopback."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
import sentry_sdk
from aiohttp import web

from router.telemetry import errors, logs
from tests.senders.kit import Peer

SECRET = "s3cr3t-4711"


@pytest.fixture(autouse=True)
def _reports_end() -> Iterator[None]:
    """Stop error reports after each test."""
    yield
    errors.stop()


def events(peer: Peer) -> list[dict[str, Any]]:
    """The events in the envelopes that arrived: lines of JSON, of which an event is the one with a
    level.
    """
    lines = [
        json.loads(line) for request in peer.requests for line in request.body.splitlines() if line
    ]
    return [line for line in lines if "level" in line]


async def fail(source: str) -> web.Response:
    """Handle a fault as the webhooks do."""
    errors.working_for(source)
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        logs.logger("router.web.problem").exception(
            "request_failed", route="/webhooks/{source}/{secret}"
        )
    return web.Response()


async def post(source: str) -> None:
    """A request that fails, with secrets wherever a request can have one."""

    class Failing(Peer):
        async def _handle(self, request: web.Request) -> web.StreamResponse:
            return await fail(source)

    async with Failing() as failing, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {SECRET}", "X-Whatever": SECRET}
        url = f"{failing.url}/webhooks/{source}/{SECRET}?key={SECRET}"
        async with session.post(url, headers=headers, json={"body": SECRET}) as answer:
            await answer.read()


async def reported(*sources: str) -> list[dict[str, Any]]:
    """Sentry events of a failing request of each source."""
    logs.configure()
    async with Peer() as sentry:
        errors.start(sentry.url.replace("//", "//key@") + "/1", "test")
        for source in sources:
            await post(source)
        await asyncio.to_thread(errors.stop)
        return events(sentry)


async def test_a_fault_is_reported_with_its_trace() -> None:
    """Once, with the exception, the release and the environment."""
    (event,) = await reported("alertmanager")
    assert event["exception"]["values"][0]["type"] == "ZeroDivisionError"
    assert event["exception"]["values"][0]["stacktrace"]["frames"]
    assert event["environment"] == "test"
    assert event["release"].startswith("alert-router@")


async def test_no_secret_is_reported() -> None:
    """Not in the URL, a header, the body or a local variable."""
    (event,) = await reported("alertmanager")
    assert SECRET not in json.dumps(event)


async def test_an_error_about_a_sentry_alert_is_not_reported() -> None:
    """It could raise that alert again, without end. The next request is another matter."""
    (event,) = await reported("sentry", "alertmanager", "sentry")
    assert event["tags"][errors.SOURCE] == "alertmanager"


async def test_without_a_dsn_nothing_is_sent_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only the config says where errors go."""
    async with Peer() as sentry:
        monkeypatch.setenv("SENTRY_DSN", sentry.url.replace("//", "//key@") + "/1")
        errors.start(None)
        sentry_sdk.capture_message("hello", "error")
        await asyncio.to_thread(errors.stop)
    assert sentry.requests == []
