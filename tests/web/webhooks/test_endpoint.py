"""Incoming webhooks: a 2xx means committed, and every other answer says what to do."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from router.core.incident.snapshot import Conflict
from router.engine.apply import TRIES, WAITING
from router.ports.errors import StoreUnavailable
from router.telemetry import errors
from tests.clock import stop, turn
from tests.daemon import TOKEN, Answer, Daemon, alert, group
from tests.engine.office import seen

Router = Callable[..., Daemon]

PATH = "/webhooks/alertmanager"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PAYLOADS = Path(__file__).parents[2] / "payloads"


async def post(daemon: Daemon, body: bytes | str, path: str = PATH, **headers: str) -> Answer:
    return await daemon.ask("POST", path, data=body, headers=BEARER | headers)


def is_problem(answer: Answer, status: int) -> bool:
    """Check for an RFC 9457 problem document with that status."""
    kind = answer.headers["Content-Type"].partition(";")[0]
    body = answer.json
    return (
        (answer.status, kind, body["status"]) == (status, "application/problem+json", status)
        and {"type", "title", "status", "detail"}
        <= body.keys()
        <= {"type", "title", "status", "detail", "errors"}
        and bool(body["detail"])
    )


def rejected(daemon: Daemon, reason: str, source: str = "alertmanager") -> float | None:
    labels = {"source": source, "reason": reason}
    return daemon.app.metrics.registry.get_sample_value(
        "alert_router_webhooks_rejected_total", labels
    )


async def test_accepted_means_committed(router: Router) -> None:
    """The incident exists as soon as the answer does."""
    async with router() as daemon:
        answer = await daemon.alert(alert(), alert(service="b"), alert("Other"))
        assert (answer.status, answer.json) == (200, {"accepted": 3, "errors": []})
        assert len(await daemon.store.incidents()) == 3


@pytest.mark.parametrize(("method", "fault"), [("load", None), ("save", None), ("save", Conflict)])
async def test_not_committed_means_503(
    router: Router, method: str, fault: type[Exception] | None
) -> None:
    """The store fails: 503, which makes Alertmanager try again; and then it's taken."""
    async with router() as daemon:
        faults = [fault("always")] * TRIES if fault else [StoreUnavailable("disk full")]
        daemon.store.plan[method].extend(2 * faults)  # other tasks may use some
        answer = await daemon.alert(alert())
        daemon.store.plan[method].clear()
        assert is_problem(answer, 503)
        assert answer.headers["Retry-After"] == "1"
        assert await daemon.store.incidents() == []
        assert (await daemon.alert(alert())).status == 200
        assert len(await daemon.store.incidents()) == 1


async def test_overloaded_means_503_and_never_429(router: Router) -> None:
    """Alertmanager would drop the alerts on a 429."""
    async with router() as daemon:
        await daemon.until_idle()
        (apply,) = (loop for loop in daemon.app._loops if loop.get_name() == "apply")
        await stop(apply)
        waiting = asyncio.ensure_future(daemon.app.parts.inbox.submit([seen()] * WAITING))
        await turn()
        assert is_problem(await daemon.alert(alert()), 503)
        waiting.cancel()


async def test_a_fault_of_ours_is_a_500_that_gives_nothing_away(router: Router) -> None:
    """Alertmanager tries again, and the answer shows nothing internal."""
    async with router() as daemon:
        await daemon.until_idle()
        daemon.store.plan["load"].append(ZeroDivisionError("an inner secret"))
        answer = await daemon.alert(alert())
        assert is_problem(answer, 500)
        assert b"secret" not in answer.body
        assert b"ZeroDivision" not in answer.body


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (b"", ["#"]),
        (b"{", ["#"]),
        (b"\xff\xfe", ["#"]),
        (b"[]", ["#"]),
        (b"null", ["#"]),
        (b"[" * 100_000, ["#"]),
        (b'{"version": "4"}', ["#/alerts"]),
        (b'{"version": "4", "alerts": {}}', ["#/alerts"]),
        (b'{"version": "3", "alerts": []}', ["#/version"]),
        (json.dumps(group(alert() | {"startsAt": "yesterday"})), ["#/alerts/0/startsAt"]),
        (json.dumps(group(alert() | {"labels": {"a": [1]}})), ["#/alerts/0/labels/a"]),
        (json.dumps(group(alert() | {"status": "pending"}, 7)), ["#/alerts/0/status"]),
    ],
)
async def test_what_cannot_be_read_is_a_400_that_names_the_field(
    router: Router, body: bytes | str, pointers: list[str]
) -> None:
    """The answer has a JSON Pointer, and no part is accepted."""
    async with router() as daemon:
        answer = await post(daemon, body)
        assert is_problem(answer, 400)
        assert [error["pointer"] for error in answer.json["errors"]] == pointers
        assert await daemon.store.incidents() == []
        assert rejected(daemon, "malformed") == 1


async def test_one_bad_alert_does_not_lose_the_others(router: Router) -> None:
    """Valid alerts are accepted, and the answer names the invalid one."""
    async with router() as daemon:
        answer = await daemon.alert(alert(), alert() | {"startsAt": "yesterday"}, alert("Other"))
        assert answer.status == 200
        assert answer.json["accepted"] == 2
        assert [error["pointer"] for error in answer.json["errors"]] == ["#/alerts/1/startsAt"]
        assert len(await daemon.store.incidents()) == 2
        assert rejected(daemon, "bad_alert") == 1


async def test_alerts_that_alertmanager_left_out_are_said(router: Router) -> None:
    """The others are accepted, and the answer says that some are missing."""
    async with router() as daemon:
        answer = await daemon.alert(alert(), truncatedAlerts=7)
        assert answer.json["accepted"] == 1
        assert "7" in answer.json["errors"][0]["detail"]


async def test_too_large_is_a_413(router: Router) -> None:
    """A body just within the limit is accepted."""
    async with router(max_body="10KiB") as daemon:
        body = json.dumps(group(alert(padding="x" * 20_000))).encode()
        fine = json.dumps(group(alert(padding="x" * 5_000))).encode()
        assert is_problem(await post(daemon, body), 413)
        assert rejected(daemon, "too_large") == 1
        assert (await post(daemon, fine)).status == 200


async def test_a_sender_that_breaks_off_is_no_fault_of_ours(
    router: Router, capfd: pytest.CaptureFixture[str]
) -> None:
    """Half a body and a closed connection: nothing is taken, nothing is reported, and the next is
    served.
    """
    async with router() as daemon:
        host, port = daemon.app.address
        _, writer = await asyncio.open_connection(host, port)
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
            f"{TOKEN}\r\nContent-Length: 1000\r\n\r\n"
        )
        writer.write(head.encode() + b'{"version": ')
        await writer.drain()
        await turn()
        writer.close()
        await writer.wait_closed()
        assert (await daemon.alert(alert())).status == 200
    logged = capfd.readouterr()
    assert "request_failed" not in logged.err + logged.out


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN}x"},
    ],
)
async def test_who_does_not_show_who_it_is_gets_a_401(
    router: Router, headers: dict[str, str]
) -> None:
    """Before anything is decoded, with what scheme is wanted, and without the secret."""
    async with router() as daemon:
        answer = await daemon.ask("POST", PATH, data=b"{", headers=headers)
        assert is_problem(answer, 401)
        assert "WWW-Authenticate" in answer.headers
        assert TOKEN.encode() not in answer.body
        assert rejected(daemon, "unauthorized") == 1


@pytest.mark.parametrize(
    "path",
    ["/webhooks/sentry", "/webhooks/nagios", "/webhooks/nagios/secret", "/webhooks/%2e%2e/nothing"],
)
async def test_an_unknown_source_is_a_404(router: Router, path: str) -> None:
    """Also one that the router knows but the config doesn't. It makes no new time series."""
    async with router() as daemon:
        assert is_problem(await post(daemon, b"{}", path), 404)
        assert b"nagios" not in (await daemon.get("/metrics")).body


async def test_only_post_is_taken(router: Router) -> None:
    """With what is allowed instead."""
    async with router() as daemon:
        answer = await daemon.get(PATH)
        assert is_problem(answer, 405)
        assert answer.headers["Allow"] == "POST"


async def test_a_request_that_comes_twice_has_no_second_effect(router: Router) -> None:
    """Alertmanager repeats what it isn't sure of."""
    async with router() as daemon:
        first, second = await daemon.alert(alert()), await daemon.alert(alert())
        assert first.json == second.json
        (incident,) = await daemon.store.incidents()
        assert incident.alerts == 1
        assert [entry.what.value for entry in await daemon.store.timeline(1)].count("opened") == 1


async def test_many_at_once(router: Router) -> None:
    """A storm of requests: each is answered, each alert has its incident."""
    async with router() as daemon:
        answers = await asyncio.gather(*(daemon.alert(alert(service=f"s{i}")) for i in range(100)))
        assert {answer.status for answer in answers} == {200}
        assert len(await daemon.store.incidents(limit=1000)) == 100


SENTRY: dict[str, Any] = {"sources": {"sentry": {"insecure": True}}}


@pytest.mark.parametrize(
    ("kind", "payload"),
    [(path.stem, path.read_bytes()) for path in sorted(PAYLOADS.glob("sentry-*.json"))],
)
async def test_every_kind_of_sentry_webhook_is_answered_2xx(
    router: Router, kind: str, payload: bytes
) -> None:
    """Also those without an alert: Sentry stops sending after repeated refusals."""
    async with router(**SENTRY) as daemon:
        resource = kind.split("-")[1]
        headers = {} if resource == "plugin" else {"Sentry-Hook-Resource": resource}
        answer = await post(daemon, payload, "/webhooks/sentry", **headers)
        assert answer.status == 200
        assert answer.json["accepted"] + ("ignored" in answer.json) == 1


async def test_a_request_works_for_no_source_of_the_one_before(router: Router) -> None:
    """All over one connection: a fault after a webhook isn't reported for the webhook's source."""
    sources: list[str] = []

    async def fail(*_: object, **__: object) -> None:
        sources.append(errors._source.get())
        raise ZeroDivisionError

    async with router() as daemon:
        await daemon.alert(alert())
        daemon.app.parts.store.incidents = fail  # type: ignore[method-assign]
        assert (await daemon.get("/api/v1/incidents")).status == 500
    assert sources == [""]
