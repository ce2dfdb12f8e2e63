"""One message per incident, edited in place: the same for each service that can edit."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from router.config.channel_options import ChannelOptions
from router.model.decision import Entry
from router.model.incident import Status
from router.model.notification import Message, Retry, Sent
from router.model.reason import Reason
from tests.senders import test_discord, test_matrix, test_mattermost, test_telegram
from tests.senders.kit import NOW, Hang, Reply, deliver, make_message


class Case(NamedTuple):
    """A kind, its options, a service that keeps `messages`, and the `ref` of the first one."""

    kind: str
    options: Callable[[str, float], ChannelOptions]
    service: Callable[[], Any]
    ref: str


CASES = {
    "discord": Case("discord", test_discord.options, test_discord.Discord, test_discord.REF),
    "matrix": Case("matrix", test_matrix.options, test_matrix.Matrix, test_matrix.REF),
    "mattermost": Case(
        "mattermost", test_mattermost.options, test_mattermost.Mattermost, test_mattermost.REF
    ),
    "telegram": Case("telegram", test_telegram.options, test_telegram.Telegram, test_telegram.REF),
}
FIRST = make_message()


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def resolved(ref: str) -> Message:
    return make_message(
        seq=2,
        sent=1,
        seen_entry=2,
        ref=ref,
        reason=Reason.RESOLVED_BY_PERSON,
        status=Status.RESOLVED,
        closed_at=NOW,
    )


async def test_an_incident_has_one_message_which_is_edited(case: Case) -> None:
    service = case.service()
    results, _ = await deliver(case.kind, case.options, service, FIRST, resolved(case.ref))
    assert results == [Sent(case.ref), Sent(case.ref)]
    assert len(service.messages) == 1
    assert "✅" in str(service.messages[case.ref])


async def test_a_page_is_also_a_new_message_since_an_edit_makes_no_sound(case: Case) -> None:
    paged = Entry(142, NOW, Reason.STEP_DUE, data={"channels": ["sms/ana"]}, id=3)
    again = make_message(
        seq=2, sent=1, seen_entry=2, ref=case.ref, timeline=(*FIRST.timeline, paged)
    )
    service = case.service()
    results, requests = await deliver(case.kind, case.options, service, FIRST, again)
    assert results[1] == Sent(case.ref)
    assert len(service.messages) == 2
    assert len(requests) == 3


async def test_a_reply_that_was_certainly_not_made_is_made_by_a_repetition(case: Case) -> None:
    paged = Entry(142, NOW, Reason.STEP_DUE, data={"channels": ["sms/ana"]}, id=3)
    again = make_message(
        seq=2, sent=1, seen_entry=2, ref=case.ref, timeline=(*FIRST.timeline, paged)
    )
    service = case.service()
    await deliver(case.kind, case.options, service, FIRST)

    answers = iter([True, False])

    def busy(request: Any) -> Any:
        return service(request) if next(answers, True) else Reply(503)

    (result,), _ = await deliver(case.kind, case.options, busy, again)
    assert isinstance(result, Retry)
    (result,), _ = await deliver(case.kind, case.options, service, again)
    assert result == Sent(case.ref)
    assert len(service.messages) == 2


async def test_a_deleted_message_is_replaced(case: Case) -> None:
    if case.kind == "matrix":
        pytest.skip("a replacement of a removed event is accepted")
    service = case.service()
    (result,), requests = await deliver(case.kind, case.options, service, resolved(case.ref))
    assert result == Sent(case.ref)
    assert len(requests) == 2


async def test_a_ref_of_another_type_of_channel_is_not_used(case: Case) -> None:
    service = case.service()
    results, requests = await deliver(
        case.kind, case.options, service, make_message(ref="C123:1503435956.000247")
    )
    assert results == [Sent(case.ref)]
    assert len(requests) == 1


async def test_a_lost_edit_is_repeated(case: Case) -> None:
    service = case.service()
    (result,), _ = await deliver(
        case.kind, case.options, service, resolved(case.ref), script=[Hang()], seconds=0.3
    )
    assert isinstance(result, Retry)


async def test_an_edit_is_never_marked_as_repeated(case: Case) -> None:
    service = case.service()
    edit = make_message(seq=2, sent=1, seen_entry=2, ref=case.ref, attempt=2, may_be_doubled=True)
    await deliver(case.kind, case.options, service, FIRST, edit)
    assert "earlier one may have arrived" not in str(service.messages[case.ref])


async def test_a_message_after_a_lost_one_is_marked_as_repeated(case: Case) -> None:
    service = case.service()
    await deliver(
        case.kind, case.options, service, make_message(seq=2, attempt=2, may_be_doubled=True)
    )
    assert "earlier one may have arrived" in str(service.messages)
