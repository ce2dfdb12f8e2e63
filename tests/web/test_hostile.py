"""Malformed requests are refused with a text, and cause no fault and no lasting effect."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from router.model.reason import Reason
from tests.clock import SteppedClock
from tests.daemon import Daemon, alert
from tests.web.webhooks.test_endpoint import is_problem

Router = Callable[..., Daemon]

FORM = "application/x-www-form-urlencoded"


async def raw(daemon: Daemon, path: str, headers: dict[str, bytes], body: bytes) -> int:
    """Status of a POST whose header values are raw bytes, as no well-behaved client sends them."""
    reader, writer = await asyncio.open_connection(*daemon.app.address)
    head = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in headers.items())
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    writer.write(
        b"POST "
        + path.encode()
        + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        + head
        + length
        + body
    )
    answer = await reader.read()
    writer.close()
    return int(answer.split()[1])


async def test_a_name_in_a_header_is_cleaned(router: Router) -> None:
    """Bytes that are no text, and a name without end, come onto the timeline as what can be read of
    them.
    """
    async with router() as daemon:
        await daemon.alert(alert())
        for name, kept in ((b"\xff\xfeana", "ana"), (b"a" * 5000, "a" * 60), (b"\xff", "api")):
            sent = {"X-Router-User": name, "Content-Type": b"application/json"}
            assert await raw(daemon, "/api/v1/incidents/1/note", sent, b'{"text": "x"}') == 200
            notes = [
                entry for entry in await daemon.store.timeline(1) if entry.what is Reason.NOTED
            ]
            assert notes[-1].by == kept


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        (FORM, b"text=seen", 303),
        (f"{FORM}; charset=nonsense", b"text=seen", 303),
        (FORM, b"text=%ff%00", 303),
        (FORM, b"&".join([b"a=b"] * 100), 400),
        (FORM, b"text=" + b"a" * 20_000, 400),
        (FORM, b"text=" + b"a" * 70_000, 413),
        ("multipart/form-data", b"--x\r\nfoo", 400),
        ("multipart/form-data; boundary=x", b"--x\r\nfoo", 400),
        ("application/json", b'{"text": "x"}', 400),
    ],
)
async def test_a_form_that_is_none_of_ours_is_refused(
    router: Router, content_type: str, body: bytes, status: int
) -> None:
    """Any content type is decoded as our pages' forms, up to a size limit."""
    async with router() as daemon:
        await daemon.alert(alert())
        assert (
            await raw(daemon, "/incidents/1/note", {"Content-Type": content_type.encode()}, body)
            == status
        )


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/silences", {"match": ["a=b"], "comment": "x", "for": "999999999w"}, "#/for"),
        ("/silences", {"match": ["a=b"], "comment": "x", "to": "9999-12-31T23:59Z"}, "#/to"),
        ("/deployments", {"service": "api", "at": "0001-01-01T00:00:00+14:00"}, "#/at"),
        ("/deployments", {"service": "api", "at": "1960-01-01T00:00:00Z"}, "#/at"),
        (
            "/status/maintenance",
            {"starts_at": "2026-02-02T00:00:00Z", "ends_at": "9999-12-31T23:59:59-14:00"},
            "#/ends_at",
        ),
        (
            "/status/maintenance",
            {"starts_at": "0001-01-01T00:00:00+14:00", "ends_at": "2026-12-31T00:00:00Z"},
            "#/starts_at",
        ),
        ("/incidents/1/items", {"text": "x", "due": "9999-12-31T23:59-14:00"}, "#/due"),
        ("/incidents/1/items", {"text": "x", "due": "0001-01-01"}, "#/due"),
        ("/silences", {"match": ["a=b", 7], "comment": "x", "for": "1h"}, "#/match/1"),
        ("/incidents", {"title": "x", "labels": {"a": 7}}, "#/labels"),
        ("/incidents/1/note", {"text": "a" * 10_001}, "#/text"),
        ("/incidents/1/publish", {"text": "a" * 10_001}, "#/text"),
    ],
)
async def test_what_is_beyond_all_meaning_is_refused(
    router: Router, clock: SteppedClock, path: str, body: dict[str, Any], pointer: str
) -> None:
    """It names the field, and what shows it afterwards isn't broken by it."""
    async with router(clock, status_page={"components": [{"name": "api"}]}) as daemon:
        await daemon.alert(alert())
        if "maintenance" in path:
            body = {"title": "x", **body}
        answer = await daemon.ask("POST", f"/api/v1{path}", json=body)
        assert is_problem(answer, 400)
        assert answer.json["errors"][0]["pointer"] == pointer
        for shown in (
            "/status",
            "/incidents/1/postmortem",
            "/api/v1/incidents/1/items",
            "/api/v1/silences",
            "/api/v1/deployments",
            "/api/v1/status/maintenance",
        ):
            assert (await daemon.get(shown)).status == 200


@pytest.mark.parametrize("path", ["/stats?since=99999999d", "/api/v1/stats?since=999999999w"])
async def test_a_span_longer_than_time_is_all_of_it(router: Router, path: str) -> None:
    """Nothing was before 1970."""
    async with router() as daemon:
        assert (await daemon.get(path)).status == 200


@pytest.mark.parametrize(
    "at", ["9999-12-31T23:59-14:00", "0001-01-01T00:00%2b14:00", "3000-01-01T00:00Z"]
)
async def test_nothing_is_explained_beyond_what_can_be_shown(router: Router, at: str) -> None:
    """It's said which field is wrong."""
    async with router(contacts={"ana": {}}) as daemon:
        answer = await daemon.get(f"/api/v1/explain?contact=ana&at={at}")
        assert is_problem(answer, 400)
        assert answer.json["errors"][0]["pointer"] == "#/at"


async def test_a_key_that_is_no_text_is_cleaned(router: Router) -> None:
    """The request is known again by what is left of it."""
    async with router() as daemon:
        await daemon.alert(alert())
        sent = {"Idempotency-Key": b"\xff\xfekey", "Content-Type": b"application/json"}
        for status in (201, 200):
            assert await raw(daemon, "/api/v1/incidents/1/items", sent, b'{"text": "x"}') == status
