"""API tokens that people make: shown once, limited, and gone when they should be."""

import re
from collections.abc import Callable
from typing import Any

from tests.clock import SteppedClock
from tests.daemon import Answer, Daemon, alert
from tests.web.access.browser import Browser, text
from tests.web.access.conftest import ADMIN, jump, signed_in
from tests.web.webhooks.test_endpoint import is_problem

Closed = Callable[..., Daemon]

ROOT = {"Authorization": f"Bearer {ADMIN}"}
OWN = {"Sec-Fetch-Site": "same-origin"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def make(daemon: Daemon, browser: Browser, **body: Any) -> Answer:
    """Make a token over the API, as a page's script would."""
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    return await daemon.ask(
        "POST", "/api/v1/tokens", json={"name": "laptop", **body}, headers=OWN | {"Cookie": cookie}
    )


async def test_a_token_is_shown_once_and_acts_as_its_owner(closed: Closed) -> None:
    """The page shows it only in the answer to the form; the store has its hash."""
    async with closed() as daemon:
        await daemon.alert(alert())
        ana = await signed_in(daemon, "cruz", email="ana@example.com")
        page = await ana.post("/tokens", {"name": "laptop", "role": "responder", "expires": "7d"})
        (token,) = re.findall(r"art_[0-9a-f]{12}_[\w-]{43}", page.body.decode())
        assert "art_" not in text(await ana.get("/tokens"))
        docs = "".join(record.doc for record in await daemon.store.records("api-token"))
        assert token.rpartition("_")[2] not in docs
        acked = await daemon.ask("POST", "/api/v1/incidents/1/ack", json={}, headers=bearer(token))
        assert acked.json["incident"]["acknowledged_by"] == "Ana Cruz"
        me = (await daemon.get("/api/v1/me", headers=bearer(token))).json
        assert me == {"name": "Ana Cruz", "role": "responder", "user": "cruz", "contact": "ana"}


async def test_a_wrong_token_is_none(closed: Closed) -> None:
    async with closed() as daemon:
        token = (await make(daemon, await signed_in(daemon, "ana"))).json["text"]
        for wrong in (token[:-1], token + "x", token.replace("art_", "art_0"), "art_", "art_x_y"):
            assert is_problem(await daemon.get("/api/v1/me", headers=bearer(wrong)), 401)


async def test_a_token_ends(closed: Closed, clock: SteppedClock) -> None:
    """At its time, when it is revoked, and with its owner; its role falls with theirs."""
    async with closed() as daemon:
        ana = await signed_in(daemon, "ana")
        short = (await make(daemon, ana, expires="1h")).json["text"]
        made = (await make(daemon, ana)).json
        token = made["text"]
        jump(clock, 3600)
        assert is_problem(await daemon.get("/api/v1/me", headers=bearer(short)), 401)
        change = "/api/v1/users/ana"
        await daemon.ask("POST", change, json={"role": "viewer"}, headers=ROOT)
        me = (await daemon.get("/api/v1/me", headers=bearer(token))).json
        assert me["role"] == "viewer"
        await daemon.ask("POST", change, json={"disabled": True}, headers=ROOT)
        assert is_problem(await daemon.get("/api/v1/me", headers=bearer(token)), 401)
        await daemon.ask("POST", change, json={"disabled": False}, headers=ROOT)
        assert (await daemon.get("/api/v1/me", headers=bearer(token))).status == 200
        ended = f"/api/v1/tokens/{made['token']['id']}"
        assert (await daemon.ask("DELETE", ended, headers=ROOT)).status == 200
        assert is_problem(await daemon.get("/api/v1/me", headers=bearer(token)), 401)
        assert is_problem(await daemon.ask("DELETE", ended, headers=ROOT), 404)


async def test_a_token_is_for_its_areas_only(closed: Closed) -> None:
    """Not for other paths, nor for pages."""
    async with closed() as daemon:
        ana = await signed_in(daemon, "ana")
        token = (await make(daemon, ana, areas=["deployments", "stats"])).json["text"]
        assert (await daemon.get("/api/v1/deployments", headers=bearer(token))).status == 200
        for path in ("/api/v1/incidents", "/api/v1/me", "/incidents", "/"):
            assert is_problem(await daemon.get(path, headers=bearer(token)), 403)
        assert (await daemon.get("/api/v2/alerts", headers=bearer(token))).status == 403


async def test_nobody_gives_away_more_than_they_have(closed: Closed) -> None:
    """Neither a higher role, nor a service's token, nor a token by a token, nor a person's name."""
    async with closed() as daemon:
        ana, boss = await signed_in(daemon, "ana"), await signed_in(daemon, "boss", "admin")
        assert is_problem(await make(daemon, ana, role="admin"), 403)
        assert is_problem(await make(daemon, ana, service=True), 403)
        token = (await make(daemon, boss, role="admin")).json["text"]
        again = await daemon.ask(
            "POST", "/api/v1/tokens", json={"name": "x"}, headers=bearer(token)
        )
        assert is_problem(again, 403)
        for body in (
            {"name": "Ana Cruz", "service": True},
            {"name": "root", "service": True},
            {"name": " "},
            {"areas": ["nothing"]},
            {"expires": "367d"},
            {"expires": "soon"},
        ):
            assert is_problem(await make(daemon, boss, **body), 400), body


async def test_people_see_and_revoke_their_own_tokens(closed: Closed) -> None:
    """An admin those of all."""
    async with closed() as daemon:
        ana, ben = await signed_in(daemon, "ana"), await signed_in(daemon, "ben")
        key = (await make(daemon, ana, name="of ana")).json["token"]["id"]
        assert "of ana" not in text(await ben.get("/tokens"))
        assert (await ben.post(f"/tokens/{key}/revoke")).status == 404
        listed = (await daemon.get("/api/v1/tokens", headers=ROOT)).json["tokens"]
        assert [token["owner"] for token in listed] == ["ana"]
        assert (await ana.post(f"/tokens/{key}/revoke")).status == 303
        assert "of ana" not in text(await ana.get("/tokens"))


async def test_a_service_acts_under_its_own_name(closed: Closed, clock: SteppedClock) -> None:
    """Its last use is noted."""
    async with closed() as daemon:
        await daemon.alert(alert())
        body = {"name": "shop deployments", "service": True, "expires": "30d"}
        made = (await daemon.ask("POST", "/api/v1/tokens", json=body, headers=ROOT)).json
        assert made["token"]["used_at"] is None
        path = "/api/v1/incidents/1/ack"
        acked = await daemon.ask("POST", path, json={}, headers=bearer(made["text"]))
        assert acked.json["incident"]["acknowledged_by"] == "shop deployments"
        (token,) = (await daemon.get("/api/v1/tokens", headers=ROOT)).json["tokens"]
        assert token["used_at"] is not None


async def test_no_answer_with_a_secret_is_kept_for_repetitions(closed: Closed) -> None:
    """A second request with the same key makes a second token."""
    async with closed() as daemon:
        headers = ROOT | {"Idempotency-Key": "k"}
        for path, body in (
            ("/api/v1/tokens", {"name": "ci", "service": True}),
            ("/api/v1/users", {"name": "ana"}),
            ("/api/v1/users/ana/link", {}),
        ):
            assert (await daemon.ask("POST", path, json=body, headers=headers)).status < 300
        assert not await daemon.store.records("repeat")


async def test_sessions_are_listed_and_ended_over_the_api(closed: Closed) -> None:
    """An admin sees and ends those of all."""
    async with closed() as daemon:
        ana = await signed_in(daemon, "ana")
        (session,) = (await daemon.get("/api/v1/sessions", headers=ROOT)).json["sessions"]
        assert (session["user"], session["agent"], session["current"]) == (
            "ana",
            "Firefox/140",
            False,
        )
        path = f"/api/v1/sessions/{session['id']}"
        assert (await daemon.ask("DELETE", path, headers=ROOT)).status == 200
        assert is_problem(await daemon.ask("DELETE", path, headers=ROOT), 404)
        assert (await ana.get("/account")).status == 303


async def test_an_open_router_makes_no_tokens(router: Closed) -> None:
    """They would protect nothing."""
    async with router() as daemon:
        answer = await daemon.ask("POST", "/api/v1/tokens", json={"name": "x", "service": True})
        assert is_problem(answer, 409)
        assert "no token is needed" in text(await Browser(daemon).get("/tokens"))
