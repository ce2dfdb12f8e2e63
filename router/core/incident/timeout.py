"""Alerts with a lifetime: they end at `ends_at` unless another report moves it.

Prometheus repeats each alert every minute, with an end some minutes ahead. The deadline
`ends/FINGERPRINT` isn't stored with an incident, and reports don't move it, so that they cost
nothing. If the end has moved when the deadline is due, the deadline is set again.
"""

from collections.abc import Iterable

from router.core.incident.dedup import SEEN_EVERY
from router.core.incident.settings import Settings
from router.core.incident.suppression import NO_INCIDENT
from router.model.alert import Alert, AlertStatus, Lifetime, RuleMatch
from router.model.decision import Timer
from router.model.event import TimerDue

_PREFIX = "ends/"

GRACE = 300.0
"""Seconds for sources to report again, after the router was down and couldn't receive reports."""

LATE = 30.0
"""If a deadline is later than this (seconds), the router was down and may have missed reports."""

MOVED = 0.25
"""A repeat is written only if it moves the end by this part of the lifetime, or by a minute."""


def end_of(alert: Alert, before: RuleMatch | None, *, repeat: bool = False) -> float | None:
    """The end of a firing alert as of this report; None if it has no lifetime.

    As in Alertmanager, an end that the source gave is not moved to an earlier time, but an end
    computed from a timeout is. `repeat`: the report repeats the previous one.
    """
    if not alert.lifetime or alert.ends_at is None:
        return None
    firing = before is not None and before.status is AlertStatus.FIRING
    known = before.ended_at if before is not None and firing else None
    if known is None or (alert.lifetime is Lifetime.END and not repeat):
        return alert.ends_at
    return max(known, alert.ends_at)


def has_moved(known: float | None, end: float | None, at: float) -> bool:
    """Check if a repeat moves the end far enough to be stored."""
    if known is None or end is None:
        return False
    return end - known >= min(SEEN_EVERY, MOVED * (end - at))


def end_timer(fingerprint: str, rule_matches: Iterable[RuleMatch]) -> Timer | None:
    """The deadline of the alert, if it is firing and has a lifetime."""
    end = latest_end(rule_matches)
    return None if end is None else Timer(NO_INCIDENT, f"{_PREFIX}{fingerprint}", end)


def latest_end(rule_matches: Iterable[RuleMatch]) -> float | None:
    """The end of a firing alert; None if it is not firing or has no lifetime."""
    ends = [match.ended_at for match in rule_matches if match.status is AlertStatus.FIRING]
    return max((end for end in ends if end is not None), default=None)


def is_end(name: str) -> bool:
    """Check if a deadline is the end of an alert."""
    return name.startswith(_PREFIX)


def ending(due: TimerDue) -> str:
    """The fingerprint of the alert that may have ended; "" for any other deadline."""
    if not is_end(due.name):
        return ""
    return due.name.removeprefix(_PREFIX)


def ends_at(end: float, due: TimerDue, settings: Settings) -> float:
    """The time at which the alert ends: later than `end` if the router may have missed reports."""
    missed = due.at + GRACE if due.at - due.due_at > LATE else 0.0
    resumed = settings.resumed_at + GRACE if settings.resumed_at else 0.0
    return max(end, missed, resumed)
