"""An alert as it came, and what is new about it."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from msgspec import json
from msgspec.structs import replace

from router.core.incident.suppression import SUPPRESSED
from router.model.alert import Alert, AlertStatus, RuleMatch
from router.model.incident import Severity


def digest(alert: Alert, revision: str) -> str:
    """A fingerprint of all that matters in an alert under these rules: equal for a mere repeat."""
    content = (
        revision, alert.status, alert.labels, alert.annotations, alert.starts_at, alert.url, alert.event_id,
    )  # fmt: skip
    return blake2b(json.encode(content), digest_size=8).hexdigest()


class SeenAlert(NamedTuple):
    """An alert as it came, its digest, and when it came last: `at`, unless it's looked at again by
    itself.
    """

    at: float
    alert: Alert
    mark: str
    seen: float


def dated(alert: Alert, rule_matches: Sequence[RuleMatch], at: float) -> Alert:
    """Give an alert without a start the start that is known of it, or else the time `at`."""
    if alert.starts_at:
        return alert
    known = [
        rule_match.starts_at
        for rule_match in rule_matches
        if rule_match.status is AlertStatus.FIRING
    ]
    return replace(alert, starts_at=max(known, default=at))


def is_repeat(rule_matches: Sequence[RuleMatch], mark: str) -> bool:
    return bool(rule_matches) and all(rule_match.digest == mark for rule_match in rule_matches)


def is_news(severity: Severity, before: RuleMatch | None) -> bool:
    """Has nobody had a say about it yet: is it bad now, or worse than it was, or was it kept quiet?"""
    if before is None or before.severity is None or before.reason in SUPPRESSED:
        return True
    return severity.worse_than(before.severity)


def begins(alert: Alert, before: RuleMatch | None) -> bool:
    """Does it start to fire, rather than go on? At a source of events each has a start of its own."""
    if before is None or before.status is AlertStatus.RESOLVED:
        return True
    return not alert.event_id and before.starts_at != alert.starts_at
