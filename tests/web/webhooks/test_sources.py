"""Cases that sources send in reality, over loopback to a whole router."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from router.engine.apply import WAITING
from router.model.incident import Status
from router.telemetry import logs
from tests.case import play, router_for
from tests.clock import SteppedClock
from tests.daemon import Answer, Daemon, alert, group

Router = Callable[..., Daemon]


def sentry(resource: str, action: str, data: dict[str, Any]) -> dict[str, Any]:
    """A request of a case."""
    body = {"action": action, "installation": {"uuid": "24b3"}, "data": data}
    return {"post": "/webhooks/sentry", "headers": {"Sentry-Hook-Resource": resource}, "body": body}


def event(number: int, title: str = "Timeout", issue: str = "42") -> dict[str, Any]:
    data = {
        "event": {"event_id": f"{number:032}", "issue_id": issue, "title": title, "level": "error"}
    }
    return sentry("event_alert", "triggered", data)


def issue(action: str, **changes: Any) -> dict[str, Any]:
    shown = {
        "id": "42",
        "title": "Timeout",
        "level": "error",
        "project": {"slug": "web"},
        "count": "3",
    }
    return sentry("issue", action, {"issue": shown | changes})


def metric(action: str) -> dict[str, Any]:
    shown = {"id": "9", "projects": ["web"], "alert_rule": {"name": "Too many errors"}}
    return sentry("metric_alert", action, {"metric_alert": shown, "description_title": action})


def grafana(
    *alerts: dict[str, Any], path: str = "/webhooks/alertmanager", **changes: Any
) -> dict[str, Any]:
    body = group(*alerts, orgId=1, state="alerting", **{"version": "1", **changes})
    return {"post": path, "headers": {}, "body": body}


async def statuses(daemon: Daemon) -> list[tuple[str, Status]]:
    return [(incident.rule, incident.status) for incident in await daemon.store.incidents()]


# --- Sentry


async def test_a_second_resolve_with_the_same_body_resolves(tmp_path: Path) -> None:
    """Resolved, reopened and resolved in Sentry, with no event in between: it ends resolved."""
    case = {"requests": [event(1), issue("resolved"), issue("unresolved"), issue("resolved")]}
    async with router_for(case, tmp_path) as daemon:
        answers = await play(case, daemon)
        assert [answer.json for answer in answers] == [{"accepted": 1, "errors": []}] * 4
        assert await statuses(daemon) == [("default", Status.RESOLVED)]
        await play({"requests": [issue("unresolved")]}, daemon)
        assert await statuses(daemon) == [("default", Status.INVESTIGATING)]


async def test_an_event_that_comes_again_leaves_a_trace(tmp_path: Path) -> None:
    """In the answer and in a metric; and it reopens nothing."""
    case = {"requests": [event(1), issue("resolved"), event(1)]}
    async with router_for(case, tmp_path) as daemon:
        *_, answer = await play(case, daemon)
        assert answer.json == {"accepted": 1, "errors": [], "dropped": {"replayed": 1}}
        assert await statuses(daemon) == [("default", Status.RESOLVED)]
        assert dropped(daemon, "sentry", "replayed") == 1


async def test_a_resolve_of_what_never_fired_leaves_a_trace(router: Router) -> None:
    """Nothing is opened, and the answer has the reason."""
    async with router() as daemon:
        answer = await daemon.alert(alert(status="resolved"))
        assert answer.json["dropped"] == {"never_fired": 1}
        assert dropped(daemon, "alertmanager", "never_fired") == 1


async def test_one_issue_is_one_incident_whatever_its_title(tmp_path: Path) -> None:
    """Under the default rule, and under every shipped one."""
    for rules in ("", "rules/sentry.yaml"):
        requests = [event(n, f"Error in request {n}") for n in range(4)]
        case = {"rules": rules, "requests": [*requests, event(9, "Other", issue="43")]}
        folder = tmp_path / (rules.replace("/", "-") or "default")
        folder.mkdir()
        async with router_for(case, folder) as daemon:
            await play(case, daemon)
            incidents = await daemon.store.incidents()
            assert [incident.status for incident in incidents] == [Status.INVESTIGATING] * 2
            assert incidents[1].title == "Error in request 0"


async def test_a_metric_alert_that_changes_is_one_incident(tmp_path: Path) -> None:
    """Its severity follows, whichever way it changes, also with a body that was sent before."""
    case: dict[str, Any] = {"rules": "rules/sentry.yaml", "requests": []}
    async with router_for(case, tmp_path) as daemon:
        severities = []
        for action in ("warning", "critical", "warning", "critical"):
            (answer,) = await play({"requests": [metric(action)]}, daemon)
            assert answer.json == {"accepted": 1, "errors": []}
            (incident,) = await daemon.store.incidents()
            severities.append(incident.severity.value)
        assert severities == ["P2", "P1", "P2", "P1"]
        await play({"requests": [metric("resolved")]}, daemon)
        assert await statuses(daemon) == [("sentry-metric", Status.RESOLVED)]


# --- Grafana


async def test_grafana_is_accepted_on_both_paths(tmp_path: Path) -> None:
    """Values, value string and links are annotations; the only value is measured."""
    rules = (
        "rules: [{name: mem, match: ['alertname=\"Mem\"'], thresholds: {P0: '> 90', P3: '> 10'}}]"
    )
    links = {
        "silenceURL": "https://g.example.com/silence",
        "dashboardURL": "https://g.example.com/d",
        "panelURL": "https://g.example.com/d?viewPanel=2",
        "valueString": "[ var='B' labels={} value=97 ]",
        "values": {"B": 97.0},
    }
    sent = [alert("Mem", service=name) | links for name in ("a", "b")]
    for one in sent:
        one["annotations"] = {}
    case = {
        "rules": rules,
        "requests": [grafana(sent[0]), grafana(sent[1], path="/webhooks/grafana")],
    }
    async with router_for(case, tmp_path) as daemon:
        answers = await play(case, daemon)
        assert [answer.json for answer in answers] == [{"accepted": 1, "errors": []}] * 2
        rows = await daemon.store.alerts()
        assert [row.alert.source for row in rows] == ["alertmanager", "grafana"]
        assert rows[0].alert.annotations == {
            "silence_url": "https://g.example.com/silence",
            "dashboard_url": "https://g.example.com/d",
            "panel_url": "https://g.example.com/d?viewPanel=2",
            "value_string": "[ var='B' labels={} value=97 ]",
            "value_B": "97.0",
            "value": "97.0",
        }
        assert {incident.severity.value for incident in await daemon.store.incidents()} == {"P0"}


@pytest.mark.parametrize(
    ("name", "annotations", "title"),
    [
        (
            "DatasourceNoData",
            {"summary": "High memory"},
            "No data: the query of rule 'Mem' returned nothing",
        ),
        (
            "DatasourceError",
            {"summary": "High memory", "Error": "failed to build query 'A':\n not found"},
            "Grafana can't evaluate rule 'Mem': failed to build query 'A': not found",
        ),
        ("DatasourceError", {}, "Grafana can't evaluate rule 'Mem'"),
    ],
)
async def test_a_failed_query_says_why(
    tmp_path: Path, name: str, annotations: dict[str, str], title: str
) -> None:
    """Also as version 4; the rule's own summary would be untrue, and is kept beside it."""
    one = alert(name, rulename="Mem") | {"annotations": annotations, "values": None}
    case = {"requests": [grafana(one, version="4")]}
    async with router_for(case, tmp_path) as daemon:
        await play(case, daemon)
        (incident,) = await daemon.store.incidents()
        assert incident.title == title
        (row,) = await daemon.store.alerts()
        assert row.alert.annotations.get("rule_summary") == annotations.get("summary")


# --- malformed values


async def test_a_malformed_value_is_a_warning_in_answer_metric_and_log(
    router: Router, capfd: pytest.CaptureFixture[str]
) -> None:
    """The alert counts."""
    logs.configure("json")
    async with router() as daemon:
        odd = alert(code=500) | {"status": "FIRING"}
        answer = await daemon.alert(odd)
        assert answer.json["accepted"] == 1
        assert [warning["pointer"] for warning in answer.json["warnings"]] == [
            "#/alerts/0/labels/code",
            "#/alerts/0/status",
        ]
        assert len(await daemon.store.incidents()) == 1
        assert metric_value(daemon, "alert_router_alert_warnings_total", source="alertmanager") == 2
    logged = capfd.readouterr()
    assert "alert_corrected" in logged.err + logged.out


async def test_an_alert_without_a_start_starts_on_arrival(
    router: Router, clock: SteppedClock
) -> None:
    """Its repeats are repeats, and not starts of their own, for hours."""
    async with router(clock) as daemon:
        undated = {key: value for key, value in alert().items() if key != "startsAt"}
        await daemon.alert(undated)
        arrived = clock.now()
        for value in ("0.024", "0.025"):
            await clock.advance(4 * 3600)
            await daemon.alert(undated | {"annotations": {"value": value}})
        (row,) = await daemon.store.alerts()
        assert row.alert.starts_at == pytest.approx(arrived, abs=5)
        story = [entry.what.value for entry in await daemon.store.timeline(1)]
        assert story.count("opened") == 1


@pytest.mark.parametrize("name", ["Watchdog", "InfoInhibitor"])
async def test_helpers_of_kube_prometheus_open_nothing(router: Router, name: str) -> None:
    """And are explained; a rule that matches one opens an incident."""
    async with router() as daemon:
        assert (await daemon.alert(alert(name))).status == 200
        assert await daemon.store.incidents() == []
        (row,) = await daemon.store.alerts()
        explained = await daemon.get(f"/api/v1/explain?fingerprint={row.alert.fingerprint}")
        assert "default_rule.ignore" in explained.body.decode()
    rule = {"name": "mine", "match": [f'alertname="{name}"'], "severity": "P2"}
    (Path(daemon.path).parent / "rules.yaml").write_text(json.dumps({"rules": [rule]}))
    async with Daemon(daemon.path) as daemon:
        await daemon.alert(alert(name))
        assert [incident.rule for incident in await daemon.store.incidents()] == ["mine"]


# --- several sources of a type


async def test_two_alertmanagers_are_two_sources(router: Router) -> None:
    """Each has its path, secret, alerts and metrics; a resolve at one doesn't affect the other."""
    sources = {
        "am-eu": {"type": "alertmanager", "secret": "eu-secret"},
        "am-us": {"type": "alertmanager", "bearer_token": "us-token"},
        "checks": {"type": "webhook", "insecure": True, "labels": {"alertname": "name"}},
    }
    async with router(sources=sources) as daemon:

        async def send(path: str, body: object, **headers: str) -> Answer:
            return await daemon.ask("POST", path, json=body, headers=headers)

        us = {"Authorization": "Bearer us-token"}
        assert (await send("/webhooks/am-eu/eu-secret", group(alert()))).status == 200
        assert (await send("/webhooks/am-us", group(alert()), **us)).status == 200
        assert (await send("/webhooks/checks", {"name": "Disk"})).status == 200
        assert (await send("/webhooks/am-eu", group(alert()), **us)).status == 401
        assert (await send("/webhooks/alertmanager", group(alert()), **us)).status == 404
        await send("/webhooks/am-us", group(alert(status="resolved")), **us)
        rows = {
            row.alert.source: row.rule_match.status.value for row in await daemon.store.alerts()
        }
        assert rows == {"am-eu": "firing", "am-us": "resolved", "checks": "firing"}
        assert (
            metric_value(
                daemon, "alert_router_alerts_received_total", source="am-eu", status="firing"
            )
            == 1
        )


async def test_a_rule_names_a_source_or_a_type(router: Router) -> None:
    """The type means all sources of that type."""
    rules = [
        {"name": "eu-only", "source": "am-eu", "match": ["alertname=A"], "severity": "P1"},
        {"name": "any-am", "source": "alertmanager", "match": ["alertname=A"], "severity": "P2"},
    ]
    names = ("am-eu", "am-us", "alertmanager")
    sources = {name: {"type": "alertmanager", "insecure": True} for name in names}
    sources["checks"] = {"type": "webhook", "insecure": True, "labels": {"alertname": "alertname"}}
    async with router(sources=sources) as daemon:
        (daemon.path.parent / "rules.yaml").write_text(json.dumps({"rules": rules}))
        assert (await daemon.ask("POST", "/-/reload")).status == 200
        for name in names:
            await daemon.ask("POST", f"/webhooks/{name}", json=group(alert("A")))
        await daemon.ask("POST", "/webhooks/checks", json={"alertname": "A"})
        rows = {row.alert.source: row.rule_match.rule for row in await daemon.store.alerts()}
    assert rows == {
        "am-eu": "eu-only",
        "am-us": "any-am",
        "alertmanager": "any-am",
        "checks": "default",
    }


async def test_a_large_batch_is_committed_in_parts(router: Router) -> None:
    """More alerts than may wait at one time are no 503 for ever."""
    async with router(sources={"alertmanager": {"insecure": True}}) as daemon:
        one = '{"status": "firing", "labels": {"alertname": "A", "n": "%d"}, "startsAt": "%s"}'
        many = ",".join(one % (number, "2026-02-02T02:30:00Z") for number in range(WAITING + 1))
        body = io.BytesIO(f'{{"version": "4", "alerts": [{many}]}}'.encode())
        answer = await daemon.ask("POST", "/webhooks/alertmanager", data=body)
        assert (answer.status, answer.json["accepted"]) == (200, WAITING + 1)
        assert len(await daemon.store.incidents()) == 1


def metric_value(daemon: Daemon, name: str, **labels: str) -> float:
    return daemon.app.metrics.registry.get_sample_value(name, labels) or 0.0


def dropped(daemon: Daemon, source: str, reason: str) -> float:
    return metric_value(daemon, "alert_router_alerts_dropped_total", source=source, reason=reason)
