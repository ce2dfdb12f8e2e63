"""Heartbeats by request: who may, by which methods, and what is answered."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.daemon import Daemon
from tests.web.webhooks.test_endpoint import is_problem, rejected

Router = Callable[..., Daemon]

SECRET = "s3cret/ü 4711"
QUOTED = "s3cret%2F%C3%BC%204711"
HEARTBEATS: dict[str, Any] = {
    "backup": {"every": "1d", "secret": SECRET},
    "open": {"every": "1d", "insecure": True},
    "fail": {"every": "1d", "secret": "x"},
    "watchdog": {"every": "5m", "match": ['alertname="Watchdog"']},
}
BEARER = {"Authorization": "Bearer x"}


async def shown(daemon: Daemon, name: str) -> Mapping[str, Any]:
    found = (await daemon.get("/api/v1/heartbeats")).json["heartbeats"]
    return next(one for one in found if one["name"] == name)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("path", "headers", "name", "failed"),
    [
        (f"/heartbeat/backup/{QUOTED}", {}, "backup", False),
        (f"/heartbeat/backup/{QUOTED}/fail", {}, "backup", True),
        ("/heartbeat/open", {}, "open", False),
        ("/heartbeat/open/fail", {}, "open", True),
        ("/heartbeat/fail", BEARER, "fail", False),
        ("/heartbeat/fail/fail", BEARER, "fail", True),
        ("/heartbeat/fail/x", {}, "fail", False),
        ("/heartbeat/fail/x/fail", {}, "fail", True),
    ],
)
async def test_a_request_with_the_secret_counts(  # noqa: PLR0917
    router: Router, method: str, path: str, headers: dict[str, str], name: str, failed: bool
) -> None:
    """In the path or as a bearer token; a final `fail` reports a failure, for any name."""
    async with router(heartbeats=HEARTBEATS) as daemon:
        answer = await daemon.ask(method, path, headers=headers)
        assert (answer.status, answer.body) == (200, b"OK\n")
        found = await shown(daemon, name)
        assert (found["state"], found["failed" if failed else "last"] is not None) == (
            "failed" if failed else "alive",
            True,
        )


@pytest.mark.parametrize(
    ("path", "authorization"),
    [
        ("/heartbeat/backup", ""),
        ("/heartbeat/backup/fail", ""),
        ("/heartbeat/backup/wrong", ""),
        ("/heartbeat/backup/wrong/fail", ""),
        ("/heartbeat/backup", "Bearer wrong"),
        ("/heartbeat/backup", "Bearer schl\xfcssel"),
        ("/heartbeat/backup", "Basic x"),
    ],
)
async def test_a_request_without_it_does_not(router: Router, path: str, authorization: str) -> None:
    """401, counted, and the answer holds neither secret."""
    async with router(heartbeats=HEARTBEATS) as daemon:
        headers = {"Authorization": authorization} if authorization else {}
        answer = await daemon.ask("POST", path, headers=headers)
        assert is_problem(answer, 401)
        assert b"s3cret" not in answer.body
        assert b"wrong/" not in answer.body
        assert rejected(daemon, "unauthorized", "heartbeat") == 1
        assert (await shown(daemon, "backup"))["state"] == "waiting"


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE"])
async def test_no_other_method_counts(router: Router, method: str) -> None:
    """Above all not HEAD: programs that look at links send it."""
    async with router(heartbeats=HEARTBEATS) as daemon:
        for path in ("/heartbeat/open", "/heartbeat/open/fail", f"/heartbeat/backup/{QUOTED}"):
            assert (await daemon.ask(method, path)).status == 405
        assert (await shown(daemon, "open"))["state"] == "waiting"


@pytest.mark.parametrize("name", ["other", "watchdog"])
async def test_what_is_not_requested_is_not_there(router: Router, name: str) -> None:
    """Neither a name that the config doesn't have, nor one whose beat is an alert: nobody can fake
    that by a URL.
    """
    async with router(heartbeats=HEARTBEATS) as daemon:
        assert is_problem(await daemon.ask("POST", f"/heartbeat/{name}"), 404)


async def test_how_they_are_is_for_viewers(router: Router) -> None:
    """With their times and no secret."""
    tokens = {"ana": {"sha256": hashlib.sha256(b"x").hexdigest(), "role": "viewer"}}
    async with router(heartbeats=HEARTBEATS, auth={"tokens": tokens}) as daemon:
        assert (await daemon.get("/api/v1/heartbeats")).status == 401
        answer = await daemon.get("/api/v1/heartbeats", headers=BEARER)
        assert [heartbeat["name"] for heartbeat in answer.json["heartbeats"]] == list(HEARTBEATS)
        assert answer.json["heartbeats"][0].keys() == {
            "name", "state", "every", "grace", "last", "failed", "missed_at",
        }  # fmt: skip
        assert b"s3cret" not in answer.body
