"""Alertmanager's clients list the router's alerts, groups, receivers and status."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import yaml
from msgspec import Struct, convert, field

from router.web.alertmanager.wire import Named
from tests.clock import START, SteppedClock
from tests.daemon import Daemon, alert
from tests.pages import rows
from tests.web.alertmanager.test_post import SOURCES, TOKEN, post, posted

Router = Callable[..., Daemon]
BOTH: dict[str, Any] = SOURCES | {"alertmanager": {"bearer_token": TOKEN}}


async def test_alerts_of_every_source_are_listed(router: Router, clock: SteppedClock) -> None:
    """Field by field, in order of fingerprint."""
    async with router(sources=BOTH, clock=clock) as daemon:
        await post(daemon, posted(endsAt="2026-02-02T02:44:00Z", generatorURL="http://p/g"))
        await daemon.alert(alert(service="api"))
        first, second = (await daemon.get("/api/v2/alerts")).json
    assert first["labels"] == {"alertname": "PaymentFailures", "service": "api"}
    assert first["startsAt"] == "2026-02-02T02:30:00.000Z"
    assert first["endsAt"] == "2026-02-02T02:45:00.000Z"
    assert second == {
        "annotations": {},
        "endsAt": "2026-02-02T02:44:00.000Z",
        "fingerprint": "fd807b82f98f9135",
        "receivers": [{"name": "all"}],
        "startsAt": "2026-02-02T02:40:00.000Z",
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []},
        "updatedAt": "2026-02-02T02:40:00.000Z",
        "generatorURL": "http://p/g",
        "labels": {"alertname": "DiskFull", "instance": "db-1"},
    }


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 2),
        ('?filter=alertname="DiskFull"', 1),
        ('?filter=alertname="DiskFull"&filter=instance="x"', 0),
        ("?filter=alertname%3D~%22Disk.*%22", 1),
        ('?filter=instance!=""', 1),
        ("?receiver=al.", 2),
        ("?receiver=a", 0),
        ("?active=false", 0),
        ("?active=maybe", 0),
        ('?receiver_matchers=owner="x"', 0),
        ('?receiver_matchers=owner=""&receiver=all', 2),
        ("?silenced=false&inhibited=false&unprocessed=false", 2),
    ],
)
async def test_filters(router: Router, query: str, count: int) -> None:
    async with router(sources=SOURCES) as daemon:
        await post(daemon, posted(), posted(labels={"alertname": "Other"}))
        assert len((await daemon.get(f"/api/v2/alerts{query}")).json) == count


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("?filter=alertname", "bad matcher format: alertname"),
        ("?filter=a=%22b%22,c=%22d%22", "matcher value contains unescaped double quote: "),
        ("?filter=a=~%22(%22", "expected a regular expression"),
        ("?receiver=(", "failed to parse receiver param: expected a regular expression"),
    ],
)
async def test_a_bad_filter_is_a_text(router: Router, query: str, text: str) -> None:
    async with router() as daemon:
        for path in ("/api/v2/alerts", "/api/v2/alerts/groups"):
            answer = await daemon.get(path + query)
            assert (answer.status, answer.json[: len(text)]) == (400, text)


async def test_groups_are_listed_with_their_alerts(router: Router) -> None:
    async with router(sources=SOURCES) as daemon:
        await post(daemon, posted(), posted(labels={"alertname": "DiskFull", "instance": "db-2"}))
        groups = (await daemon.get("/api/v2/alerts/groups")).json
        served_route = (await daemon.get('/api/v2/alerts/groups?filter=instance="db-2"')).json
    assert [(group["labels"], group["receiver"], len(group["alerts"])) for group in groups] == [
        ({"instance": "db-1"}, {"name": "all"}, 1),
        ({"instance": "db-2"}, {"name": "all"}, 1),
    ]
    assert served_route == groups[1:]


async def test_alerts_survive_a_restart(router: Router, clock: SteppedClock) -> None:
    async with router(sources=SOURCES, clock=clock) as daemon:
        await post(daemon, posted())
        before = (await daemon.get("/api/v2/alerts")).json
    async with router(sources=SOURCES, clock=clock) as daemon:
        assert (await daemon.get("/api/v2/alerts")).json == before


async def test_a_silent_source_has_time_to_report_after_a_restart(
    router: Router, clock: SteppedClock
) -> None:
    """The end passed while the router was down: it ends when no report comes for five minutes."""
    async with router(sources=SOURCES, clock=clock) as daemon:
        await post(daemon, posted(endsAt="2026-02-02T02:44:00Z"))
    await clock.advance(3600)
    async with router(sources=SOURCES, clock=clock) as daemon:

        async def resolved() -> bool:
            return bool((await daemon.get("/api/v1/incidents/1")).json["status"] == "resolved")

        await clock.advance(290)
        assert not await resolved()
        await clock.settle(resolved, step=1)
        assert clock.now() < START + 3600 + 360


async def test_more_than_a_page_is_listed(router: Router) -> None:
    async with router(sources=SOURCES) as daemon:
        many = [posted(labels={"alertname": "Many", "n": str(n)}) for n in range(1100)]
        await post(daemon, *many)
        assert len((await daemon.get("/api/v2/alerts")).json) == 1100


async def test_every_path_is_documented(router: Router) -> None:
    async with router() as daemon:
        resources = daemon.app._runner.app.router.routes()
        served = {
            ("POST" if route.method == "*" else route.method, route.resource.canonical)
            for route in resources
            if route.resource and route.resource.canonical.startswith("/api/v2/")
        }
    table = rows("docs/reference/alertmanager-api.md")
    shown = {(row[0], row[1].strip("`")) for row in table if row[1].startswith("`/api/v2/")}
    assert shown == {served_route for served_route in served if served_route[0] != "HEAD"}


class KarmaStatus(Struct, rename="camel"):
    state: str
    inhibited_by: list[str]
    silenced_by: list[str]


class KarmaAlert(Struct, rename="camel"):
    """The fields that karma decodes, by its Go types."""

    starts_at: datetime
    annotations: dict[str, str]
    labels: dict[str, str]
    fingerprint: str
    status: KarmaStatus
    generator_url: str = field(name="generatorURL", default="")


class KarmaGroup(Struct):
    labels: dict[str, str]
    receiver: Named
    alerts: list[KarmaAlert]


class KarmaSilence(Struct, rename="camel"):
    ends_at: datetime
    starts_at: datetime
    id: str
    comment: str
    created_by: str
    matchers: list[dict[str, str | bool]]


async def test_karma_shows_groups_and_manages_silences(router: Router) -> None:
    """Its version probe, both of its reads, and the writes of its page.

    prymitive/karma: `internal/verprobe`, `internal/mapper/v017/api.go`, `cmd/karma/proxy.go` and
    `ui/src/Components/SilenceModal`. Times have milliseconds, and a change names the `id`.
    """
    async with router(sources=SOURCES) as daemon:
        metrics = (await daemon.get("/metrics")).body.decode()
        assert 'alertmanager_build_info{version="0.25.0"} 1.0' in metrics
        await post(daemon, posted(generatorURL="http://p/g"))
        silence = {
            "matchers": [
                {"name": "alertname", "value": "DiskFull|Other", "isRegex": True, "isEqual": True}
            ],
            "startsAt": "2026-01-01T00:00:00.000Z",
            "endsAt": "2096-01-01T00:00:00.000Z",
            "createdBy": "ana@example.com",
            "comment": "ACK! deploy",
        }

        async def write(body: dict[str, Any]) -> str:
            return str((await daemon.ask("POST", "/api/v2/silences", json=body)).json["silenceID"])

        key = await write(silence)
        (group,) = convert((await daemon.get("/api/v2/alerts/groups")).json, list[KarmaGroup])
        (served_route,) = group.alerts
        assert (served_route.status.state, served_route.status.silenced_by) == ("suppressed", [key])
        assert served_route.generator_url == "http://p/g"
        (shown,) = convert((await daemon.get("/api/v2/silences")).json, list[KarmaSilence])
        assert shown.matchers == silence["matchers"]
        changed = silence | {"id": key, "startsAt": shown.starts_at.isoformat(), "comment": "more"}
        assert await write(changed) == key
        answer = await daemon.ask("DELETE", f"/api/v2/silence/{key}")
        assert (answer.status, answer.body) == (200, b"")
        (group,) = convert((await daemon.get("/api/v2/alerts/groups")).json, list[KarmaGroup])
        assert group.alerts[0].status.state == "active"


async def test_the_status_has_the_rules_as_routes(router: Router, clock: SteppedClock) -> None:
    """Grafana and amtool read the configuration in it."""
    silenced = {"target": ['alertname="A"'], "source": ['alertname="B"'], "equal": ["service"]}
    async with router(sources=SOURCES, inhibit=[silenced], clock=clock) as daemon:
        status = (await daemon.get("/api/v2/status")).json
        receivers = (await daemon.get("/api/v2/receivers")).json
    assert status["cluster"] == {"status": "disabled", "peers": []}
    assert status["uptime"] == "2026-02-02T02:40:00.000Z"
    assert status["versionInfo"]["version"]
    config = yaml.safe_load(status["config"]["original"])
    assert config["route"]["receiver"] == "all"
    assert config["route"]["routes"][1] == {
        "receiver": "all",
        "group_by": ["instance"],
        "matchers": ['alertname="DiskFull"'],
        "continue": False,
    }
    assert config["inhibit_rules"] == [
        {
            "source_matchers": ['alertname="B"'],
            "target_matchers": ['alertname="A"'],
            "equal": ["service"],
        }
    ]
    assert receivers == config["receivers"] == [{"name": "all"}]
