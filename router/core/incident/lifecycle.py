"""An incident and its alerts: opened, joined, made worse, cleared, reopened.

Invariant: alerts open an incident, keep it open and raise its severity. It closes when no alert has
kept it open for a while. Only a person lowers the severity, unless the rule says that it follows
its alert.
"""

from msgspec import Struct
from msgspec.structs import replace

from router.core.incident import flapping
from router.core.incident.escalation import edited
from router.core.incident.expiry import reported_again
from router.core.incident.fired import (
    WARNINGS,
    Fired,
    begin,
    effect_of,
    facts_of,
    note_alert,
    open_incident,
    title_of,
    warn,
    worst,
)
from router.core.incident.follow_up import call_off_postmortem
from router.core.incident.settings import Settings
from router.core.incident.transaction import Decision
from router.core.incident.transitions import (
    RESOLVE,
    close,
    later,
    set_severity,
)
from router.core.text.units import duration
from router.model.incident import Incident, Status
from router.model.reason import Reason


class Cleared(Struct, frozen=True):
    """A counted alert leaves the incident for `reason`, and is now part of the incident `to`."""

    at: float
    fingerprint: str
    reason: Reason
    resolve_after: float
    alert: str = ""
    value: str | None = None
    to: int = 0


_ENDED = {
    Reason.CLEARED: "all alerts stayed clear",
    Reason.BELOW_THRESHOLD: "no alert is above its threshold",
    Reason.RULES_CHANGED: "no alert belongs here under the changed rules",
    Reason.STALE: "the alert is stale: it is no longer reported",
    Reason.TIMED_OUT: "the alert timed out: no report extended it",
}
"""Why an incident ended, by the reason why its last alert left."""


# --- alerts that fire


def fired(
    incident: Incident | None, event: Fired, settings: Settings, effect: Reason | None = None
) -> Decision | Reason:
    """Apply the alert's effect. If `effect_of` has already computed it, pass it."""
    effect = effect or effect_of(incident, event, settings)
    if incident is None or effect is Reason.OPENED:
        return open_incident(event, settings, incident)
    match effect:
        case Reason.HELD_FALSE_POSITIVE | Reason.HELD_RESOLVED:
            return effect
        case Reason.REOPENED:
            return _reopen(incident, event, settings)
        case Reason.REPORTED_AGAIN:
            alert = event.alert.labels.get("alertname", "")
            return reported_again(incident, event.at, alert, settings)
    decided = (
        _change(incident, event, settings) if event.counted else _join(incident, event, settings)
    )
    if effect not in {Reason.SEVERITY_RAISED, Reason.SEVERITY_LOWERED}:
        return decided
    decision = Decision(effect, incident) if isinstance(decided, Reason) else decided
    _change_severity(decision, event, settings, effect)
    return decision


def _reopen(incident: Incident, event: Fired, settings: Settings) -> Decision:
    worse = event.severity.worse_than(incident.severity)
    reopened = replace(
        incident,
        severity=event.severity if worse else incident.severity,
        severity_since=event.at,
        spent=0.0 if worse else incident.spent,
        repeats=0,
        news_at=event.at,
        status=Status.INVESTIGATING,
        updated_at=event.at,
        policy_since=event.at,
        step=0,
        firing=incident.firing + (not event.counted),
        alerts=incident.alerts + (not event.counted),
        quiet_since=None,
        merged_into=0,
        acknowledged_at=None,
        acknowledged_by="",
        closed_at=None,
        closed_by="",
        announced_at=None,
        reopened=incident.reopened + 1,
        title=title_of(event) if worse else incident.title,
        first_title=(incident.first_title or incident.title) if worse else incident.first_title,
        measured=worst(incident.measured if not worse else None, event.judgement, event.at),
    )
    decision = Decision(Reason.REOPENED, reopened)
    call_off_postmortem(decision)
    note_alert(decision, event, Reason.REOPENED, settings)
    decision.queue(event.at, Reason.REOPENED, incident.notified)
    begin(decision, event, settings)
    flapping.count(decision, event.at, settings)
    return decision


def _join(incident: Incident, event: Fired, settings: Settings) -> Decision:
    joined = later(
        incident,
        event.at,
        firing=incident.firing + 1,
        alerts=incident.alerts + 1,
        quiet_since=None,
        stale_since=None,
        measured=worst(incident.measured, event.judgement, event.at),
    )
    decision = Decision(Reason.JOINED, joined)
    note_alert(decision, event, Reason.JOINED, settings)
    if incident.quiet_since is not None:
        decision.timers_cleared.append(RESOLVE)
        flapping.count(decision, event.at, settings)
    decision.queue(event.at, Reason.JOINED, edited(joined, settings))
    return decision


def _change(incident: Incident, event: Fired, settings: Settings) -> Decision | Reason:
    """Note that a value got worse at the same severity, or can't be read any more."""
    judgement, known = event.judgement, incident.measured
    threshold, value = judgement.threshold, judgement.value
    if (
        value is None
        and event.before
        and event.before.value is not None
        and judgement.reason in WARNINGS
    ):
        decision = Decision(Reason.CHANGED, later(incident, event.at))
        warn(decision, event)
    elif value is not None and threshold and known and threshold.is_worse(value, known.value):
        decision = Decision(
            Reason.CHANGED,
            later(incident, event.at, measured=worst(known, event.judgement, event.at)),
        )
        if event.severity.worse_than(incident.severity) and event.fresh:
            return decision  # the change of severity has notified people
        note_alert(decision, event, Reason.CHANGED, settings)
    else:
        return Reason.CHANGED
    decision.queue(event.at, Reason.CHANGED, edited(incident, settings))
    return decision


def _change_severity(decision: Decision, event: Fired, settings: Settings, reason: Reason) -> None:
    """Start the policy of the alert's severity from now; an acknowledgement stays valid.

    The title shows the new value.
    """
    decision.reason, incident = reason, decision.incident
    decision.incident = later(
        incident,
        event.at,
        title=title_of(event),
        first_title=incident.first_title or incident.title,
        measured=worst(incident.measured, event.judgement, event.at),
        stale_since=None,
    )
    set_severity(
        decision,
        event.severity,
        event.at,
        settings,
        **facts_of(event.alert, event.judgement, event.severity, settings),
    )
    if event.counted:
        flapping.count(decision, event.at, settings)


# --- alerts that leave


def cleared(incident: Incident, event: Cleared, settings: Settings) -> Decision | Reason:
    """Stop counting the alert. After the last one the incident waits, then closes."""
    if not incident.is_open and not incident.firing:
        return Reason.ALREADY_CLOSED
    at, firing = event.at, max(0, incident.firing - 1)
    decision = Decision(event.reason, later(incident, at, firing=firing))
    decision.note(
        at,
        event.reason,
        fingerprint=event.fingerprint,
        reason=event.reason,
        firing=firing,
        **{
            k: v
            for k, v in (("alert", event.alert), ("value", event.value), ("to", _id(event.to)))
            if v
        },
    )
    if firing or not incident.is_open:  # a person may have closed it while the alert fired
        decision.queue(at, event.reason, edited(incident, settings))
    elif event.to:
        decision.reason = Reason.MERGED
        decision.change(merged_into=event.to)
        close(decision, at, Status.MERGED, settings, into=_id(event.to))
    else:
        flapping.count(decision, at, settings)
        _go_quiet(decision, event, settings)
    return decision


def _go_quiet(decision: Decision, event: Cleared, settings: Settings) -> None:
    """The last alert left: the incident waits for another, or closes."""
    at, why = event.at, _ENDED.get(event.reason)
    wait = flapping.stays_open(decision.incident, event.resolve_after, settings)
    if wait > event.resolve_after:
        why = f"it flaps, so it stays open for {duration(wait)}"
    if wait > 0:
        decision.change(quiet_since=at)
        decision.set_timer(RESOLVE, at + wait)
        decision.note(at, Reason.QUIET, resolve_after=wait, why=why)
        decision.queue(at, Reason.QUIET, edited(decision.incident, settings))
    else:
        decision.reason = Reason.RESOLVED
        close(decision, at, Status.RESOLVED, settings, why=why)


def _id(incident_id: int) -> str:
    return f"INC-{incident_id}" if incident_id else ""
