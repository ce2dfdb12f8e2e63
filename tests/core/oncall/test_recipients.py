"""Recipients of a policy, times and contact methods: hand-overs, preferences, and nobody at all."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from router.core.incident.escalation import REACH
from router.core.incident.policy import Policy, Step, Unless
from router.core.oncall.recipients import (
    ContactMethod,
    Duty,
    People,
    Recipients,
    read_duties,
)
from router.core.oncall.rotation import Handover, Rotate, Rotation
from router.core.oncall.schedule import Layer, Override, Restriction, Schedule
from router.model.event import Command
from router.model.incident import Severity
from router.model.notification import Rejected
from router.model.reason import Reason
from tests.timeline import play
from tests.world import NOW, POLICIES, World, alert, settings

P0, P1, P2, P3 = Severity
ACKNOWLEDGED = Unless.ACKNOWLEDGED

WEEKLY = Layer(Rotation(Rotate.WEEKLY, Handover(540, 0), ("ana", "ben"), start=date(2026, 1, 5)))
"""Ana has the odd weeks of 2026 in ISO's count, from Monday at nine, and Ben the even ones."""

ROTA = Schedule("primary", "Europe/London", (WEEKLY,))
SMS = (ContactMethod("sms"),)

OFFICE = Layer(Rotation(Rotate.DAILY, Handover(0), ("ana",)), (Restriction(540, 1020),))

PEOPLE = People(
    contacts={
        "ana": (ContactMethod("sms"), ContactMethod("voice", 120.0), ContactMethod("voice", 300.0)),
        "ben": (
            ContactMethod("voice", severities=frozenset({P0})),
            ContactMethod("sms", severities=frozenset({P1, P2})),
        ),
        "cto": (ContactMethod("mail"), ContactMethod("sms", 60.0, frozenset({P0}))),
        "mute": (),
    },
    roles={"cto": ("cto",), "leads": ("ana", "ben"), "quiet": ("mute",), "mixed": ("mute", "ana")},
    schedules={
        "primary": Schedule("primary", "Europe/London", (WEEKLY,)),
        "office": Schedule("office", "Europe/London", (OFFICE,)),
        "empty": Schedule("empty", "UTC", ()),
        "silent": Schedule(
            "silent", "UTC", (Layer(Rotation(Rotate.DAILY, Handover(0), ("mute",))),)
        ),
    },
)


def world(*steps: Step, **changed: Any) -> World:
    policies = POLICIES | {"critical": Policy("critical", steps, **changed)}
    return World(settings(people=PEOPLE, policies=policies))


# --- recipients


@pytest.mark.parametrize(
    ("targets", "severity", "expected"),
    [
        pytest.param(["log"], P0, Recipients(("log",)), id="a channel"),
        pytest.param(
            ["contact:ana"],
            P0,
            Recipients(("sms/ana",), ((120, "voice/ana"), (300, "voice/ana"))),
            id="a person",
        ),
        pytest.param(["contact:ben"], P0, Recipients(("voice/ben",)), id="another at P0"),
        pytest.param(["contact:ben"], P1, Recipients(("sms/ben",)), id="and otherwise"),
        pytest.param(
            ["role:leads"],
            P2,
            Recipients(("sms/ana", "sms/ben"), ((120, "voice/ana"), (300, "voice/ana"))),
            id="a role",
        ),
        pytest.param(
            ["contact:cto", "log", "role:cto", "log"],
            P0,
            Recipients(("log", "mail/cto"), ((60, "sms/cto"),)),
            id="each once",
        ),
        pytest.param(
            ["contact:ben"],
            P3,
            Recipients(problems=(("contact:ben", "no contact method for P3"),), nobody=True),
            id="no way at that severity",
        ),
        pytest.param(
            ["schedule:empty", "log"],
            P0,
            Recipients(("log",), problems=(("schedule:empty", "nobody is on call"),), nobody=True),
            id="nobody on call, and a channel is nobody",
        ),
        pytest.param(
            ["role:mixed"],
            P0,
            Recipients(
                ("sms/ana",),
                ((120, "voice/ana"), (300, "voice/ana")),
                (("contact:mute", "no contact method for P0"),),
            ),
            id="one of two",
        ),
        pytest.param([], P0, Recipients(), id="nobody was meant"),
    ],
)
def test_a_target_comes_to_addresses(
    targets: list[str], severity: Severity, expected: Recipients
) -> None:
    """Channels unchanged, people by their contact methods; unreachable people are reported."""
    assert PEOPLE.reach(targets, severity, NOW) == expected


# --- over time


def test_a_step_pages_who_is_on_call_when_it_is_due() -> None:
    """Not who was at the opening: the hand-over is at nine."""
    play(
        world(
            Step(after=0, notify=("schedule:primary",)),
            Step(after=300, notify=("schedule:primary",), unless=ACKNOWLEDGED),
        ),
        """
        Mon 01-12 08:56  alert  page(sms/ana)
        Mon 01-12 08:58         page(voice/ana)
        Mon 01-12 09:01         page(voice/ana) page(voice/ben) ended
        Mon 01-12 09:16         unanswered page(sms/ana) page(voice/ana) page(voice/ben)
        Mon 01-12 18:00  over   page(sms/ana) page(voice/ana) page(voice/ben)
        """,
    )


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(
            """
            Mon 03-30 08:58  alert  page(voice/ben)
            Mon 03-30 09:03         page(sms/ana) ended
            Mon 03-30 09:05         page(voice/ana)
            Mon 03-30 09:08         page(voice/ana)
            """,
            id="after the clocks went forward",
        ),
        pytest.param(
            """
            Mon 10-26 08:58  alert  page(voice/ben)
            Mon 10-26 09:03         page(sms/ana) ended
            Mon 10-26 09:05         page(voice/ana)
            Mon 10-26 09:08         page(voice/ana)
            """,
            id="after the clocks went back",
        ),
    ],
)
def test_a_hand_over_is_by_the_clock_on_the_wall(script: str) -> None:
    """At nine in winter and in summer: the week of the change is an hour longer or shorter."""
    play(
        world(
            Step(after=0, notify=("schedule:primary",)),
            Step(after=300, notify=("schedule:primary",), unless=ACKNOWLEDGED),
        ),
        script,
    )


def test_an_escalation_over_the_hour_that_the_clocks_skip_keeps_its_length() -> None:
    """Half an hour after 00:45 it's 02:15."""
    play(
        world(Step(after=0, notify=("contact:ben",)), Step(after=1800, notify=("contact:ben",))),
        """
        Sun 03-29 00:45  alert  page(voice/ben)
        Sun 03-29 02:15         page(voice/ben) ended
        """,
    )


def test_nobody_on_call_falls_through_at_once_to_whom_there_is() -> None:
    """Step after step, also where a channel was notified; later steps keep their times."""
    play(
        world(
            Step(after=0, notify=("log", "schedule:office")),
            Step(after=300, notify=("schedule:silent",), unless=ACKNOWLEDGED),
            Step(after=900, notify=("role:cto",), unless=ACKNOWLEDGED),
            Step(after=3600, notify=("contact:ben",), unless=ACKNOWLEDGED),
        ),
        """
        Sat 01-10 20:00  alert  page(log) nobody(schedule:office) nobody(contact:mute) \
            page(mail/cto)
        Sat 01-10 20:01         page(sms/cto)
        Sat 01-10 21:00         page(voice/ben) ended
        """,
    )


def test_a_step_that_is_due_later_falls_through_as_well() -> None:
    """Somebody is on call at the opening, and nobody any more when the next step is due."""
    play(
        world(
            Step(after=0, notify=("contact:ben",)),
            Step(after=300, notify=("schedule:office",)),
            Step(after=7200, notify=("role:cto",)),
        ),
        """
        Sat 01-10 16:57  alert  page(voice/ben)
        Sat 01-10 17:02         nobody(schedule:office) page(mail/cto) ended
        Sat 01-10 17:03         page(sms/cto)
        """,
    )


def test_a_policy_that_reaches_nobody_says_so_to_its_end() -> None:
    """Every step, and that there's no other."""
    play(
        world(Step(after=0, notify=("schedule:empty",)), Step(after=300, notify=("role:quiet",))),
        "Sat 01-10 16:57  alert  nobody(schedule:empty) nobody(contact:mute) ended",
    )


def test_who_cannot_be_reached_beside_others_is_told_of_and_nothing_falls_through() -> None:
    play(
        world(Step(after=0, notify=("role:mixed",)), Step(after=300, notify=("log",))),
        """
        Sat 01-10 16:57  alert  nobody(contact:mute) page(sms/ana)
        Sat 01-10 16:59         page(voice/ana)
        Sat 01-10 17:02         page(voice/ana) page(log) ended
        """,
    )


def test_an_acknowledgement_ends_the_further_ways() -> None:
    """Ana has read the text, so she isn't called as well."""
    room = world(Step(after=0, notify=("contact:ana",)))
    play(
        room,
        """
        Mon 01-12 12:00  alert  page(sms/ana) ended
        Mon 01-12 12:01  ack    page(sms/ana)
        Mon 01-12 15:00  over   page(sms/ana)
        """,
    )
    assert room.timers == {}


def test_the_end_ends_them_too() -> None:
    room = world(Step(after=0, notify=("contact:ana",)))
    play(
        room,
        """
        Mon 01-12 12:00  alert  page(sms/ana) ended
        Mon 01-12 12:02         page(voice/ana)
        """,
    )
    assert room.command(Command.RESOLVE) is Reason.RESOLVED_BY_PERSON
    assert (room.timers, room.incident.reaching) == ({}, ())


def test_a_step_after_the_acknowledgement_tries_the_first_way_only() -> None:
    """It's for everybody's knowledge, and calls nobody up."""
    play(
        world(Step(after=0, notify=("log",)), Step(after=300, notify=("contact:ana",))),
        """
        Mon 01-12 12:00  alert  page(log)
        Mon 01-12 12:01  ack    page(log)
        Mon 01-12 12:05         page(sms/ana) ended
        Mon 01-12 13:05  over   page(log) page(sms/ana)
        """,
    )


def test_another_severity_starts_over_with_its_own_ways() -> None:
    """The remaining contact methods of the previous policy are cancelled."""
    room = World(
        settings(
            people=PEOPLE,
            policies=POLICIES
            | {"critical": Policy("critical", (Step(after=0, notify=("contact:ana",)),))}
            | {"high": Policy("high", (Step(after=0, notify=("contact:ben",)),))},
        )
    )
    play(
        room,
        """
        Mon 01-12 12:00  alert  page(sms/ana) ended
        Mon 01-12 12:01  P1     page(sms/ana) page(sms/ben) ended
        Mon 01-12 18:00  over   page(sms/ana) page(sms/ben)
        """,
    )


def test_a_claim_that_comes_late_or_twice_pages_nobody_twice() -> None:
    """The deadlines are in the incident: a stale timer finds nothing due, and sets the right one
    again.
    """
    room = world(Step(after=0, notify=("contact:ana",)))
    room.see(alert())
    (stale,) = room.due(NOW + 120)
    room.advance(120)
    assert room.outbox[1, "voice/ana"].seq == 1
    assert room.happen(stale) == [Reason.NEXT_METHOD]
    assert room.outbox[1, "voice/ana"].seq == 1
    assert room.timers == {(1, REACH): NOW + 300}


def test_the_timeline_says_which_way_was_tried() -> None:
    room = world(Step(after=0, notify=("contact:ana",)))
    room.see(alert())
    room.advance(120)
    assert [(entry.what, entry.data) for entry in room.timeline][-1] == (
        Reason.NEXT_METHOD,
        {"channels": ["voice/ana"]},
    )


def test_the_fallback_may_be_people() -> None:
    """The on-call person is notified over unused contact methods when a channel refuses a
    message.
    """
    room = world(
        Step(after=0, notify=("log", "contact:ana")), fallback=("contact:ana", "contact:ben")
    )
    room.see(alert())
    room.deliver("log", result=Rejected("gone"))
    assert room.outbox[1, "voice/ben"].reason is Reason.FALLBACK
    assert room.outbox[1, "sms/ana"].seq == 1


def test_the_fallback_for_the_end_of_an_incident_calls_nobody_up_later() -> None:
    """The fallback of the final message is notified once, and no timer is left."""
    room = world(Step(after=0, notify=("log",)), fallback=("contact:ana",))
    room.see(alert())
    room.deliver()
    room.command(Command.RESOLVE)
    room.deliver("log", result=Rejected("gone"))
    assert room.outbox[1, "sms/ana"].reason is Reason.FALLBACK
    assert (room.timers, room.incident.reaching) == ({}, ())


def test_an_override_pages_who_stands_in() -> None:
    """For its time, and not a minute longer."""
    start = 1_768_219_200.0
    covered = Schedule(
        "primary", "Europe/London", (WEEKLY,), (Override("cto", start, start + 60, "ben"),)
    )
    people = People(PEOPLE.contacts, schedules={"primary": covered})
    assert [people.people("schedule:primary", start + at) for at in (-1, 0, 59, 60)] == [
        ("ben",), ("cto",), ("cto",), ("ben",),
    ]  # fmt: skip


def test_recipients_are_found_once_for_a_turn() -> None:
    """After a handover, and for an earlier time, they're found again."""
    people = replace(PEOPLE, contacts={"ana": SMS, "ben": SMS}, roles={}, called={})
    targets, handover = ["schedule:primary"], 1_768_208_400.0 + 3600 * 24 * 7
    first = people.reach(targets, Severity.P0, handover - 7200.0)
    assert people.reach(tuple(targets), Severity.P0, handover - 1.0) is first
    assert people.reach(targets, Severity.P1, handover - 1.0) is not first
    assert [people.reach(targets, Severity.P0, at).now for at in (handover - 1, handover)] == [
        ("sms/ben",), ("sms/ana",),
    ]  # fmt: skip
    assert people.reach(targets, Severity.P0, handover - 7200.0) == first


def test_each_target_with_its_recipients() -> None:
    """A layer of a schedule, the contacts of a role; a channel has no duty."""
    people = People({"ana": (), "ben": ()}, {"cto": ("ben", "ana")}, {"primary": ROTA})
    on = people.people("schedule:primary", NOW)[0]
    targets = ("slack", "schedule:primary", "role:cto")
    assert read_duties(people.duties(targets, NOW)) == (
        Duty("schedule:primary", on, 1), Duty("role:cto", "ben"), Duty("role:cto", "ana"),
    )  # fmt: skip


def test_a_duty_is_recorded_with_the_active_override() -> None:
    on = People({}, {}, {"primary": ROTA}).people("schedule:primary", NOW)[0]
    override = Override("cto", NOW - 60, NOW + 60, on)
    covered = Schedule("primary", "Europe/London", (WEEKLY,), (override,))
    people = People({"ana": (), "ben": (), "cto": ()}, {}, {"primary": covered})
    duties = people.duties(("schedule:primary",), NOW)
    assert read_duties(duties) == (Duty("schedule:primary", "cto", 1, override),)
    assert read_duties(None) == ()
