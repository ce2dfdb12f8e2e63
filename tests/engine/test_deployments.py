"""Deployments through the running router: received, stored, suspected, and sent to PagerDuty."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.clock import START, SteppedClock
from tests.daemon import Answer, Daemon, alert
from tests.receivers.test_github import PUSH, SECRET, STATUS, sign
from tests.senders.kit import Peer, Reply

Router = Callable[..., Daemon]

DEPLOYMENTS = {
    "services": {
        "api": {"repository": "acme/api", "environments": ["production"], "branches": ["main"]}
    }
}
CONFIG: dict[str, Any] = {
    "deployments": DEPLOYMENTS,
    "sources": {"alertmanager": {"bearer_token": "am-token-4711"}, "github": {"secrets": [SECRET]}},
}
ALERTED = "2026-02-02T02:39:00Z"  # a minute before the clock's start


async def github(daemon: Daemon, event: str, body: Any, delivery: str = "d-1") -> Answer:
    raw = json.dumps(body).encode()
    headers = {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": sign(raw),
    }
    return await daemon.ask("POST", "/webhooks/github", data=raw, headers=headers)


def status(at: str = "2026-02-02T02:32:00Z", state: str = "success", **deployment: Any) -> Any:
    changed = STATUS["deployment_status"] | {"updated_at": at, "state": state}
    return STATUS | {"deployment_status": changed, "deployment": STATUS["deployment"] | deployment}


async def incident(daemon: Daemon) -> Any:
    return (await daemon.get("/api/v1/incidents/1")).json


async def listed(daemon: Daemon, **query: Any) -> Any:
    return (await daemon.get("/api/v1/deployments", params=query)).json["deployments"]


async def test_an_incident_names_its_suspect_from_the_first_message_on(
    router: Router, clock: SteppedClock
) -> None:
    """In the API, on the timeline, and in what is sent."""
    async with Peer() as peer:
        hook = {"type": "webhook", "url": peer.url}
        config = CONFIG | {"channels": {"log": hook}}
        async with router(clock=clock, **config) as daemon:
            assert (await github(daemon, "deployment_status", status())).json == {
                "accepted": 1,
                "errors": [],
            }
            await daemon.alert(alert(startsAt=ALERTED))
            one = await incident(daemon)
            assert (one["suspect"]["commit"], one["suspect"]["minutes_before"]) == (
                "abc1234def5678",
                7,
            )
            assert [entry["text"] for entry in one["timeline"]][
                1
            ] == "Suspect: deploy abc1234 by ana, 7 min before onset"
            await clock.settle(lambda: peer.requests)
            sent = peer.requests[0].body.decode()
            assert "Suspect: deploy abc1234 by ana, 7 min before onset" in sent


async def test_word_that_comes_after_the_incident_opened_counts(
    router: Router, clock: SteppedClock
) -> None:
    """Webhooks are late now and then."""
    async with router(clock=clock, **CONFIG) as daemon:
        await daemon.alert(alert(startsAt=ALERTED))
        assert (await incident(daemon))["suspect"] is None
        await clock.advance(600)
        await github(daemon, "deployment_status", status())
        assert (await incident(daemon))["suspect"]["minutes_before"] == 7


async def test_a_delivery_that_comes_again_has_no_second_effect(
    router: Router, clock: SteppedClock
) -> None:
    """Nor does one that comes out of order."""
    async with router(clock=clock, **CONFIG) as daemon:
        await daemon.alert(alert(startsAt=ALERTED))
        for number, (at, state) in enumerate((("02:30", "in_progress"), ("02:32", "success"))):
            await github(
                daemon, "deployment_status", status(f"2026-02-02T{at}:00Z", state), f"d-{number}"
            )
        for number, (at, state) in enumerate((("02:30", "in_progress"), ("02:32", "success"))):
            again = await github(
                daemon, "deployment_status", status(f"2026-02-02T{at}:00Z", state), f"d-{number}"
            )
            assert again.json == {"accepted": 0, "errors": [], "ignored": "Already received"}
        assert [one["outcome"] for one in await listed(daemon)] == ["success"]
        story = [entry["what"] for entry in (await incident(daemon))["timeline"]]
        assert story.count("suspected") == 1


async def test_nothing_is_answered_before_it_is_kept(router: Router, clock: SteppedClock) -> None:
    """A store that is down is a 503, and the same delivery then counts."""
    async with router(clock=clock, **CONFIG) as daemon:
        daemon.store.down = True
        assert (await github(daemon, "deployment_status", status())).status == 503
        daemon.store.down = False
        assert (await github(daemon, "deployment_status", status())).json["accepted"] == 1
        assert len(await listed(daemon)) == 1


async def test_a_push_counts_where_it_deploys(router: Router, clock: SteppedClock) -> None:
    """Pushes to a branch of the config count; others are ignored, and the answer says so."""
    async with router(clock=clock, **CONFIG) as daemon:
        elsewhere = await github(daemon, "push", PUSH | {"ref": "refs/heads/next"})
        assert elsewhere.json["ignored"] == "No service under `deployments` is deployed by it"
        assert (await github(daemon, "push", PUSH)).json["accepted"] == 1
        await clock.advance(120)
        await daemon.alert(alert(startsAt="2026-02-02T02:41:30Z"))
        assert (await incident(daemon))["suspect"]["compare"] == PUSH["compare"]


async def test_a_wrong_signature_is_refused(router: Router) -> None:
    """And nothing is kept."""
    async with router(**CONFIG) as daemon:
        headers = {"X-GitHub-Event": "deployment_status", "X-Hub-Signature-256": sign(b"other")}
        assert (
            await daemon.ask("POST", "/webhooks/github", json=STATUS, headers=headers)
        ).status == 401
        assert await listed(daemon) == []


async def test_whatever_deploys_can_tell_over_the_api(router: Router, clock: SteppedClock) -> None:
    """Deployments name their service; a repeated id is the same deployment."""
    async with router(clock=clock, **CONFIG) as daemon:
        announced = {
            "service": "api",
            "id": "b-17",
            "version": "v1.4",
            "author": "ben",
            "at": "2026-02-02T02:35:00+00:00",
        }
        for outcome in ("deployment_recorded", "replayed"):
            answer = await daemon.ask("POST", "/api/v1/deployments", json=announced)
            assert (answer.status, answer.json["outcome"]) == (200, outcome)
        await daemon.ask(
            "POST", "/api/v1/deployments", json={"service": "web", "commit": "1234567"}
        )
        assert [one["services"] for one in await listed(daemon)] == [["web"], ["api"]]
        assert [one["version"] for one in await listed(daemon, service="api")] == ["v1.4"]
        assert await listed(daemon, before=int(START) - 3600) == []
        await daemon.alert(alert(startsAt=ALERTED))
        assert (await incident(daemon))["suspect"]["name"] == "v1.4"


async def test_deployments_are_paged(router: Router) -> None:
    """Each page states the total. Deployments of one moment are not lost between two pages."""
    async with router(**CONFIG) as daemon:
        for number in range(5):
            announced = {
                "service": ("api", "web")[number % 2],
                "id": str(number),
                "at": "2026-02-01T00:00Z",
            }
            await daemon.ask("POST", "/api/v1/deployments", json=announced)
        for query, ids in (({}, "01234"), ({"service": "api"}, "024")):
            found, after = "", ""
            while after is not None:
                page = await daemon.get(
                    "/api/v1/deployments", params=query | {"limit": 2, "after": after}
                )
                assert page.json["total"] == len(ids)
                found += "".join(deployment["id"][-1] for deployment in page.json["deployments"])
                after = page.json["next"]
            assert found == ids
        bad = await daemon.get("/api/v1/deployments", params={"after": "1-2/x"})
        assert (bad.status, bad.json["errors"][0]["pointer"]) == (400, "#/after")


@pytest.mark.parametrize(
    ("payload", "pointer"),
    [
        ({}, "#/service"),
        ({"service": "api", "at": "yesterday"}, "#/at"),
        ({"service": "api", "at": "2026-02-02T02:35:00"}, "#/at"),
        ({"service": "api", "version": "v" * 501}, "#/version"),
        ({"service": "api", "outcome": "good"}, "#/outcome"),
        ({"repository": "acme/api", "environment": "staging"}, "#/service"),
    ],
)
async def test_what_can_not_be_a_deployment_is_refused(
    router: Router, payload: Any, pointer: str
) -> None:
    """With the field."""
    async with router(**CONFIG) as daemon:
        answer = await daemon.ask("POST", "/api/v1/deployments", json=payload)
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, pointer)
        assert await listed(daemon) == []


# --- PagerDuty's change events


def pagerduty(peer: Peer, **changed: Any) -> dict[str, Any]:
    channel = {
        "type": "pagerduty",
        "routing_key": "R" * 32,
        "api_url": peer.url,
        "change_events": True,
    }
    return CONFIG | {"channels": {"log": {"type": "console"}, "pd": channel | changed}}


async def test_pagerduty_is_told_of_what_was_deployed(router: Router, clock: SteppedClock) -> None:
    """Once per successful deployment, with PagerDuty's own endpoint and fields."""
    accepted = Reply(202, json={"status": "success", "message": "Change event processed"})
    async with (
        Peer(answer=lambda _: accepted) as peer,
        router(clock=clock, **pagerduty(peer)) as daemon,
    ):
        await github(
            daemon,
            "deployment_status",
            status(state="in_progress", at="2026-02-02T02:31:00Z"),
            "d-0",
        )
        for _ in range(2):
            await github(daemon, "deployment_status", status())
        await clock.settle(lambda: peer.requests, step=1.0)
        await clock.advance(300)
        (request,) = peer.requests
        assert (request.method, request.path) == ("POST", "/v2/change/enqueue")
        assert request.headers["content-type"] == "application/json"
        assert request.json == {
            "routing_key": "R" * 32,
            "payload": {
                "summary": "api: abc1234 deployed to production by ana",
                "timestamp": "2026-02-02T02:32:00.000+00:00",
                "source": "github",
                "custom_details": {
                    "Services": "api",
                    "Commit": "abc1234def5678",
                    "Repository": "acme/api",
                    "Environment": "production",
                },
            },
            "links": [
                {
                    "href": "https://github.com/acme/api/commit/abc1234def5678",
                    "text": "What changed",
                },
                {"href": "https://github.com/acme/api/actions/runs/5", "text": "Deployment"},
            ],
        }


async def test_a_pagerduty_that_is_down_is_told_later(router: Router, clock: SteppedClock) -> None:
    """Also over a restart; a refusal for good is given up."""
    answers = [Reply(500), Reply(429), Reply(202), Reply(400)]
    async with Peer(*answers) as peer:
        async with router(clock=clock, **pagerduty(peer)) as daemon:
            await github(daemon, "deployment_status", status())
            await clock.settle(lambda: len(peer.requests) == 1, step=1.0)
        async with router(clock=clock, **pagerduty(peer)) as daemon:
            await clock.settle(lambda: len(peer.requests) == 3, step=2.0)
            await github(daemon, "deployment_status", status(id=43), "d-3")
            await clock.settle(lambda: len(peer.requests) == 4, step=2.0)
            await clock.advance(900)
            assert len(peer.requests) == 4


async def test_pagerduty_hears_nothing_unless_it_is_wanted(
    router: Router, clock: SteppedClock
) -> None:
    """It's for who asks for it."""
    async with (
        Peer() as peer,
        router(clock=clock, **pagerduty(peer, change_events=False)) as daemon,
    ):
        await github(daemon, "deployment_status", status())
        await clock.advance(60)
        assert peer.requests == []
