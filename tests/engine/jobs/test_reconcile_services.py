"""The comparison with each kind of channel, in a whole router against doubles of the services."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from router.model.incident import Incident, Status
from router.model.reason import Reason
from tests.clock import SteppedClock
from tests.daemon import Daemon, alert
from tests.engine.jobs.test_reconcile import compare, delivered, found_in
from tests.senders.kit import NOW, Peer, Reply, Request
from tests.senders.slack.test_compare import Room
from tests.senders.slack.test_sender import TOKEN as SLACK_TOKEN
from tests.senders.statuspage.test_sender import COMPONENTS, KEY, Statuspage
from tests.senders.tickets import doubles
from tests.senders.tickets.test_keep import CASES
from tests.web.statuspage.site import opened

Router = Callable[..., Daemon]


def only(channel: dict[str, Any]) -> dict[str, Any]:
    """A config whose only channel this is, compared on request."""
    return {"channels": {"log": channel}, "reconcile": {"every": "0s"}}


async def incident(daemon: Daemon) -> Incident:
    (found,) = await daemon.store.incidents()
    return found


# --- Slack


def slack(url: str) -> dict[str, Any]:
    return only(
        {"type": "slack", "token": SLACK_TOKEN, "channel": "#incidents", "api_url": f"{url}/api/"}
    )


@pytest.mark.parametrize(("scopes", "thread"), [((), False), (("channels:history",), True)])
async def test_a_message_deleted_in_slack_is_posted_again_once(
    router: Router, clock: SteppedClock, scopes: tuple[str, ...], thread: bool
) -> None:
    """Also with a thread, if the bot may read the history; a second deletion is reported only."""
    double = Room(*scopes)
    async with Peer(answer=double) as peer, router(clock, **slack(peer.url)) as daemon:
        await daemon.alert(alert())
        await delivered(daemon)
        if thread:
            await daemon.ask("POST", "/api/v1/incidents/1/ack")
            await delivered(daemon)
            assert double.threads
        assert await compare(daemon) == []
        (first,) = double.messages
        double.delete(*first)
        assert await compare(daemon) == [("log", "gone", "INC-1", "sent_again")]
        await delivered(daemon)
        assert await compare(daemon) == []
        (again,) = double.messages
        assert "Payment failures" in double.messages[again]["text"]
        double.delete(*again)
        assert await compare(daemon) == [("log", "gone", "INC-1", "none")]
        await delivered(daemon)
        assert again not in double.messages


# --- tickets


TICKETS: dict[str, dict[str, Any]] = {
    "gitlab": {"type": "gitlab", "token": doubles.GITLAB_TOKEN, "project": "acme/ops"},
    "jira": {
        "type": "jira",
        "email": "router@example.com",
        "token": doubles.JIRA_TOKEN,
        "project": "OPS",
    },
    "linear": {"type": "linear", "token": doubles.LINEAR_TOKEN, "team": doubles.TEAM},
}
CLOSED = {"gitlab": ("state", "closed"), "jira": ("status", "Done"), "linear": ("stateId", "s2")}
REOPENED = {"gitlab": ("state", "opened"), "jira": ("status", "To Do"), "linear": ("stateId", "s1")}


class Tracker:
    """A double of a tracker, and what people do there by hand."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.service = CASES[kind].service()
        self.ref = CASES[kind].ref

    def close(self) -> None:
        self._set(*CLOSED[self.kind])

    def reopen(self) -> None:
        self._set(*REOPENED[self.kind])

    @property
    def is_open(self) -> bool:
        return bool(self.service.is_open(self.ref))

    def _set(self, key: str, value: str) -> None:
        self.service.issues[self.ref][key] = value


@pytest.fixture(params=TICKETS)
async def ticket(
    request: pytest.FixtureRequest, router: Router
) -> AsyncIterator[tuple[Tracker, Daemon]]:
    """A router whose only incident has its ticket. The doubles keep the time of `NOW`."""
    tracker = Tracker(request.param)
    async with Peer(answer=tracker.service) as peer:
        config = only(TICKETS[request.param] | {"api_url": peer.url})
        async with router(SteppedClock(NOW), **config) as daemon:
            await daemon.alert(alert(startsAt="2026-01-01T12:05:00Z"))
            await delivered(daemon)
            assert await compare(daemon) == []
            yield tracker, daemon


async def test_a_ticket_closed_by_hand_is_reopened_once(ticket: tuple[Tracker, Daemon]) -> None:
    """If it is closed again, that is reported only."""
    tracker, daemon = ticket
    tracker.close()
    assert await compare(daemon) == [("log", "closed_there", "INC-1", "sent_again")]
    await delivered(daemon)
    assert tracker.is_open
    assert await compare(daemon) == []
    tracker.close()
    assert await compare(daemon) == [("log", "closed_there", "INC-1", "none")]
    await delivered(daemon)
    assert not tracker.is_open


async def test_a_ticket_reopened_by_hand_is_closed_with_its_incident(
    ticket: tuple[Tracker, Daemon],
) -> None:
    """The incident is over: a person who knows better reopens the incident."""
    tracker, daemon = ticket
    await daemon.alert(alert(status="resolved", startsAt="2026-01-01T12:05:00Z"))
    await delivered(daemon)
    assert not tracker.is_open
    tracker.reopen()
    assert await compare(daemon) == [("log", "open_there", "INC-1", "sent_again")]
    await delivered(daemon)
    assert not tracker.is_open
    assert await compare(daemon) == []


async def test_a_deleted_ticket_is_opened_again(ticket: tuple[Tracker, Daemon]) -> None:
    tracker, daemon = ticket
    tracker.service.issues.clear()
    assert await compare(daemon) == [("log", "gone", "INC-1", "sent_again")]
    await delivered(daemon)
    assert tracker.is_open
    assert await compare(daemon) == []


# --- PagerDuty


class PagerDuty:
    """Alerts by their dedup_key, and what people and PagerDuty itself do to them."""

    def __init__(self, clock: SteppedClock) -> None:
        self.clock = clock
        self.alerts: dict[str, dict[str, Any]] = {}

    def __call__(self, request: Request) -> Reply:
        url = urlsplit(request.path)
        if url.path == "/incidents":
            assert request.headers["authorization"] == "Token token=u+rest"
            asked = dict(parse_qsl(url.query))
            assert asked["date_range"] == "all"
            there = self.alerts.get(asked["incident_key"])
            return Reply(json={"incidents": [there] if there else [], "more": False})
        assert url.path == "/v2/enqueue"
        event = request.json
        assert event["routing_key"] == "R0UTING"
        self._set(event["event_action"], event["dedup_key"])
        answer = {"status": "success", "message": "Event processed"}
        return Reply(202, json=answer | {"dedup_key": event["dedup_key"]})

    @property
    def statuses(self) -> list[str]:
        return [alert["status"] for alert in self.alerts.values()]

    def answer(self, status: str, by: str = "Ana Lima", type_: str = "user_reference") -> None:
        """Set the status of the newest alert as somebody there."""
        changed = datetime.fromtimestamp(self.clock.now(), UTC)
        self.alerts[[*self.alerts][-1]] |= {
            "status": status,
            "last_status_change_at": f"{changed:%Y-%m-%dT%H:%M:%SZ}",
            "last_status_change_by": {"type": type_, "summary": by},
        }

    def _set(self, action: str, key: str) -> None:
        if action == "trigger" and self.alerts.get(key, {}).get("status") != "acknowledged":
            self.alerts[key] = {"status": "triggered", "created_at": "2026-02-02T02:40:00Z"}
        elif action != "trigger" and key in self.alerts:
            self.alerts[key]["status"] = {"acknowledge": "acknowledged", "resolve": "resolved"}[
                action
            ]
            self.alerts[key]["last_status_change_by"] = {"type": "integration_reference"}


@pytest.fixture
async def pagerduty(router: Router, clock: SteppedClock) -> AsyncIterator[tuple[PagerDuty, Daemon]]:
    """A router whose only incident is open there, too."""
    double = PagerDuty(clock)
    async with Peer(answer=double) as peer:
        channel = {"type": "pagerduty", "routing_key": "R0UTING", "api_key": "u+rest"}
        config = only(channel | {"api_url": peer.url, "rest_url": peer.url})
        async with router(clock, **config) as daemon:
            await daemon.alert(alert())
            await delivered(daemon)
            assert double.statuses == ["triggered"]
            assert await compare(daemon) == []
            yield double, daemon


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        ("acknowledged", "answered_there", Reason.ACKNOWLEDGED),
        ("resolved", "closed_there", Reason.RESOLVED_BY_PERSON),
    ],
)
async def test_an_answer_in_pagerduty_whose_webhook_was_lost_is_applied(
    pagerduty: tuple[PagerDuty, Daemon], status: str, kind: str, reason: Reason
) -> None:
    """Once, under the person's name; PagerDuty keeps its status."""
    double, daemon = pagerduty
    double.answer(status)
    assert await compare(daemon) == [("log", kind, "INC-1", "applied")]
    assert (await incident(daemon)).is_open == (status == "acknowledged")
    (entry,) = [entry for entry in await daemon.store.timeline(1) if entry.what is reason]
    assert entry.by == "Ana Lima"
    await delivered(daemon)
    assert await compare(daemon) == []
    assert double.statuses == [status]


async def test_what_pagerduty_closed_by_itself_is_reported_only(
    pagerduty: tuple[PagerDuty, Daemon],
) -> None:
    """An automatic resolve is nobody's answer: the incident stays open."""
    double, daemon = pagerduty
    double.answer("resolved", "Payments", "service_reference")
    for _ in range(2):
        assert await compare(daemon) == [("log", "closed_there", "INC-1", "none")]
        assert (await incident(daemon)).is_open


async def test_what_is_open_in_pagerduty_and_closed_here_is_resolved_there(
    pagerduty: tuple[PagerDuty, Daemon],
) -> None:
    """PagerDuty accepted the resolve, and kept the incident open."""
    double, daemon = pagerduty
    await daemon.alert(alert(status="resolved"))
    await delivered(daemon)
    assert double.statuses == ["resolved"]
    double.answer("triggered")
    assert await compare(daemon) == [("log", "open_there", "INC-1", "sent_again")]
    await delivered(daemon)
    assert double.statuses == ["resolved"]
    assert await compare(daemon) == []


# --- Statuspage


async def test_what_was_published_is_compared_with_statuspage(
    router: Router, clock: SteppedClock
) -> None:
    """An incident deleted there is published again; a state that a person set is reported only."""
    double = Statuspage()
    async with Peer(answer=double) as peer:
        channel = {"type": "statuspage", "api_key": KEY, "page": "y2j98763l56x"}
        channel |= {"components": COMPONENTS, "api_url": f"{peer.url}/v1"}
        channels = {"log": {"type": "console"}, "public": channel}
        async with router(clock, channels=channels, reconcile={"every": "0s"}) as daemon:
            base = f"/api/v1/incidents/{await opened(daemon)}"
            update = {"title": "Payment problems", "text": "We look."}
            await daemon.ask("POST", f"{base}/publish", json=update)
            await delivered(daemon)
            assert await compare(daemon) == []
            double.incidents[0]["status"] = "resolved"
            assert await compare(daemon) == [("public", "closed_there", "INC-1", "none")]
            double.incidents.clear()
            assert await compare(daemon) == [("public", "gone", "INC-1", "sent_again")]
            await delivered(daemon)
            (there,) = double.incidents
            assert (there["name"], there["status"]) == ("Payment problems", "investigating")
            assert await compare(daemon) == []
            await daemon.alert(alert(status="resolved"))
            await delivered(daemon)
            assert double.incidents[0]["status"] == "resolved"
            double.incidents[0]["status"] = "monitoring"
            answer = await daemon.ask("POST", "/api/v1/reconciliation")
            assert found_in(answer) == [("public", "open_there", "INC-1", "none")]
            assert (await incident(daemon)).status is Status.RESOLVED
