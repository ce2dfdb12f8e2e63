"""`test` and `simulate` agree with the daemon, on a real store and a real receiving server."""

import asyncio
import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as run
from hypothesis import strategies as st

from router.app import load_config
from router.core.virtual.scenario import Failing, Reported, Scenario, ScenarioEvent, play
from router.core.virtual.simulation import SimulatedAnswer, simulate
from router.model.event import Command
from router.model.notification import NotificationState
from router.model.reasons import row
from router.ports.webhooks import Incoming
from router.receivers import RECEIVERS
from router.receivers.alertmanager import AlertmanagerConfig
from router.receivers.context import ReceiverContext
from router.telemetry import logs
from tests.clock import START, SteppedClock
from tests.daemon import Daemon, alert, group, write_config
from tests.senders.kit import Peer, Reply, Request

LATE = 2
"""Seconds that the daemon may take to notice due timers and unsent messages."""

CHANNELS = ("a", "b", "c")

# No deadline falls on a time at which something else happens: which of the two is first would be a
# matter of luck.
targets = st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=2, unique=True)
steps = st.lists(
    st.tuples(st.sampled_from([0, 13, 27]), targets, st.sampled_from(["acknowledged", "resolved"])),
    min_size=1,
    max_size=3,
)
doings = st.sampled_from(["bad", "worse", "worse", "over", "ack", "escalate", "resolve"])
stories = st.lists(doings, min_size=1, max_size=4).map(lambda rest: ["worse", *rest])


def config(folder: Path, url: str, policies: Sequence[Any], fallback: Sequence[str]) -> Path:
    names = dict(zip(("high", "low"), policies, strict=True))
    return write_config(
        folder,
        channels={name: {"type": "webhook", "url": f"{url}/{name}"} for name in CHANNELS},
        severities={"P0": {"policy": "high"}}
        | {name: {"policy": "low"} for name in ("P1", "P2", "P3")},
        policies={
            name: {
                "steps": [
                    {
                        "after": f"{after}s",
                        "notify": [f"channel:{one}" for one in notify],
                        "unless": unless,
                    }
                    for after, notify, unless in policy
                ],
                "fallback": [f"channel:{one}" for one in fallback],
            }
            for name, policy in names.items()
        },
    )


def payload(doing: str, firing: int) -> dict[str, Any]:
    """The webhook of the alert's so-manieth firing."""
    value = "0.002" if doing == "bad" else "0.02"
    starts = datetime.fromtimestamp(START - 100 + firing, UTC).isoformat()
    return group(
        alert(value=value, status="resolved" if doing == "over" else "firing", startsAt=starts)
    )


def scenario(story: Sequence[str], refusing: str) -> Scenario:
    """The story with ten seconds between any two things."""
    receiver = RECEIVERS["alertmanager"].build(
        "alertmanager", AlertmanagerConfig(insecure=True), ReceiverContext()
    )
    fails = {refusing: Failing.REFUSES} if refusing else {}
    timeline, firing = [ScenarioEvent(0, fails=fails)], 0
    for number, doing in enumerate(story):
        if doing in {"bad", "worse", "over"}:
            seen = receiver.decode(
                Incoming({}, json.dumps(payload(doing, firing)).encode()), START
            ).alerts
            timeline.append(
                ScenarioEvent(10 * number, tuple(Reported(one, dated=True) for one in seen))
            )
            firing += doing == "over"
        else:
            timeline.append(
                ScenarioEvent(10 * number, command=Command(doing), by="ana", incident=1)
            )
    return Scenario("agreement", START, "UTC", tuple(timeline), end=10 * len(story) + 50)


async def lived(daemon: Daemon, clock: SteppedClock, story: Sequence[str]) -> None:
    """Run the story in the daemon second by second, and let it finish due work after each step."""

    async def idle() -> bool:
        late = (await daemon.store.gauges(clock.now())).timers_overdue
        return late < 1 and not await daemon.store.notifications(states=[NotificationState.PENDING])

    firing = 0
    for number, doing in enumerate([*story, *[""] * 5]):
        if doing in {"bad", "worse", "over"}:
            answer = await daemon.alert(*payload(doing, firing)["alerts"])
            assert answer.status == 200
            firing += doing == "over"
        elif doing:
            await daemon.ask("POST", f"/api/v1/incidents/1/{doing}", json={})
        for _ in range(10):
            await clock.settle(idle, f"all being told in turn {number}")
            await clock.advance(1)
    await clock.settle(idle, "all being told")


def heard(requests: Sequence[Request], refusing: str) -> list[tuple[int, str, str, str]]:
    """Time, recipient and severity of each notification."""
    return [
        (
            int(request.headers["webhook-timestamp"]) - int(START),
            request.path.strip("/"),
            request.json["type"],
            request.json["data"]["incident"]["severity"],
        )
        for request in requests
        if request.path != f"/{refusing}"
    ]


async def agree(
    policies: Sequence[Any], story: Sequence[str], refusing: str, fallback: Sequence[str]
) -> None:
    def answer(request: Request) -> Reply:
        return Reply(410 if request.path == f"/{refusing}" else 200)

    with tempfile.TemporaryDirectory() as folder:
        async with Peer(answer=answer) as peer:
            path = config(Path(folder), peer.url, policies, fallback)
            clock = SteppedClock()
            async with Daemon(path, clock) as daemon:
                await lived(daemon, clock, story)
        delivered = play(scenario(story, refusing), load_config(path).settings).delivered
    expected = sorted(
        (
            delivery.address,
            row(delivery.reason).event,
            str(delivery.incident.severity),
            delivery.at - START,
        )
        for delivery in delivered
    )
    got = sorted((*rest, at) for at, *rest in heard(peer.requests, refusing))
    assert [one[:3] for one in got] == [one[:3] for one in expected]
    assert all(0 <= late[3] - due[3] <= LATE for late, due in zip(got, expected, strict=True))


@pytest.mark.slow
@run(
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.generate],
)
@given(
    policies=st.tuples(steps, steps),
    story=stories,
    refusing=st.sampled_from(["", "", *CHANNELS]),
    fallback=targets,
)
def test_the_daemon_tells_whom_a_rule_test_says(
    policies: tuple[Any, Any], story: list[str], refusing: str, fallback: list[str]
) -> None:
    """The same messages to the same channels, as bad, within the second or two that the daemon
    takes to look.
    """
    logs.configure(level="warning")
    asyncio.run(agree(policies, story, refusing, fallback))


@given(policies=st.tuples(steps, steps), ack=st.none() | st.integers(1, 40).map(float))
def test_a_simulation_tells_whom_a_rule_test_does(
    policies: tuple[Any, Any], ack: float | None
) -> None:
    """One alert, and an answer or none."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_config(
            config(Path(folder), "https://example.com", policies, ["a"])
        ).settings
    (seen,) = scenario(["worse"], "").timeline[1].reported
    found = simulate(
        settings, [seen.alert], START, None if ack is None else SimulatedAnswer(ack, "ana")
    )
    answered = [] if ack is None else [ScenarioEvent(ack, command=Command.ACKNOWLEDGE, by="ana")]
    played = play(
        Scenario("s", START, "UTC", (ScenarioEvent(0, (seen,)), *answered), end=found.end - START),
        settings,
    )
    assert [(moment.at, moment.over, moment.reason) for moment in found.moments if moment.over] == [
        (delivery.at, delivery.address, delivery.reason) for delivery in played.delivered
    ]
