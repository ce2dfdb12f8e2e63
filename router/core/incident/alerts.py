"""Reports of alerts: they open, join, worsen or leave incidents, or do nothing.

Invariant: an alert that fires and is severe enough keeps one incident open for each rule that
matches it, unless it's muted or a person closed that incident during this firing. Such an alert
without an incident is evaluated again with its next report.
"""

from collections.abc import Sequence
from operator import attrgetter

from msgspec.structs import replace

from router.core.incident.alert_end import end, leave, leave_others
from router.core.incident.dedup import (
    SEEN_EVERY,
    begins,
    dated,
    got_worse,
    is_late_firing,
    is_late_resolve,
    is_news,
)
from router.core.incident.expiry import stale_timer
from router.core.incident.fired import Fired, effect_of, open_incident
from router.core.incident.join import join
from router.core.incident.lifecycle import fired
from router.core.incident.mute import mute_of
from router.core.incident.read_plan import SeenAlert, is_repeat
from router.core.incident.suppression import SUPPRESSED, Suppression, recheck
from router.core.incident.timeout import end_of, end_timer, has_moved
from router.core.incident.transaction import Transaction
from router.core.rules.rule import Rule, judge
from router.model.alert import Alert, AlertStatus, RuleMatch
from router.model.decision import Entry
from router.model.incident import Incident, Status
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having

MAX_WINDOW = 10_000
"""Maximum occurrences in a sliding window. The config can't have a higher threshold."""

_NOTIFIES = having(Trait.SUPPRESSIBLE)
"""The effects of an alert on an incident that a silence or an inhibition prevents."""

_HELD = having(Trait.HELD)


def see(tx: Transaction, report: SeenAlert) -> Reason:
    """Process a report. Returns the first rule's reason."""
    at, alert, mark, _, rules, _ = report
    rule_matches = tx.view.rule_matches.get(alert.fingerprint, [])
    if is_repeat(rule_matches, mark):
        _touch(tx, at, alert, rule_matches)
        return Reason.REPEATED
    if not alert.starts_at:
        alert = dated(alert, rule_matches, at)
        report = report._replace(alert=alert)
    may_join = not rule_matches and len(rules) == 1 and alert.status is AlertStatus.FIRING
    if may_join and (incident := tx.current(rules[0][1])) and join(tx, report, incident):
        return Reason.JOINED
    # A fixed order, so that the timeline doesn't depend on the store's order.
    rule_matches = sorted(rule_matches, key=attrgetter("rule"))
    if alert.status is AlertStatus.RESOLVED:
        return _resolved(tx, report, rule_matches)
    if any(is_late_firing(alert, rule_match, at) for rule_match in rule_matches):
        return Reason.LATE_FIRING
    before = {rule_match.rule: rule_match for rule_match in rule_matches}
    reasons = [_match(tx, report, rule, key, before.get(rule.name)) for rule, key in rules]
    if before and not alert.event_id:
        names = {rule.name for rule, _ in rules}
        if not before.keys() <= names:
            leave_others(tx, at, alert, names, rule_matches)
    if alert.lifetime:
        matches = tx.view.rule_matches.get(alert.fingerprint, ())
        if timer := end_timer(alert.fingerprint, matches):
            tx.set_timer(timer)
    return reasons[0]


def _touch(tx: Transaction, at: float, alert: Alert, rule_matches: list[RuleMatch]) -> None:
    """Store when the alert was last seen, but not for every report."""
    for position, rule_match in enumerate(rule_matches):
        gap, end = at - rule_match.last_seen, rule_match.ended_at
        if rule_match.status is AlertStatus.FIRING:
            end = end_of(alert, rule_match, repeat=True)
        if gap < SEEN_EVERY and not has_moved(rule_match.ended_at, end, at):
            continue
        tx.changes.seen.append((rule_match.fingerprint, rule_match.rule, at, end))
        longest = (
            max(rule_match.longest_gap, gap)
            if rule_match.status is AlertStatus.FIRING
            else rule_match.longest_gap
        )
        rule_matches[position] = touched = replace(
            rule_match, last_seen=at, ended_at=end, longest_gap=longest
        )
        if rule_match.counted and not rule_match.longest_gap and rule_match.incident_id:
            rule = tx.settings.rules.named(touched.rule)  # the first observed repeat
            if (due_at := tx.settings.stale_at(rule, alert, touched)) is not None:
                tx.set_timer(stale_timer(rule_match.incident_id, due_at))


def _resolved(tx: Transaction, report: SeenAlert, rule_matches: Sequence[RuleMatch]) -> Reason:
    at, alert, mark, _, rules, _ = report
    if not rule_matches:
        if alert.ends_at is not None and not alert.event_id:
            _remember_resolve(tx, report, rules[0][0])
        return Reason.NEVER_FIRED
    reason = Reason.LATE_RESOLVE
    for rule_match in rule_matches:
        if is_late_resolve(alert, rule_match):
            continue
        reason = Reason.CLEARED
        over = replace(rule_match, digest=mark, starts_at=alert.starts_at, last_seen=at)
        end(tx, at, over, alert, reason)
    return reason


def _remember_resolve(tx: Transaction, report: SeenAlert, rule: Rule) -> None:
    """Remember the resolve: if its firing arrives late, it must not open an incident for good."""
    at, alert, mark, *_ = report
    over = RuleMatch(
        alert.fingerprint,
        rule.name,
        mark,
        AlertStatus.RESOLVED,
        Reason.NEVER_FIRED,
        alert.starts_at,
        at,
        ended_at=alert.ends_at,
    )
    tx.remember(over, alert)


def _match(
    tx: Transaction, report: SeenAlert, rule: Rule, key: str, before: RuleMatch | None
) -> Reason:
    """Decide on a firing alert by one rule."""
    at, alert, mark, seen, *_ = report
    counted = before if before is not None and before.counted else None
    start = before is None or begins(alert, before, at)
    count = 0
    if rule.count_over is not None:
        occurred = start or (bool(alert.event_id) and seen == at)
        count = _count(tx, at, key, rule.count_over, occurred=occurred)
    judgement = judge(rule, alert, count, counted.severity if counted else None)
    rule_match = RuleMatch(
        alert.fingerprint,
        rule.name,
        mark,
        AlertStatus.FIRING,
        judgement.reason,
        alert.starts_at,
        seen,
        severity=judgement.severity,
        value=judgement.value,
        ended_at=end_of(alert, before) if alert.lifetime else None,
    )
    if before is not None:
        rule_match = _continued(rule_match, report, before, start=start)
    if judgement.severity is None:
        if counted:
            leave(tx, at, counted, alert, judgement.reason, judgement=judgement)
        tx.remember(rule_match, alert)
        return judgement.reason
    marked = _false_positive(tx, counted) if counted else None
    worse = marked is not None and counted is not None and got_worse(rule, judgement, counted)
    fresh = start or worse or before is None or is_news(judgement.severity, before)
    incident = tx.current(key) if marked is None or fresh else marked
    joined = counted is not None and incident is not None and counted.incident_id == incident.id
    number, severity = tx.view.next_incident_id, judgement.severity
    event = Fired(at, alert, rule, judgement, severity, key, joined, fresh, number, before)
    return _apply(tx, report, event, rule_match, incident)


def _apply(
    tx: Transaction,
    report: SeenAlert,
    event: Fired,
    rule_match: RuleMatch,
    incident: Incident | None,
) -> Reason:
    """Open an incident, or change the one with the key, unless the alert is muted."""
    at, alert, before, settings = event.at, event.alert, event.before, tx.settings
    counted = before if before is not None and before.counted else None
    effect = effect_of(incident, event, settings)
    may_be_muted = settings.silences or report.inhibitions
    if may_be_muted and effect in _NOTIFIES and (mute := _mute(tx, report, incident)):
        _hold(tx, report, rule_match, mute, incident, before if event.counted else None, before)
        if counted and not event.counted:
            leave(tx, at, counted, alert, Reason.RULES_CHANGED)
        return mute.reason
    if incident is None or effect is Reason.OPENED:
        incident_id = event.incident_id
        reason = tx.follow(open_incident(event, settings, incident))
    else:
        incident_id = incident.id
        reason = tx.follow(fired(incident, event, settings, effect))
    if reason in _HELD:
        value = counted.value if counted else rule_match.value
        kept = counted.incident_id if counted else None
        held = replace(rule_match, digest="", reason=reason, incident_id=kept, value=value)
        tx.remember(held, alert)
        return reason
    rule_match = replace(rule_match, incident_id=incident_id, reason=reason)
    tx.remember(rule_match, alert)
    if counted and counted.incident_id != incident_id:
        leave(tx, at, counted, alert, Reason.MOVED, to=incident_id)
    known = counted and counted.incident_id == incident_id and counted.reason is not Reason.STALE
    due_at = None if known else settings.stale_at(event.rule, alert, rule_match)
    if due_at is not None:
        tx.set_timer(stale_timer(incident_id, due_at))
    return reason


def _continued(
    rule_match: RuleMatch, report: SeenAlert, before: RuleMatch, *, start: bool
) -> RuleMatch:
    """The match with the stored data of the firing, unless the report starts a new firing."""
    alert, gap, starts_at = report.alert, before.longest_gap, rule_match.starts_at
    if not start:
        gap = max(gap, report.seen - before.last_seen)
        starts_at = starts_at if alert.event_id else min(before.starts_at, starts_at)
    return replace(rule_match, starts_at=starts_at, longest_gap=gap)


def _count(tx: Transaction, at: float, key: str, over: float, *, occurred: bool) -> int:
    """The number of matches in the last `over` seconds, including this one if it `occurred`."""
    times = tuple(time for time in tx.view.windows.get(key, ()) if time > at - over)
    if occurred:
        times = (*times, at)[-MAX_WINDOW:]
        tx.view.windows[key] = tx.changes.windows[key] = times
    return len(times)


def _false_positive(tx: Transaction, counted: RuleMatch) -> Incident | None:
    """The incident that a person marked as a false positive during this firing."""
    incident = tx.view.incidents.get(counted.incident_id or 0)
    return incident if incident and incident.status is Status.FALSE_POSITIVE else None


def _mute(tx: Transaction, report: SeenAlert, incident: Incident | None) -> Suppression | None:
    """The mute of the alert. Its own incident, or the one it would open, doesn't mute it."""
    alert = report.alert
    own = {match.incident_id for match in tx.view.rule_matches.get(alert.fingerprint, ())}
    if incident:
        own.add(incident.id)
    return mute_of(tx, alert, report.at, own, report.inhibitions)


def _hold(  # noqa: PLR0913, PLR0917 - each is a different fact about one muted alert
    tx: Transaction,
    report: SeenAlert,
    rule_match: RuleMatch,
    mute: Suppression,
    incident: Incident | None,
    joined: RuleMatch | None,
    before: RuleMatch | None,
) -> None:
    """Record the mute. The alert is evaluated again with each report, and when the mute may end."""
    at, alert, *_ = report
    tx.set_timer(recheck(alert.fingerprint, rule_match.rule, mute.until))
    if incident and incident.is_open and not (before and before.reason in SUPPRESSED):
        # Note it on the timeline of the incident that it would have joined or made worse.
        data = {
            "alert": alert.labels.get("alertname", ""),
            "fingerprint": alert.fingerprint,
            "name": mute.by,
        }
        tx.changes.entries.append(
            Entry(incident.id, at, mute.reason, f"source:{alert.source}", data)
        )
    if joined:
        rule_match = replace(
            rule_match, incident_id=joined.incident_id, severity=joined.severity, value=joined.value
        )
    tx.remember(replace(rule_match, digest="", reason=mute.reason), alert)
