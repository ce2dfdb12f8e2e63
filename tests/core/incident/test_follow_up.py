"""Follow-up work after an incident, as scripts in virtual time."""

import pytest

from router.core.incident.follow_up import ITEM_OVERDUE, POSTMORTEM, POSTMORTEM_OVERDUE
from router.core.incident.postmortem_plan import DAY, PostMortemPlan
from router.core.oncall.recipients import ContactMethod, People
from router.model.event import Command, ItemPut, PostMortemShared
from router.model.incident import Severity
from router.model.reason import Reason
from tests.world import NOW, World, alert, over, rule, settings

P0, P1, P2, P3 = Severity
PLAN = PostMortemPlan(frozenset({P0, P1}), share=("news",), tickets=("tickets",))
PEOPLE = People(
    contacts={
        "ana": (
            ContactMethod("phone", severities=frozenset({P0, P1})),
            ContactMethod("mail"),
            ContactMethod("text", severities=frozenset({P0})),
        ),
        "ben": (ContactMethod("chat", after=300.0),),
        "cleo": (),
    },
    roles={"lead": ("ben",)},
    called={"ana adams": "ana"},
)
HOUR = 3600.0


def world(plan: PostMortemPlan = PLAN, **changed: object) -> World:
    return World(settings(rule(), postmortems=plan, people=PEOPLE, **changed))


def resolved(made: World, by: str = "ana") -> World:
    """An acknowledged and resolved incident whose messages were all sent."""
    made.see(alert())
    made.command(Command.ACKNOWLEDGE, by=by)
    made.see(over())
    made.deliver()
    return made


def put(made: World, by: str = "ben", number: int = 0, **given: object) -> Reason:
    wanted = (
        {} if number else {"text": "Add an index", "owner": "ana", "due_at": made.now + 10 * DAY}
    )
    return made.happen(ItemPut(made.now, 1, by, number, **(wanted | given)))[0]  # type: ignore[arg-type]


def share(made: World, summary: str = "It broke.") -> Reason:
    return made.happen(PostMortemShared(made.now, 1, "ana", summary))[0]


# --- the post-mortem


def test_a_resolved_p0_needs_one_and_its_lead_is_told_until_its_there() -> None:
    """After a day, when it's due, and every day from then on; once it's shared, no more."""
    made = resolved(world())
    assert made.incident.postmortem_due == NOW + 2 * DAY
    assert made.story().count(Reason.POSTMORTEM_DUE) == 1
    made.advance(DAY - 1)
    assert made.deliver() == []
    made.advance(1)
    assert made.deliver() == [("mail/ana", Reason.POSTMORTEM_REMINDED)]
    made.advance(DAY - 1)
    assert (1, POSTMORTEM) in made.timers
    made.advance(1)
    assert made.deliver() == [("mail/ana", Reason.POSTMORTEM_OVERDUE)]
    assert (1, POSTMORTEM_OVERDUE) in made.timers
    made.advance(DAY)
    assert made.deliver() == [("mail/ana", Reason.POSTMORTEM_OVERDUE)]
    assert share(made) is Reason.POSTMORTEM_SHARED
    assert made.timers == {}
    assert made.deliver() == [("news", Reason.POSTMORTEM_SHARED)]
    made.advance(30 * DAY)
    assert made.deliver() == []


@pytest.mark.parametrize(
    ("changed", "by"),
    [
        ({"value": "0.1%"}, Command.RESOLVE),
        ({}, Command.FALSE_POSITIVE),
        ({"source": "drill"}, Command.RESOLVE),
    ],
    ids=["too mild", "false positive", "drill"],
)
def test_what_needs_none(changed: dict[str, str], by: Command) -> None:
    """Nothing is due of what isn't bad enough, wasn't real, or was a drill."""
    made = world()
    made.see(
        alert(labels={"alertname": "Other"}, **changed) if "value" in changed else alert(**changed)
    )
    made.command(by)
    assert made.incident.closed_at is not None
    assert made.incident.postmortem_due is None
    assert made.timers == {}


def test_who_comes_back_isnt_over() -> None:
    """A reopened incident has no post-mortem due; the deadline starts again at the next end."""
    made = resolved(world())
    made.advance(60)
    made.see(alert(starts_at=NOW + 60))
    assert made.incident.postmortem_due is None
    assert not {name for _, name in made.timers} & {POSTMORTEM, POSTMORTEM_OVERDUE}
    made.advance(HOUR)
    made.see(over(starts_at=NOW + 60))
    assert made.incident.postmortem_due == made.now + 2 * DAY


@pytest.mark.parametrize(
    ("lead", "plan", "reminded"),
    [
        ("Ana Adams", PLAN, ["mail/ana"]),
        ("ben", PLAN, ["chat/ben"]),
        (
            "stranger",
            PostMortemPlan(frozenset({P0}), owners=("role:lead", "news")),
            ["chat/ben", "news"],
        ),
        ("stranger", PLAN, ["pager", "slack"]),
        ("cleo", PLAN, []),
    ],
    ids=[
        "as called elsewhere",
        "whose way is a late one",
        "those who see to it",
        "the incident's channels",
        "no way",
    ],
)
def test_who_is_reminded(lead: str, plan: PostMortemPlan, reminded: list[str]) -> None:
    """People get reminders over the first contact method of their least severe severity."""
    made = resolved(world(plan), by=lead)
    made.advance(DAY)
    assert [channel for channel, _ in made.deliver()] == reminded
    assert (Reason.NOBODY_REACHED in made.story()) is (reminded == [])


def test_sharing_is_for_what_is_over_and_may_be_done_again() -> None:
    made = world()
    made.see(alert())
    assert share(made) is Reason.STILL_OPEN
    made.command(Command.RESOLVE)
    for _ in range(2):
        assert share(made) is Reason.POSTMORTEM_SHARED
        assert ("news", Reason.POSTMORTEM_SHARED) in made.deliver()


def test_without_a_channel_to_share_to_those_who_were_told_are() -> None:
    made = resolved(world(PostMortemPlan()))
    share(made)
    assert [channel for channel, _ in made.deliver()] == ["pager", "slack"]


def test_a_summary_that_is_long_or_has_lines_is_one_line_of_the_timeline() -> None:
    made = resolved(world())
    share(made, "It broke.\n" + "x" * 5000)
    text = made.timeline[-1].data["text"]
    assert text.startswith("It broke. xxx")
    assert len(text) == 500


# --- action items


def test_an_item_is_tracked_until_its_done() -> None:
    """Its owner is notified of it, a day before it's due, when due, and daily after that.

    Its ticket is updated on every change.
    """
    made = resolved(world(PostMortemPlan(tickets=("tickets",))))
    assert put(made) is Reason.ITEM_ADDED
    added = [
        ("mail/ana", Reason.ITEM_ADDED),
        ("slack", Reason.ITEM_ADDED),
        ("tickets", Reason.ITEM_ADDED),
    ]
    assert made.deliver() == added
    made.advance(9 * DAY)
    assert made.deliver() == [("mail/ana", Reason.ITEM_REMINDED)]
    made.advance(DAY)
    assert made.deliver() == [("mail/ana", Reason.ITEM_OVERDUE)]
    assert (1, f"{ITEM_OVERDUE}:1") in made.timers
    made.advance(DAY)
    assert made.deliver() == [("mail/ana", Reason.ITEM_OVERDUE)]
    assert put(made, number=1, done=True) is Reason.ITEM_DONE
    assert made.deliver() == [("slack", Reason.ITEM_DONE), ("tickets", Reason.ITEM_DONE)]
    assert made.timers == {}
    (item,) = made.incident.items
    assert (item.done_by, item.done_at) == ("ben", made.now)


def test_an_item_may_be_put_off_handed_on_and_opened_again() -> None:
    made = resolved(world(PostMortemPlan()))
    put(made, due_at=made.now + HOUR)
    made.advance(HOUR)
    assert (1, f"{ITEM_OVERDUE}:1") in made.timers
    assert (
        put(made, number=1, due_at=made.now + 5 * DAY, owner="ben", by="ana") is Reason.ITEM_CHANGED
    )
    assert made.timers == {(1, "item:1"): made.now + 4 * DAY}
    assert ("chat/ben", Reason.ITEM_CHANGED) in made.deliver()
    put(made, number=1, done=True)
    assert put(made, number=1, done=True) is Reason.ALREADY_DONE
    assert put(made, number=1, done=False) is Reason.ITEM_CHANGED
    assert made.timers == {(1, "item:1"): made.now + 4 * DAY}
    assert put(made, number=2, done=True) is Reason.UNKNOWN_ITEM


def test_who_takes_an_item_themselves_isnt_told_so() -> None:
    made = resolved(world(PostMortemPlan()))
    put(made, by="ana", owner=None)
    assert made.incident.items[0].owner == "ana"
    assert made.deliver() == [("slack", Reason.ITEM_ADDED)]


def test_the_same_item_twice_is_one() -> None:
    made = resolved(world())
    assert put(made, key="k") is Reason.ITEM_ADDED
    assert put(made, key="k") is Reason.ALREADY_DONE
    assert len(made.incident.items) == 1
