"""Heartbeats: signals that are expected regularly. A missing signal opens an incident.

A heartbeat without a beat for `every` + `grace` is missed; if its job reports a failure, it has
failed. Both are alerts of the source `heartbeat`, which end with the next beat. Beats that were
sent while the router was down are lost, so after a start every heartbeat gets more time: its
`grace`, and also its `every` if that is short.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from router.core.oncall.local_time import instant, local_time
from router.core.rules.fingerprint import fingerprint
from router.core.rules.matcher import MatcherList, match_all
from router.core.text.plain import utc
from router.core.text.units import duration
from router.model.alert import Alert, AlertStatus
from router.model.scalars import Duration, Internal, Key, TimeZone

SOURCE = "heartbeat"
"""The source of these alerts."""

AFTER_START = 900.0
"""Maximum extra wait after a start, in seconds.

For rare beats, such as those of a nightly backup, a false alarm is better than another day without
an alert.
"""


DAY = 86_400.0


class Heartbeat(Struct, frozen=True):
    """A beat is expected every `every` seconds, at most `grace` seconds late.

    A firing alert that all `matchers` match is a beat; without matchers only a request to its URL
    is.

    `time_zone`: a period of whole days ends at the same local time, even if the clocks change.
    Without it, `company_zone` is used, or the exact period if that ends later, because the job may
    use UTC.
    """

    name: Key
    every: Duration
    grace: Duration = Duration(60.0)
    matchers: MatcherList = field(name="match", default=())
    time_zone: TimeZone | None = None
    company_zone: Internal[str] = ""

    def is_beat(self, alert: Alert) -> bool:
        """Check if the alert is a beat. A resolved alert isn't: its source no longer sends it."""
        return (
            bool(self.matchers)
            and alert.status is AlertStatus.FIRING
            and match_all(self.matchers, alert.labels)
        )


class HeartbeatState(StrEnum):
    WAITING = "waiting"
    """No beat so far, and none is due yet."""
    ALIVE = "alive"
    MISSED = "missed"
    FAILED = "failed"


ALERTS = {HeartbeatState.MISSED: "HeartbeatMissed", HeartbeatState.FAILED: "HeartbeatFailed"}
"""The label `alertname` of the alert for a state; the label `heartbeat` has the name."""


class Beats(Struct, frozen=True):
    """The stored record of one heartbeat. Times are UTC seconds.

    since: when it was first expected with this `every` and `grace`. last: the last beat. failed:
    the last report of a failure, None if a beat came since. reported: the state last sent to the
    rules. zone, local: the time zone for whole days, and whether the heartbeat sets it itself.
    """

    since: float
    every: float
    grace: float
    last: float | None = None
    failed: float | None = None
    reported: HeartbeatState = field(name="told", default=HeartbeatState.WAITING)
    zone: str = ""
    local: bool = False


def expected(heartbeat: Heartbeat, before: Beats | None, now: float) -> Beats:
    """The record of a configured heartbeat. If it's new or changed, its period starts now."""
    zone, local = heartbeat.time_zone or heartbeat.company_zone, heartbeat.time_zone is not None
    if before is None:
        return Beats(now, heartbeat.every, heartbeat.grace, zone=zone, local=local)
    if (before.every, before.grace) != (heartbeat.every, heartbeat.grace):
        before = replace(before, since=now, every=heartbeat.every, grace=heartbeat.grace)
    if (before.zone, before.local) != (zone, local):
        before = replace(before, zone=zone, local=local)
    return before


def with_beat(beats: Beats, at: float, *, failed: bool) -> Beats:
    """The record after a beat, or after a report of a failure."""
    return replace(beats, failed=at) if failed else replace(beats, last=at, failed=None)


def overdue_at(beats: Beats) -> float:
    """The time when the next beat is too late, if the router was running all the time."""
    return _next(beats, max(beats.last or 0.0, beats.since)) + beats.grace


def _next(beats: Beats, last: float) -> float:
    """The time when the beat after `last` is expected."""
    exact = last + beats.every
    if beats.every % DAY or not beats.zone:
        return exact
    local = instant(local_time(last, beats.zone) + timedelta(seconds=beats.every), beats.zone)
    return local if beats.local else max(local, exact)


def missed_at(beats: Beats, started: float) -> float:
    """The time when the heartbeat counts as missed; `started` is the start of the router."""
    return max(overdue_at(beats), started + min(beats.every, AFTER_START) + beats.grace)


def state_of(beats: Beats, now: float, started: float) -> HeartbeatState:
    """The state now. A missed heartbeat stays missed across restarts, until its next beat."""
    if beats.failed is not None:
        return HeartbeatState.FAILED
    still = beats.reported is HeartbeatState.MISSED and now >= overdue_at(beats)
    if still or now >= missed_at(beats, started):
        return HeartbeatState.MISSED
    return HeartbeatState.WAITING if beats.last is None else HeartbeatState.ALIVE


class HeartbeatStatus(Struct, frozen=True):
    """The state of a heartbeat. Without a beat before `missed_at` (UTC seconds) it is missed."""

    heartbeat: Heartbeat
    beats: Beats
    state: HeartbeatState
    missed_at: float


def status_of(
    heartbeat: Heartbeat, before: Beats | None, now: float, started: float
) -> HeartbeatStatus:
    """The status of a configured heartbeat, by its stored record."""
    beats = expected(heartbeat, before, now)
    return HeartbeatStatus(
        heartbeat, beats, state_of(beats, now, started), missed_at(beats, started)
    )


def reports(name: str, beats: Beats, state: HeartbeatState, now: float) -> list[Alert]:
    """The alerts that report `state`: the firing alert first, so that the incident stays open."""
    if beats.reported is state:
        return []
    fires = [_fires(name, state, beats)] if state in ALERTS else []
    return fires + ending(name, beats.reported, now)


def ending(name: str, state: HeartbeatState, now: float) -> list[Alert]:
    """The alert that ends the alert for `state`, if there is one."""
    if state not in ALERTS:
        return []
    return [_alert(name, state, AlertStatus.RESOLVED, now, {}, ends_at=now)]


def _fires(name: str, state: HeartbeatState, beats: Beats) -> Alert:
    if state is HeartbeatState.FAILED:
        starts_at, summary = beats.failed or 0.0, f"{name} failed"
    else:
        last = (
            f"the last beat was at {utc(beats.last)}"
            if beats.last is not None
            else "no beat so far"
        )
        summary = f"Heartbeat {name} is missed: {last}, expected every {duration(beats.every)}"
        starts_at = overdue_at(beats)
    return _alert(name, state, AlertStatus.FIRING, starts_at, {"summary": summary})


def _alert(  # noqa: PLR0913, PLR0917 - an alert's fields
    name: str,
    state: HeartbeatState,
    status: AlertStatus,
    starts_at: float,
    annotations: dict[str, str],
    ends_at: float | None = None,
) -> Alert:
    labels = {"alertname": ALERTS[state], "heartbeat": name}
    return Alert(SOURCE, fingerprint(labels), status, labels, annotations, starts_at, ends_at)


def beats_among(heartbeats: Sequence[Heartbeat], alerts: Iterable[Alert]) -> set[str]:
    """The names of the heartbeats that have a beat among the alerts."""
    return {
        heartbeat.name for alert in alerts for heartbeat in heartbeats if heartbeat.is_beat(alert)
    }
