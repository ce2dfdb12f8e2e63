"""PagerDuty: events for an incident and results of answers; the package calls a loopback server."""

from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest

from router.config.fields import Duration, HttpUrl
from router.config.secret import Secret
from router.model.incident import Severity, Status
from router.model.notification import Rejected, Result, Retry, Sent
from router.senders.pagerduty.sender import (
    MAX_EVENT,
    PagerDutyConfig,
    PagerDutySender,
    alert,
    build,
    events,
)
from tests.senders.kit import (
    NOW,
    STATUS_TABLE,
    Hang,
    Peer,
    Reply,
    Request,
    check_broken_connections,
    check_leaks_no_secret,
    make_message,
    refusing_url,
)

KEY = "R0UTINGKEYR0UTINGKEYR0UTINGKEY00"
DEDUP = "alert-router:INC-142:0"


def accept(request: Request) -> Reply:
    body = {
        "status": "success",
        "message": "Event processed",
        "dedup_key": request.json["dedup_key"],
    }
    return Reply(202, json=body)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with Peer(answer=accept) as peer:
        yield peer


@pytest.fixture
async def sender(peer: Peer) -> AsyncIterator[PagerDutySender]:
    sender = make_sender(peer.url)
    yield sender
    await sender.close()


def make_sender(url: str, timeout: float = 5.0) -> PagerDutySender:
    config = PagerDutyConfig(
        routing_key=Secret(KEY), api_url=HttpUrl(url), timeout=Duration(timeout)
    )
    return PagerDutySender("pagerduty", config)


ACKNOWLEDGED = {"acknowledged_at": NOW - 60, "acknowledged_by": "ana"}
CLOSED = {"status": Status.RESOLVED, "closed_at": NOW}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # open: page, and page again if queued again
        ({}, [("trigger", DEDUP)]),
        ({"ref": DEDUP, "sent": 1}, [("trigger", DEDUP)]),
        # acknowledged: PagerDuty would drop an acknowledgement of an unknown key
        ({"ref": DEDUP, **ACKNOWLEDGED}, [("acknowledge", DEDUP)]),
        (ACKNOWLEDGED, [("trigger", DEDUP), ("acknowledge", DEDUP)]),
        # closed: also where the only trigger's outcome isn't known
        ({"ref": DEDUP, **CLOSED}, [("resolve", DEDUP)]),
        (CLOSED, [("resolve", DEDUP)]),
        # reopened: another alert, and none of the last one left behind
        (
            {"ref": DEDUP, "reopened": 1},
            [("resolve", DEDUP), ("trigger", "alert-router:INC-142:1")],
        ),
        (
            {"ref": DEDUP, "reopened": 1, **CLOSED},
            [("resolve", DEDUP), ("resolve", "alert-router:INC-142:1")],
        ),
        # reopened twice, and no event is known to have arrived: nothing may stay open
        (
            {"reopened": 2, **CLOSED},
            [("resolve", f"alert-router:INC-142:{life}") for life in (0, 1, 2)],
        ),
        # a trigger of an earlier life may still arrive
        (
            {"ref": "alert-router:INC-142:1", "reopened": 1, "uncertain": 3, **CLOSED},
            [("resolve", DEDUP), ("resolve", "alert-router:INC-142:1")],
        ),
    ],
)
async def test_pagerduty_is_brought_to_the_incidents_state(
    peer: Peer, sender: PagerDutySender, changes: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    """The events follow from the incident as it is and from what was sent last; `ref` is the key of
    the last.
    """
    assert await sender.send(make_message(**changes)) == Sent(expected[-1][1])
    assert [
        (request.json["event_action"], request.json["dedup_key"]) for request in peer.requests
    ] == expected


async def test_trigger_says_what_a_responder_needs(peer: Peer, sender: PagerDutySender) -> None:
    """The wire format of a trigger, in full."""
    await sender.send(make_message())
    (request,) = peer.requests
    assert (request.method, request.path) == ("POST", "/v2/enqueue")
    assert request.json == {
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": DEDUP,
        "payload": {
            "summary": "[P0] Payment failures at 2.5% on api",
            "source": "alertmanager",
            "severity": "critical",
            "timestamp": "2026-01-01T12:00:00.000+00:00",
            "component": "payments",
            "class": "payment-failures",
            "custom_details": {
                "Alerts firing": "1 of 1",
                "Component": "payments",
                "Description": "Cards are declined",
                "alertname": "PaymentFailures",
                "service": "api",
                "Status": "INVESTIGATING",
                "Incident lead": "nobody yet",
                "Updates": [
                    "12:00 - Incident detected: PaymentFailures at 2.5%",
                    "12:05 - Acknowledged by ana",
                ],
            },
        },
        "links": [
            {"href": "http://127.0.0.1:9095/incidents/142", "text": "Incident"},
            {"href": "https://example.com/runbooks/payments", "text": "Runbook"},
            {"href": "http://prometheus.example.com/graph", "text": "Source"},
        ],
        "client": "alert-router",
        "client_url": "http://127.0.0.1:9095/incidents/142",
    }


@pytest.mark.parametrize(
    ("severity", "word"), [("P0", "critical"), ("P1", "error"), ("P2", "warning"), ("P3", "info")]
)
def test_severities_are_pagerdutys(severity: str, word: str) -> None:
    assert alert(make_message(severity=Severity(severity)))["payload"]["severity"] == word


def test_limits_hold_whatever_the_alert_holds() -> None:
    """A long summary is cut; details over the cap are dropped rather than the page."""
    labels = {f"label{number}": "ü" * MAX_EVENT for number in range(5)}
    payload = alert(make_message(title="x" * 5000, labels=labels))
    assert len(payload["payload"]["summary"]) == 1024
    assert len(msgspec.json.encode(payload)) < MAX_EVENT
    assert "custom_details" not in payload["payload"]


def test_an_event_is_the_same_when_tried_again() -> None:
    """The same message gives the same events: that's what makes a retry safe."""
    assert list(events(make_message())) == list(events(make_message()))


async def test_each_status_is_taken_for_what_it_means(peer: Peer, sender: PagerDutySender) -> None:
    """The statuses of all senders, each with one request: the package's own retries are off."""
    # A 204 has no body, so it can't be PagerDuty's.
    for status, recognised, _ in STATUS_TABLE:
        if status == 204:
            continue
        peer.requests.clear()
        peer.script.append(Reply(status, json={"dedup_key": DEDUP}))
        result = await sender.send(make_message())
        assert type(result) is recognised, (status, result)
        assert len(peer.requests) == 1, status


async def test_throttling_is_waited_out(peer: Peer, sender: PagerDutySender) -> None:
    """A 429 without a Retry-After is tried after the 30 seconds that PagerDuty's page asks for."""
    peer.script.append(Reply(429))
    assert await sender.send(make_message()) == Retry("HTTP 429", 30.0)
    peer.script.append(Reply(429, headers={"Retry-After": "7"}))
    assert await sender.send(make_message()) == Retry("HTTP 429", 7.0)


async def test_a_rejection_says_what_is_wrong_but_not_the_key(
    peer: Peer, sender: PagerDutySender
) -> None:
    body = {"status": "invalid event", "errors": [f"routing_key {KEY} is unknown"]}
    peer.script.append(Reply(400, json=body))
    assert await sender.send(make_message()) == Rejected("HTTP 400: ['routing_key *** is unknown']")


async def test_a_success_that_isnt_pagerdutys_wakes_nobody(
    peer: Peer, sender: PagerDutySender
) -> None:
    """A proxy's login page with a 200 isn't a delivery."""
    peer.script.append(Reply(200, b"<html>please log in</html>"))
    assert isinstance(await sender.send(make_message()), Retry)


async def test_nothing_follows_a_failed_event(peer: Peer, sender: PagerDutySender) -> None:
    """No acknowledgement overtakes the trigger it's for."""
    peer.script.append(Reply(503))
    assert isinstance(await sender.send(make_message(**ACKNOWLEDGED)), Retry)
    assert len(peer.requests) == 1


async def test_a_broken_connection_is_worth_another_try(peer: Peer) -> None:
    """The dedup_key makes it safe to send again."""
    sender = make_sender(peer.url, timeout=0.3)

    async def send() -> Result:
        return await sender.send(make_message())

    await check_broken_connections(peer, send, idempotent=True)
    await sender.close()


async def test_nobody_listening_is_worth_another_try() -> None:
    sender = make_sender(refusing_url())
    assert await sender.send(make_message()) == Retry("network error: ConnectError")
    await sender.close()


async def test_the_key_is_in_no_result_and_no_log(
    peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    sender = make_sender(peer.url, timeout=0.3)

    async def send() -> Result:
        return await sender.send(make_message())

    await check_leaks_no_secret(KEY, peer, send, caplog)
    assert KEY not in repr(sender._config)
    await sender.close()


async def test_a_resolve_waits_for_a_trigger_that_was_given_up_on(peer: Peer) -> None:
    """A trigger that timed out is over before the resolve goes out, so it can't reopen the alert
    behind it.
    """
    sender = make_sender(peer.url, timeout=0.2)
    peer.script.append(Hang())
    late = Retry("no answer in time", may_have_arrived=True)
    assert await sender.send(make_message()) == late
    result: Result = Retry("")
    while not isinstance(result, Sent):
        result = await sender.send(make_message(**CLOSED))
    assert [request.json["event_action"] for request in peer.requests][:2] == ["trigger", "resolve"]
    await sender.close()


async def test_built_from_config_it_goes_to_pagerduty() -> None:
    async with aiohttp.ClientSession() as session:
        sender = build("pagerduty", PagerDutyConfig(routing_key=Secret(KEY)), session)
    assert sender._client.url == "https://events.pagerduty.com"
    await sender.close()


def test_the_incident_is_linked_only_if_it_has_an_address() -> None:
    assert "client_url" not in alert(make_message(url=""))
