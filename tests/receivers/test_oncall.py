"""Grafana OnCall's integration URLs, with the payloads that its integrations document."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from router.model.incident import Status
from router.ports.store import AlertRow
from tests.daemon import Answer, Daemon, alert, group

Router = Callable[..., Daemon]

TOKEN, OTHER_TOKEN = "token-4711", "token-0815"
SOURCE = {"type": "oncall", "integrations": {"shop": [TOKEN], "infra": [OTHER_TOKEN]}}


@pytest.fixture
async def daemon(router: Router) -> AsyncIterator[Daemon]:
    async with router(sources={"oncall": SOURCE}) as daemon:
        yield daemon


async def post(daemon: Daemon, type_: str, body: object, token: str = TOKEN) -> Answer:
    return await daemon.ask("POST", f"/integrations/v1/{type_}/{token}/", json=body)


async def rows(daemon: Daemon) -> list[AlertRow]:
    return [*await daemon.store.alerts()]


@pytest.mark.parametrize("type_", ["alertmanager", "legacy_alertmanager", "grafana_alerting"])
async def test_alertmanagers_payload_is_read_as_by_its_own_source(
    daemon: Daemon, type_: str
) -> None:
    """Each alert of the group, with the label of the integration."""
    answer = await post(daemon, type_, group(alert("DiskFull"), alert("CpuHigh")))
    assert (answer.status, answer.json) == (200, "Ok.")
    found = {row.alert.labels["alertname"]: row.alert for row in await rows(daemon)}
    assert found.keys() == {"DiskFull", "CpuHigh"}
    assert {one.labels["integration"] for one in found.values()} == {"shop"}
    assert {one.source for one in found.values()} == {"oncall"}
    await post(daemon, type_, group(alert("DiskFull", status="resolved")))
    statuses = {row.alert.labels["alertname"]: row.alert.status for row in await rows(daemon)}
    assert statuses == {"DiskFull": "resolved", "CpuHigh": "firing"}


async def test_equal_alerts_of_two_integrations_are_two_alerts(daemon: Daemon) -> None:
    """As in OnCall, where each integration has its own groups."""
    for token in (TOKEN, OTHER_TOKEN):
        await post(daemon, "alertmanager", group(alert()), token)
    assert {row.alert.labels["integration"] for row in await rows(daemon)} == {"shop", "infra"}


@pytest.mark.parametrize("type_", ["formatted_webhook", "webhook", "zabbix"])
async def test_a_formatted_webhook_fires_and_resolves_by_its_state(
    daemon: Daemon, type_: str
) -> None:
    """Found again by `alert_uid`; further fields are annotations."""
    body = {
        "alert_uid": "08d6891a-835c-e661-39fa-96b6a9e26552",
        "title": "The whole system is down",
        "image_url": "https://example.com/graph.png",
        "state": "alerting",
        "link_to_upstream_details": "https://example.com/down",
        "message": "Something happened",
        "value": 97,
    }
    assert (await post(daemon, type_, body)).json == "Ok."
    (incident,) = await daemon.store.incidents()
    assert incident.title == "The whole system is down"
    (row,) = await rows(daemon)
    assert row.alert.url == "https://example.com/down"
    expected = {
        "summary": "The whole system is down",
        "description": "Something happened",
        "image_url": "https://example.com/graph.png",
        "value": "97",
    }
    assert expected.items() <= row.alert.annotations.items()
    await post(daemon, type_, body | {"state": "OK", "title": "Back"})
    (incident,) = await daemon.store.incidents()
    assert incident.status is Status.RESOLVED


async def test_grafanas_legacy_alerting_is_read(daemon: Daemon) -> None:
    """Its only value is the alert's `value`."""
    body: dict[str, Any] = {
        "evalMatches": [{"value": 100, "metric": "High value", "tags": None}],
        "imageUrl": "https://grafana.example.com/mixed.png",
        "message": "Testing",
        "ruleId": 0,
        "ruleName": "Latency",
        "ruleUrl": "https://grafana.example.com/rule",
        "state": "alerting",
        "title": "[Alerting] Latency",
    }
    await post(daemon, "grafana", body)
    (row,) = await rows(daemon)
    assert row.alert.labels == {"alertname": "Latency", "integration": "shop"}
    assert row.alert.annotations["value"] == "100"
    await post(daemon, "grafana", body | {"state": "ok", "title": "[OK] Latency"})
    (row,) = await rows(daemon)
    assert row.alert.status == "resolved"


async def test_amazon_sns_is_read_by_its_preset(daemon: Daemon) -> None:
    """An alarm of CloudWatch."""
    message = {"AlarmName": "High CPU", "NewStateValue": "ALARM", "AlarmArn": "arn:1"}
    await post(daemon, "amazon_sns", {"Type": "Notification", "Message": json.dumps(message)})
    (row,) = await rows(daemon)
    assert row.alert.labels["alertname"] == "High CPU"


async def test_any_object_fires(daemon: Daemon) -> None:
    """Named after the integration if it has no title."""
    assert (await post(daemon, "webhook", {"cpu": 97})).status == 200
    (row,) = await rows(daemon)
    assert (row.alert.labels["alertname"], row.alert.annotations["cpu"]) == ("shop", "97")


@pytest.mark.parametrize("token", ["unknown", "", TOKEN.upper()])
async def test_an_unknown_token_is_a_401(daemon: Daemon, token: str) -> None:
    """Before the body is read."""
    assert (await post(daemon, "webhook", {"title": "x"}, token)).status == 401
    assert await rows(daemon) == []


async def test_what_cannot_be_read_is_a_400(daemon: Daemon) -> None:
    """As at the router's own paths."""
    assert (await post(daemon, "webhook", [])).status == 400
    assert (await post(daemon, "alertmanager", group({"labels": {}}))).status == 400


@pytest.mark.parametrize("path", ["webhook/{}/heartbeat/", "heartbeat/{}/"])
async def test_a_heartbeat_is_a_beat_of_the_integrations_name(router: Router, path: str) -> None:
    """A beat by GET or POST. An unknown name is refused, since nobody watches it."""
    beats = {"shop": {"every": "5m", "insecure": True}}
    async with router(sources={"oncall": SOURCE}, heartbeats=beats) as daemon:
        for method in ("GET", "POST"):
            answer = await daemon.ask(method, f"/integrations/v1/{path.format(TOKEN)}")
            assert (answer.status, answer.json) == (200, "Ok.")
        assert await rows(daemon) == []
        (shown,) = (await daemon.get("/api/v1/heartbeats")).json["heartbeats"]
        assert shown["state"] == "alive"
        answer = await daemon.ask("POST", f"/integrations/v1/{path.format(OTHER_TOKEN)}")
        assert answer.status == 400
        assert "no heartbeat 'infra'" in answer.json["detail"]
