"""The life of one incident, as scripts. Each event has exactly the effects that stand beside it."""

import pytest
from msgspec.structs import replace

from router.core.incident.decide import IncidentEvent, decide
from router.core.incident.transitions import RESOLVE
from router.model.event import Command, Resent
from router.model.incident import Status
from router.model.reason import Reason
from tests.core.script import (
    CONFIG,
    P0,
    P1,
    P2,
    Script,
    acks,
    after,
    clears,
    due,
    fails,
    fires,
    lines,
    play,
    resolves,
    says,
)
from tests.world import NOW

CLOCKS = "clear promote | clear respond | clear remind"
LESS = f"{CLOCKS} | clear step"
CLOSES = f"clear resolve | clear step | {CLOCKS}"
OPENS_P0 = (fires(0, P0), "opened | note opened | queue opened to slack pager | timer step 300")
OPENS_P1 = (fires(0), "opened | note opened | queue opened to slack | timer step 1800")
OPENS_P2 = (
    fires(0, P2),
    "opened | note opened | note steps_ended | queue opened to slack | clear step",
)
ACKED_P1 = (acks(60), "acknowledged | note acknowledged by ana | queue acknowledged to slack")
JOINS = (fires(30), "joined | note joined | queue joined to slack")
QUIETS = (
    clears(100, after=300),
    "cleared | note cleared | note quiet | queue quiet to slack | timer resolve 400",
)
OPENS = "opened | note opened | queue opened to slack"
WORSE = (
    f"severity_raised | note severity_raised | queue severity_raised to slack pager | {CLOCKS} | "
    f"timer step 400"
)
RAISES = (
    "severity_raised | note joined | note severity_raised | queue joined to slack | queue "
    "severity_raised"
)
REOPENS = "reopened | note reopened | queue reopened to slack | timer step 1900"
CLEARS = (
    clears(50),
    f"resolved | note cleared | note resolved | queue resolved to slack | {CLOSES}",
)
ENDS_QUIET = f"resolved | note resolved | queue resolved to slack | {CLOSES}"
RESOLVED_BY_ANA = (
    resolves(60),
    (
        f"resolved_by_person | note resolved_by_person by ana | queue resolved_by_person to "
        f"slack | {CLOSES} | detach"
    ),
)
FALSE_POSITIVE = (
    says(60, Command.FALSE_POSITIVE),
    (
        f"false_positive | note false_positive by ana | queue false_positive to slack | {CLOSES} "
        f"| detach"
    ),
)

SCRIPTS: dict[str, Script] = {
    "nobody answers: every step is taken, and then the end of them is on record": [
        OPENS_P0,
        (due(300), "step_due | note step_due | queue step_due to phone | timer step 1800"),
        (
            due(1800),
            "step_due | note step_due | note steps_ended | queue step_due to cto | timer step 2700",
        ),
        (
            due(2700),
            "unanswered | note unanswered | queue unanswered to slack pager phone cto mail",
        ),
    ],
    "somebody answers when all steps are taken: that nobody did isn't said": [
        OPENS_P1,
        (
            due(1800),
            (
                "step_due | note step_due | note steps_ended | queue step_due to pager | timer "
                "step 2700"
            ),
        ),
        (acks(2000), "acknowledged | note acknowledged by ana | queue acknowledged to slack pager"),
        (due(2700), "timer_outdated"),
    ],
    "a late timer takes all the steps that are due by then": [
        OPENS_P0,
        (
            due(9000, due_at=300),
            (
                "step_due | note step_due | note step_due | note steps_ended | queue step_due to "
                "phone cto | timer step 9900"
            ),
        ),
    ],
    "somebody answers: steps for the unanswered are skipped, others aren't": [
        OPENS_P0,
        (acks(60), "acknowledged | note acknowledged by ana | queue acknowledged to slack pager"),
        (due(300), "step_due | note step_skipped | timer step 1800"),
        (
            due(1800),
            "step_due | note step_due | note steps_ended | queue step_due to cto | clear step",
        ),
    ],
    "a policy of one step ends as it begins": [OPENS_P2],
    "the second to acknowledge is too late, and nobody is told": [
        OPENS_P1,
        ACKED_P1,
        (acks(70), "already_done | note already_done by ana"),
    ],
    "others join, and clear; the last to clear resolves it": [
        OPENS_P1,
        JOINS,
        (clears(40), "cleared | note cleared | queue cleared to slack"),
        CLEARS,
    ],
    "a change in a counted alert is nothing to the incident": [
        OPENS_P1,
        (fires(30, counted=True), "changed"),
    ],
    "quiet: it's resolved after a time without alerts": [
        OPENS_P1,
        QUIETS,
        (due(400, RESOLVE), ENDS_QUIET),
    ],
    "an alert in the quiet time holds it open": [
        OPENS_P1,
        QUIETS,
        (fires(200), "joined | note joined | queue joined to slack | clear resolve"),
        (due(400, RESOLVE), "timer_outdated"),
    ],
    "a timer of an earlier quiet time closes nothing": [
        OPENS_P1,
        QUIETS,
        (fires(400), "joined | note joined | queue joined to slack | clear resolve"),
        (
            clears(401, after=300),
            "cleared | note cleared | note quiet | queue quiet to slack | timer resolve 701",
        ),
        (due(402, RESOLVE, due_at=400), "timer_outdated"),
        (due(701, RESOLVE), ENDS_QUIET),
    ],
    "steps go on in the quiet time": [
        OPENS_P1,
        (
            clears(100, after=7200),
            "cleared | note cleared | note quiet | queue quiet to slack | timer resolve 7300",
        ),
        (
            due(1800),
            (
                "step_due | note step_due | note steps_ended | queue step_due to pager | timer "
                "step 2700"
            ),
        ),
    ],
    "a worse alert raises the severity, and its policy starts from there": [
        OPENS_P1,
        (fires(100, P0), f"{RAISES} to slack pager | {CLOCKS} | timer step 400"),
        (due(400), "step_due | note step_due | queue step_due to phone | timer step 1900"),
    ],
    "so does a counted alert that gets worse": [OPENS_P1, (fires(100, P0, counted=True), WORSE)],
    "a lesser alert lowers nothing": [
        OPENS_P0,
        (fires(100, P2, counted=True), "changed"),
        (fires(101, P2), "joined | note joined | queue joined to slack"),
    ],
    "the answer stands when the severity rises": [
        OPENS_P1,
        ACKED_P1,
        (fires(100, P0, counted=True), WORSE),
        (due(400), "step_due | note step_skipped | timer step 1900"),
    ],
    "a timer of the policy before is outdated": [
        OPENS_P1,
        (
            says(1900, Command.SEVERITY, P0),
            (
                f"severity_set | note severity_set by ana | queue severity_set to slack pager | "
                f"{CLOCKS} | timer step 2200"
            ),
        ),
        (due(1901, due_at=1800), "timer_outdated"),
    ],
    "a person lowers the severity, to a policy that has less to do": [
        OPENS_P0,
        (
            says(60, Command.SEVERITY, P2),
            (
                f"severity_set | note severity_set by ana | note steps_ended | queue "
                f"severity_set to slack pager | {LESS}"
            ),
        ),
        (fires(70, P0, counted=True, fresh=False), "changed"),
        (fires(80, P1), f"{RAISES} to slack pager | {CLOCKS} | timer step 1880"),
    ],
    "an alert from another incident brings its severity along": [
        OPENS_P2,
        (fires(80, P1, fresh=False), f"{RAISES} to slack | {CLOCKS} | timer step 1880"),
    ],
    "the severity it has already is done already": [
        OPENS_P1,
        (says(60, Command.SEVERITY, P1), "already_done | note already_done by ana"),
    ],
    "a note goes to those whose message is edited": [
        OPENS_P0,
        (says(60, Command.NOTE), "noted | note noted by ana | queue noted to slack"),
    ],
    "a note can be added when it's over": [
        OPENS_P1,
        RESOLVED_BY_ANA,
        (says(90, Command.NOTE), "noted | note noted by ana | queue noted to slack"),
    ],
    "resolved by itself, it reopens within the window": [OPENS_P1, CLEARS, (fires(100), REOPENS)],
    "resolved by itself, there's nobody whose answer would hold anything back": [
        OPENS_P1,
        CLEARS,
        (fires(100, fresh=False), REOPENS),
    ],
    "reopened, the policy starts over, though it had ended": [
        OPENS_P1,
        (
            due(1800),
            (
                "step_due | note step_due | note steps_ended | queue step_due to pager | timer "
                "step 2700"
            ),
        ),
        (
            clears(1900),
            f"resolved | note cleared | note resolved | queue resolved to slack pager | {CLOSES}",
        ),
        (fires(2000), "reopened | note reopened | queue reopened to slack pager | timer step 3800"),
    ],
    "it reopens at the very end of the window": [
        OPENS_P1,
        CLEARS,
        (fires(650), "reopened | note reopened | queue reopened to slack | timer step 2450"),
    ],
    "after the window it's another incident": [
        OPENS_P1,
        CLEARS,
        (fires(651, incident_id=2), f"{OPENS} | timer step 2451"),
    ],
    "reopened, it needs an answer again": [
        OPENS_P1,
        ACKED_P1,
        CLEARS,
        (fires(100), REOPENS),
        (
            due(1900),
            (
                "step_due | note step_due | note steps_ended | queue step_due to pager | timer "
                "step 2800"
            ),
        ),
    ],
    "somebody resolved it: the same firing is held back, a new one reopens it": [
        OPENS_P1,
        RESOLVED_BY_ANA,
        (fires(70, fresh=False), "held_resolved"),
        (fires(100), REOPENS),
    ],
    "what still fires after the window is another incident": [
        OPENS_P1,
        RESOLVED_BY_ANA,
        (fires(661, fresh=False, incident_id=2), f"{OPENS} | timer step 2461"),
    ],
    "a false positive holds back the same firing for good": [
        OPENS_P1,
        FALSE_POSITIVE,
        (fires(70, fresh=False), "held_false_positive"),
        (fires(99_999, fresh=False), "held_false_positive"),
    ],
    "a false positive is never reopened": [
        OPENS_P1,
        FALSE_POSITIVE,
        (fires(100, incident_id=2), f"{OPENS} | timer step 1900"),
    ],
    "a channel that fails: the fallback is told, once": [
        OPENS_P1,
        (fails(120, "slack"), "fallback | note fallback | queue fallback to mail"),
        (fails(130, "slack"), "delivery_failed"),
        (fails(140, "mail"), "delivery_failed"),
        (acks(150), "acknowledged | note acknowledged by ana | queue acknowledged to slack mail"),
    ],
    "a page of a later step that fails: the fallback is told again": [
        OPENS_P1,
        (fails(120, "slack"), "fallback | note fallback | queue fallback to mail"),
        (fails(2000, "sms", Reason.STEP_DUE), "fallback | note fallback | queue fallback to mail"),
        (fails(2010, "mail", Reason.FALLBACK), "delivery_failed"),
    ],
    "a policy without a fallback has nobody else to tell": [
        OPENS_P2,
        (fails(120, "slack"), "delivery_failed"),
    ],
    "a message is sent again on demand, even when it's over": [
        OPENS_P1,
        (
            Resent(NOW + 30, 1, "slack", "ana"),
            "resent | note resent by ana | queue resent to slack",
        ),
        RESOLVED_BY_ANA,
        (
            Resent(NOW + 90, 1, "slack", "ana"),
            "resent | note resent by ana | queue resent to slack",
        ),
    ],
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_script(script: Script) -> None:
    """Each event has exactly the effects that stand beside it."""
    play(script)


CLOSED = {
    Status.RESOLVED: after(fires(0), resolves(60)),
    Status.FALSE_POSITIVE: after(fires(0), says(60, Command.FALSE_POSITIVE)),
}
TOO_LATE = {
    "timer_outdated": [due(90), due(90, RESOLVE)],
}


@pytest.mark.parametrize("status", CLOSED)
@pytest.mark.parametrize(
    ("reason", "event"), [(r, event) for r, events in TOO_LATE.items() for event in events]
)
def test_what_comes_too_late_changes_nothing(
    status: Status, reason: str, event: IncidentEvent
) -> None:
    """The reason says so, and the incident doesn't change."""
    assert play([(event, reason)], incident=CLOSED[status]) == CLOSED[status]


AFTERWARDS = {Command.NOTE, Command.PUBLISH, Command.ANNOUNCE, Command.REOPEN, Command.LINK}


@pytest.mark.parametrize("status", CLOSED)
def test_an_alert_that_ends_after_a_person_closed_its_incident(status: Status) -> None:
    """The incident counts it until then, so that people see that it still fires; it's over once."""
    assert CLOSED[status].firing == 1
    ended = play(
        [(clears(90), "cleared | note cleared | queue cleared to slack")], incident=CLOSED[status]
    )
    assert (ended.firing, ended.status) == (0, status)
    assert lines(decide(ended, clears(91), CONFIG)) == "already_closed"


@pytest.mark.parametrize("status", CLOSED)
@pytest.mark.parametrize("command", [c for c in Command if c not in AFTERWARDS])
def test_a_person_who_comes_too_late_is_on_record(status: Status, command: Command) -> None:
    """Nothing else changes, and nobody is notified."""
    late = play(
        [(says(90, command, P0), "already_closed | note already_closed by ana")],
        incident=CLOSED[status],
    )
    assert replace(late, updated_at=CLOSED[status].updated_at) == CLOSED[status]


@pytest.mark.parametrize(
    "event", [clears(0), acks(0), due(0), fails(0, "slack"), Resent(NOW, 1, "slack", "ana")]
)
def test_nothing_but_an_alert_opens_an_incident(event: IncidentEvent) -> None:
    assert lines(decide(None, event, CONFIG)) == "unknown_incident"
