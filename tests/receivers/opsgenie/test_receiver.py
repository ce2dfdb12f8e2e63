"""Opsgenie's alert API: its own client, and the requests of tools, at a running router."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import opsgenie_sdk
import pytest
from opsgenie_sdk.exceptions import AuthenticationException

from router.model.incident import Incident, Severity, Status
from router.model.reason import Reason
from tests.clock import SteppedClock
from tests.daemon import Answer, Daemon

Router = Callable[..., Daemon]

KEY, OTHER_KEY = "eb243592-faa2-4ba2-a551-1afdf565c889", "0b243592-faa2-4ba2-a551-1afdf565c880"
SOURCE = {"type": "opsgenie", "integrations": {"payments": [KEY], "search": [OTHER_KEY]}}
RULES = [
    {
        "name": "paged",
        "source": "opsgenie",
        "group_by": ["alertname"],
        "severity_from": {"label": "priority", "map": {"P1": "P0", "P2": "P1", "P3": "P2"}},
        "severity": "P3",
    }
]
DISK = {"message": "Disk is full", "alias": "disk/web 1", "priority": "P2"}


@pytest.fixture
async def daemon(router: Router, clock: SteppedClock) -> AsyncIterator[Daemon]:
    built = router(clock, sources={"og": SOURCE})
    (built.path.parent / "rules.yaml").write_text(json.dumps({"rules": RULES}))
    async with built as daemon:
        yield daemon


def api_of(daemon: Daemon, key: str = KEY) -> opsgenie_sdk.AlertApi:
    config = opsgenie_sdk.Configuration()
    config.host = daemon.url
    config.api_key["Authorization"] = key
    config.retry_enabled = False
    config.short_polling_max_retries = 0
    return opsgenie_sdk.AlertApi(opsgenie_sdk.ApiClient(configuration=config))


async def ask(daemon: Daemon, method: str, path: str, key: str = KEY, **options: Any) -> Answer:
    headers = {"Authorization": f"GenieKey {key}"}
    return await daemon.ask(method, path, headers=headers, **options)


async def create(daemon: Daemon, **changes: Any) -> Answer:
    return await ask(daemon, "POST", "/v2/alerts", json=DISK | changes)


async def only(daemon: Daemon) -> Incident:
    (incident,) = await daemon.store.incidents()
    return incident


# --- the client library


async def test_the_client_library_pings_a_heartbeat(router: Router, clock: SteppedClock) -> None:
    """A beat of the router's heartbeat with that name."""
    beats = {"backup-job": {"every": "5m", "insecure": True}}
    async with router(clock, sources={"og": SOURCE}, heartbeats=beats) as daemon:
        api = opsgenie_sdk.HeartbeatApi(api_of(daemon).api_client)
        answer = await asyncio.to_thread(api.ping, "backup-job")
        assert answer.result == "PONG - Heartbeat received"
        (shown,) = (await daemon.get("/api/v1/heartbeats")).json["heartbeats"]
        assert shown["state"] == "alive"
        refused = await ask(daemon, "POST", "/v2/heartbeats/unknown/ping")
        assert refused.status == 400
        assert "no heartbeat 'unknown'" in refused.json["message"]
        assert (await ask(daemon, "DELETE", "/v2/heartbeats/unknown")).status == 403


async def test_the_client_library_drives_the_whole_life_of_an_alert(daemon: Daemon) -> None:
    """Only its host is changed: create, look up, note, acknowledge, close."""
    api, call = api_of(daemon), asyncio.to_thread
    payload = opsgenie_sdk.CreateAlertPayload(
        message="Disk is full",
        alias="disk",
        description="97 % of /var",
        responders=[{"name": "payments", "type": "team"}],
        tags=["disk", "web"],
        details={"value": "97"},
        entity="web-1",
        priority="P1",
        source="nagios",
    )
    created = await call(api.create_alert, create_alert_payload=payload)
    assert created.result == "Request will be processed"
    outcome = await call(created.retrieve_result)
    assert (outcome.data.is_success, outcome.data.action, outcome.data.alias) == (
        True,
        "Create",
        "disk",
    )
    incident = await only(daemon)
    assert (incident.title, incident.severity) == ("Disk is full", Severity.P0)
    shown = (await call(created.retrieve_resulting_action)).data
    assert (shown.message, shown.alias, shown.status) == ("Disk is full", "disk", "open")
    assert (shown.priority, shown.tags, shown.entity) == ("P1", ["disk", "web"], "web-1")
    assert (shown.details, shown.description) == ({"value": "97"}, "97 % of /var")

    by_alias = {"identifier": "disk", "identifier_type": "alias"}
    note = opsgenie_sdk.AddNoteToAlertPayload(note="Looking", user="ana")
    await call(api.add_note, add_note_to_alert_payload=note, **by_alias)
    acknowledgement = opsgenie_sdk.AcknowledgeAlertPayload(user="ana", note="On it")
    by_tiny = {"identifier": shown.tiny_id, "identifier_type": "tiny"}
    await call(api.acknowledge_alert, acknowledge_alert_payload=acknowledgement, **by_tiny)
    assert (await only(daemon)).acknowledged_by == "ana"
    found = (await call(api.get_alert, identifier=shown.id)).data
    assert (found.acknowledged, found.owner, found.report.acknowledged_by) == (True, "ana", "ana")

    closing = opsgenie_sdk.CloseAlertPayload(user="ana", note="Cleaned up")
    closed = await call(api.close_alert, close_alert_payload=closing, **by_alias)
    assert (await call(closed.retrieve_result)).data.status == "Closed alert"
    assert (await only(daemon)).status is Status.RESOLVED
    notes = [
        entry.data["text"]
        for entry in await daemon.store.timeline(1)
        if entry.what.value == "noted"
    ]
    assert notes == ["Looking", "Cleaned up"]
    assert (await call(api.get_alert, identifier=shown.id)).data.status == "closed"


async def test_the_client_library_lists_and_counts(daemon: Daemon) -> None:
    """Newest first, by pages, and by status."""
    api, call = api_of(daemon), asyncio.to_thread
    assert isinstance(daemon.clock, SteppedClock)
    for number in range(3):
        await create(daemon, alias=f"a{number}", message=f"Alert {number}")
        await daemon.clock.advance(1)
    await ask(daemon, "POST", "/v2/alerts/a1/close?identifierType=alias")
    listed = await call(api.list_alerts, limit=2)
    assert [one.message for one in listed.data] == ["Alert 2", "Alert 1"]
    assert listed.paging.next.endswith("/v2/alerts?limit=2&offset=2")
    rest = await call(api.list_alerts, limit=2, offset=2)
    assert [one.alias for one in rest.data] == ["a0"]
    opened = await call(api.list_alerts, query="status: open", sort="createdAt", order="asc")
    assert [one.alias for one in opened.data] == ["a0", "a2"]
    assert (await call(api.list_alerts, query="alias:a1")).data[0].status == "closed"
    assert (await call(api.count_alerts, query="status=closed")).data.count == 1


async def test_the_client_library_raises_for_a_wrong_key(daemon: Daemon) -> None:
    """The answer has Opsgenie's format."""
    payload = opsgenie_sdk.CreateAlertPayload(message="Disk is full")
    with pytest.raises(AuthenticationException) as caught:
        await asyncio.to_thread(
            api_of(daemon, "unknown").create_alert, create_alert_payload=payload
        )
    assert caught.value.status == 401
    assert await daemon.store.incidents() == []


# --- the requests of tools


async def test_alertmanager_creates_and_closes(daemon: Daemon) -> None:
    """Its integration sends an alias as a digest, and closes by it."""
    alias = "6ac4ef2e04e8f3e8a5b7cbd8c4e1c1c4f9c8b1f7c7d8a7d1a2b3c4d5e6f70819"
    body = {
        "alias": alias,
        "message": "[FIRING:1] DiskFull",
        "description": "",
        "details": {"alertname": "DiskFull", "severity": "critical"},
        "source": "http://alertmanager.example.com/#/alerts?receiver=og",
        "priority": "P1",
    }
    assert (await ask(daemon, "POST", "/v2/alerts", json=body)).status == 202
    assert (await only(daemon)).labels["integration"] == "payments"
    close = f"/v2/alerts/{alias}/close?identifierType=alias"
    answer = await ask(daemon, "POST", close, json={"source": body["source"]})
    assert answer.status == 202
    assert (await only(daemon)).status is Status.RESOLVED


async def test_an_alias_may_hold_a_slash_and_a_space(daemon: Daemon) -> None:
    """Escaped in the path; the same alias again is the same alert."""
    await create(daemon)
    await create(daemon, message="Disk is still full", priority="P1")
    assert (await only(daemon)).severity is Severity.P0
    path = "/webhooks/og/v2/alerts/disk%2Fweb%201/close?identifierType=alias"
    await daemon.ask(
        "POST", path, headers={"Authorization": f"GenieKey {OTHER_KEY}"}, allow_redirects=False
    )
    assert (await only(daemon)).status is Status.RESOLVED


async def test_an_alert_without_an_alias_is_an_alert_of_its_own(daemon: Daemon) -> None:
    """Its id is its alias."""
    assert isinstance(daemon.clock, SteppedClock)
    for _ in range(2):
        answer = await ask(daemon, "POST", "/v2/alerts", json={"message": "Backup failed"})
        await daemon.clock.advance(1)
    assert len(await daemon.store.incidents()) == 2
    status = await ask(daemon, "GET", f"/v2/alerts/requests/{answer.json['requestId']}")
    data = status.json["data"]
    assert data["alertId"] == data["alias"]
    assert (await ask(daemon, "GET", f"/v2/alerts/{data['alertId']}")).status == 200


async def test_an_alert_that_is_closed_and_created_again_pages_again(daemon: Daemon) -> None:
    """And an equal acknowledgement counts again."""
    assert isinstance(daemon.clock, SteppedClock)
    for _ in range(2):
        await create(daemon)
        assert (await only(daemon)).acknowledged_at is None
        for _ in range(2):
            path = "/v2/alerts/disk%2Fweb%201/acknowledge?identifierType=alias"
            await ask(daemon, "POST", path, json={"user": "ana"})
        assert (await only(daemon)).acknowledged_by == "ana"
        await ask(daemon, "DELETE", "/v2/alerts/disk%2Fweb%201?identifierType=alias")
        await daemon.clock.advance(60)
    story = [entry.what.value for entry in await daemon.store.timeline(1)]
    assert (story.count("acknowledged"), story.count("reopened")) == (2, 1)


async def test_snooze_and_unacknowledge_are_commands_of_the_incident(daemon: Daemon) -> None:
    """The person is the one that the client names."""
    await create(daemon, alias="a")
    await ask(daemon, "POST", "/v2/alerts/a/acknowledge?identifierType=alias", json={"user": "ana"})
    path = "/v2/alerts/a/unacknowledge?identifierType=alias"
    await ask(daemon, "POST", path, json={"user": "ben"})
    assert (await only(daemon)).acknowledged_at is None
    until = {"endTime": "2026-02-02T09:00:00Z", "user": "ben"}
    await ask(daemon, "POST", "/v2/alerts/a/snooze?identifierType=alias", json=until)
    shown = (await ask(daemon, "GET", "/v2/alerts/a?identifierType=alias")).json["data"]
    assert (shown["snoozed"], shown["snoozedUntil"]) == (True, "2026-02-02T09:00:00.000Z")


async def test_the_same_request_counts_again(daemon: Daemon, clock: SteppedClock) -> None:
    """An acknowledgement after its withdrawal, and a note after some time; sent again at once, a
    note is one note.
    """
    await create(daemon, alias="a")
    for action in ("acknowledge", "unacknowledge", "acknowledge", "unacknowledge"):
        path = f"/v2/alerts/a/{action}?identifierType=alias"
        await ask(daemon, "POST", path, json={"user": "ana"})
        acknowledged = (await only(daemon)).acknowledged_at is not None
        assert acknowledged == (action == "acknowledge")
    for seconds in (0, 0, 3600):
        await clock.advance(seconds)
        note = {"note": "still slow", "user": "bot"}
        await ask(daemon, "POST", "/v2/alerts/a/notes?identifierType=alias", json=note)
    noted = [entry for entry in await daemon.store.timeline(1) if entry.what is Reason.NOTED]
    assert len(noted) == 2


@pytest.mark.parametrize("action", ["close", "acknowledge", "notes"])
async def test_a_request_for_an_unknown_alert_is_accepted_and_fails_later(
    daemon: Daemon, action: str
) -> None:
    """As at Opsgenie: 202, and the status of the request says that it failed."""
    answer = await ask(daemon, "POST", f"/v2/alerts/never/{action}", json={"note": "x"})
    assert answer.status == 202
    status = await ask(daemon, "GET", f"/v2/alerts/requests/{answer.json['requestId']}")
    assert (status.json["data"]["isSuccess"], status.json["data"]["status"]) == (
        False,
        "Alert does not exist",
    )


# --- errors


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"message": "Message can not be empty."}),
        (
            {"message": "", "priority": "high", "tags": "a", "details": []},
            {
                "message": "Message can not be empty.",
                "priority": "Priority must be one of [P1, P2, P3, P4, P5].",
                "tags": "Expected a list.",
                "details": "Expected an object.",
            },
        ),
    ],
)
async def test_an_invalid_alert_is_a_422_with_every_error(
    daemon: Daemon, body: dict[str, Any], errors: dict[str, str]
) -> None:
    """Each with its field, in Opsgenie's format."""
    answer = await ask(daemon, "POST", "/v2/alerts", json=body)
    assert (answer.status, answer.json["errors"]) == (422, errors)
    assert answer.json["message"] == "Request body is not processable. Please check the errors."


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v2/alerts", b"{", 400),
        ("POST", "/v2/alerts", b"[]", 400),
        ("POST", "/v2/alerts/a/notes", b"{}", 422),
        ("POST", "/v2/alerts/a/snooze", b'{"endTime": "2001-01-01T00:00:00Z"}', 422),
        ("GET", "/v2/alerts/never", b"", 404),
        ("GET", "/v2/alerts/never?identifierType=tiny", b"", 404),
        ("GET", "/v2/alerts/requests/unknown", b"", 404),
        ("GET", "/v2/alerts?query=teams:ops", b"", 400),
        ("GET", "/v2/alerts?limit=many", b"", 400),
        ("PUT", "/v2/alerts/a/message", b'{"message": "x"}', 403),
        ("POST", "/v2/alerts/a/tags", b'{"tags": ["x"]}', 403),
    ],
)
async def test_every_refusal_has_opsgenies_format(
    daemon: Daemon, method: str, path: str, body: bytes, status: int
) -> None:
    """With a message, and the fields that its clients require."""
    answer = await ask(daemon, method, path, data=body)
    assert answer.status == status
    assert answer.json["message"]
    assert {"took", "requestId"} <= answer.json.keys()
