"""PagerDuty's Events API: its own client, and requests that it documents, at a running router."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pagerduty
import pytest

from router.model.incident import Incident, Severity, Status
from router.model.reason import Reason
from router.receivers.pagerduty_events import MAX_SUMMARY
from tests.clock import SteppedClock
from tests.daemon import Answer, Daemon

Router = Callable[..., Daemon]

KEY, SEARCH_KEY = "R0UTINGKEYR0UTINGKEYR0UTINGKEY00", "S3ARCHKEYS3ARCHKEYS3ARCHKEYS3A00"
SOURCE = {"type": "pagerduty_events", "services": {"checkout": [KEY], "search": [SEARCH_KEY]}}
RULES = [
    {
        "name": "paged",
        "source": "pagerduty_events",
        "group_by": ["alertname"],
        "severity_from": {"label": "severity", "map": {"critical": "P1", "error": "P2"}},
        "severity": "P3",
    }
]
SEVERITIES = "'critical', 'error', 'warning', 'info'"
PAYLOAD = {"summary": "CPU is high", "source": "web-1", "severity": "error"}


@pytest.fixture
async def daemon(router: Router, clock: SteppedClock) -> AsyncIterator[Daemon]:
    built = router(clock, sources={"pd": SOURCE})
    (built.path.parent / "rules.yaml").write_text(json.dumps({"rules": RULES}))
    async with built as daemon:
        yield daemon


class Client(pagerduty.EventsApiV2Client):
    """PagerDuty's client without its check that the URL begins with https."""

    url = ""


def client_of(daemon: Daemon, key: str = KEY) -> Client:
    client = Client(key, base_url=daemon.url)
    client.max_network_attempts = 1
    return client


async def enqueue(daemon: Daemon, path: str = "/v2/enqueue", **event: Any) -> Answer:
    return await daemon.ask("POST", path, json={"routing_key": KEY} | event)


async def trigger(daemon: Daemon, **payload: Any) -> Answer:
    event = {"event_action": "trigger", "dedup_key": "cpu", "payload": PAYLOAD | payload}
    return await enqueue(daemon, **event)


async def only(daemon: Daemon) -> Incident:
    (incident,) = await daemon.store.incidents()
    return incident


# --- the client library


async def test_the_client_library_triggers_acknowledges_and_resolves(daemon: Daemon) -> None:
    """Only its URL is changed; the incident has the summary, the severity and the service."""
    with client_of(daemon) as client:
        call = asyncio.to_thread
        key = await call(
            client.trigger,
            "CPU is high",
            "web-1",
            severity="critical",
            custom_details={"value": 97, "disks": ["a", "b"]},
            links=[{"href": "https://example.com/graph", "text": "Graph"}],
        )
        incident = await only(daemon)
        assert (incident.title, incident.severity) == ("CPU is high", Severity.P1)
        assert incident.labels["service"] == "checkout"
        (row,) = await daemon.store.alerts()
        assert row.alert.annotations == {
            "summary": "CPU is high",
            "value": "97",
            "disks": '["a","b"]',
            "links": "Graph https://example.com/graph",
        }
        assert row.alert.url == "https://example.com/graph"
        assert await call(client.acknowledge, key) == key
        assert (await only(daemon)).acknowledged_by == "checkout (pd)"
        assert await call(client.resolve, key) == key
        assert (await only(daemon)).status is Status.RESOLVED


async def test_the_client_library_reports_a_deployment(daemon: Daemon) -> None:
    """A change event is a deployment of the service of its key."""
    with client_of(daemon) as client:
        details = {"commit": "abc1234def", "author": "ana"}
        at = "2026-02-02T02:30:00+00:00Z"  # as the client formats the present time
        await asyncio.to_thread(client.submit, "Deployed v2", "ci", details, timestamp=at)
    found = (await daemon.get("/api/v1/deployments")).json["deployments"]
    assert [(one["services"], one["commit"], one["author"], one["at"]) for one in found] == [
        (["checkout"], "abc1234def", "ana", "2026-02-02T02:30:00.000Z")
    ]


async def test_the_client_library_raises_for_an_unknown_key(daemon: Daemon) -> None:
    """The answer has PagerDuty's format, and no key in it."""
    with client_of(daemon, "unknown") as client, pytest.raises(pagerduty.HttpError) as caught:
        await asyncio.to_thread(client.trigger, "CPU", "web-1")
    assert caught.value.response.status_code == 401
    assert caught.value.response.json()["status"] == "invalid event"
    assert await daemon.store.incidents() == []


# --- semantics


async def test_a_key_names_its_service_and_keeps_its_alerts_apart(daemon: Daemon) -> None:
    """The same dedup_key under two routing keys is two alerts; each resolves its own."""
    await trigger(daemon)
    event = {"event_action": "trigger", "dedup_key": "cpu", "payload": PAYLOAD}
    await enqueue(daemon, routing_key=SEARCH_KEY, **event)
    await enqueue(daemon, routing_key=SEARCH_KEY, event_action="resolve", dedup_key="cpu")
    found = {
        incident.labels["service"]: incident.status for incident in await daemon.store.incidents()
    }
    assert found == {"checkout": Status.INVESTIGATING, "search": Status.RESOLVED}


async def test_a_trigger_without_a_key_gets_one_of_its_own(daemon: Daemon) -> None:
    """As at PagerDuty: the next one is another alert."""
    event = {"event_action": "trigger", "payload": PAYLOAD}
    first = (await enqueue(daemon, **event)).json["dedup_key"]
    assert isinstance(daemon.clock, SteppedClock)
    await daemon.clock.advance(1)
    second = (await enqueue(daemon, **event)).json["dedup_key"]
    assert first != second
    assert len(await daemon.store.incidents()) == 2


async def test_an_acknowledgement_counts_again_after_it_was_withdrawn(daemon: Daemon) -> None:
    """A client sends the same bytes each time."""
    await trigger(daemon)
    acknowledge = {"event_action": "acknowledge", "dedup_key": "cpu"}
    await enqueue(daemon, **acknowledge)
    await daemon.ask("POST", "/api/v1/incidents/1/unack")
    assert (await only(daemon)).acknowledged_at is None
    assert (await enqueue(daemon, **acknowledge)).status == 202
    assert (await only(daemon)).acknowledged_at is not None
    await enqueue(daemon, **acknowledge)
    entries = [entry.what for entry in await daemon.store.timeline(1)]
    assert entries.count(Reason.ACKNOWLEDGED) == 2


async def test_a_repeated_trigger_joins_and_a_worse_one_raises(daemon: Daemon) -> None:
    """One incident for a dedup_key, whatever the summary."""
    await trigger(daemon)
    await trigger(daemon, summary="CPU is very high", severity="critical")
    incident = await only(daemon)
    assert incident.severity is Severity.P1


async def test_a_trigger_after_the_resolve_counts_again(daemon: Daemon) -> None:
    """Also if it is equal to the first one; and so does an equal acknowledgement."""
    for _ in range(2):
        await trigger(daemon)
        assert (await only(daemon)).acknowledged_at is None
        for _ in range(2):
            await enqueue(daemon, event_action="acknowledge", dedup_key="cpu", client="Ana")
        assert (await only(daemon)).acknowledged_by == "Ana"
        await enqueue(daemon, event_action="resolve", dedup_key="cpu")
        assert isinstance(daemon.clock, SteppedClock)
        await daemon.clock.advance(60)
    story = [entry.what.value for entry in await daemon.store.timeline(1)]
    assert (story.count("opened"), story.count("reopened")) == (1, 1)
    assert story.count("acknowledged") == 2


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
async def test_an_action_on_an_unknown_alert_is_accepted_and_dropped(
    daemon: Daemon, action: str
) -> None:
    """As PagerDuty does."""
    answer = await enqueue(daemon, event_action=action, dedup_key="never")
    assert (answer.status, answer.json["dedup_key"]) == (202, "never")
    assert await daemon.store.incidents() == []


async def test_a_summary_that_is_too_long_is_cut_and_pages(daemon: Daemon) -> None:
    """A long text must not lose a page."""
    assert (await trigger(daemon, summary="x" * 3000)).status == 202
    (row,) = await daemon.store.alerts()
    assert len(row.alert.labels["alertname"]) == MAX_SUMMARY


async def test_an_event_near_the_largest_size_pages(daemon: Daemon) -> None:
    """With many details, long ones and long labels: they are cut or left out."""
    many = {f"detail {number}": "x" * 1000 for number in range(400)}
    answer = await trigger(
        daemon, component="c" * 20_000, custom_details=many | {"log": "x" * 60_000}
    )
    assert answer.status == 202
    (row,) = await daemon.store.alerts()
    assert len(row.alert.annotations) < 256


async def test_a_base_url_with_the_name_of_the_source_works(daemon: Daemon) -> None:
    """For a proxy that forwards /webhooks/ only."""
    event = {"event_action": "trigger", "dedup_key": "cpu", "payload": PAYLOAD}
    assert (await enqueue(daemon, "/webhooks/pd/v2/enqueue", **event)).status == 202
    assert len(await daemon.store.incidents()) == 1


async def test_the_key_selects_one_of_several_sources(router: Router) -> None:
    """At the one path that the service has."""
    sources = {
        "pd-eu": {"type": "pagerduty_events", "services": {"a": [KEY]}},
        "pd-us": {"type": "pagerduty_events", "services": {"b": [SEARCH_KEY]}},
    }
    async with router(sources=sources) as daemon:
        event = {"event_action": "trigger", "dedup_key": "cpu", "payload": PAYLOAD}
        for key in (KEY, SEARCH_KEY):
            assert (await enqueue(daemon, routing_key=key, **event)).status == 202
        found = {row.alert.source for row in await daemon.store.alerts()}
        assert found == {"pd-eu", "pd-us"}
        assert (await enqueue(daemon, routing_key="x", **event)).status == 401


# --- errors


@pytest.mark.parametrize(
    ("event", "errors"),
    [
        ({"payload": PAYLOAD}, ["'event_action' is missing or blank"]),
        (
            {"event_action": "page", "payload": {"severity": "P1"}},
            [
                "'event_action' is invalid (must be one of 'trigger', 'acknowledge', 'resolve')",
                "'payload.summary' is missing or blank",
                "'payload.source' is missing or blank",
                f"'payload.severity' is invalid (must be one of {SEVERITIES})",
            ],
        ),
        (
            {"event_action": "page", "payload": PAYLOAD},
            ["'event_action' is invalid (must be one of 'trigger', 'acknowledge', 'resolve')"],
        ),
        ({"event_action": "resolve"}, ["'dedup_key' is missing or blank"]),
        (
            {"event_action": "trigger"},
            [
                "'payload.summary' is missing or blank",
                "'payload.source' is missing or blank",
                "'payload.severity' is missing or blank",
            ],
        ),
        (
            {"event_action": "trigger", "payload": PAYLOAD | {"severity": "P1"}},
            [f"'payload.severity' is invalid (must be one of {SEVERITIES})"],
        ),
    ],
)
async def test_an_invalid_event_is_a_400_with_every_error(
    daemon: Daemon, event: dict[str, Any], errors: list[str]
) -> None:
    """In PagerDuty's format."""
    answer = await enqueue(daemon, **event)
    assert answer.status == 400
    assert answer.json == {
        "status": "invalid event",
        "message": "Event object is invalid",
        "errors": errors,
    }


async def test_a_body_that_is_no_json_is_a_400_in_pagerdutys_format(daemon: Daemon) -> None:
    """Before any key is known."""
    answer = await daemon.ask("POST", "/v2/enqueue", data=b"{")
    assert (answer.status, answer.json["status"]) == (400, "invalid event")


async def test_without_a_source_of_the_type_the_path_is_a_404(router: Router) -> None:
    """The answer names the type to configure."""
    async with router() as daemon:
        answer = await enqueue(daemon)
        assert answer.status == 404
        assert "pagerduty_events" in answer.json["detail"]


async def test_another_method_is_a_405(daemon: Daemon) -> None:
    """The path takes POST only."""
    answer = await daemon.get("/v2/enqueue")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
