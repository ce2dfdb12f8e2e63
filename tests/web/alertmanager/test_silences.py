"""Alertmanager's clients create, change, list and expire the router's silences."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from tests.clock import SteppedClock
from tests.daemon import Daemon
from tests.web.alertmanager.test_post import SOURCES, post, posted

Router = Callable[..., Daemon]
PATH = "/api/v2/silences"
HOUR = {"startsAt": "2026-02-02T02:40:00Z", "endsAt": "2026-02-02T03:40:00Z"}


def matcher(name: str = "alertname", value: str = "DiskFull", **changes: Any) -> dict[str, Any]:
    return {"name": name, "value": value, "isRegex": False, "isEqual": True} | changes


def silence(*matchers: object, **changes: Any) -> dict[str, Any]:
    base = {"matchers": matchers or (matcher(),), "createdBy": "ana", "comment": "deploy"}
    return base | HOUR | changes


async def put(daemon: Daemon, **changes: Any) -> str:
    answer = await daemon.ask("POST", PATH, json=silence(**changes))
    assert answer.status == 200
    key: str = answer.json["silenceID"]
    return key


async def states(daemon: Daemon, query: str = "") -> dict[str, str]:
    listed = (await daemon.get(f"{PATH}?{query}")).json
    return {silence["id"]: silence["status"]["state"] for silence in listed}


async def test_a_silence_mutes_at_once_until_it_is_expired(
    router: Router, clock: SteppedClock
) -> None:
    """Its id is with the alert, and with the silences of the router's own API."""
    async with router(sources=SOURCES, clock=clock) as daemon:
        key = await put(daemon)
        await post(daemon, posted())
        (silence,) = (await daemon.get("/api/v2/alerts")).json
        assert (silence["status"]["state"], silence["status"]["silencedBy"]) == (
            "suppressed",
            [key],
        )
        assert (await daemon.get("/api/v2/alerts?silenced=false")).json == []
        assert (await daemon.get("/api/v1/silences")).json["silences"][0]["id"] == key
        assert (await daemon.ask("DELETE", f"/api/v2/silence/{key}")).status == 200
        assert (await daemon.ask("DELETE", f"/api/v2/silence/{key}")).status == 200
        assert await states(daemon) == {key: "expired"}
        (silence,) = (await daemon.get("/api/v2/alerts")).json
        assert silence["status"]["silencedBy"] == []


async def test_a_silence_is_shown_as_it_was_made(router: Router, clock: SteppedClock) -> None:
    matchers = [
        matcher("a", "x|y", isRegex=True),
        matcher("b b", '"q"', isEqual=False),
        matcher("c", "z.*", isRegex=True, isEqual=False),
    ]
    async with router(clock=clock) as daemon:
        key = await put(daemon, matchers=matchers, annotations={"ticket": "OPS-1"})
        shown = (await daemon.get(f"/api/v2/silence/{key}")).json
    assert shown == {
        "id": key,
        "status": {"state": "active"},
        "updatedAt": "2026-02-02T02:40:00.000Z",
        "comment": "deploy",
        "createdBy": "ana",
        "startsAt": "2026-02-02T02:40:00.000Z",
        "endsAt": "2026-02-02T03:40:00.000Z",
        "matchers": matchers,
        "annotations": {"ticket": "OPS-1"},
    }


async def test_a_change_keeps_the_id_unless_matchers_or_the_start_change(
    router: Router, clock: SteppedClock
) -> None:
    async with router(clock=clock) as daemon:
        key = await put(daemon)
        assert await put(daemon, id=key, comment="longer", endsAt="2026-02-02T05:00:00Z") == key
        assert (await daemon.get(f"/api/v2/silence/{key}")).json["comment"] == "longer"
        other = await put(daemon, id=key, matchers=[matcher(value="Other")])
        assert other != key
        assert await states(daemon) == {other: "active", key: "expired"}
        later = await put(daemon, startsAt="2026-02-02T03:00:00Z")
        assert await put(daemon, id=later, startsAt="2026-02-02T03:10:00Z") == later
        assert await put(daemon, id=later, startsAt="2026-02-02T02:39:00Z") != later
        assert await put(daemon, id=key) not in {key, later, other}


async def test_they_are_listed_by_state_and_filtered(router: Router, clock: SteppedClock) -> None:
    async with router(clock=clock) as daemon:
        long = await put(daemon, endsAt="2026-02-03T03:40:00Z")
        short = await put(daemon, matchers=[matcher(value="Other")])
        pending = await put(daemon, startsAt="2026-02-02T03:00:00Z")
        await daemon.ask("DELETE", f"/api/v2/silence/{short}")
        active = await put(daemon)
        assert [*await states(daemon)] == [active, long, pending, short]
        found = (await daemon.get(f'{PATH}?filter=alertname="Other"')).json
        assert [silence["id"] for silence in found] == [short]
        assert (await daemon.get(f'{PATH}?filter=alertname=~"Oth.*"')).json == []
        assert [*await states(daemon, "active=false&pending=true")] == [pending, short]
        assert [*await states(daemon, "expired=false")] == [active, long, pending]


@pytest.mark.parametrize(
    ("changes", "status", "text"),
    [
        ({"startsAt": "2027-01-01T00:00:00Z"}, 400, "start time must be before end time"),
        (
            {"startsAt": "2026-01-01T00:00:00Z", "endsAt": "2026-01-01T01:00:00Z"},
            400,
            "end time can't be in the past",
        ),
        ({"endsAt": "3000-01-01T00:00:00Z"}, 400, "end time can't be after 2999"),
        ({"matchers": [matcher(value="")]}, 400, "at least one matcher must not match the empty"),
        ({"matchers": [matcher(value="(", isRegex=True)]}, 400, "invalid label matcher 0: "),
        ({"matchers": [matcher("")]}, 400, 'invalid label matcher 0: invalid label name ""'),
        ({"id": "5f9a6b55-0d5c-4d5c-8a3b-0d5c4d5c8a3b"}, 404, "silence not found"),
        ({"matchers": []}, 422, "matchers in body should have at least 1 items"),
        (
            {"matchers": [{"name": "a", "value": "b"}]},
            422,
            "matchers.0.isRegex in body is required",
        ),
        ({"endsAt": "soon"}, 400, "endsAt: Invalid RFC3339"),
    ],
)
async def test_a_wrong_silence_is_refused(
    router: Router, clock: SteppedClock, changes: dict[str, Any], status: int, text: str
) -> None:
    async with router(clock=clock) as daemon:
        answer = await daemon.ask("POST", PATH, json=silence(**changes))
        assert answer.status == status
        assert text in (answer.json if isinstance(answer.json, str) else answer.json["message"])
        assert await states(daemon) == {}


async def test_an_unknown_silence_is_a_404(router: Router) -> None:
    async with router() as daemon:
        for method in ("GET", "DELETE"):
            answer = await daemon.ask(
                method, "/api/v2/silence/5f9a6b55-0d5c-4d5c-8a3b-0d5c4d5c8a3b"
            )
            assert (answer.status, answer.body) == (404, b"")


async def test_reading_needs_a_viewer_and_silencing_a_responder(router: Router) -> None:
    """With tokens, a silence names the token beside the author whom the client names."""
    roles = {"grafana": "responder", "wall": "viewer"}
    tokens = {
        name: {"sha256": sha256(name.encode()).hexdigest(), "role": role}
        for name, role in roles.items()
    }
    async with router(auth={"tokens": tokens}) as daemon:
        reads = ("alerts", "alerts/groups", "silences", "receivers", "status")
        for path in reads:
            answer = await daemon.get(f"/api/v2/{path}")
            assert (answer.status, answer.json["code"]) == (401, 401)
            assert answer.headers["Content-Type"].startswith("application/json")
            assert "WWW-Authenticate" in answer.headers
            headers = {"Authorization": "Bearer wall"}
            assert (await daemon.get(f"/api/v2/{path}", headers=headers)).status == 200
        body = silence(endsAt="2099-01-01T00:00:00Z")
        answer = await daemon.ask("POST", PATH, json=body, headers=headers)
        assert (answer.status, answer.json["code"]) == (403, 403)
        headers = {"Authorization": "Basic eDpncmFmYW5h"}  # x:grafana
        key = (await daemon.ask("POST", PATH, json=body, headers=headers)).json["silenceID"]
        shown = (await daemon.get(f"/api/v2/silence/{key}", headers=headers)).json
        assert shown["createdBy"] == "ana via grafana"
        again = body | {"id": key, "createdBy": shown["createdBy"]}
        await daemon.ask("POST", PATH, json=again, headers=headers)
        shown = (await daemon.get(f"/api/v2/silence/{key}", headers=headers)).json
        assert shown["createdBy"] == "ana via grafana"
