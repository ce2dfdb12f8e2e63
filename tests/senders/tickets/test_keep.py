"""Tickets: the same life of an issue in every service, also when an attempt breaks off."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from router.config.channel_options import ChannelOptions
from router.model.decision import Entry
from router.model.incident import Status
from router.model.notification import Message, Sent
from router.model.postmortem import Item
from router.model.reason import Reason
from tests.senders.kit import NOW, Answer, Disconnect, Request, deliver, make_message
from tests.senders.tickets import doubles


class Case(NamedTuple):
    """A kind, its options, a service with `issues`, `comments` and `is_open`, and the first ref."""

    kind: str
    options: Callable[..., ChannelOptions]
    service: Callable[[], Any]
    ref: str


CASES = {
    "gitlab": Case("gitlab", doubles.gitlab, doubles.GitLab, "1"),
    "jira": Case("jira", doubles.jira, doubles.Jira, "OPS-1"),
    "linear": Case("linear", doubles.linear, doubles.Linear, "OPS-1"),
}
FIRST = make_message()


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def later(case: Case, *news: Entry, **changes: Any) -> Message:
    """An update about an incident that has its ticket."""
    given = {
        "ref": case.ref,
        "seq": 2,
        "sent": 1,
        "seen_entry": 2,
        "timeline": (*FIRST.timeline, *news),
    }
    return make_message(**given | changes)


def resolved(case: Case, **changes: Any) -> Message:
    entry = Entry(142, NOW, Reason.RESOLVED, id=3)
    return later(case, entry, **{"status": Status.RESOLVED, "closed_at": NOW} | changes)


async def send(case: Case, service: Callable[[Request], Answer], *messages: Message) -> list[Any]:
    return (await deliver(case.kind, case.options, service, *messages))[0]


async def test_the_first_message_opens_a_ticket(case: Case) -> None:
    service = case.service()
    assert await send(case, service, FIRST) == [Sent(case.ref)]
    assert "Payment failures at 2.5% on api" in str(service.issues[case.ref])
    assert service.comments(case.ref) == []


async def test_an_update_is_a_comment_with_only_what_is_new(case: Case) -> None:
    service = case.service()
    noted = Entry(142, NOW, Reason.NOTED, by="ana", data={"text": "rolled back"}, id=3)
    assert await send(case, service, FIRST, later(case, noted)) == [Sent(case.ref), Sent(case.ref)]
    (comment,) = service.comments(case.ref)
    assert "rolled back" in comment
    assert "detected" not in comment


async def test_how_messages_travelled_is_no_comment(case: Case) -> None:
    service = case.service()
    retried = Entry(142, NOW, Reason.DELIVERY_RETRIED, data={"channel": "x", "error": "y"}, id=3)
    await send(case, service, FIRST, later(case, retried))
    assert service.comments(case.ref) == []


async def test_the_end_closes_the_ticket_and_a_reopening_opens_it(case: Case) -> None:
    service = case.service()
    await send(case, service, FIRST, resolved(case))
    assert not service.is_open(case.ref)
    assert len(service.comments(case.ref)) == 1
    again = later(
        case, Entry(142, NOW + 60, Reason.REOPENED, id=4), seen_entry=3, seq=3, reopened=1
    )
    await send(case, service, again)
    assert service.is_open(case.ref)
    assert len(service.comments(case.ref)) == 2


async def test_an_incident_over_before_its_first_message_gets_a_closed_ticket(case: Case) -> None:
    service = case.service()
    assert await send(case, service, resolved(case, ref="", seen_entry=0)) == [Sent(case.ref)]
    assert not service.is_open(case.ref)


async def test_a_ticket_whose_ref_is_lost_is_found(case: Case) -> None:
    service = case.service()
    await send(case, service, FIRST, resolved(case, ref="C123:1503435956.000247"))
    assert len(service.issues) == 1
    assert not service.is_open(case.ref)


async def test_a_deleted_ticket_is_replaced(case: Case) -> None:
    service = case.service()
    assert await send(case, service, resolved(case)) == [Sent(case.ref)]
    assert len(service.issues) == 1


async def test_another_incidents_ticket_is_left_alone(case: Case) -> None:
    """Numbers start again with a new database."""
    service = case.service()
    results = await send(case, service, FIRST, make_message(opened_at=NOW - 5, ref=case.ref))
    assert results[0] != results[1]
    assert len(service.issues) == 2


class Faulty:
    """A service that fails once, at the given call: before it did what was asked, or after."""

    def __init__(self, service: Callable[[Request], Answer], call: int, *, done: bool) -> None:
        self.service, self.call, self.done = service, call, done
        self.calls = 0

    def __call__(self, request: Request) -> Answer:
        self.calls += 1
        if self.calls != self.call:
            return self.service(request)
        if self.done:
            self.service(request)
        return Disconnect()


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 8))
async def test_an_attempt_that_breaks_off_anywhere_is_finished_by_the_next(
    case: Case, call: int, done: bool
) -> None:
    service = case.service()
    faulty = Faulty(service, call, done=done)
    for first in (FIRST, FIRST):
        if isinstance((await send(case, faulty, first))[0], Sent):
            break
    for last in (resolved(case), resolved(case)):
        (result,) = await send(case, faulty, last)
        if isinstance(result, Sent):
            break
    assert result == Sent(case.ref)
    assert len(service.issues) == 1
    assert len(service.comments(case.ref)) == 1
    assert not service.is_open(case.ref)


async def test_a_lost_comment_is_not_repeated_by_the_next_message(case: Case) -> None:
    service = case.service()
    await send(case, service, FIRST)
    noted = Entry(142, NOW, Reason.NOTED, by="ana", data={"text": "rolled back"}, id=3)
    for call in range(1, 6):  # whichever of the calls it is
        before = len(service.comments(case.ref))
        await send(case, Faulty(service, call, done=True), later(case, noted))
        if len(service.comments(case.ref)) > before:
            break
    more = Entry(142, NOW + 5, Reason.NOTED, by="ana", data={"text": "it helped"}, id=4)
    assert await send(case, service, later(case, noted, more, seq=3)) == [Sent(case.ref)]
    assert [
        ("rolled back" in comment, "it helped" in comment) for comment in service.comments(case.ref)
    ] == [
        (True, False),
        (False, True),
    ]


async def test_each_action_item_has_a_ticket_that_is_closed_when_its_done(case: Case) -> None:
    """Opened once, also if its ref is lost; its ref is stored next to the incident's."""
    service, prefix = case.service(), case.ref[:-1]
    one, two = (
        Item(number, f"Add an index, @team {number}", "ana", NOW + 864_000, "ben", NOW)
        for number in (1, 2)
    )
    done = replace(one, done_at=NOW)

    async def sent(ref: str, *items: Item) -> str:
        message = later(case, items=items, ref=ref)

        def options(url: str, seconds: float) -> ChannelOptions:
            return case.options(url, seconds, items=True)

        ((result,), _) = await deliver(case.kind, options, service, message)
        assert isinstance(result, Sent), result
        return result.ref

    first = await sent("", one)
    assert first == f"{case.ref} 1:{prefix}2"
    assert await sent(first, one, two) == f"{first} 2:{prefix}3"
    for ref in ("", f"{case.ref} 1:{case.ref} 2:junk"):
        assert await sent(ref, one, two) == f"{first} 2:{prefix}3"
    assert service.is_open(f"{prefix}2")
    await sent(f"{first} 2:{prefix}3", done, two)
    assert not service.is_open(f"{prefix}2")
    assert service.is_open(f"{prefix}3")
    assert service.is_open(case.ref)
    assert "Add an index" in json.dumps(service.issues[f"{prefix}2"])
