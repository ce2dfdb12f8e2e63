"""Rate limits: nothing is dropped, nothing is sent twice, and a P0 never waits."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.incident.policy import Policy, SeverityPlan, Step
from router.core.incident.settings import Settings
from router.core.oncall.recipients import ContactMethod, People
from router.core.outbox.digest import MOST, PREEMPTS, Standing, Waiting, plan
from router.core.outbox.rate_limit import Limit
from router.core.virtual.router import VirtualRouter
from router.model.alert import AlertStatus
from router.model.event import AlertSeen, Command, Commanded
from router.model.incident import Incident, Severity, Status
from router.model.notification import Notification, NotificationState, Rejected, Result, Retry, Sent
from router.model.reason import Reason
from tests.world import NOW, alert, rule, settings

P0, P1, P2, P3 = Severity
TEN = Limit(2, 600.0)


def one(
    number: int, severity: Severity = P1, queued_at: float = NOW, *, acknowledged: bool = False
) -> Waiting:
    row = Notification(
        number, "sms/ana", 1, NotificationState.PENDING, Reason.OPENED, queued_at, queued_at
    )
    at = NOW if acknowledged else None
    incident = Incident(
        number, "k", "r", "s", "t", severity, Status.INVESTIGATING, NOW, NOW, acknowledged_at=at
    )  # fmt: skip
    return Waiting(row, Standing.of(incident))


rows = st.lists(
    st.tuples(st.sampled_from(Severity), st.floats(NOW - 600, NOW), st.booleans()),
    max_size=MOST + 20,
).map(
    lambda those: [
        one(i, severity, at, acknowledged=ack) for i, (severity, at, ack) in enumerate(those)
    ]
)


@given(waiting=rows, room=st.integers(-1, 5))
def test_everything_is_told_or_waits_once(waiting: list[Waiting], room: int) -> None:
    """Every P0 is sent separately, whatever room there is; the rest in as many messages as fit."""
    planned = plan(waiting, room)
    sent = [one for bundle in planned.now for one in bundle]
    assert sorted(w.incident.id for w in (*sent, *planned.held)) == [w.incident.id for w in waiting]
    urgent = [
        bundle for bundle in planned.now if any(w.incident.severity is PREEMPTS for w in bundle)
    ]
    assert all(len(bundle) == 1 for bundle in urgent)
    assert len(urgent) == sum(w.incident.severity is PREEMPTS for w in waiting)
    assert len(planned.now) - len(urgent) <= max(room, 0)
    if room > 0:
        assert len(planned.held) == max(0, len(waiting) - len(urgent) - MOST) * (
            len(waiting) - len(urgent) > room
        )


def test_a_bundle_is_most_of_all_about_what_needs_an_answer() -> None:
    """First what nobody has answered, then the worst, then the oldest."""
    waiting = [one(1, P1, acknowledged=True), one(2, P3), one(3, P2, NOW), one(4, P2, NOW - 9)]
    (bundle,) = plan(waiting, 1).now
    assert [w.incident.id for w in bundle] == [4, 3, 2, 1]


# --- over time, in virtual time


def config(
    limit: Limit | None = TEN,
    *,
    fallback: tuple[str, ...] = (),
    is_paging: bool = False,
    to: str = "contact:ana",
    edited: frozenset[str] = frozenset(),
) -> Settings:
    """Ana gets every incident by SMS, or a room does; severity by value, an incident for each
    service.
    """
    limits = {"ana": limit} if limit else {}
    return settings(
        rule(thresholds={"P0": "> 10%", "P1": "> 1%", "P3": "> 0%"}),
        policies={"all": Policy("all", (Step(after=0, notify=(to,)),), fallback=fallback)},
        severities=dict.fromkeys(Severity, SeverityPlan("all")),
        people=People({"ana": (ContactMethod("sms"),)}, limits=limits),
        throttles={"room": limit} if limit else {},
        edited=edited,
        paging=frozenset({"sms"} if is_paging else ()),
    )


def fires(router: VirtualRouter, *services: str, value: str = "2%") -> None:
    router.happen(
        *(AlertSeen(router.now, alert(service, value, service=service)) for service in services)
    )


def delivered(router: VirtualRouter) -> list[tuple[float, list[int]]]:
    return [
        (delivery.at - NOW, [delivery.incident.id, *(other.id for other in delivery.also)])
        for delivery in router.delivered
    ]


def test_what_is_over_the_limit_is_told_in_one_when_there_is_room() -> None:
    """Two in ten minutes: the third to the fifth wait until the first is ten minutes old."""
    router = VirtualRouter(config(), NOW)
    for name in "abcde":
        fires(router, name)
        router.run_until(router.now + 10)
    router.run_until(NOW + 3000)
    assert delivered(router) == [(0, [1]), (10, [2]), (600, [3, 4, 5])]
    assert {row.state for row in router.memory.outbox.values()} == {NotificationState.SENT}


def test_a_burst_is_one_message_and_leaves_room() -> None:
    router = VirtualRouter(config(), NOW)
    fires(router, *"abcde")
    fires(router, "f")
    assert delivered(router) == [(0, [1, 2, 3, 4, 5]), (0, [6])]


def test_a_p0_waits_for_nobody_and_takes_nobodys_room() -> None:
    """Not for a full window, nor for other P0s; and afterwards there's as much room as before."""
    router = VirtualRouter(config(Limit(1, 600.0)), NOW)
    fires(router, "p", "q", value="20%")
    fires(router, "a")
    fires(router, "b")
    fires(router, "r", "s", value="20%")
    assert delivered(router) == [(0, [1]), (0, [2]), (0, [3]), (0, [5]), (0, [6])]
    router.run_until(NOW + 600)
    assert delivered(router)[-1] == (600, [4])


def test_what_becomes_a_p0_while_it_is_held_goes_at_once() -> None:
    router = VirtualRouter(config(Limit(1, 600.0)), NOW)
    fires(router, "a")
    fires(router, "b")
    router.run_until(NOW + 60)
    fires(router, "b", value="20%")
    assert delivered(router) == [(0, [1]), (60, [2])]


def test_the_timeline_says_with_what_it_was_told_and_how_long_it_was_held() -> None:
    router = VirtualRouter(config(Limit(1, 600.0)), NOW)
    for name in "abc":
        fires(router, name)
    router.run_until(NOW + 600)
    about = {
        entry.incident_id: entry for entry in router.memory.timeline if "channel" in entry.data
    }
    assert [about[i].what for i in (1, 2, 3)] == [
        Reason.DELIVERED,
        Reason.DELIVERED,
        Reason.BUNDLED,
    ]
    assert [(about[i].data.get("held"), about[i].data.get("with")) for i in (1, 2, 3)] == [
        (None, None),
        (600.0, ["INC-3"]),
        (600.0, ["INC-2"]),
    ]
    assert [about[i].data["late"] for i in (1, 2, 3)] == [0, 0, 0], "held isn't late"


def test_what_is_held_calls_no_fallback_and_is_not_given_up() -> None:
    """Lateness counts from when there was room: a failure then is the first, however long it was
    held.
    """
    failing = {"from": NOW + 600, "until": NOW + 610}

    def post(_message: Notification, at: float) -> Result:
        return Retry("503") if failing["from"] <= at < failing["until"] else Sent()

    tight = config(Limit(1, 600.0), fallback=("mail",))
    router = VirtualRouter(tight, NOW, post)
    router.settings = dataclasses.replace(tight, give_up_after=300.0)
    for name in "abc":
        fires(router, name)
    router.run_until(NOW + 3000)
    assert [
        delivery.address for delivery in router.delivered if delivery.reason is Reason.FALLBACK
    ] == []
    assert {row.state for row in router.memory.outbox.values()} == {NotificationState.SENT}
    assert sorted(delivered(router)[-1][1]) == [2, 3]


def test_what_does_not_arrive_takes_no_room() -> None:
    """The next message gets the room of a refused one, and is sent at once."""

    def post(message: Notification, _at: float) -> Result:
        return Rejected("no") if message.incident_id == 1 else Sent()

    router = VirtualRouter(config(Limit(1, 600.0)), NOW, post)
    fires(router, "a")
    fires(router, "b")
    assert delivered(router) == [(0, [2])]


def test_a_room_is_edited_at_once_and_an_edit_takes_no_room() -> None:
    """Incidents without a message of their own wait, also when they change."""
    router = VirtualRouter(config(Limit(1, 600.0), to="room", edited=frozenset({"room"})), NOW)
    fires(router, "a")
    fires(router, "b")
    fires(router, "c")
    router.run_until(NOW + 60)
    for incident_id in (1, 2):
        router.happen(Commanded(router.now, incident_id, "ana", Command.ACKNOWLEDGE))
    assert delivered(router) == [(0, [1]), (60, [1])]
    router.run_until(NOW + 600)
    assert delivered(router)[2:] == [(600, [3, 2])]
    router.happen(Commanded(router.now, 2, "ana", Command.RESOLVE))
    router.happen(Commanded(router.now, 1, "ana", Command.RESOLVE))
    assert delivered(router)[3:] == [(600, [1])]
    router.run_until(NOW + 1200)
    assert delivered(router)[4:] == [(1200, [2])]
    about = [entry for entry in router.memory.timeline if entry.data.get("channel") == "room"]
    assert [entry.data.get("held") for entry in about if entry.incident_id == 1] == [None] * 3


def test_what_rings_for_nothing_takes_no_room() -> None:
    """A call that isn't made, since somebody has answered, keeps no other waiting."""
    router = VirtualRouter(config(Limit(1, 600.0), is_paging=True), NOW)
    fires(router, "a")
    router.run_until(NOW + 601)
    router.happen(Commanded(router.now, 1, "ana", Command.ACKNOWLEDGE))
    fires(router, "b")
    assert delivered(router) == [(0, [1]), (601, [1]), (601, [2])]


doings = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["0.5%", "2%", "20%", "over"])),
        st.floats(1, 500),
        st.integers(1, 6),
    ),
    max_size=40,
)


@pytest.mark.parametrize("to", ["contact:ana", "room"])
@pytest.mark.parametrize("limit", [Limit(1, 600.0), Limit(2, 60.0)], ids=str)
@run(deadline=None)
@given(story=doings, down=st.lists(st.booleans(), max_size=6))
def test_whatever_happens_all_is_told_no_faster_than_the_limit(
    limit: Limit, to: str, story: list[object], down: list[bool]
) -> None:
    """Everything is sent; except for P0s no window exceeds the limit, and nothing waits longer than
    it.

    A failed message is retried when due, and may find the room used up again.
    """
    script = list(down)
    router = VirtualRouter(
        config(limit, to=to), NOW, lambda *_: Retry("503") if script and script.pop() else Sent()
    )
    for doing in story:
        match doing:
            case (str() as service, str() as value):
                over = value == "over"
                seen = alert(service, "2%" if over else value, service=service)
                status = AlertStatus.RESOLVED if over else AlertStatus.FIRING
                router.happen(AlertSeen(router.now, replace(seen, status=status)))
            case float():
                router.run_until(router.now + doing)
            case int():
                router.happen(Commanded(router.now, doing, "ana", Command.ACKNOWLEDGE))
    queued = {
        key: row
        for key, row in router.memory.outbox.items()
        if row.state is NotificationState.PENDING
    }
    router.run_until(router.now + limit.per * (1 + len(down)) + 600)
    assert {row.state for row in router.memory.outbox.values()} <= {NotificationState.SENT}
    assert all(router.memory.outbox[key].sent for key in queued)
    counted = [delivery.at for delivery in router.delivered if delivery.incident.severity is not P0]
    assert all(b - a >= limit.per for a, b in zip(counted, counted[limit.count :], strict=False))
    last = {
        one.id: one for delivery in router.delivered for one in (delivery.incident, *delivery.also)
    }
    assert all(last[i].status is incident.status for i, incident in router.memory.incidents.items())
