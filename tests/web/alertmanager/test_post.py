"""Alerts that Prometheus sends straight to the router."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.clock import START, SteppedClock
from tests.daemon import TOKEN, Answer, Daemon

Router = Callable[..., Daemon]
PATH = "/api/v2/alerts"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
SOURCES = {"prometheus": {"bearer_token": TOKEN}}
LABELS = {"alertname": "DiskFull", "instance": "db-1"}


def posted(**changes: Any) -> dict[str, Any]:
    return {"labels": LABELS, "annotations": {}} | changes


async def post(daemon: Daemon, *alerts: object, path: str = PATH, token: str = TOKEN) -> Answer:
    headers = {"Authorization": f"Bearer {token}"}
    return await daemon.ask("POST", path, json=alerts, headers=headers)


async def stored(daemon: Daemon) -> list[tuple[str, str, str]]:
    """The fingerprint, source and status of each alert."""
    alerts = (await daemon.get("/api/v1/alerts")).json["alerts"]
    return [(alert["fingerprint"], alert["source"], alert["status"]) for alert in alerts]


async def test_an_alert_opens_an_incident_and_ends_by_its_timeout(
    router: Router, clock: SteppedClock
) -> None:
    """An empty 200; the identity is Alertmanager's; without `endsAt` it lasts `resolve_timeout`."""
    sources = {"prometheus": {"bearer_token": TOKEN, "resolve_timeout": "10m"}}
    async with router(sources=sources, clock=clock) as daemon:
        answer = await post(daemon, posted(labels=LABELS | {"empty": ""}))
        assert (answer.status, answer.body) == (200, b"")
        assert await stored(daemon) == [("fd807b82f98f9135", "prometheus", "firing")]
        await clock.advance(599)
        assert await stored(daemon) == [("fd807b82f98f9135", "prometheus", "firing")]

        async def resolved() -> bool:
            return await stored(daemon) == [("fd807b82f98f9135", "prometheus", "resolved")]

        await clock.settle(resolved, step=0.5)
        assert clock.now() < START + 620
        timeline = (await daemon.get("/api/v1/incidents/1")).json["timeline"]
        ends = [entry["what"] for entry in timeline if entry["what"] in {"timed_out", "resolved"}]
        assert ends == ["timed_out", "resolved"]


async def test_a_past_end_resolves(router: Router, clock: SteppedClock) -> None:
    """The start is only needed to tell an earlier firing from the present one."""
    async with router(sources=SOURCES, clock=clock) as daemon:
        await post(daemon, posted(startsAt="2026-02-02T02:00:00Z", endsAt="2026-02-02T03:00:00Z"))
        assert [status for _, _, status in await stored(daemon)] == ["firing"]
        await post(daemon, posted(endsAt="2026-02-02T02:39:00Z"))
        assert [status for _, _, status in await stored(daemon)] == ["resolved"]


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        ({"labels": {}}, "at least one label pair required"),
        ({"labels": {"a": ""}}, "at least one label pair required"),
        ({"labels": {"": "a"}}, 'invalid label set: invalid name ""'),
        (
            posted(startsAt="2026-01-02T00:00:00Z", endsAt="2026-01-01T00:00:00Z"),
            "start time must be before end time",
        ),
        ({"annotations": {}}, "/1/labels: Object missing required field `labels`"),
        ({"labels": {"a": 1}}, "/1/labels: Expected `str`, got `int`"),
        (posted(startsAt="soon"), "/1/startsAt: Invalid RFC3339 encoded datetime"),
        (posted(startsAt="2096-01-02T00:00:00Z"), "start time must be before end time"),
        (posted(annotations={"": "x"}), 'invalid annotations: invalid name ""'),
    ],
)
async def test_one_bad_alert_does_not_lose_the_others(
    router: Router, bad: dict[str, Any], text: str
) -> None:
    """As in Alertmanager: a 400 with the reason as a JSON text, and the others are stored."""
    async with router(sources=SOURCES) as daemon:
        answer = await post(daemon, posted(), bad)
        assert (answer.status, answer.json[: len(text)]) == (400, text)
        assert len(await stored(daemon)) == 1


@pytest.mark.parametrize(
    ("end", "shown"),
    [
        ("2026-02-02T02:45:00", "2026-02-02T02:45:00.000Z"),
        ("9999-12-31T23:59:59Z", "9999-01-01T00:00:00.000Z"),
        ("0001-01-01T00:00:00Z", "2026-02-02T02:45:00.000Z"),
    ],
)
async def test_an_end_without_an_offset_or_for_ever(
    router: Router, clock: SteppedClock, end: str, shown: str
) -> None:
    """UTC; the year that means "never" does not end after the timeout; Go's zero is no end."""
    async with router(sources=SOURCES, clock=clock) as daemon:
        assert (await post(daemon, posted(endsAt=end))).status == 200
        (alert,) = (await daemon.get(PATH)).json
        assert alert["endsAt"] == shown


@pytest.mark.parametrize("body", [b"", b"xx", b'{"a": 1}', b"null"])
async def test_a_body_that_is_no_list_has_a_code_and_a_message(router: Router, body: bytes) -> None:
    async with router(sources=SOURCES) as daemon:
        answer = await daemon.ask("POST", PATH, data=body, headers=HEADERS)
        assert (answer.status, answer.json["code"]) == (400, 400)
        assert answer.json["message"]


async def test_a_wrong_token_and_a_missing_source_are_refused(router: Router) -> None:
    async with router(sources=SOURCES) as daemon:
        answer = await post(daemon, posted(), token="wrong")
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert answer.json == {"code": 401, "message": "the bearer token is wrong"}
    async with router() as daemon:
        answer = await post(daemon, posted())
        assert answer.status == 404
        assert answer.headers["Content-Type"].startswith("application/json")
        assert answer.json["code"] == 404
        assert "no source of the type 'prometheus'" in answer.json["message"]


async def test_the_secret_of_the_source_is_enough(router: Router) -> None:
    """Prometheus has no token of the API."""
    tokens = {"ana": {"sha256": "0" * 64, "role": "admin"}}
    async with router(sources=SOURCES, auth={"tokens": tokens}) as daemon:
        assert (await post(daemon, posted())).status == 200
        assert (await post(daemon, posted(), token="wrong")).status == 401


async def test_a_secret_source_is_reached_by_any_name(router: Router) -> None:
    """A site cannot know the secret, so its name for the router's address does not matter."""
    headers = HEADERS | {"Host": "router.example.com"}
    for sources, status in ((SOURCES, 200), ({"prometheus": {"insecure": True}}, 421)):
        async with router(sources=sources) as daemon:
            answer = await daemon.ask("POST", PATH, json=[posted()], headers=headers)
            assert answer.status == status
            assert (await daemon.get(PATH, headers=headers)).status == 421


async def test_an_unavailable_store_is_a_503(router: Router) -> None:
    async with router(sources=SOURCES) as daemon:
        daemon.store.down = True
        answer = await post(daemon, posted())
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")


async def test_credentials_or_the_path_name_the_source(router: Router) -> None:
    """Prometheus puts its `path_prefix` before the path."""
    sources: dict[str, Any] = SOURCES | {
        "prom-us": {"type": "prometheus", "bearer_token": "us-token"},
        "prom-ap": {"type": "prometheus", "secret": "ap-secret"},
    }
    async with router(sources=sources) as daemon:
        assert (await post(daemon, posted(), token="us-token")).status == 200
        assert (await post(daemon, posted(), path=f"/webhooks/prometheus{PATH}")).status == 200
        assert (
            await post(daemon, posted(), path=f"/webhooks/prom-ap/ap-secret{PATH}", token="")
        ).status == 200
        assert (await post(daemon, posted(), path=f"/webhooks/prom-us{PATH}")).status == 401
        assert (await post(daemon, posted(), path=f"/webhooks/other{PATH}")).status == 404
        assert {source for _, source, _ in await stored(daemon)} == set(sources)


async def test_a_long_label_is_an_error_and_a_long_annotation_is_cut(router: Router) -> None:
    async with router(sources=SOURCES) as daemon:
        answer = await post(daemon, posted(labels={"a": "x" * 20_000}))
        assert (answer.status, answer.json) == (
            400,
            "/0/labels/a: The label is longer than 16384 bytes",
        )
        assert (await post(daemon, posted(annotations={"a": "x" * 50_000}))).status == 200


async def test_a_repeat_each_minute_is_no_second_incident(
    router: Router, clock: SteppedClock
) -> None:
    """Prometheus sends it with a later end each time."""
    async with router(sources=SOURCES, clock=clock) as daemon:
        for minute in range(10):
            ends = f"2026-02-02T02:{44 + minute}:00Z"
            await post(daemon, posted(startsAt="2026-02-02T02:40:00Z", endsAt=ends))
            await clock.advance(60)
        (stored_alert,) = (await daemon.get("/api/v1/alerts")).json["alerts"]
        assert stored_alert["ends_at"] == "2026-02-02T02:53:00.000Z"
        incident = (await daemon.get("/api/v1/incidents/1")).json
        assert (incident["open"], incident["alerts"]) == (True, 1)
        assert [entry["what"] for entry in incident["timeline"]][:1] == ["opened"]
