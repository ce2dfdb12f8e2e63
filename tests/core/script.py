"""Scripts about one incident: events and all their consequences. Anything extra fails.

A script is a list of steps. A step is an event and its decision: the reason, the timeline entries,
the recipients, the timers cleared and set (in seconds after the start), and whether the alerts are
released.
"""

from router.core.incident.decide import DeliveryFailed, IncidentEvent, decide
from router.core.incident.escalation import STEP
from router.core.incident.fired import Fired
from router.core.incident.lifecycle import Cleared
from router.core.incident.settings import Settings
from router.core.incident.transaction import Decision
from router.core.rules.rule import Rule, judge
from router.model.event import Command, Commanded, TimerDue
from router.model.incident import Incident, Severity
from router.model.reason import Reason
from tests.world import NOW, alert, rule, settings

P0, P1, P2, P3 = Severity
CONFIG = settings()
Script = list[tuple[IncidentEvent, str]]


def fires(
    at: float,
    severity: Severity = P1,
    taker: Rule | None = None,
    *,
    counted: bool = False,
    fresh: bool = True,
    incident_id: int = 1,
) -> Fired:
    seen, taker = alert(value="20%"), taker or rule()
    return Fired(
        NOW + at,
        seen,
        taker,
        judge(taker, seen),
        severity,
        taker.key(seen),
        counted,
        fresh,
        incident_id,
    )


def clears(at: float, after: float = 0.0) -> Cleared:
    return Cleared(NOW + at, "f1", Reason.CLEARED, after)


def says(at: float, command: Command, severity: Severity | None = None) -> Commanded:
    return Commanded(NOW + at, 1, "ana", command, "because", severity)


def acks(at: float) -> Commanded:
    return says(at, Command.ACKNOWLEDGE)


def resolves(at: float) -> Commanded:
    return says(at, Command.RESOLVE)


def due(at: float, name: str = STEP, due_at: float | None = None) -> TimerDue:
    return TimerDue(NOW + at, 1, name, NOW + (at if due_at is None else due_at))


def fails(at: float, channel: str, reason: Reason = Reason.OPENED) -> DeliveryFailed:
    return DeliveryFailed(NOW + at, channel, reason)


def lines(decision: Decision | Reason) -> str:
    """A decision in the script's notation. Owing a channel twice is owing it once."""
    if isinstance(decision, Reason):
        return decision.value
    queued: dict[Reason, dict[str, None]] = {}
    for each in decision.queued:
        queued.setdefault(each.reason, {})[each.channel] = None
    return " | ".join(
        [
            decision.reason.value,
            *(f"note {entry.what}" + " by ana" * (entry.by == "ana") for entry in decision.entries),
            *(f"queue {reason} to {' '.join(channels)}" for reason, channels in queued.items()),
            *(f"clear {name}" for name in decision.timers_cleared),
            *(f"timer {timer.name} {timer.due_at - NOW:g}" for timer in decision.timers),
            *["detach"] * decision.detached,
        ]
    )


def play(script: Script, config: Settings = CONFIG, incident: Incident | None = None) -> Incident:
    """The incident in the end, if all that must follow did, at each step."""
    for event, expected in script:
        decision = decide(incident, event, config)
        assert lines(decision) == expected, event
        if isinstance(decision, Decision):
            stamps = [noted.at for noted in (*decision.entries, *decision.queued)]
            assert set(stamps) <= {event.at}
            incident = decision.incident
    assert incident is not None
    return incident


def after(*events: IncidentEvent, config: Settings = CONFIG) -> Incident:
    """An incident to which these have happened."""
    incident = None
    for event in events:
        decision = decide(incident, event, config)
        incident = incident if isinstance(decision, Reason) else decision.incident
    assert incident is not None
    return incident
