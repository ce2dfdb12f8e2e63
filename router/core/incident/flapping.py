"""Flapping: the alerts of an incident clear and fire again too often.

Invariant: a flapping incident stays open until no alert has fired for `settle` seconds, and stops
flapping once its state hasn't changed for that long. Changes in between notify nobody, unless the
severity gets worse. A P0 never flaps, so that each change is reported. Tests of channels never flap
either.
"""

from router.core.incident.settings import Settings
from router.core.incident.transaction import Decision
from router.core.rules.rule import Flapping
from router.core.text.plain import utc
from router.core.text.units import duration
from router.model.incident import Incident, Severity
from router.model.reason import Reason

SETTLE = "settle"
"""The deadline at which a flapping incident stops flapping if its alerts still fire."""


def limits(incident: Incident, settings: Settings) -> Flapping:
    return settings.rules.named(incident.rule).flapping


def count(decision: Decision, at: float, settings: Settings) -> None:
    """Count a change of state. With too many changes the incident starts to flap."""
    incident = decision.incident
    limit = limits(incident, settings)
    if not limit.changes or incident.canary:
        return
    recent = [change for change in (*incident.changes, at) if change > at - limit.within]
    decision.change(changes=tuple(recent[-limit.changes :]))
    if (
        len(recent) >= limit.changes
        and incident.flapping_since is None
        and incident.severity is not Severity.P0
    ):
        _begin(decision, at, limit)
    watch(decision, settings)


def _begin(decision: Decision, at: float, limit: Flapping) -> None:
    decision.change(flapping_since=at)
    decision.note(
        at,
        Reason.FLAPPING,
        changes=limit.changes,
        within=duration(limit.within),
        settle=duration(limit.settle),
    )
    reported = {message.channel for message in decision.queued}  # that it opened or reopened
    notified = [address for address in decision.incident.notified if address not in reported]
    decision.queue(at, Reason.FLAPPING, notified)


def watch(decision: Decision, settings: Settings) -> None:
    """Set the deadline of a flapping incident, unless no alert fires: then it will resolve."""
    incident = decision.incident
    if incident.flapping_since is None:
        return
    if incident.firing:
        decision.set_timer(SETTLE, incident.changes[-1] + limits(incident, settings).settle)
    else:
        decision.timers_cleared.append(SETTLE)


def stays_open(incident: Incident, resolve_after: float, settings: Settings) -> float:
    """Return how long the incident stays open without a firing alert, in seconds."""
    if incident.flapping_since is None:
        return resolve_after
    return max(resolve_after, limits(incident, settings).settle)


def settle(decision: Decision, at: float, settings: Settings) -> None:
    """Handle the timer SETTLE: the alerts have fired steadily."""
    incident, limit = decision.incident, limits(decision.incident, settings)
    if at < incident.changes[-1] + limit.settle:
        watch(decision, settings)
        return
    decision.reason = Reason.SETTLED
    end(decision, at, f"its alerts have fired for {duration(limit.settle)}")
    decision.queue(at, Reason.SETTLED, incident.notified)


def end(decision: Decision, at: float, why: str) -> None:
    """End the flapping, if the incident flaps."""
    since = decision.incident.flapping_since
    if since is None:
        return
    decision.change(flapping_since=None)
    decision.timers = [timer for timer in decision.timers if timer.name != SETTLE]
    decision.timers_cleared.append(SETTLE)
    decision.note(at, Reason.SETTLED, since=utc(since), why=why)


def is_over(incident: Incident, due_at: float) -> bool:
    """Check if a deadline SETTLE is outdated: the incident settled, or changed since."""
    return incident.flapping_since is None or not incident.firing or due_at <= incident.changes[-1]
