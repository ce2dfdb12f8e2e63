"""Heartbeats: what has to come again and again, and is news only when it stays away.

The law: a heartbeat that hasn't come `every` + `grace` after the last time is missed, and one that
says so has failed; both are alerts like any other, of the source `heartbeat`, and over when it
comes again. A beat that fell into a time at which the router was down can't be told from one that
never came, so after a start each gets another chance to come: its `every`, if that's short, and all
of its grace.
"""

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from router.core.oncall.local_time import instant, wall
from router.core.rules.fingerprint import fingerprint
from router.core.rules.matcher import MatcherList, takes
from router.core.text.plain import utc
from router.core.text.units import duration
from router.model.alert import Alert, AlertStatus
from router.model.scalars import Duration, Internal, Key, TimeZone

SOURCE = "heartbeat"
"""The source of the alerts that are made here."""

AFTER_START = 900.0
"""The longest `every` that is waited for once more after a start, in seconds. Whatever comes less
often (a nightly backup) is worth a false alarm rather than another day of silence."""


DAY = 86_400.0


class Heartbeat(Struct, frozen=True):
    """A beat is expected every `every` seconds, at most `grace` seconds late.

    A firing alert that all `matchers` match is a beat; without matchers only a request to its URL
    is.

    `time_zone`: a period of whole days ends at the same local time, also after the clocks change.
    Without it `company_zone` is used, or the exact period if that ends later: the job may run by
    UTC.
    """

    name: Key
    every: Duration
    grace: Duration = Duration(60.0)
    matchers: MatcherList = field(name="match", default=())
    time_zone: TimeZone | None = None
    company_zone: Internal[str] = ""

    def hears(self, alert: Alert) -> bool:
        """Is the alert a beat? One that is over says that whatever sent it isn't sending it any
        more.
        """
        return (
            bool(self.matchers)
            and alert.status is AlertStatus.FIRING
            and takes(self.matchers, alert.labels)
        )


class HeartbeatState(StrEnum):
    WAITING = "waiting"
    """It has never come, and isn't due yet."""
    ALIVE = "alive"
    MISSED = "missed"
    FAILED = "failed"


ALERTS = {HeartbeatState.MISSED: "HeartbeatMissed", HeartbeatState.FAILED: "HeartbeatFailed"}
"""The label `alertname` of what a state is told as; the label `heartbeat` has the name."""


class Beats(Struct, frozen=True):
    """What is remembered of one heartbeat. Times are UTC seconds.

    since: when it was first expected, the way it is now. last: when it last came. failed: when it
    last said that something failed, if it hasn't come since. told: what the rules know of it.
    every, grace: as they were at `since`.
    zone, local: the clock by which whole days are counted, and whether it alone counts.
    """

    since: float
    every: float
    grace: float
    last: float | None = None
    failed: float | None = None
    told: HeartbeatState = HeartbeatState.WAITING
    zone: str = ""
    local: bool = False


def expected(heartbeat: Heartbeat, before: Beats | None, now: float) -> Beats:
    """What to remember of a heartbeat of the config in force: one that's new, or changed, is waited
    for afresh.
    """
    zone, local = heartbeat.time_zone or heartbeat.company_zone, heartbeat.time_zone is not None
    if before is None:
        return Beats(now, heartbeat.every, heartbeat.grace, zone=zone, local=local)
    if (before.every, before.grace) != (heartbeat.every, heartbeat.grace):
        before = replace(before, since=now, every=heartbeat.every, grace=heartbeat.grace)
    if (before.zone, before.local) != (zone, local):
        before = replace(before, zone=zone, local=local)
    return before


def beaten(beats: Beats, at: float, *, failed: bool) -> Beats:
    """After it came, or said that something failed."""
    return replace(beats, failed=at) if failed else replace(beats, last=at, failed=None)


def overdue_at(beats: Beats) -> float:
    """When it's too late for the next beat, if the router was there to hear it."""
    return _next(beats, max(beats.last or 0.0, beats.since)) + beats.grace


def _next(beats: Beats, last: float) -> float:
    """When the beat after `last` is expected."""
    exact = last + beats.every
    if beats.every % DAY or not beats.zone:
        return exact
    local = instant(wall(last, beats.zone) + timedelta(seconds=beats.every), beats.zone)
    return local if beats.local else max(local, exact)


def missed_at(beats: Beats, started: float) -> float:
    """When it counts as missed; `started` is when the router began to listen."""
    return max(overdue_at(beats), started + min(beats.every, AFTER_START) + beats.grace)


def state_of(beats: Beats, now: float, started: float) -> HeartbeatState:
    """How it is. A restart ends nothing: what was told as missed stays so until it comes."""
    if beats.failed is not None:
        return HeartbeatState.FAILED
    still = beats.told is HeartbeatState.MISSED and now >= overdue_at(beats)
    if still or now >= missed_at(beats, started):
        return HeartbeatState.MISSED
    return HeartbeatState.WAITING if beats.last is None else HeartbeatState.ALIVE


class Seen(Struct, frozen=True):
    """How a heartbeat is.

    `missed_at` is when it counts as missed if it doesn't come before, in UTC seconds.
    """

    heartbeat: Heartbeat
    beats: Beats
    state: HeartbeatState
    missed_at: float


def seen(heartbeat: Heartbeat, before: Beats | None, now: float, started: float) -> Seen:
    """How a heartbeat of the config is, by what is remembered of it."""
    beats = expected(heartbeat, before, now)
    return Seen(heartbeat, beats, state_of(beats, now, started), missed_at(beats, started))


def news(name: str, beats: Beats, state: HeartbeatState, now: float) -> list[Alert]:
    """The alerts by which the rules hear of `state`: the new one first, so that no incident ends
    between the two.
    """
    if beats.told is state:
        return []
    fires = [_fires(name, state, beats)] if state in ALERTS else []
    return fires + over(name, beats.told, now)


def over(name: str, told: HeartbeatState, now: float) -> list[Alert]:
    """The alert that ends what the rules were told, if it was one."""
    return (
        [_alert(name, told, AlertStatus.RESOLVED, now, {}, ends_at=now)] if told in ALERTS else []
    )


def _fires(name: str, state: HeartbeatState, beats: Beats) -> Alert:
    if state is HeartbeatState.FAILED:
        starts_at, summary = beats.failed or 0.0, f"{name} says that it failed"
    else:
        last = (
            f"it last came at {utc(beats.last)}" if beats.last is not None else "it has never come"
        )
        summary = (
            f"Heartbeat {name} stays away: {last}, and should come every {duration(beats.every)}"
        )
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


def heard(heartbeats: Iterable[Heartbeat], alerts: Iterable[Alert]) -> set[str]:
    """The names of the heartbeats that some of these alerts are a beat of."""
    listening = [heartbeat for heartbeat in heartbeats if heartbeat.matchers]
    if not listening:
        return set()
    return {heartbeat.name for alert in alerts for heartbeat in listening if heartbeat.hears(alert)}
