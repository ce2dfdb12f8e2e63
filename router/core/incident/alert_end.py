"""The ways in which an alert leaves its incident: resolved, moved, stale, or past its lifetime."""

from collections.abc import Iterable
from operator import attrgetter

from msgspec.structs import replace

from router.core.incident.decide import happen
from router.core.incident.expiry import Expired, stale_timer
from router.core.incident.lifecycle import Cleared
from router.core.incident.timeout import ends_at, latest_end
from router.core.incident.transaction import Transaction
from router.core.rules.rule import Judgement
from router.model.alert import Alert, AlertStatus, RuleMatch
from router.model.decision import Timer
from router.model.event import TimerDue
from router.model.reason import Reason


def end(tx: Transaction, at: float, rule_match: RuleMatch, alert: Alert, reason: Reason) -> None:
    """The resolved alert leaves its incident."""
    if rule_match.counted:
        leave(tx, at, rule_match, alert, reason)
    ended = replace(
        rule_match,
        status=AlertStatus.RESOLVED,
        reason=reason,
        ended_at=alert.ends_at,
        value=None,
    )
    tx.remember(ended, alert)


def leave(  # noqa: PLR0913 - each is a different fact about one alert that leaves
    tx: Transaction,
    at: float,
    rule_match: RuleMatch,
    alert: Alert,
    reason: Reason,
    *,
    to: int = 0,
    judgement: Judgement | None = None,
) -> None:
    assert rule_match.incident_id is not None, "only a counted alert leaves"
    resolve_after = tx.settings.rules.named(rule_match.rule).resolve_after
    name, value = alert.labels.get("alertname", ""), judgement.read if judgement else None
    happen(
        tx,
        rule_match.incident_id,
        Cleared(at, rule_match.fingerprint, reason, resolve_after, name, value, to),
    )


def leave_others(
    tx: Transaction,
    at: float,
    alert: Alert,
    matching_rules: set[str],
    rule_matches: Iterable[RuleMatch],
) -> None:
    """Remove the alert from incidents of rules that no longer match it.

    They no longer match because the rules or its labels have changed. This doesn't apply to sources
    of events, such as Sentry: an occurrence in staging, which other rules match, doesn't end an
    incident in production.
    """
    had = {rule_match.incident_id for rule_match in rule_matches}
    now = (
        match.incident_id
        for match in tx.view.rule_matches.get(alert.fingerprint, ())
        if match.counted and match.rule in matching_rules
    )
    to = next((incident_id for incident_id in now if incident_id and incident_id not in had), 0)
    for rule_match in rule_matches:
        if rule_match.rule in matching_rules:
            continue
        if rule_match.counted:
            leave(tx, at, rule_match, alert, Reason.MOVED if to else Reason.RULES_CHANGED, to=to)
        tx.forget(rule_match)


def expire(tx: Transaction, at: float, incident_id: int) -> Reason:
    """The deadline of an incident's alerts is due: mark those without a report as stale."""
    incident = tx.view.incidents.get(incident_id)
    if incident is None or not incident.is_open:
        return Reason.TIMER_OUTDATED
    stale: list[tuple[RuleMatch, Alert, bool]] = []
    waiting: list[float] = []
    unlimited = False
    for _, (rule_match, alert) in sorted(tx.firing(incident_id).items()):
        rule = tx.settings.rules.named(rule_match.rule)
        due_at = tx.settings.stale_at(rule, alert, rule_match)
        if due_at is None:
            unlimited = True
        elif due_at > at:
            waiting.append(due_at)
        else:
            stale.append((rule_match, alert, rule.resolve_stale))
    if waiting:
        tx.set_timer(stale_timer(incident_id, min(waiting)))
    news = [expired for expired in stale if expired[0].reason is not Reason.STALE]
    for rule_match, alert, ends in news:
        if ends:
            _end_stale(tx, at, rule_match, alert)
    asked = [(rule_match, alert) for rule_match, alert, ends in news if not ends]
    for rule_match, alert in asked:
        all_stale = not waiting and not unlimited and rule_match is asked[-1][0]
        name = alert.labels.get("alertname", "")
        happen(tx, incident_id, Expired(at, name, rule_match.last_seen, all_stale))
        tx.remember(replace(rule_match, digest="", reason=Reason.STALE), alert)
    return Reason.STALE if news else Reason.TIMER_OUTDATED


def _end_stale(tx: Transaction, at: float, rule_match: RuleMatch, alert: Alert) -> None:
    leave(tx, at, rule_match, alert, Reason.STALE)
    tx.remember(replace(rule_match, digest="", reason=Reason.STALE, incident_id=None), alert)


def time_out(tx: Transaction, due: TimerDue, fingerprint: str) -> Reason:
    """Handle the deadline of an alert's end: end it, unless a report has moved the end."""
    rule_matches = tx.view.rule_matches.get(fingerprint, [])
    over_at = latest_end(rule_matches)
    if over_at is None:
        return Reason.TIMER_OUTDATED
    if (later := ends_at(over_at, due, tx.settings)) > due.at:
        tx.set_timer(Timer(due.incident_id, due.name, later))
        return Reason.TIMER_OUTDATED
    for rule_match in sorted(rule_matches, key=attrgetter("rule")):
        if rule_match.status is AlertStatus.FIRING:
            over = replace(tx.alert_of(rule_match), status=AlertStatus.RESOLVED, ends_at=over_at)
            end(tx, due.at, replace(rule_match, digest=""), over, Reason.TIMED_OUT)
    return Reason.TIMED_OUT
