"""Limits: messages wait in the outbox, are bundled, and survive any crash."""

import asyncio
import json
from dataclasses import replace
from itertools import chain

import aiohttp
import pytest

from router.core.incident.policy import Policy, SeverityPlan, Step
from router.core.oncall.recipients import ContactMethod, People
from router.core.outbox.digest import MOST, Throttle
from router.core.outbox.rate_limit import Limit
from router.engine.claim import AGAIN, Limits
from router.model.event import Command
from router.model.incident import Severity
from router.model.notification import NotificationState, Retry, Uncertain
from router.model.reason import Reason
from tests.clock import turn
from tests.engine.office import Office, ScriptedSender, command, seen
from tests.senders.kit import Peer
from tests.senders.slack.test_sender import Slack, bot

SENT, PENDING = NotificationState.SENT, NotificationState.PENDING
LIMIT = Limit(1, 600.0)
ADDRESSES = {"ana": "+441", "ben": "+442"}


@pytest.fixture(autouse=True)
def people(office: Office) -> None:
    """PaymentFailures at 2.3 % is a P0, DiskFull isn't; Ana gets both over `hook`."""
    office.applier.settings = replace(
        office.applier.settings,
        people=People({"ana": (ContactMethod("hook"),)}, limits={"ana": LIMIT}),
        severities=dict.fromkeys(Severity, SeverityPlan("all")),
        policies={
            "all": Policy("all", (Step(after=0, notify=("contact:ana",)),), fallback=("spare",))
        },
    )


def limits(throttle: Throttle | None = None) -> Limits:
    return Limits({"hook/ana": LIMIT}, throttle or Throttle())


async def disk_full(office: Office, *services: str) -> None:
    """An incident for each; the first is notified before the others arrive."""
    for number, name in enumerate(services):
        await office.submit(seen("DiskFull" + name, at=office.clock.now()))
        if number == 0 and "hook" in office.workers and name == "a":
            await office.until(SENT, "hook/ana")


def about(sender: ScriptedSender) -> list[list[int]]:
    return [
        [message.incident.id, *(other.incident.id for other in message.other_incidents)]
        for message in sender.messages
    ]


async def test_what_is_over_the_limit_waits_and_is_told_in_one(office: Office) -> None:
    """Unleased, in the outbox; then all of it settles with the one result."""
    hook = office.open("hook", people=ADDRESSES, limits=limits())
    await disk_full(office, "a", "b", "c")
    await office.until(SENT, "hook/ana")
    await office.clock.advance(590)
    await turn()
    assert about(hook) == [[1]]
    assert [(await office.row("hook/ana", i)).lease for i in (2, 3)] == ["", ""]
    await office.until(SENT, "hook/ana", 3, step=1)
    assert about(hook) == [[1], [2, 3]]
    rows = [await office.row("hook/ana", i) for i in (2, 3)]
    assert [(row.state, row.sent, row.ref) for row in rows] == [(SENT, 1, "")] * 2
    entries = [(await office.store.timeline(i))[-1] for i in (2, 3)]
    assert [entry.what for entry in entries] == [Reason.DELIVERED, Reason.BUNDLED]
    assert [entry.data["ref"] for entry in entries] == ["ref-2"] * 2
    assert entries[0].data["held"] == pytest.approx(600, abs=2)
    assert hook.messages[1].other_incidents[0].url.endswith("/incidents/3")
    assert hook.messages[1].list_url.endswith("/incidents?ids=2-3")


async def test_a_burst_beyond_the_room_is_one_summary_at_once(office: Office) -> None:
    """A P0 is alone and first. The most severe of the rest come first, all of them are in a summary
    and behind its link, and those beyond its size follow with the next room.
    """
    burst = [seen(f"DiskFull{number}", service="a") for number in range(MOST + 1)]
    await office.submit(*burst, seen(service="pay"), seen("Low", service="b"))
    await office.submit(command(Command.SEVERITY, MOST + 3, severity=Severity.P1))
    hook = office.open("hook", people=ADDRESSES, limits=limits())
    await office.until_sent(hook, 2)
    first, summary = about(hook)
    assert first == [MOST + 2]
    assert summary[0] == MOST + 3
    assert len(summary) == MOST
    assert listed(hook.messages[1].list_url) == set(summary)
    await office.until(SENT, "hook/ana", MOST + 1, step=10)
    rest = about(hook)[2]
    assert sorted([*first, *summary, *rest]) == list(range(1, MOST + 4))
    for number in (1, MOST + 1):
        delivered = (await office.store.timeline(number))[-1].what
        assert delivered in {Reason.DELIVERED, Reason.BUNDLED}


def listed(url: str) -> set[int]:
    """The incidents that a link to a list names, such as 2-4,7."""
    found: set[int] = set()
    for part in url.partition("ids=")[2].split(","):
        first, _, last = part.partition("-")
        found |= {*range(int(first), int(last or first) + 1)}
    return found


async def test_a_p0_goes_past_what_is_held(office: Office) -> None:
    hook = office.open("hook", people=ADDRESSES, limits=limits())
    await disk_full(office, "a", "b")
    await office.submit(seen(), seen(service="web"))
    await office.until_sent(hook, 3)
    assert sorted(about(hook)) == [[1], [3], [4]]


async def test_a_held_message_leaves_when_its_incident_becomes_a_p0(office: Office) -> None:
    """Though it has waited for longer than new messages are looked for."""
    hook = office.open("hook", people=ADDRESSES, limits=limits())
    await disk_full(office, "a", "b", "c")
    await office.clock.advance(60)
    raised = command(Command.SEVERITY, 2, office.clock.now(), severity=Severity.P0)
    await office.submit(raised)
    await office.until_sent(hook, 2, step=0.1)
    assert about(hook) == [[1], [2]]
    # On a busy machine a few steps pass while a thread reads. Held, it would wait for minutes.
    assert office.clock.now() - raised.at <= AGAIN + 3.0


async def test_nothing_held_is_lost_with_the_process(office: Office) -> None:
    """It was never leased, so the next process sends it at once without the mark of a duplicate."""
    office.open("hook", people=ADDRESSES, limits=limits())
    await disk_full(office, "a", "b", "c")
    await office.until(SENT, "hook/ana")
    office.workers["hook"].close()
    heir = ScriptedSender()
    worker = office.worker("hook", heir, people=ADDRESSES, limits=limits())
    await worker.round()
    await office.until(SENT, "hook/ana", 3)
    assert about(heir) == [[2, 3]]
    assert not (await office.store.timeline(3))[-1].data.get("may_be_doubled")


async def test_a_reload_forgets_no_window(office: Office) -> None:
    """The next worker continues with people's earlier messages."""
    throttle = Throttle()
    office.open("hook", people=ADDRESSES, limits=limits(throttle))
    await disk_full(office, "a", "b")
    await office.until(SENT, "hook/ana")
    office.workers["hook"].close()
    heir = ScriptedSender()
    await office.worker("hook", heir, people=ADDRESSES, limits=limits(throttle)).round()
    await turn()
    assert heir.messages == []


async def test_two_replicas_tell_nothing_twice(office: Office) -> None:
    """Each has its own window, and each message belongs to one of them."""
    one, other = ScriptedSender(), ScriptedSender()
    workers = [
        office.worker("hook", sender, people=ADDRESSES, limits=limits()) for sender in (one, other)
    ]
    await disk_full(office, "a", "b", "c", "d")
    for worker in workers * 2:
        await worker.round()
    await office.until(SENT, "hook/ana", 4)
    assert sorted(chain.from_iterable(about(one) + about(other))) == [1, 2, 3, 4]


async def test_a_bundle_that_fails_is_tried_again_whole(office: Office) -> None:
    """A failed bundle uses no room and isn't late, so no fallback is used."""
    hook, spare = office.open("hook", people=ADDRESSES, limits=limits()), office.open("spare")
    await disk_full(office, "a")
    await office.until(SENT, "hook/ana")
    hook.script.extend([Retry("503")] * 3)
    await disk_full(office, "b", "c")
    await office.clock.advance(595)
    await office.until(SENT, "hook/ana", 3, step=1)
    assert about(hook) == [[1], *[[2, 3]] * 4]
    assert spare.messages == []


async def test_a_bundle_that_may_have_arrived_is_marked_in_each(office: Office) -> None:
    """It's uncertain for all of them, and it takes room: Ana may have had it."""
    hook = office.open("hook", people=ADDRESSES, limits=limits())
    hook.script.append(Uncertain("reset"))
    await office.submit(seen("A", instance="a"), seen("B", instance="b"))
    await office.until_sent(hook, 1)
    await office.clock.advance(300)
    await turn()
    assert about(hook) == [[1, 2]]
    await office.until(SENT, "hook/ana", 2, step=10)
    last = [(await office.store.timeline(i))[-1] for i in (1, 2)]
    assert [entry.data.get("may_be_doubled") for entry in last] == [True, True]


def to_the_room(office: Office) -> None:
    office.applier.settings = replace(
        office.applier.settings,
        throttles={"room": Limit(2, 60.0)},
        edited=frozenset({"room"}),
        policies={"all": Policy("all", (Step(after=0, notify=("room",)),))},
    )


async def test_a_storm_in_a_slack_channel_ends_in_one_summary(office: Office) -> None:
    """The first messages stand alone. Then one counts, names and links all that waited, and each of
    them says so; a P0 and an edit wait for nothing.
    """
    to_the_room(office)
    slack = Slack()
    limit = Limits({"room": Limit(2, 60.0)}, edits=True)
    async with Peer(answer=slack) as peer, aiohttp.ClientSession() as session:
        sender = bot(session, peer)
        office.workers["room"] = office.worker("room", sender, limits=limit)
        task = asyncio.create_task(office.workers["room"].run())
        for name in "ab":
            await office.submit(seen("DiskFull" + name, at=office.clock.now()))
            await office.until(SENT, "room", ord(name) - ord("a") + 1, step=0)
        await office.submit(
            *(seen(f"DiskFull{i}", at=office.clock.now(), service=f"s{i}") for i in range(8))
        )
        await office.submit(seen(at=office.clock.now(), service="web"))
        await office.until(SENT, "room", 11, step=0)
        await office.submit(command(Command.ACKNOWLEDGE, 1, at=office.clock.now()))
        await office.clock.settle(lambda: slack.threads, "the edit's reply")
        assert len(slack.messages) == 3
        await office.until(SENT, "room", 10, step=1)
        office.workers["room"].close()
        await task
        await sender.close()
    *_, summary = slack.messages.values()
    assert len(slack.messages) == 4
    shown = json.dumps(summary)
    assert "AND 7 MORE INCIDENTS (7 P2), TOP 5:" in shown
    assert [number for number in range(1, 12) if f"INC-{number}:" in shown] == [4, 5, 6, 7, 8]
    assert "/incidents?ids=3-10" in shown
    last = [(await office.store.timeline(i))[-1] for i in range(3, 11)]
    assert [entry.what for entry in last] == [Reason.DELIVERED] + [Reason.BUNDLED] * 7
    assert all(entry.data["held"] == pytest.approx(60, abs=3) for entry in last)


async def test_a_room_and_the_people_of_its_channel_have_their_own_limits(office: Office) -> None:
    """A mailing list that is full delays no mail to Ana, and nothing is claimed past a limit."""
    office.applier.settings = replace(
        office.applier.settings,
        policies={"all": Policy("all", (Step(after=0, notify=("hook", "contact:ana")),))},
    )
    both = Limits({"hook": Limit(1, 60.0), "hook/ana": Limit(2, 60.0)})
    hook = office.open("hook", people=ADDRESSES, limits=both, concurrency=9)
    for number, name in enumerate("abcd", 1):
        await office.submit(seen("DiskFull" + name, at=office.clock.now()))
        await office.until_sent(hook, min(number + 1, 3))
    await turn()
    assert sorted((m.channel, m.incident.id) for m in hook.messages) == [
        ("hook", 1),
        ("hook/ana", 1),
        ("hook/ana", 2),
    ]
    await office.until(SENT, "hook", 4, step=1)
    await office.until(SENT, "hook/ana", 4, step=1)
    assert sorted(about(hook)[3:]) == [[2, 3, 4], [3], [4]]


async def test_others_over_the_same_channel_are_not_held(office: Office) -> None:
    """A limit is a person's own; the channel's other messages are claimed as ever."""
    office.applier.settings = replace(
        office.applier.settings,
        people=People(
            {"ana": (ContactMethod("hook"),), "ben": (ContactMethod("hook"),)},
            limits={"ana": LIMIT},
        ),
        policies={
            "all": Policy("all", (Step(after=0, notify=("hook", "contact:ana", "contact:ben")),))
        },
    )
    hook = office.open("hook", people=ADDRESSES, limits=limits(), concurrency=9)
    await disk_full(office, "a", "b", "c")
    await office.until_sent(hook, 7)
    channels = [message.channel for message in hook.messages]
    assert sorted(channels) == ["hook"] * 3 + ["hook/ana"] + ["hook/ben"] * 3
