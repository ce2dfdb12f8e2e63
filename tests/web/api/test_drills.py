"""Drills through the running router: from the start to the report, through real channels, under a
stepped clock.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.clock import SteppedClock
from tests.daemon import Daemon, alert
from tests.senders.kit import Peer, Reply

Router = Callable[..., Daemon]

ALERT = {
    "labels": {"alertname": "PaymentFailures", "service": "api"},
    "annotations": {"value": "0.1"},
}
STEPS: list[dict[str, Any]] = [
    {"alert": ALERT},
    {"expect": "delivered", "within": "2m"},
    {"expect": "acknowledged", "by": ["contact:ana"], "within": "5m"},
    {"communicate": ["internal", "status"]},
    {"expect": "resolved"},
    {"review": ["The names | numbers are right"]},
]
ROLLBACK = {"description": "back", "argv": ["true"], "dry_run": ["true"]}
RULE = {
    "name": "payment-failures",
    "match": ['alertname="PaymentFailures"'],
    "source": "alertmanager",
    "thresholds": {"P0": "> 1%"},
    "group_by": ["service"],
    "public": "auto",
}


def prepared(folder: Path, peer: Peer, *steps: Mapping[str, Any], **drills: Any) -> dict[str, Any]:
    """Config keys: everything goes to `peer`, and there's the scenario `p0` of these steps, or else
    of those above.
    """
    scenario = {
        "name": "p0",
        "description": "payments",
        "time_out": "1h",
        "steps": [*steps] or STEPS,
    }
    (folder / "p0.yaml").write_text(yaml.safe_dump(scenario))
    return {
        "channels": {"hook": {"type": "webhook", "url": f"{peer.url}/hook"}},
        "policies": {
            "all": {
                "steps": [{"notify": ["channel:hook"]}, {"after": "2h", "notify": ["channel:hook"]}]
            }
        },
        "contacts": {"ana": {}, "ben": {}},
        "drills": {"scenarios": ["p0.yaml"], **drills},
        "status_page": {},
    }


async def post(
    daemon: Daemon,
    path: str,
    body: Mapping[str, Any] | None = None,
    by: str = "ana",
    status: int = 200,
) -> Any:
    answer = await daemon.ask(
        "POST", f"/api/v1{path}", json=body or {}, headers={"X-Router-User": by}
    )
    assert answer.status == status, answer.body
    return answer.json


async def start(daemon: Daemon, clock: SteppedClock, **body: Any) -> Any:
    """Start a drill, and let it notify the channel."""
    drill = await post(daemon, "/drills", body or {"scenario": "p0"}, status=201)
    return await wait(
        daemon, clock, drill["id"], lambda found: found["steps"][0]["state"] == "fired"
    )


async def wait(
    daemon: Daemon, clock: SteppedClock, drill: str, holds: Callable[[Any], bool], step: float = 0.5
) -> Any:
    """The drill as soon as that holds of it."""
    found: Any = None

    async def look() -> bool:
        nonlocal found
        found = (await daemon.get(f"/api/v1/drills/{drill}")).json
        return holds(found)

    await clock.settle(look, f"what is waited for of {drill}", step=step)
    return found


def over(found: Any) -> bool:
    return found["ending"] is not None


async def incidents(daemon: Daemon) -> Any:
    return (await daemon.get("/api/v1/incidents")).json["incidents"]


async def pass_by(clock: SteppedClock, seconds: float) -> None:
    """Let days pass at once; timers that come due meanwhile fire once each."""
    clock._now += seconds
    await clock.advance(0)


def states(found: Any) -> list[str]:
    return [step["state"] for step in found["steps"]]


async def test_a_drill_from_the_start_to_the_report(
    tmp_path: Path, router: Router, clock: SteppedClock
) -> None:
    """Through the rules and the channel, acknowledged, ticked off, resolved: it ends, and reports
    all of it.
    """
    async with Peer() as peer, router(clock, **prepared(tmp_path, peer)) as daemon:
        (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"rules": [RULE]}))
        await daemon.app.reload()
        drill = await start(daemon, clock)
        await clock.settle(lambda: peer.requests)
        (name,) = drill["incidents"]
        sent = peer.requests[0].json["data"]["incident"]
        assert (sent["title"], sent["severity"], sent["drill"]) == (
            "[DRILL] PaymentFailures",
            "P0",
            True,
        )
        await post(daemon, f"/incidents/{name}/ack", by="ben")
        await post(daemon, f"/incidents/{name}/escalate")
        await clock.advance(60)
        await post(daemon, f"/incidents/{name}/ack")
        await post(daemon, f"/drills/{drill['id']}/tick", {"step": 4})
        await post(daemon, f"/drills/{drill['id']}/tick", {"step": 4, "item": 2}, by="ben")
        await post(daemon, f"/incidents/{name}/resolve")
        assert not over(
            await wait(daemon, clock, drill["id"], lambda found: states(found)[4] == "met")
        )
        await post(daemon, f"/drills/{drill['id']}/tick", {"step": 6})
        ended = await wait(daemon, clock, drill["id"], over)
        assert (await daemon.get("/status/api/v2/summary.json")).json["incidents"] == []
    assert (ended["ending"], states(ended)) == ("completed", ["fired", *["met"] * 5])
    report = ended["report"]
    assert "- Expectations met: 5 of 5" in report
    assert "| delivered | 2m | met |" in report
    assert "| acknowledged by contact:ana | 5m | met | 1m" in report
    assert f"| {name} | hook |" in report
    assert "- [x] The names \\| numbers are right (ana, 2026-02-02 02:4" in report
    assert "🚨 [DRILL] [P0] Incident" in report or "✅ [DRILL] [P0] Incident" in report


async def test_a_drill_that_nobody_attends_ends_and_cleans_up(
    tmp_path: Path, router: Router, clock: SteppedClock
) -> None:
    """Unmet expectations are missed, its incident is resolved, and the channel gets the end."""
    async with Peer() as peer, router(clock, **prepared(tmp_path, peer)) as daemon:
        drill = await start(daemon, clock)
        await wait(daemon, clock, drill["id"], lambda found: states(found)[1] == "met")
        await clock.advance(3590)
        assert not over((await daemon.get(f"/api/v1/drills/{drill['id']}")).json)
        ended = await wait(daemon, clock, drill["id"], over)
        await clock.settle(lambda: len(peer.requests) > 1, step=0.5)
        ended = (await daemon.get(f"/api/v1/drills/{drill['id']}")).json
        (incident,) = await incidents(daemon)
        alerts = (await daemon.get("/api/v1/alerts?status=firing")).json["alerts"]
    assert (ended["ending"], states(ended)) == ("timed_out", ["fired", "met", *["missed"] * 4])
    assert (incident["status"], alerts) == ("resolved", [])
    assert peer.requests[-1].json["data"]["incident"]["status"] == "resolved"
    assert "| acknowledged by contact:ana | 5m | **missed** |" in ended["report"]


async def test_a_drill_goes_on_after_a_restart(
    tmp_path: Path, router: Router, clock: SteppedClock
) -> None:
    """An alert that came due meanwhile fires, none fires twice, and the end comes."""
    later = {
        "at": "10m",
        "alert": {"labels": {"alertname": "PaymentFailures", "service": "web"}, "annotations": {}},
    }
    async with Peer() as peer:
        keys = prepared(tmp_path, peer, {"alert": ALERT}, later, {"expect": "resolved"})
        async with router(clock, **keys) as daemon:
            drill = await start(daemon, clock)
        await clock.advance(1200)
        async with router(clock, **keys) as daemon:
            found = await wait(
                daemon, clock, drill["id"], lambda found: len(found["incidents"]) == 2
            )
            assert states(found) == ["fired", "fired", "waiting"]
            await clock.advance(2400)
            await wait(daemon, clock, drill["id"], over)

            async def closed() -> bool:
                return [incident["status"] for incident in await incidents(daemon)] == [
                    "resolved",
                    "resolved",
                ]

            await clock.settle(closed, step=0.5)


@pytest.mark.parametrize("method", ["load", "save"])
async def test_a_store_that_fails_at_any_step_loses_nothing(
    tmp_path: Path, router: Router, clock: SteppedClock, method: str
) -> None:
    """The work between two steps is repeated: one incident, one end."""
    from router.ports.errors import StoreUnavailable

    async with (
        Peer() as peer,
        router(
            clock, **prepared(tmp_path, peer, {"alert": ALERT}, {"expect": "resolved"})
        ) as daemon,
    ):
        for skipped in range(6):
            plan = daemon.store.plan[method]
            plan += [None] * skipped + [StoreUnavailable("gone")]
            await clock.advance(11)
            plan.clear()
        drill = await start(daemon, clock)
        for skipped in range(6):
            plan = daemon.store.plan[method]
            plan += [None] * skipped + [StoreUnavailable("gone")]
            await clock.advance(11)
            plan.clear()
        await clock.advance(3600)
        await wait(daemon, clock, drill["id"], over)

        async def closed() -> bool:
            return [incident["status"] for incident in await incidents(daemon)] == ["resolved"]

        await clock.settle(closed, step=5)


async def test_a_real_alert_during_a_drill_is_real(
    tmp_path: Path, router: Router, clock: SteppedClock
) -> None:
    """It opens its own incident, which the end of the drill doesn't touch."""
    async with Peer() as peer, router(clock, **prepared(tmp_path, peer)) as daemon:
        drill = await start(daemon, clock)
        await daemon.alert(alert())
        await post(daemon, f"/drills/{drill['id']}/stop", by="ben")

        async def stopped() -> bool:
            return sorted(
                (incident["drill"], incident["status"]) for incident in await incidents(daemon)
            ) == [
                (False, "investigating"),
                (True, "resolved"),
            ]

        await clock.settle(stopped, step=0.5)
        found = (await daemon.get(f"/api/v1/drills/{drill['id']}")).json
        assert (found["ending"], found["ended_by"]) == ("stopped", "ben")
        metrics = (await daemon.get("/metrics")).body.decode()
    assert 'alert_router_incidents{severity="P0",status="resolved"} 0.0' in metrics
    assert 'alert_router_incidents{severity="P0",status="investigating"} 1.0' in metrics


async def test_what_cant_be_done_is_refused(
    tmp_path: Path, router: Router, clock: SteppedClock
) -> None:
    """A name that isn't there, a second drill of it, an item there isn't, a canary in disguise, one
    that has ended.
    """
    canary = {"kind": "alert", "name": "x", "alert": {"labels": {}, "to": ["hook"]}}
    async with Peer() as peer, router(clock, **prepared(tmp_path, peer)) as daemon:
        await post(daemon, "/drills", {"scenario": "p9"}, status=400)
        await post(
            daemon, "/drills", {"plan": {"name": "a b", "steps": [], "time_out": 60}}, status=400
        )
        await post(
            daemon,
            "/drills",
            {"plan": {"name": "x", "steps": [canary], "time_out": 60}},
            status=400,
        )
        drill = (await start(daemon, clock))["id"]
        await post(daemon, "/drills", {"scenario": "p0"}, status=409)
        for tick in ({"step": 1}, {"step": 9}, {"step": 4, "item": 3}, {"step": 0}):
            await post(daemon, f"/drills/{drill}/tick", tick, status=400)
        await post(daemon, f"/drills/{drill}/stop")
        await post(daemon, f"/drills/{drill}/stop", status=409)
        await post(daemon, f"/drills/{drill}/tick", {"step": 4}, status=400)
        await post(daemon, "/drills/nope/stop", status=404)
        await post(daemon, "/drills/canary", {"to": ["nope"]}, status=400)
        await post(daemon, "/drills/canary", {"to": ["contact:ana"]}, status=400)


async def test_a_viewer_starts_nothing(tmp_path: Path, router: Router, clock: SteppedClock) -> None:
    """They see drills; responders hold them."""
    tokens = {
        "v": {
            "sha256": "4c94485e0c21ae6c41ce1dfe7b6bfaceea5ab68e40a2476f50208e526f506080",
            "role": "viewer",
        }
    }
    async with (
        Peer() as peer,
        router(clock, **prepared(tmp_path, peer), auth={"tokens": tokens}) as daemon,
    ):
        headers = {"Authorization": "Bearer v"}
        assert (await daemon.get("/api/v1/drills", headers=headers)).status == 200
        assert (await daemon.get("/api/v1/drills/scoreboard", headers=headers)).status == 200
        for path in ("", "/canary", "/x/tick", "/x/stop"):
            answer = await daemon.ask("POST", f"/api/v1/drills{path}", json={}, headers=headers)
            assert answer.status == 403


# --- canaries


async def test_a_canary_proves_a_channel(
    tmp_path: Path, router: Router, clock: SteppedClock
) -> None:
    """One message, to that channel only; scoreboard and metric show it; the end resolves it."""
    async with Peer() as peer, router(clock, **prepared(tmp_path, peer)) as daemon:
        board = (await daemon.get("/api/v1/drills/scoreboard")).json
        assert [(address["address"], address["proven"]) for address in board["addresses"]] == [
            ("hook", False),
            ("status-page", False),
        ]
        drill = await post(daemon, "/drills/canary", {"to": ["hook"]}, status=201)
        ended = await wait(daemon, clock, drill["id"], over)
        board = (await daemon.get("/api/v1/drills/scoreboard")).json
        await clock.settle(lambda: len(peer.requests) == 2, step=0.5)
    assert (ended["ending"], states(ended)) == ("completed", ["fired", "met"])
    assert [request.json["type"] for request in peer.requests] == [
        "incident.opened",
        "incident.resolved",
    ]
    assert [(address["address"], address["proven"]) for address in board["addresses"]] == [
        ("status-page", False),
        ("hook", True),
    ]


async def test_a_canary_that_doesnt_arrive_pages_nobody(
    tmp_path: Path, router: Router, clock: SteppedClock
) -> None:
    """It's missed after 15 minutes, the channel is unproven, and the fallback isn't notified."""
    async with Peer(answer=lambda _: Reply(400)) as peer, Peer() as spare:
        keys = prepared(tmp_path, peer)
        keys["channels"]["spare"] = {"type": "webhook", "url": f"{spare.url}/hook"}
        keys["policies"]["all"]["fallback"] = ["channel:spare"]
        async with router(clock, **keys) as daemon:
            drill = await post(daemon, "/drills/canary", {"to": ["hook"]}, status=201)
            await clock.settle(lambda: peer.requests, step=0.5)
            ended = await wait(daemon, clock, drill["id"], over, step=60)
    assert (ended["ending"], states(ended)) == ("timed_out", ["fired", "missed"])
    assert "**not delivered**" in ended["report"]
    assert spare.requests == []


# --- what is regular


async def test_an_overdue_drill_is_reminded_of_and_counted(
    tmp_path: Path, router: Router, clock: SteppedClock
) -> None:
    """Once when due and again later; never started automatically; after a drill it isn't
    overdue.
    """
    keys = {
        "scenario": "p0",
        "every": "7d",
        "remind": "2d",
        "tell": ["channel:hook"],
        "at": "Tue 10:00",
    }
    async with Peer() as peer, router(clock, **prepared(tmp_path, peer, **keys)) as daemon:

        async def overdue() -> float:
            lines = (await daemon.get("/metrics")).body.decode().splitlines()
            return float(
                next(
                    line for line in lines if line.startswith("alert_router_drill_overdue_seconds ")
                ).split()[1]
            )

        async def reminded(times: int) -> None:
            """Check the number of reminders and that they are done."""

            async def begun() -> bool:
                return len((await daemon.get("/api/v1/drills")).json["drills"]) == times

            await clock.settle(begun, step=10)
            latest = (await daemon.get("/api/v1/drills")).json["drills"][0]["id"]
            await wait(daemon, clock, latest, over)
            opened = {
                request.headers["webhook-id"]
                for request in peer.requests
                if request.json["type"] == "incident.opened"
            }
            assert len(opened) == times

        schedule = (await daemon.get("/api/v1/drills")).json["schedule"]
        assert (schedule["last"], schedule["due"][:19], schedule["overdue"]) == (
            None,
            "2026-02-10T10:00:00",
            False,
        )
        assert await overdue() == 0
        until = 8 * 86_400 + 7 * 3600 + 20 * 60
        await pass_by(clock, until + 60)
        await reminded(1)
        assert "[DRILL] The drill p0 is due" in peer.requests[0].json["data"]["incident"]["title"]
        assert await overdue() > 0
        await pass_by(clock, 2 * 86_400)
        await reminded(2)
        assert {
            drill["scenario"] for drill in (await daemon.get("/api/v1/drills")).json["drills"]
        } == {"reminder"}
        await start(daemon, clock)
        await clock.advance(61)

        async def held() -> bool:
            return await overdue() == 0

        await clock.settle(held, step=10)


async def test_what_is_to_start_by_itself_does(
    tmp_path: Path, router: Router, clock: SteppedClock
) -> None:
    """The drill when it's due, once; the canary in its own rhythm."""
    canary = {"every": "3d", "channels": ["hook"]}
    keys = {"scenario": "p0", "every": "7d", "start": "auto", "canary": canary}
    async with Peer() as peer, router(clock, **prepared(tmp_path, peer, **keys)) as daemon:
        await daemon.get("/api/v1/drills")

        async def names() -> list[str]:
            return [
                drill["scenario"] for drill in (await daemon.get("/api/v1/drills")).json["drills"]
            ]

        async def sent() -> bool:
            return await names() == ["canary"]

        async def begun() -> bool:
            return "p0" in await names()

        await clock.settle(lambda: daemon.store.calls["records"] > 3)
        await pass_by(clock, 3 * 86_400)
        await clock.settle(sent, step=10)
        await pass_by(clock, 5 * 86_400 + 8 * 3600)
        await clock.settle(begun, step=10)
        await clock.advance(300)
        assert (await names()).count("p0") == 1
