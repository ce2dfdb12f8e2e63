"""Requests with an `Idempotency-Key` have one effect; unchanged answers are not sent again."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from router.records.records import Records
from tests.daemon import Answer, Daemon, alert
from tests.web.api.test_incidents import AUTH, bearer
from tests.web.webhooks.test_endpoint import is_problem

Router = Callable[..., Daemon]

SILENCE = {"match": ["alertname=x"], "for": "1h", "comment": "why"}


async def silence(daemon: Daemon, key: str = "k", **changes: Any) -> Answer:
    return await daemon.ask(
        "POST", "/api/v1/silences", json=SILENCE | changes, headers={"Idempotency-Key": key}
    )


async def count(daemon: Daemon) -> int:
    return len((await daemon.get("/api/v1/silences")).json["silences"])


async def test_the_same_key_gets_the_same_answer(router: Router) -> None:
    """Without a second effect, also after a restart."""
    async with router() as daemon:
        first, second = await silence(daemon), await silence(daemon)
        assert (second.status, second.json) == (first.status, first.json)
        assert "Idempotency-Replayed" not in first.headers
        assert second.headers["Idempotency-Replayed"] == "true"
        assert await count(daemon) == 1
    async with router() as daemon:
        assert (await silence(daemon)).json == first.json
        assert await count(daemon) == 1
        assert (await silence(daemon, "another")).status == 201
        assert await count(daemon) == 2


async def test_a_key_belongs_to_one_request(router: Router) -> None:
    async with router() as daemon:
        await silence(daemon)
        other = await silence(daemon, comment="another reason")
        assert is_problem(other, 422)
        assert "another request" in other.json["detail"]


async def test_a_refused_request_may_be_sent_again_with_its_key(router: Router) -> None:
    async with router() as daemon:
        assert (await silence(daemon, match=['a=~"("'])).status == 400
        assert (await silence(daemon)).status == 201


async def test_two_at_once_have_one_effect(router: Router) -> None:
    """The second is refused while the first runs, or gets its answer."""
    async with router() as daemon:
        answers = await asyncio.gather(*(silence(daemon) for _ in range(5)))
        assert {answer.status for answer in answers} <= {201, 409}
        assert await count(daemon) == 1


async def test_an_interrupted_request_is_not_repeated(
    router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows whether it had its effect, and the answer says so."""
    async with router() as daemon:

        async def die(*_: Any, **__: Any) -> None:
            raise ConnectionResetError

        with monkeypatch.context() as patch:
            patch.setattr(Records, "find", die)  # the operation counts the silences
            assert (await silence(daemon)).status >= 400
        again = await silence(daemon)
        assert is_problem(again, 409)
        assert "was interrupted" in again.json["detail"]


async def test_people_have_their_own_keys(router: Router) -> None:
    async with router(auth=AUTH) as daemon:
        for role in ("responder", "admin"):
            headers = bearer(role) | {"Idempotency-Key": "k"}
            made = await daemon.ask("POST", "/api/v1/silences", json=SILENCE, headers=headers)
            assert made.status == 201
            assert made.json["silence"]["by"] == role


async def test_an_unchanged_answer_is_not_sent_again(router: Router) -> None:
    async with router() as daemon:
        first = await daemon.get("/api/v1/incidents")
        tag = first.headers["ETag"]
        same = await daemon.get("/api/v1/incidents", headers={"If-None-Match": f'"x", W/{tag}'})
        assert (same.status, same.body) == (304, b"")
        await daemon.alert(alert())
        changed = await daemon.get("/api/v1/incidents", headers={"If-None-Match": tag})
        assert changed.status == 200
