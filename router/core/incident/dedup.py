"""Dedup: tells what is new in a report of an alert.

A report is a repeat, a change of the same firing, or a new firing. Reports arrive late and twice,
because of retries, a second Alertmanager, or a restart that changes `startsAt`.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from router.core.incident.suppression import SUPPRESSED
from router.core.rules.rule import Judgement, Rule
from router.model.alert import Alert, AlertStatus, RuleMatch
from router.model.incident import Severity
from router.model.reason import Reason

SEEN_EVERY = 60.0
"""Seconds after the stored `last_seen` during which a repeat isn't written."""

LATE_FOR = 600.0
"""Seconds in which a firing may arrive after its own resolve.

Alertmanager retries for a group interval, 5 minutes.
"""

MORE_OFTEN = 2.0
"""The factor by which a count must grow to count as worse."""


def dated(alert: Alert, rule_matches: Sequence[RuleMatch], at: float) -> Alert:
    """Set the start of an alert without one: its known start, or else `at`."""
    known = [
        rule_match.starts_at
        for rule_match in rule_matches
        if rule_match.status is AlertStatus.FIRING
    ]
    return replace(alert, starts_at=max(known, default=at))


def begins(alert: Alert, before: RuleMatch | None, at: float) -> bool:
    """Check if this report begins a new firing.

    Each report of a source of events has its own start.
    """
    if before is None or before.status is AlertStatus.RESOLVED:
        return True
    if alert.event_id or alert.starts_at == before.starts_at:
        return False
    # If the alert was already firing at the new start, the firing is the same, with a new start.
    # But a person's report always begins a new one.
    moved = alert.starts_at <= at and alert.starts_at < before.last_seen + SEEN_EVERY
    return bool(alert.by) or not moved


def is_late_resolve(alert: Alert, before: RuleMatch) -> bool:
    """Check if the resolve belongs to an earlier firing than the current one."""
    firing = before.status is AlertStatus.FIRING
    return firing and alert.ends_at is not None and alert.ends_at < before.starts_at


def is_late_firing(alert: Alert, before: RuleMatch, at: float) -> bool:
    """Check if this is the first report of a firing, received after its resolve."""
    if before.reason is not Reason.NEVER_FIRED or before.ended_at is None:
        return False
    return alert.starts_at <= before.ended_at and at - before.last_seen <= LATE_FOR


def is_news(severity: Severity, before: RuleMatch | None) -> bool:
    """Check if the alert needs a decision: it's severe, more severe, or was muted."""
    if before is None or before.severity is None or before.reason in SUPPRESSED:
        return True
    return severity.worse_than(before.severity)


def got_worse(rule: Rule, judgement: Judgement, before: RuleMatch) -> bool:
    """Check if the value is considerably worse than before."""
    value, then = judgement.value, before.value
    if value is None or then is None or judgement.threshold is None:
        return False
    if rule.count_over is not None:
        return value >= MORE_OFTEN * then
    return judgement.threshold.is_worse(value, then)
