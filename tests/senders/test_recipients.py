"""One message to several people: who is done with it, and what that makes of the whole."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from router.model.notification import Rejected, Result, Retry, Sent, Uncertain
from router.senders.recipients import RecipientList, side_by_side
from tests.senders.kit import make_message


class Script:
    """Answers of each recipient, in order; `asked` lists the recipients asked."""

    def __init__(self, **answers: Sequence[Result]) -> None:
        self.answers = {to: list(results) for to, results in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, to: str) -> Result:
        self.asked.append(to)
        return self.answers[to].pop(0)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (Sent(), Sent(), Sent()),
        (Sent("1"), Sent("2"), Sent("1 2")),
        (Sent("1"), Rejected("no"), Sent("1")),
        (Rejected("no"), Rejected("never"), Rejected("no")),
        (Sent("1"), Retry("busy", 3.0), Retry("busy", 3.0)),
        (Rejected("no"), Retry("busy"), Retry("busy")),
        (Retry("busy"), Uncertain("lost"), Uncertain("lost")),
    ],
)
async def test_the_whole_is_sent_once_nobody_is_left_to_try(
    a: Result, b: Result, expected: Result
) -> None:
    """One acceptance is enough; retries are awaited; an uncertain result is reported."""
    script = side_by_side(Script(a=[a], b=[b]))
    result = await RecipientList().send(make_message(), ["a", "b", "a"], script)
    if isinstance(result, Retry | Uncertain):
        result = replace(result, progress="")
    assert result == expected


async def test_who_is_done_is_not_told_again_on_a_retry() -> None:
    """Only the one who was out of reach is tried again; the next message is for all of them."""
    script = Script(a=[Sent("1"), Sent("3")], b=[Retry("busy"), Sent("2"), Sent("4")])
    send = side_by_side(script)
    first = await RecipientList().send(make_message(), ["a", "b"], send)
    assert isinstance(first, Retry)
    assert '"a"' not in first.progress, "an address isn't stored"
    # Another process goes on with what the outbox has.
    again = make_message(progress=first.progress)
    assert await RecipientList().send(again, ["a", "b"], send) == Sent("1 2")
    assert await RecipientList().send(make_message(seq=2), ["a", "b"], send) == Sent("3 4")
    assert script.asked == ["a", "b", "b", "a", "b"]


async def test_a_message_refused_by_all_is_tried_anew_when_it_is_sent_again() -> None:
    """An account can be fixed between attempts."""
    crowd, script = RecipientList(), Script(a=[Rejected("no"), Sent("1")])
    assert await crowd.send(make_message(), ["a"], side_by_side(script)) == Rejected("no")
    assert await crowd.send(make_message(), ["a"], side_by_side(script)) == Sent("1")
