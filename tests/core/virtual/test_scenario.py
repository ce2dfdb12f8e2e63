"""Scenarios: events, their order and the results."""

from typing import Any

from router.core.virtual.scenario import (
    Failing,
    Reported,
    Scenario,
    ScenarioEvent,
    ScenarioResult,
    ScenarioState,
    play,
)
from router.model.alert import AlertStatus
from router.model.event import Command
from router.model.incident import Severity
from router.model.reason import Reason
from tests.world import NOW, alert, over, rule, settings

FIRES, CLEARS = Reported(alert()), Reported(over())


def played(
    *timeline: ScenarioEvent,
    config: Any = None,
    end: float = 3600.0,
    snapshots: tuple[float, ...] = (),
) -> ScenarioResult:
    shots = tuple(ScenarioState(after, ()) for after in snapshots)
    return play(Scenario("s", NOW, "UTC", timeline, snapshots=shots, end=end), config or settings())


def delivered(played: ScenarioResult) -> list[tuple[float, str, Reason]]:
    return [(delivery.at - NOW, delivery.address, delivery.reason) for delivery in played.delivered]


def decided(played: ScenarioResult, after: float) -> list[Reason]:
    return [reason for at, reason in played.reasons if at == after]


def test_an_alert_starts_when_it_is_first_reported() -> None:
    """So reporting it again is a repeat, and after it was over it's another firing."""
    came = played(
        *(
            ScenarioEvent(at, (one,))
            for at, one in ((0, FIRES), (60, FIRES), (120, CLEARS), (3000, FIRES))
        )
    )
    assert decided(came, 60) == [Reason.REPEATED]
    assert Reason.RESOLVED in decided(came, 120)
    assert decided(came, 3000)[0] is Reason.OPENED


def test_an_alert_with_times_of_its_own_keeps_them() -> None:
    """A webhook's body says when it began."""
    dated = Reported(alert(starts_at=NOW - 500), dated=True)
    came = played(ScenarioEvent(0, (dated,)), snapshots=(0,))
    assert came.incidents[0][0].opened_at == NOW


def test_occurrences_are_events_of_their_own() -> None:
    """Even at the same moment, and never a replay of an earlier one."""
    counting = settings(rule(count_over=300.0, thresholds={"P1": "> 4"}))
    came = played(
        *(ScenarioEvent(at, (Reported(alert(), times=3),)) for at in (0, 60)), config=counting
    )
    assert decided(came, 0) == [Reason.BELOW_THRESHOLD] * 3
    assert Reason.OPENED in decided(came, 60)


def test_deadlines_come_before_what_happens_at_that_time() -> None:
    """An acknowledgement in the very second of a step is too late for it."""
    came = played(
        ScenarioEvent(0, (FIRES,)), ScenarioEvent(300, command=Command.ACKNOWLEDGE, by="ana")
    )
    assert (300, "phone", Reason.STEP_DUE) in delivered(came)
    assert decided(came, 300).count(Reason.ACKNOWLEDGED) == 2


def test_a_person_means_the_newest_that_is_open() -> None:
    """Unless an incident is named, whether there's one or not."""
    web = Reported(alert("f2", service="web"))
    came = played(
        ScenarioEvent(0, (FIRES, web)),
        ScenarioEvent(10, command=Command.ACKNOWLEDGE, by="ana"),
        ScenarioEvent(20, command=Command.ACKNOWLEDGE, by="ben", incident=1),
        ScenarioEvent(30, command=Command.SEVERITY, by="ben", severity=Severity.P3),
        ScenarioEvent(40, command=Command.ACKNOWLEDGE, by="ben", incident=7),
        snapshots=(50,),
    )
    assert [(incident.acknowledged_by, incident.severity) for incident in came.incidents[50]] == [
        ("ben", Severity.P0),
        ("ana", Severity.P3),
    ]
    assert decided(came, 40) == [Reason.UNKNOWN_INCIDENT]


def test_a_channel_fails_until_it_works() -> None:
    """Refused messages go to the fallback; messages during an outage arrive late."""
    refused = played(ScenarioEvent(0, (FIRES,), fails={"pager": Failing.REFUSES}))
    assert (0, "mail", Reason.FALLBACK) in delivered(refused)
    down = played(
        ScenarioEvent(0, (FIRES,), fails={"slack": Failing.DOWN}),
        ScenarioEvent(10, works=("slack",)),
    )
    late = min(at for at, channel, _ in delivered(down) if channel == "slack")
    assert 10 < late < 30


def test_snapshots_are_taken_after_what_happens_then() -> None:
    """And the scenario goes on to its end, not only to its last happening."""
    came = played(ScenarioEvent(60, (FIRES,)), snapshots=(0, 60), end=7200.0)
    assert (came.incidents[0], len(came.incidents[60])) == ((), 1)
    assert (2760, "cto", Reason.UNANSWERED) in delivered(came)


def test_what_is_watched_is_what_is_written() -> None:
    """Before it is: the router still knows what was."""
    seen: list[tuple[int, int]] = []
    play(
        Scenario("s", NOW, "UTC", (ScenarioEvent(0, (FIRES,)),)),
        settings(),
        lambda router, changes: seen.append((len(router.memory.incidents), len(changes.incidents))),
    )
    assert seen[0] == (0, 1)
    assert CLEARS.alert.status is AlertStatus.RESOLVED
