"""An incident and its alerts: opened, joined, made worse, cleared, reopened.

The law: alerts open an incident, hold it open and raise its severity. It closes when none has held
it open for a while. Only a person lowers the severity, unless the rule says that it follows its
alert.
"""

from msgspec import Struct
from msgspec.structs import replace

from router.core.deployments.suspect import began
from router.core.incident import flapping
from router.core.incident.escalation import Decision, edited, run_steps, start_clocks, tell
from router.core.incident.expiry import reported_again
from router.core.incident.fired import WARNINGS, Fired, facts_of, note_alert, warn
from router.core.incident.follow_up import call_off_postmortem
from router.core.incident.settings import Settings
from router.core.incident.suspects import name_suspect
from router.core.incident.transitions import (
    RESOLVE,
    close,
    inform_stakeholders,
    later,
    publish_by_rule,
    set_severity,
)
from router.core.oncall.recipients import Recipients
from router.core.rules.rule import Judgement
from router.core.text.template import render
from router.core.text.units import Threshold, duration
from router.model.alert import MARK
from router.model.incident import Incident, Measured, Status
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
"""Why an incident ended, by the reason of its last alert's end."""


# --- alerts that fire


def effect_of(incident: Incident | None, event: Fired, settings: Settings) -> Reason:
    """The effect of the alert on the incident, which is None if none has the key."""
    if incident is None or _is_over(incident, event, settings):
        return Reason.OPENED
    if not incident.is_open:
        return _held(incident, event) or Reason.REOPENED
    # An alert that was as severe when a person lowered the severity doesn't override them.
    if event.severity.worse_than(incident.severity) and (event.fresh or not event.counted):
        return Reason.SEVERITY_RAISED
    if not event.counted:
        return Reason.JOINED
    if _is_milder(incident, event):
        return Reason.SEVERITY_LOWERED
    return Reason.CHANGED if incident.stale_since is None else Reason.REPORTED_AGAIN


def fired(
    incident: Incident | None, event: Fired, settings: Settings, effect: Reason | None = None
) -> Decision:
    """Apply the alert's effect, if it is known as computed by `effect_of`."""
    effect = effect or effect_of(incident, event, settings)
    if incident is None or effect is Reason.OPENED:
        return _open(event, settings, incident)
    match effect:
        case Reason.HELD_FALSE_POSITIVE | Reason.HELD_RESOLVED:
            return Decision(effect)
        case Reason.REOPENED:
            return _reopen(incident, event, settings)
        case Reason.REPORTED_AGAIN:
            decision = reported_again(
                incident, event.at, event.alert.labels.get("alertname", ""), settings
            )
        case Reason.CHANGED | Reason.SEVERITY_LOWERED:
            decision = _change(incident, event, settings)
        case _:
            decision = (
                _change(incident, event, settings)
                if event.counted
                else _join(incident, event, settings)
            )
    if effect in {Reason.SEVERITY_RAISED, Reason.SEVERITY_LOWERED}:
        _change_severity(decision, decision.incident or incident, event, settings, effect)
    return decision


def _is_over(incident: Incident, event: Fired, settings: Settings) -> bool:
    """Check if the incident was closed too long ago to be the same one.

    A false positive is never reopened.
    """
    if incident.closed_at is None:
        return False
    if incident.status is Status.FALSE_POSITIVE:
        return event.fresh
    return event.at - incident.closed_at > settings.reopen_within


def _held(incident: Incident, event: Fired) -> Reason | None:
    """The reason not to reopen the incident: a person closed it during this firing."""
    if event.fresh or not incident.closed_by:
        return None
    return (
        Reason.HELD_FALSE_POSITIVE
        if incident.status is Status.FALSE_POSITIVE
        else Reason.HELD_RESOLVED
    )


def _is_milder(incident: Incident, event: Fired) -> bool:
    """Check if the severity follows its only alert down. A severity set by a person doesn't."""
    follows = (
        event.rule.severity_from is not None
        and event.rule.severity_from.follow
        and incident.firing == 1
        and incident.flapping_since is None
    )
    before = event.before.severity if event.before else None
    return follows and before is incident.severity and incident.severity.worse_than(event.severity)


def _open(event: Fired, settings: Settings, earlier: Incident | None) -> Decision:
    """Open an incident. It continues to count the changes of the earlier one with its key."""
    alert, rule = event.alert, event.rule
    incident = Incident(
        id=event.incident_id,
        key=event.key,
        rule=rule.name,
        source=alert.source,
        title=_title(event),
        severity=event.severity,
        status=Status.INVESTIGATING,
        opened_at=event.at,
        updated_at=event.at,
        policy_since=event.at,
        severity_since=event.at,
        news_at=event.at,
        drill=alert.is_drill,
        canary=bool(alert.to),
        labels=alert.labels,
        annotations=alert.annotations,
        url=alert.url,
        runbook=rule.runbook or alert.annotations.get("runbook_url", ""),
        component=rule.component,
        firing=1,
        alerts=1,
        onset=began(event.at, alert.starts_at),
        measured=worst(None, event.judgement, event.at),
        changes=earlier.changes if earlier else (),
    )
    decision = Decision(Reason.OPENED, incident)
    title = incident.title.removeprefix(MARK) if alert.is_drill else incident.title
    note_alert(decision, event, Reason.OPENED, settings, title=title)
    if event.judgement.reason in WARNINGS:
        warn(decision, event)
    if settings.deployments.recent:
        name_suspect(decision, event.at, settings)
    if alert.to:
        tell(decision, event.at, Reason.OPENED, Recipients(alert.to))
    run_steps(decision, event.at, Reason.OPENED, settings)
    _begin(decision, event.at, settings)
    flapping.count(decision, event.at, settings)
    return decision


def _title(event: Fired) -> str:
    alert, rule = event.alert, event.rule
    title = render(
        rule.summary,
        labels=alert.labels,
        annotations=alert.annotations,
        value=event.judgement.value,
        fallback=alert.annotations.get("summary") or alert.labels.get("alertname") or event.key,
    )
    return f"{MARK}{title}" if alert.is_drill else title


def _begin(decision: Decision, at: float, settings: Settings) -> None:
    """Start an incident that opens, for the first time or again."""
    start_clocks(decision, at, settings)
    inform_stakeholders(decision, at, settings)
    publish_by_rule(decision, at, settings)


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
        title=_title(event) if worse else incident.title,
        first_title=(incident.first_title or incident.title) if worse else incident.first_title,
        measured=worst(incident.measured if not worse else None, event.judgement, event.at),
    )
    decision = Decision(Reason.REOPENED, reopened)
    call_off_postmortem(decision)
    note_alert(decision, event, Reason.REOPENED, settings)
    if event.judgement.reason in WARNINGS:
        warn(decision, event)
    decision.queue(event.at, Reason.REOPENED, incident.notified)
    run_steps(decision, event.at, Reason.REOPENED, settings)
    _begin(decision, event.at, settings)
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
    if event.judgement.reason in WARNINGS:
        warn(decision, event)
    if incident.quiet_since is not None:
        decision.timers_cleared.append(RESOLVE)
        flapping.count(decision, event.at, settings)
    decision.queue(event.at, Reason.JOINED, edited(joined, settings))
    return decision


def _change(incident: Incident, event: Fired, settings: Settings) -> Decision:
    """Note a value that got worse within its tier, or that can't be read any more."""
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
            return decision  # the severity change reports it
        note_alert(decision, event, Reason.CHANGED, settings)
    else:
        return Decision(Reason.CHANGED)
    decision.queue(event.at, Reason.CHANGED, edited(incident, settings))
    return decision


def _change_severity(
    decision: Decision, incident: Incident, event: Fired, settings: Settings, reason: Reason
) -> None:
    """Start the policy of the alert's severity from now; an acknowledgement stays valid.

    The title shows the new value.
    """
    decision.reason = reason
    incident = later(
        incident,
        event.at,
        title=_title(event),
        first_title=incident.first_title or incident.title,
        measured=worst(incident.measured, event.judgement, event.at),
        stale_since=None,
    )
    set_severity(
        decision,
        incident,
        event.severity,
        event.at,
        settings,
        **facts_of(event.alert, event.judgement, event.severity, settings),
    )
    if event.counted:
        flapping.count(decision, event.at, settings)


def worst(known: Measured | None, judgement: Judgement, at: float) -> Measured | None:
    """The worst value: the known one, or the alert's current one."""
    threshold, value = judgement.threshold, judgement.value
    if threshold is None or value is None:
        return known
    if known is not None and not _is_past(threshold, value, known.value):
        return known
    return Measured(value, judgement.read or "", threshold.text, at)


def _is_past(threshold: Threshold, value: float, known: float) -> bool:
    if threshold.op[0] == "<":
        return value < known
    return value > known if threshold.op[0] == ">" else value != known


# --- alerts that leave


def cleared(incident: Incident, event: Cleared, settings: Settings) -> Decision:
    """Count the alert no more; after the last one the incident waits, and then closes."""
    if not incident.is_open and not incident.firing:
        return Decision(Reason.ALREADY_CLOSED)
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
    wait = flapping.stays_open(decision.changed, event.resolve_after, settings)
    if wait > event.resolve_after:
        why = f"it flaps, so it stays open for {duration(wait)}"
    if wait > 0:
        decision.change(quiet_since=at)
        decision.set_timer(RESOLVE, at + wait)
        decision.note(at, Reason.QUIET, resolve_after=wait, why=why)
        decision.queue(at, Reason.QUIET, edited(decision.changed, settings))
    else:
        decision.reason = Reason.RESOLVED
        close(decision, at, Status.RESOLVED, settings, why=why)


def _id(incident_id: int) -> str:
    return f"INC-{incident_id}" if incident_id else ""
