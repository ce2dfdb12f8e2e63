"""The comparison with other services, in a whole router: found, repaired once, reported."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from urllib.parse import unquote

import pytest

from router.engine.jobs.reconcile import SETTLED
from router.model.event import Event
from router.model.incident import Status
from router.model.notification import NotificationState
from router.model.reasons import Reason
from router.ports.errors import Overloaded
from router.ports.services import Inbox
from router.receivers.sentry import poll
from tests.clock import SteppedClock
from tests.daemon import Answer, Daemon, alert
from tests.senders.github.test_sender import TOKEN, GitHub
from tests.senders.kit import Peer, Reply, Request

Router = Callable[..., Daemon]

AM_ALERT = {
    "labels": {"alertname": "DiskFull", "instance": "a"},
    "annotations": {"summary": "Disk is full"},
    "startsAt": "2026-02-02T02:00:00Z",
    "endsAt": "2026-02-02T02:45:00Z",
    "updatedAt": "2026-02-02T02:40:00Z",
    "generatorURL": "http://prometheus.example.com/graph",
    "fingerprint": "00000000000000aa",
    "receivers": [{"name": "router"}],
    "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
}
ISSUE = {
    "id": "42",
    "title": "TypeError",
    "level": "error",
    "project": {"slug": "shop"},
    "status": "unresolved",
    "firstSeen": "2026-02-02T02:00:00Z",
    "lastSeen": "2026-02-02T02:10:00Z",
}


class Alertmanager:
    """Answers with its `alerts`."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        self.status = 200

    def __call__(self, request: Request) -> Reply:
        assert unquote(request.path) == "/api/v2/alerts?receiver=^(?:router)$"
        assert request.headers["authorization"] == "Bearer am-poll"
        return Reply(self.status, json=self.alerts)


class Sentry:
    """Answers with its `issues`, by their ids."""

    def __init__(self) -> None:
        self.issues: dict[str, dict[str, Any]] = {}

    def __call__(self, request: Request) -> Reply:
        assert request.headers["authorization"] == "Bearer sntrys_x"
        path, _, query = request.path.removeprefix("/api/0/organizations/acme/issues/").partition(
            "?"
        )
        if number := path.strip("/"):
            found = self.issues.get(number)
            return Reply(json=found) if found else Reply(404, json={})
        assert unquote(query) == "query=is:unresolved&limit=100&sort=new"
        return Reply(
            json=[issue for issue in self.issues.values() if issue["status"] == "unresolved"]
        )


class Full:
    """An inbox that is full at the second submit."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.submits = 0

    async def submit(self, events: Sequence[Event]) -> Sequence[Reason]:
        self.submits += 1
        if self.submits == 2:
            raise Overloaded("events are waiting to be committed")
        return await self.inbox.submit(events)


@pytest.fixture
async def github(clock: SteppedClock) -> AsyncIterator[tuple[GitHub, str]]:
    double = GitHub()
    double.at = clock.now()
    async with Peer(answer=double) as peer:
        yield double, peer.url


def ticket(url: str) -> dict[str, Any]:
    config = {"type": "github", "token": TOKEN, "repository": "acme/ops", "api_url": url}
    config |= {"labels": ["incident"], "assignees": ["ana"]}
    return {"channels": {"log": config}, "reconcile": {"every": "0s"}}


async def delivered(daemon: Daemon) -> None:
    """Wait until everything is delivered, and then until it is old enough to be compared."""
    assert isinstance(daemon.clock, SteppedClock)

    async def nothing_queued() -> bool:
        return not await daemon.store.notifications(states=[NotificationState.PENDING])

    await daemon.clock.settle(nothing_queued, "delivery", step=1.0)
    await daemon.clock.advance(SETTLED + 1)


async def compare(daemon: Daemon) -> list[tuple[str, str, str, str]]:
    answer = await daemon.ask("POST", "/api/v1/reconciliation")
    return found_in(answer)


def found_in(answer: Answer) -> list[tuple[str, str, str, str]]:
    return [
        (difference["place"], difference["kind"], difference["subject"], difference["repair"])
        for difference in answer.json["differences"]
    ]


# --- channels


async def test_a_ticket_that_was_closed_by_hand_is_opened_again_once(
    router: Router, clock: SteppedClock, github: tuple[GitHub, str]
) -> None:
    """The message is sent again; a difference that comes back is reported only, for a day."""
    double, url = github
    async with router(clock, **ticket(url)) as daemon:
        await daemon.alert(alert())
        await delivered(daemon)
        assert await compare(daemon) == []
        double.issues[1]["state"] = "closed"
        assert await compare(daemon) == [("log", "closed_there", "INC-1", "sent_again")]
        await delivered(daemon)
        assert double.issues[1]["state"] == "open"
        double.issues[1]["state"] = "closed"
        assert await compare(daemon) == [("log", "closed_there", "INC-1", "none")]
        shown = await daemon.get("/api/v1/reconciliation")
        assert found_in(shown) == [("log", "closed_there", "INC-1", "none")]
        page = (await daemon.get("/reconciliation")).body.decode()
        assert "closed there, open here" in page
        assert "none: look at it" in page
        value = daemon.app.metrics.registry.get_sample_value
        labels = {"place": "log", "kind": "closed_there"}
        assert value("alert_router_differences", labels) == 1


async def test_a_ticket_that_is_gone_is_opened_anew(
    router: Router, clock: SteppedClock, github: tuple[GitHub, str]
) -> None:
    """For an open incident; one of a closed incident stays gone."""
    double, url = github
    async with router(clock, **ticket(url)) as daemon:
        await daemon.alert(alert())
        await delivered(daemon)
        double.issues.clear()
        assert await compare(daemon) == [("log", "gone", "INC-1", "sent_again")]
        await delivered(daemon)
        assert len(double.issues) == 1
        await daemon.alert(alert(status="resolved"))
        await delivered(daemon)
        double.issues.clear()
        assert await compare(daemon) == []


async def test_an_overload_halfway_keeps_what_was_found_and_repaired(
    router: Router, clock: SteppedClock, github: tuple[GitHub, str]
) -> None:
    """Both differences are shown; the next comparison repairs only the one that is left."""
    double, url = github
    async with router(clock, **ticket(url)) as daemon:
        await daemon.alert(*(alert(service=name) for name in ("api", "db", "web")))
        await delivered(daemon)
        reconciler = daemon.app.parts.reconciler
        full = Full(daemon.app.parts.inbox)
        for number in (1, 2):
            double.issues[number]["state"] = "closed"
        reconciler._inbox = full  # a really full one has 10,000 waiting events
        with pytest.raises(Overloaded):
            await reconciler.compare()
        reconciler._inbox = full.inbox
        shown = found_in(await daemon.get("/api/v1/reconciliation"))
        first, second = sorted(shown, key=lambda difference: difference[3], reverse=True)
        assert (first[3], second[3]) == ("sent_again", "none")
        value = daemon.app.metrics.registry.get_sample_value
        labels = {"place": "log", "kind": "closed_there"}
        assert value("alert_router_differences", labels) == 2
        await delivered(daemon)
        assert await compare(daemon) == [(*second[:3], "sent_again")]


async def test_a_service_that_does_not_answer_is_reported_and_repairs_nothing(
    router: Router, clock: SteppedClock, github: tuple[GitHub, str]
) -> None:
    """With its reason; the others are compared."""
    double, url = github
    async with router(clock, **ticket(url)) as daemon:
        await daemon.alert(alert())
        await delivered(daemon)
        double.issues[1]["state"] = 5  # no answer of GitHub's
        answer = await daemon.ask("POST", "/api/v1/reconciliation")
        assert [one["place"] for one in answer.json["failed"]] == ["log"]
        assert (answer.json["compared"], answer.json["differences"]) == ([], [])


async def test_a_service_that_hides_everything_is_no_difference(
    router: Router, clock: SteppedClock, github: tuple[GitHub, str]
) -> None:
    """A token without access gets 404 for each issue: nothing is opened again."""
    double, url = github
    async with router(clock, **ticket(url)) as daemon:
        await daemon.alert(*(alert(service=name) for name in ("api", "db", "web")))
        await delivered(daemon)
        issues = dict(double.issues)
        double.issues.clear()
        answer = await daemon.ask("POST", "/api/v1/reconciliation")
        assert found_in(answer) == []
        (failed,) = answer.json["failed"]
        assert (failed["place"], failed["reason"][:14]) == ("log", "all 3 messages")
        double.issues.update({1: issues[1]})
        gone = [("log", "gone", f"INC-{number}", "sent_again") for number in (2, 3)]
        assert sorted(await compare(daemon)) == gone


async def test_the_page_compares_now(router: Router, clock: SteppedClock) -> None:
    """And says so, also where there is nothing to compare."""
    async with router(clock, reconcile={"every": "0s"}) as daemon:
        assert "Nothing was compared yet" in (await daemon.get("/reconciliation")).body.decode()
        form = {"data": {}, "allow_redirects": False}
        assert (await daemon.ask("POST", "/reconciliation", **form)).status == 303
        page = (await daemon.get("/reconciliation")).body.decode()
        assert "There is nothing to compare" in page
        assert "No difference was found" not in page


async def test_the_comparison_runs_by_itself(
    router: Router, clock: SteppedClock, github: tuple[GitHub, str]
) -> None:
    """Every ten minutes, or as the config says."""
    double, url = github
    async with router(clock, **ticket(url) | {"reconcile": {"every": "30m"}}) as daemon:
        await daemon.alert(alert())
        await delivered(daemon)
        double.issues[1]["state"] = "closed"

        async def repaired() -> bool:
            return bool(double.issues[1]["state"] == "open")

        await clock.settle(repaired, "the repair", step=10.0)


# --- sources


@pytest.fixture
async def am(router: Router, clock: SteppedClock) -> AsyncIterator[tuple[Alertmanager, Daemon]]:
    double = Alertmanager()
    async with Peer(answer=double) as peer:
        poll = {"url": peer.url, "receiver": "router", "bearer_token": "am-poll"}
        source = {"bearer_token": "am-token-4711", "poll": poll}
        async with router(
            clock, sources={"alertmanager": source}, reconcile={"every": "0s"}
        ) as daemon:
            yield double, daemon


async def test_an_alert_whose_webhook_was_lost_opens_its_incident(
    am: tuple[Alertmanager, Daemon],
) -> None:
    """Under the same fingerprint as by the webhook, and only once."""
    double, daemon = am
    double.alerts = [AM_ALERT]
    assert await compare(daemon) == [("alertmanager", "not_reported", "DiskFull", "applied")]
    assert await compare(daemon) == []
    await daemon.alert(alert("DiskFull", instance="a") | {"fingerprint": "00000000000000aa"})
    (incident,) = await daemon.store.incidents()
    assert (incident.firing, incident.alerts) == (1, 1)


async def test_a_lost_resolve_is_applied_if_the_alert_is_missing_twice(
    am: tuple[Alertmanager, Daemon], clock: SteppedClock
) -> None:
    """A restarted Alertmanager has no alerts for a while."""
    double, daemon = am
    await daemon.alert(alert("DiskFull"))
    await clock.advance(3600)
    assert await compare(daemon) == []
    assert await compare(daemon) == [("alertmanager", "over_there", "DiskFull", "applied")]
    (incident,) = await daemon.store.incidents()
    assert incident.status is Status.RESOLVED
    double.status = 500
    answer = await daemon.ask("POST", "/api/v1/reconciliation")
    assert answer.json["failed"] == [{"place": "alertmanager", "reason": "HTTP 500"}]


@pytest.mark.parametrize(
    "changes",
    [
        {"startsAt": "2026-02-02T02:38:00Z"},
        {"status": {"state": "suppressed", "silencedBy": ["x"], "inhibitedBy": []}},
    ],
)
async def test_an_alert_that_is_muted_or_young_there_is_not_missed(
    am: tuple[Alertmanager, Daemon], changes: dict[str, Any]
) -> None:
    """Alertmanager does not send it, or not yet."""
    double, daemon = am
    double.alerts = [AM_ALERT | changes]
    assert await compare(daemon) == []


async def test_every_firing_issue_of_sentry_has_its_turn(
    router: Router, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than one poll looks up: those that keep firing don't hide the others."""
    monkeypatch.setattr(poll, "LOOKED_UP", 1)
    double = Sentry()
    double.issues = {number: {**ISSUE, "id": number} for number in ("41", "42", "43")}
    async with Peer(answer=double) as peer:
        polled = {"organization": "acme", "token": "sntrys_x", "query": "is:unresolved"}
        source = {"client_secret": "s3cret", "poll": polled | {"url": peer.url}}
        async with router(clock, sources={"sentry": source}) as daemon:
            assert len(await compare(daemon)) == 3
            double.issues["43"]["status"] = "resolved"
            found = [await compare(daemon) for _ in range(3)]
    assert found == [[], [], [("sentry", "over_there", "TypeError", "applied")]]


async def test_sentrys_lost_webhooks_are_filled_in(router: Router, clock: SteppedClock) -> None:
    """An unknown issue fires, a resolved one ends; an issue that ended here is known."""
    double = Sentry()
    async with Peer(answer=double) as peer:
        poll = {"organization": "acme", "token": "sntrys_x", "query": "is:unresolved"}
        source = {"client_secret": "s3cret", "poll": poll | {"url": peer.url}}
        async with router(clock, sources={"sentry": source}) as daemon:
            double.issues["42"] = {**ISSUE}
            assert await compare(daemon) == [("sentry", "not_reported", "TypeError", "applied")]
            (row,) = await daemon.store.alerts()
            assert row.alert.fingerprint == "sentry:issue:42"
            assert row.alert.labels["project"] == "shop"
            assert await compare(daemon) == []
            double.issues["42"]["status"] = "resolved"
            assert await compare(daemon) == [("sentry", "over_there", "TypeError", "applied")]
            (incident,) = await daemon.store.incidents()
            assert incident.status is Status.RESOLVED
            double.issues["42"]["status"] = "unresolved"
            assert await compare(daemon) == []
