"""Mentions: who is notified by Slack itself, and in which message."""

import pytest
from msgspec.structs import replace

from router.model.decision import Entry
from router.model.reason import Reason
from router.senders.slack.blocks import build_message, build_thread, paged_line, people
from tests.senders.kit import NOW, make_incident, make_message

OPENED = Entry(142, NOW, Reason.OPENED, id=1)
STEP = Entry(142, NOW, Reason.STEP_DUE, data={"channels": ["slack", "sms/ben"]}, id=2)
NOTIFIED = ("slack", "sms/ana", "call/ana")


def paged(**changes: object) -> str:
    """The context lines of the message."""
    message = make_message(timeline=(OPENED,), mentions={"ana": "U0ANA"}, **changes)
    message = replace(message, incident=replace(message.incident, notified=NOTIFIED))
    blocks = build_message(message, groups=("S0OPS",))["blocks"]
    return "\n".join(
        element["text"]
        for block in blocks
        if block["type"] == "context"
        for element in block["elements"]
    )


@pytest.mark.parametrize(
    ("names", "groups", "shown"),
    [
        (["ana", "ben"], (), "Paged: <@U0ANA>, ben"),
        ([], ("S0OPS", "U0CTO"), "Paged: <!subteam^S0OPS>, <@U0CTO>"),
        (["<!channel>"], (), "Paged: &lt;!channel&gt;"),
        (["evil"], (), "Paged: evil"),
        ([], (), ""),
    ],
)
def test_people_are_mentioned_by_their_id_and_else_named(
    names: list[str], groups: tuple[str, ...], shown: str
) -> None:
    """An id that isn't one is never written as a mention."""
    message = make_message(mentions={"ana": "U0ANA", "evil": "U1> <!channel"})
    assert paged_line(message, names, groups) == shown


def test_a_first_message_mentions_everybody_paged_so_far() -> None:
    assert "Paged: <@U0ANA>, <!subteam^S0OPS>" in paged()


@pytest.mark.parametrize(
    "changes",
    [{"closed_at": NOW}, {"for_stakeholder": True}, {"sent": 1, "seq": 2, "seen_entry": 1}],
    ids=["closed", "stakeholder", "nobody new"],
)
def test_a_message_that_pages_nobody_mentions_nobody(changes: dict[str, object]) -> None:
    """Each message of an incoming webhook notifies, so a later one mentions new people only."""
    assert "Paged" not in paged(**changes)


def test_a_message_that_is_edited_names_everybody() -> None:
    """An edit notifies nobody."""
    message = make_message(timeline=(OPENED, STEP), sent=1, seq=2, seen_entry=2, ref="C1:1.2")
    blocks = build_message(message, edited=True)["blocks"]
    assert "Paged: ben" in str(blocks)


def test_a_reply_mentions_the_people_of_its_step() -> None:
    """An edit of the message would notify nobody."""
    later = make_message(
        timeline=(OPENED, STEP),
        mentions={"ben": "U0BEN"},
        ref="C1:1.2",
        sent=1,
        reason=Reason.STEP_DUE,
    )
    said = build_thread(later, ("S0OPS",))
    assert said is not None
    assert said["text"].endswith("Paged: <@U0BEN>, <!subteam^S0OPS>")


def test_a_reply_about_something_else_mentions_nobody() -> None:
    noted = Entry(142, NOW, Reason.NOTED, "ana", {"text": "x"}, id=3)
    said = build_thread(make_message(timeline=(noted,), sent=1), ("S0OPS",))
    assert said is not None
    assert "Paged" not in said["text"]


def test_people_are_named_once() -> None:
    """Over however many contact methods they are paged."""
    message = replace(make_message(), incident=make_incident(notified=NOTIFIED))
    assert people(message, [STEP, STEP]) == ["ana", "ben"]
